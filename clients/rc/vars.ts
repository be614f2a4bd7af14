/**
 * Vars: rc's variables, lists of strings, with the scopes of functions, `for` and `x=y cmd`.
 * Scoping is dynamic: the innermost local of a name is the variable. Invariant: values are never
 * changed in place, so a copy of Vars shares them; every name whose exported value may have changed
 * since the last drain() is in `dirty`.
 */

/** A variable as long as its scope lasts. */
export interface Local {
  readonly name: string;
  value: readonly string[];
  readonly outer: Local | undefined;
}

const NONE: readonly string[] = [];
/** Variables that belong to one shell and are not passed on. */
const PRIVATE = new Set(["*", "0", "status", "pid", "apid"]);

export class Vars {
  private globals: Map<string, readonly string[]>;
  private local: Local | undefined;
  private dirty = new Set<string>();

  constructor(globals: ReadonlyMap<string, readonly string[]>) {
    this.globals = new Map(globals);
  }

  get(name: string): readonly string[] {
    for (let l = this.local; l; l = l.outer) if (l.name === name) return l.value;
    return this.globals.get(name) ?? NONE;
  }

  set(name: string, value: readonly string[]): void {
    this.dirty.add(name);
    for (let l = this.local; l; l = l.outer) {
      if (l.name === name) {
        l.value = value;
        return;
      }
    }
    this.globals.set(name, value);
  }

  /** Those that have a value, or had one; some twice. */
  names(): string[] {
    const names = [...this.globals.keys()];
    for (let l = this.local; l; l = l.outer) names.push(l.name);
    return names;
  }

  /** Begins a local; ends at the restore() of a mark taken before. */
  push(name: string, value: readonly string[]): Local {
    this.local = { name, value, outer: this.local };
    this.dirty.add(name);
    return this.local;
  }

  /** Another value for a local that has not ended. */
  change(local: Local, value: readonly string[]): void {
    local.value = value;
    this.dirty.add(local.name);
  }

  mark(): unknown {
    return this.local;
  }

  restore(mark: unknown): void {
    while (this.local !== mark && this.local) {
      this.dirty.add(this.local.name);
      this.local = this.local.outer;
    }
  }

  /** The state of this moment, for another process. */
  copy(): Vars {
    const copy = new Vars(this.globals);
    const locals: Local[] = [];
    for (let l = this.local; l; l = l.outer) locals.push(l);
    for (const { name, value } of locals.toReversed()) copy.local = { name, value, outer: copy.local };
    copy.dirty = new Set(this.dirty);
    return copy;
  }

  /** Calls export_ with each variable that changed; an empty list is no variable to others. */
  drain(export_: (name: string, value: readonly string[] | undefined) => void): void {
    for (const name of this.dirty) {
      if (PRIVATE.has(name) || !exportable(name)) continue;
      const value = this.get(name);
      export_(name, value.length > 0 ? value : undefined);
    }
    this.dirty.clear();
  }
}

/** /env is a directory: not every string is a name in it. */
export function exportable(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/** Is it set anew by every rc, whatever the environment says? */
export function isPrivate(name: string): boolean {
  return PRIVATE.has(name);
}
