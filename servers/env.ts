/**
 * env: the environment as files, env(3): a variable is a file whose bytes are its value, the elements
 * of a list each with a NUL behind. Each process sees its own group's, whatever became of the group
 * since it attached; an open file stays with the group it was opened in (devenv.c). Files are 0666 and
 * anybody may remove them, as there. Invariant: a variable's qid is its identity: one that was removed
 * and made anew is another file. Used as '#e'.
 */
import {
  type DirNode, Eexist, encode, Enonexist, Eperm, type FileNode, type Node, NineError, OAPPEND, type OpenFile, OTRUNC, QTFILE, type Server,
} from "../proto/index.ts";
import { alive, callerPid, type Procs, rootQid } from "./caller.ts";

/** A variable. */
export interface EnvVar {
  readonly name: string;
  readonly path: number;
  readonly vers: number;
}

/** An environment group. V is a variable of it. */
export interface Env<V extends EnvVar> {
  readonly id: number;
  readonly version: number;
  lookup(name: string): V | undefined;
  values(): Iterable<V>;
  bytesOf(v: V): Uint8Array;
  write(name: string, data: Uint8Array): V;
  writeAt(v: V, at: number, data: Uint8Array, length?: number): void;
  delete(name: string): void;
  incref(): unknown;
  decref(): void;
}

/** What env needs of a process: the group it is in at the moment. */
export interface EnvProc<V extends EnvVar> {
  readonly env: Env<V>;
  readonly user: string;
}

const NONE = encode("");

/** The environment of whoever attaches, by his pid. */
export function env<V extends EnvVar>(kernel: Procs<EnvProc<V>>): Server {
  return { name: "env", attach: (_call, aname) => rootOf(kernel, callerPid(kernel, aname)) };
}

function rootOf<V extends EnvVar>(kernel: Procs<EnvProc<V>>, pid: number): DirNode {
  const group = (): Env<V> => alive(kernel.proc(pid)).env;
  const owner = (): string => alive(kernel.proc(pid)).user;
  const files = new WeakMap<V, FileNode>();
  const file = (v: V): FileNode => {
    let f = files.get(v);
    if (!f) files.set(v, (f = variable(v, group, owner)));
    return f;
  };
  return {
    qid: () => rootQid(kernel.proc(pid)?.env.version),
    stat: () => ({ mode: (0x80000000 | 0o775) >>> 0, uid: owner() }),
    version: () => `${group().id}.${group().version}`,
    walk(name) {
      const v = group().lookup(name);
      return v && file(v);
    },
    list: () => Array.from(group().values(), (v): [string, Node] => [v.name, file(v)]),
    create(name, mode, openMode) {
      if (openMode === undefined || mode >= 0x80000000) throw new NineError(`${Eperm}: there are no directories in env`);
      const g = group();
      if (g.lookup(name)) throw new NineError(Eexist);
      const v = g.write(name, NONE);
      return { node: file(v), opened: opened(v, g, openMode) };
    },
    remove(name, node) {
      const g = group();
      const v = g.lookup(name);
      if (!v || files.get(v) !== node) throw new NineError(Enonexist);
      g.delete(name);
    },
  };
}

function variable<V extends EnvVar>(v: V, group: () => Env<V>, owner: () => string): FileNode {
  /** The group, if the variable is still in it. */
  const there = (): Env<V> => {
    const g = group();
    if (g.lookup(v.name) !== v) throw new NineError(Enonexist);
    return g;
  };
  return {
    qid: () => ({ type: QTFILE, vers: v.vers, pathlo: v.path >>> 0, pathhi: Math.floor(v.path / 2 ** 32) }),
    stat: () => ({ mode: 0o666, uid: owner(), length: there().bytesOf(v).length }),
    setattr(set) {
      if (set.mode !== undefined || set.uid !== undefined || set.gid !== undefined) throw new NineError(Eperm);
      if (set.length !== undefined) there().writeAt(v, 0, NONE, set.length);
    },
    open(mode) {
      const g = there();
      if (mode & OTRUNC) g.writeAt(v, 0, NONE, 0);
      return opened(v, g, mode);
    },
  };
}

function opened<V extends EnvVar>(v: V, g: Env<V>, mode: number): OpenFile {
  const there = (): V => {
    if (g.lookup(v.name) !== v) throw new NineError(Enonexist);
    return v;
  };
  g.incref();
  return {
    read: (at, n) => g.bytesOf(there()).subarray(at, at + n),
    write(at, data) {
      const to = mode & OAPPEND ? g.bytesOf(there()).length : at;
      if (data.length > 0) g.writeAt(there(), to, data);
      return data.length;
    },
    close: () => g.decref(),
  };
}
