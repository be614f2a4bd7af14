/**
 * Egrp: environment variables that processes share or copy (devenv.c). A value is a list of strings
 * as rc has it and a file's bytes as /env has it: each string ends with a NUL, but a single one that
 * is not empty stands alone. Invariants: a variable's path is its identity for good, in all groups
 * that come from one; version and the variable's vers differ after each change; names are legal file
 * names; at most MAXENV bytes.
 */
import { Ebadname, Ebadoffset, Efull, encode, Enonexist, isName, NineError } from "../proto/index.ts";

/** Bytes of names and values of one group. */
const MAXENV = 16 << 20;

/** One variable. */
export interface Evalue {
  readonly name: string;
  /** qid.path */
  readonly path: number;
  vers: number;
  /** Either is made of the other when it is wanted. */
  list: readonly string[] | undefined;
  data: Uint8Array | undefined;
  size: number;
}

export class Egrp {
  /** Distinct for each group of a kernel. */
  readonly id: number;
  /** Changes whenever a variable comes or goes. */
  version = 0;
  private readonly vars = new Map<string, Evalue>();
  private readonly numbers: { last: number };
  private bytes = 0;
  private refs = 1;

  /** numbers: what ids and paths are taken from, which groups of one kernel share. */
  constructor(vars: Iterable<readonly [string, readonly string[]]> = [], numbers: { last: number } = { last: 0 }) {
    this.numbers = numbers;
    this.id = ++numbers.last;
    for (const [name, value] of vars) this.set(name, value);
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs === 0) this.vars.clear();
  }

  /** RFENVG */
  copy(): Egrp {
    const e = this.clean();
    for (const v of this.vars.values()) e.put({ ...v, path: ++this.numbers.last });
    return e;
  }

  /** RFCENVG */
  clean(): Egrp {
    return new Egrp([], this.numbers);
  }

  get(name: string): readonly string[] | undefined {
    const v = this.vars.get(name);
    return v && (v.list ??= listOf(v.data ?? new Uint8Array(0)));
  }

  /** A variable as /env has it. Its data is never changed in place. */
  lookup(name: string): Evalue | undefined {
    return this.vars.get(name);
  }

  bytesOf(v: Evalue): Uint8Array {
    return (v.data ??= bytesOf(v.list ?? []));
  }

  set(name: string, list: readonly string[]): void {
    this.change(name, list, undefined, list.reduce((n, s) => n + 2 * s.length + 1, 0));
  }

  write(name: string, data: Uint8Array): Evalue {
    return this.change(name, undefined, data, data.length);
  }

  /** Changes bytes of a value from one on, as write(2) does a file's; with `length`, it then has that many. */
  writeAt(v: Evalue, at: number, data: Uint8Array, length?: number): void {
    if (this.vars.get(v.name) !== v) throw new NineError(Enonexist);
    const old = this.bytesOf(v);
    const size = length ?? Math.max(old.length, at + data.length);
    if (size > MAXENV) throw new NineError(at > MAXENV ? Ebadoffset : `${Efull}: environment above ${MAXENV} bytes`);
    const all = new Uint8Array(size);
    all.set(old.subarray(0, size));
    all.set(data, at);
    this.write(v.name, all);
  }

  delete(name: string): void {
    const v = this.vars.get(name);
    if (!v) return;
    this.vars.delete(name);
    this.bytes -= v.size + name.length;
    this.version++;
  }

  values(): Iterable<Evalue> {
    return this.vars.values();
  }

  /** All variables as lists, of this moment. */
  lists(): Map<string, readonly string[]> {
    return new Map([...this.vars.keys()].map((name) => [name, this.get(name) ?? []]));
  }

  private change(name: string, list: readonly string[] | undefined, data: Uint8Array | undefined, size: number): Evalue {
    const old = this.vars.get(name);
    if (this.bytes + size - (old?.size ?? -name.length) > MAXENV) throw new NineError(`${Efull}: environment above ${MAXENV} bytes`);
    if (!old) {
      if (!isName(name)) throw new NineError(Ebadname);
      const v = { name, path: ++this.numbers.last, vers: 0, list, data, size };
      this.put(v);
      return v;
    }
    this.bytes += size - old.size;
    old.vers++;
    old.list = list;
    old.data = data;
    old.size = size;
    return old;
  }

  private put(v: Evalue): void {
    this.vars.set(v.name, v);
    this.bytes += v.size + v.name.length;
    this.version++;
  }
}

function bytesOf(list: readonly string[]): Uint8Array {
  return encode(list.length === 1 && list[0] !== "" ? (list[0] ?? "") : list.map((s) => `${s}\0`).join(""));
}

function listOf(data: Uint8Array): readonly string[] {
  const words = new TextDecoder().decode(data).split("\0");
  if (words.at(-1) === "") words.pop();
  return words;
}
