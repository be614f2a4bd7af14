/**
 * Memsys: a Sys over a tree in memory, for tests of programs without the kernel: files, directories,
 * symbolic links, pipes, child processes that are functions. bind and mount are only recorded.
 * What it cannot do throws an ordinary error.
 */
import {
  DMDIR, DMSYMLINK, Ebadarg, Ebadfd, Eexist, Eisdir, Eloop, Enochild, Enonexist, Enotdir, Enotempty, Epipe, Exdev, NineError, OEXCL, OREAD,
  ORDWR, OTRUNC, OWRITE, type Dir, type Portal,
} from "../../proto/index.ts";
import type { SpawnOptions, Sys, Waitmsg, Wstat } from "../../kernel/sys.ts";

interface Node {
  path: number;
  vers: number;
  mode: number;
  atime: number;
  mtime: number;
  uid: string;
  gid: string;
  muid: string;
  data: Uint8Array;
  length: number;
  children: Map<string, Node> | undefined;
  target: string;
  /** Renames between different ones fail with Exdev. */
  server: number;
}

/** One direction of a pipe. */
interface Stream {
  bytes: Uint8Array[];
  size: number;
  ended: boolean;
  unread: boolean;
  wake: Set<() => void>;
}

interface Chan {
  name: string;
  node: Node | undefined;
  mode: number;
  offset: number;
  listed: boolean;
  from: Stream | undefined;
  to: Stream | undefined;
  refs: number;
}

const IOUNIT = 8192;
const PIPEFULL = 65536;

/** What all processes share; `clock` is in milliseconds and moves by sleep only. */
class World {
  clock = Date.UTC(2026, 2, 3, 12, 0, 0);
  paths = 0;
  pids = 0;
  readonly root: Node = this.node(DMDIR | 0o777, 0);
  /** What was bound and mounted, in order. */
  readonly ns: string[] = [];

  node(mode: number, server: number): Node {
    const mtime = Math.floor(this.clock / 1000);
    return {
      path: ++this.paths, vers: 0, mode: mode >>> 0, atime: mtime, mtime, uid: "glenda", gid: "sys", muid: "glenda", data: new Uint8Array(0), length: 0,
      children: (mode & DMDIR) !== 0 ? new Map() : undefined, target: "", server,
    };
  }
}

export class Memsys implements Sys {
  readonly pid: number;
  readonly ppid: number;
  readonly user = "glenda";
  readonly #world: World;
  readonly #fds = new Map<number, Chan>();
  readonly #children = new Map<number, Promise<Waitmsg>>();
  readonly #env: Map<string, readonly string[]>;
  #wd = "/";

  constructor(parent?: Memsys) {
    this.#world = parent ? parent.#world : new World();
    this.pid = ++this.#world.pids;
    this.ppid = parent?.pid ?? 0;
    if (parent) this.#wd = parent.#wd;
    this.#env = new Map(parent ? parent.#env : []);
  }

