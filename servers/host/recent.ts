/**
 * Recent: a Map that forgets. Invariant: of the entries set last at least `most` are there, and never
 * more than twice as many; what is forgotten goes all at once, so that no call takes long. Used by
 * ident.ts and tree.ts for what is remembered of files without an end.
 */
export class Recent<K, V> {
  private readonly most: number;
  private young = new Map<K, V>();
  private old = new Map<K, V>();

  constructor(most: number) {
    this.most = most;
  }

  get empty(): boolean {
    return this.young.size === 0 && this.old.size === 0;
  }

  get(key: K): V | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  set(key: K, value: V): void {
    this.young.set(key, value);
    if (this.young.size < this.most) return;
    this.old = this.young;
    this.young = new Map();
  }

  delete(key: K): void {
    this.young.delete(key);
    this.old.delete(key);
  }
}