  /** Test only: from here on the tree belongs to another server. */
  async otherServer(path: string): Promise<void> {
    (await this.#walk(path)).server = ++this.#world.paths;
  }

  async open(path: string, mode: number): Promise<number> {
    await pause();
    const node = await this.#walk(path);
    const acc = mode & 3;
    if (node.children && acc !== OREAD) throw new NineError(Eisdir);
    if (mode & OTRUNC) truncate(node, 0);
    return this.#install({ name: path, node, mode: acc, offset: 0, listed: false, from: undefined, to: undefined, refs: 0 });
  }

  openRead(path: string): Promise<number> {
    return this.open(path, OREAD);
  }

  async create(path: string, mode: number, perm: number): Promise<number> {
    await pause();
    const [dir, name] = await this.#parent(path);
    const old = dir.children?.get(name);
    if (old && mode & OEXCL) throw new NineError(Eexist);
    if (old) return this.open(path, mode | OTRUNC);
    dir.children?.set(name, this.#world.node(perm, dir.server));
    return this.open(path, mode);
  }

  async writeFile(path: string, data: Uint8Array, perm: number = 0o666): Promise<void> {
    const fd = await this.create(path, OWRITE, perm);
    await this.write(fd, data);
    await this.close(fd);
  }

  async read(fd: number, n: number = IOUNIT, at?: number): Promise<Uint8Array> {
    await pause();
    const c = this.#chan(fd);
    if (c.from) return take(c.from, n);
    if (c.mode === OWRITE || !c.node) throw new NineError(Ebadfd);
    if (c.node.children) throw new NineError(Eisdir);
    const from = at ?? c.offset;
    const data = c.node.data.slice(from, Math.min(c.node.length, from + Math.min(n, 16 * IOUNIT)));
    if (at === undefined) c.offset += data.length;
    return data;
  }

  async write(fd: number, data: Uint8Array, at?: number): Promise<number> {
    await pause();
    const c = this.#chan(fd);
    if (c.to) {
      await give(c.to, data);
      return data.length;
    }
    if ((c.mode !== OWRITE && c.mode !== ORDWR) || !c.node) throw new NineError(Ebadfd);
    const from = at ?? c.offset;
    const end = from + data.length;
    if (end > c.node.length) truncate(c.node, end);
    c.node.data.set(data, from);
    c.node.vers++;
    c.node.mtime = Math.floor(this.#world.clock / 1000);
    if (at === undefined) c.offset = end;
    return data.length;
  }

  async seek(fd: number, offset: number, whence: 0 | 1 | 2): Promise<number> {
    const c = this.#chan(fd);
    c.offset = offset + (whence === 0 ? 0 : whence === 1 ? c.offset : (c.node?.length ?? 0));
    return c.offset;
  }

  async close(fd: number): Promise<void> {
    drop(this.#chan(fd));
    this.#fds.delete(fd);
  }

  async dup(from: number, to?: number): Promise<number> {
    const c = this.#chan(from);
    if (to !== undefined && this.#fds.has(to)) await this.close(to);
    return this.#install(c, to);
  }

  async pipe(): Promise<[number, number]> {
    const a = stream(), b = stream();
    return [this.#install(pipeEnd(a, b)), this.#install(pipeEnd(b, a))];
  }

  fd2path(fd: number): string {
    return this.#chan(fd).name;
  }

  async dirread(fd: number): Promise<Dir[]> {
    const c = this.#chan(fd);
    if (!c.node?.children) throw new NineError(Enotdir);
    if (c.listed) return [];
    c.listed = true;
    return [...c.node.children].map(([name, node]) => dirOf(name, node));
  }

  async readDir(path: string): Promise<Dir[]> {
    await pause();
    const { children } = await this.#walk(path);
    if (!children) throw new NineError(Enotdir);
    return [...children].map(([name, node]) => dirOf(name, node));
  }

  async stat(path: string, nofollow = false): Promise<Dir> {
    await pause();
    return dirOf(lastName(this.#absolute(path)), await this.#walk(path, nofollow));
  }

  async fstat(fd: number): Promise<Dir> {
    const c = this.#chan(fd);
    return dirOf(lastName(c.name), c.node ?? this.#world.node(0o600, 0));
  }

  async wstat(path: string, changes: Wstat): Promise<void> {
    await pause();
    this.#change(await this.#walk(path), changes);
  }

  async fwstat(fd: number, changes: Wstat): Promise<void> {
    const { node } = this.#chan(fd);
    if (node) this.#change(node, changes);
  }

  async remove(path: string): Promise<void> {
    await pause();
    const [dir, name] = await this.#parent(path);
    const node = dir.children?.get(name);
    if (!node) throw new NineError(Enonexist);
    if (node.children && node.children.size > 0) throw new NineError(Enotempty);
    dir.children?.delete(name);
  }

  async rename(from: string, to: string): Promise<void> {
    await pause();
    const [dir, name] = await this.#parent(from);
    const [newdir, newname] = await this.#parent(to);
    const node = dir.children?.get(name);
    if (!node) throw new NineError(Enonexist);
    if (node.server !== newdir.server) throw new NineError(Exdev);
    if (newdir.children?.has(newname)) throw new NineError(Eexist);
    dir.children?.delete(name);
    newdir.children?.set(newname, node);
  }

  async mkdir(path: string, perm: number): Promise<void> {
    await pause();
    const [dir, name] = await this.#parent(path);
    if (dir.children?.has(name)) throw new NineError(Eexist);
    dir.children?.set(name, this.#world.node(DMDIR | perm, dir.server));
  }

  async symlink(target: string, path: string): Promise<void> {
    const [dir, name] = await this.#parent(path);
    if (dir.children?.has(name)) throw new NineError(Eexist);
    const node = this.#world.node(DMSYMLINK | 0o777, dir.server);
    node.target = target;
    dir.children?.set(name, node);
  }

  async readlink(path: string): Promise<string> {
    return (await this.#walk(path, true)).target;
  }

  link(): Promise<void> {
    throw new Error("memsys: no link");
  }

  async chdir(path: string): Promise<void> {
    if (!(await this.#walk(path)).children) throw new NineError(Enotdir);
    this.#wd = this.#absolute(path);
  }

  getwd(): string {
    return this.#wd;
  }

  async bind(name: string, old: string, flag: number): Promise<void> {
    await this.#walk(name);
    await this.#walk(old);
    this.#world.ns.push(`bind ${flag} ${name} ${old}`);
  }

  async mount(_portal: Portal, old: string, flag: number, aname: string, spec = ""): Promise<void> {
    await this.#walk(old);
    this.#world.ns.push(`mount ${flag} ${spec} ${old} ${aname}`);
  }

  async unmount(name: string | undefined, old: string): Promise<void> {
    await this.#walk(old);
    this.#world.ns.push(name === undefined ? `unmount ${old}` : `unmount ${name} ${old}`);
  }

  ns(): string[] {
    return this.#world.ns;
  }

  rfork(): void {
    throw new Error("memsys: no rfork");
  }

  async spawn(options: SpawnOptions): Promise<number> {
    const { main } = options;
    if (!main) throw new Error("memsys: functions only");
    const child = new Memsys(this);
    const fds = options.fds ?? new Map([...this.#fds.keys()].map((fd) => [fd, fd]));
    for (const [to, from] of fds) child.#install(this.#chan(from), to);
    if (options.env instanceof Map) for (const [name, value] of options.env) child.#env.set(name, value);
    const run = async (): Promise<Waitmsg> => {
      await pause();
      let status: string;
      try {
        status = (await main(child, options.argv)) ?? "";
      } catch (e) {
        status = `broke: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
      }
      for (const c of child.#fds.values()) drop(c);
      child.#fds.clear();
      return { pid: child.pid, status };
    };
    this.#children.set(child.pid, run());
    return child.pid;
  }

  async wait(pid?: number): Promise<Waitmsg> {
    const one = pid === undefined ? undefined : this.#children.get(pid);
    const waiting = pid === undefined ? [...this.#children.values()] : one ? [one] : [];
    if (waiting.length === 0) throw new NineError(Enochild);
    const msg = await Promise.race(waiting);
    this.#children.delete(msg.pid);
    return msg;
  }

  postNote(): void {
    throw new Error("memsys: no notes");
  }

  notify(): void {
    throw new Error("memsys: no notes");
  }

  getenv(name: string): readonly string[] | undefined {
    return this.#env.get(name);
  }

  setenv(name: string, value: readonly string[] | undefined): void {
    if (value) this.#env.set(name, value);
    else this.#env.delete(name);
  }

  environ(): ReadonlyMap<string, readonly string[]> {
    return this.#env;
  }

  now(): number {
    return this.#world.clock;
  }

  async sleep(ms: number): Promise<void> {
    this.#world.clock += ms;
    await pause();
  }

  #install(c: Chan, to?: number): number {
    let fd = to ?? 0;
    if (to === undefined) while (this.#fds.has(fd)) fd++;
    c.refs++;
    this.#fds.set(fd, c);
    return fd;
  }

  #chan(fd: number): Chan {
    const c = this.#fds.get(fd);
    if (!c) throw new NineError(Ebadfd);
    return c;
  }

  #absolute(path: string): string {
    const out: string[] = [];
    for (const name of (path.startsWith("/") ? path : `${this.#wd}/${path}`).split("/")) {
      if (name === "..") out.pop();
      else if (name !== "" && name !== ".") out.push(name);
    }
    return `/${out.join("/")}`;
  }

  async #walk(path: string, nofollow = false, links = 0): Promise<Node> {
    if (path === "") throw new NineError(Enonexist);
    let node = this.#world.root;
    const names = this.#absolute(path).split("/").filter((name) => name !== "");
    for (const [i, name] of names.entries()) {
      if (!node.children) throw new NineError(Enotdir);
      const next = node.children.get(name);
      if (!next) throw new NineError(Enonexist);
      node = next;
      if (!(node.mode & DMSYMLINK) || (nofollow && i === names.length - 1)) continue;
      if (links > 8) throw new NineError(Eloop);
      const target = node.target.startsWith("/") ? node.target : `/${names.slice(0, i).join("/")}/${node.target}`;
      return this.#walk([target, ...names.slice(i + 1)].join("/"), nofollow, links + 1);
    }
    return node;
  }

  async #parent(path: string): Promise<[Node, string]> {
    const whole = this.#absolute(path);
    const name = lastName(whole);
    if (name === "/") throw new NineError(Ebadarg);
    const dir = await this.#walk(`${whole.slice(0, whole.lastIndexOf("/"))}/`);
    if (!dir.children) throw new NineError(Enotdir);
    return [dir, name];
  }

  #change(node: Node, changes: Wstat): void {
    if (changes.mode !== undefined) node.mode = ((changes.mode & 0o777) | (node.mode & ~0o777)) >>> 0;
    if (changes.length !== undefined) truncate(node, changes.length);
    node.mtime = changes.mtime ?? node.mtime;
    node.atime = changes.atime ?? node.atime;
    node.gid = changes.gid ?? node.gid;
    node.uid = changes.uid ?? node.uid;
  }
}

/** Lets others run: no call is done before the caller can do something else. */
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function lastName(path: string): string {
  return path === "/" ? "/" : path.slice(path.lastIndexOf("/") + 1);
}

function dirOf(name: string, node: Node): Dir {
  return {
    type: "M".charCodeAt(0), dev: 1, qid: { type: node.mode >>> 24, vers: node.vers, pathlo: node.path, pathhi: 0 }, mode: node.mode,
    atime: node.atime, mtime: node.mtime, length: node.children ? 0 : node.length, name, uid: node.uid, gid: node.gid, muid: node.muid,
    extension: node.target, n_uid: 1000, n_gid: 1000, n_muid: 1000,
  };
}

function truncate(node: Node, length: number): void {
  if (length > node.data.length) {
    const larger = new Uint8Array(Math.max(length, 2 * node.data.length));
    larger.set(node.data.subarray(0, node.length));
    node.data = larger;
  } else if (length < node.length) node.data.fill(0, length, node.length);
  node.length = length;
}

function stream(): Stream {
  return { bytes: [], size: 0, ended: false, unread: false, wake: new Set() };
}

function pipeEnd(from: Stream, to: Stream): Chan {
  return { name: "#|", node: undefined, mode: ORDWR, offset: 0, listed: false, from, to, refs: 0 };
}

function drop(c: Chan): void {
  if (--c.refs > 0) return;
  if (c.to) c.to.ended = true;
  if (c.from) c.from.unread = true;
  for (const s of [c.to, c.from]) for (const wake of s?.wake ?? []) wake();
}

async function take(s: Stream, n: number): Promise<Uint8Array> {
  while (s.size === 0 && !s.ended) await wakened(s);
  const first = s.bytes.shift();
  if (!first) return new Uint8Array(0);
  if (first.length > n) s.bytes.unshift(first.subarray(n));
  const data = first.slice(0, n);
  s.size -= data.length;
  for (const wake of s.wake) wake();
  return data;
}

async function give(s: Stream, data: Uint8Array): Promise<void> {
  while (s.size > PIPEFULL && !s.unread) await wakened(s);
  if (s.unread) throw new NineError(Epipe);
  if (data.length === 0) return;
  s.bytes.push(data.slice());
  s.size += data.length;
  for (const wake of s.wake) wake();
}

function wakened(s: Stream): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      s.wake.delete(wake);
      resolve();
    };
    s.wake.add(wake);
  });
}
