/**
 * Fsys: one attached tree by path, for programs that use a 9P server without a name space
 * (9pclient(3)). Paths are lexically clean, "/" is the attached root; symbolic links are followed
 * here, inside the tree. Each operation takes the round trips of the budget in ARCHITECTURE.md.
 */
import { type Awaitable, lastly, promised } from "./awaitable.ts";
import { LinkFound } from "./chains.ts";
import { Client } from "./client.ts";
import { Ebadarg, Eloop, errno, NineError } from "./errors.ts";
import type { Dir } from "./fcall.ts";
import type { Changes } from "./forms.ts";
import { OREAD, OTRUNC, OWRITE } from "./perm.ts";
import type { Portal } from "./portal.ts";
import { isQid, QTSYMLINK } from "./qid.ts";

export interface AttachOptions {
  readonly uname?: string;
  readonly aname?: string;
  /** The user's number, for servers of .u and .L. */
  readonly n_uname?: number;
}

/** Attaches to a server: the tree aname selects, as a user. */
export async function attach(portal: Portal, options: AttachOptions = {}): Promise<Fsys> {
  const client = new Client(portal);
  const { fid } = await client.attach(options.uname ?? "none", options.aname ?? "", options.n_uname);
  return new Fsys(client, fid);
}

/** The elements of a path, "." and ".." resolved lexically ("Lexical File Names"). */
export function elements(path: string): string[] {
  const out: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") out.pop();
    else if (name !== "" && name !== ".") out.push(name);
  }
  return out;
}

/** Symbolic links followed for one path. */
const MAXLINKS = 40;

export class Fsys {
  readonly client: Client;
  private readonly root: number;

  constructor(client: Client, root: number) {
    this.client = client;
    this.root = root;
  }

  stat(path: string): Promise<Dir> {
    return this.at(path, (names) => this.client.stat(this.root, names), true);
  }

  /** A file's whole contents. */
  readFile(path: string): Promise<Uint8Array> {
    return this.at(path, async (names) => {
      const o = await this.client.openRead(this.root, names, this.client.iounit);
      try {
        const parts = [o.data];
        let at = o.data.length;
        // A length of 0 says nothing: what a server makes up has none.
        const whole = o.dir && o.dir.length > 0 && at >= o.dir.length;
        for (let more = !whole && at > 0; more;) {
          const data = await this.client.read(o.fid, at, o.iounit);
          parts.push(data);
          at += data.length;
          more = data.length > 0 && !(o.dir && o.dir.length > 0 && at >= o.dir.length);
        }
        return joined(parts, at);
      } finally {
        this.client.clunk(o.fid);
      }
    });
  }

  /** A file's contents become `data`; made with perm when it is not there. */
  writeFile(path: string, data: Uint8Array | string, perm = 0o666): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    return this.at(path, async (names) => {
      const name = lastOf(names);
      try {
        await this.client.createWrite(this.root, names.slice(0, -1), name, perm, bytes);
      } catch (e) {
        await there(e, () => this.client.truncateWrite(this.root, names, bytes));
      }
    });
  }

  /** The entries of a directory, with attributes. */
  readDir(path: string): Promise<Dir[]> {
    return this.at(path, (names) => this.client.list(this.root, names));
  }

  mkdir(path: string, perm = 0o777): Promise<void> {
    return this.at(path, (names) => this.client.mkdir(this.root, names.slice(0, -1), lastOf(names), perm));
  }

  remove(path: string): Promise<void> {
    return this.at(path, (names) => this.client.remove(this.root, names));
  }

  wstat(path: string, changes: Changes): Promise<void> {
    return this.at(path, (names) => this.client.wstat(this.root, names, changes));
  }

  /** Also from directory to directory where the server can (9P2000.L). */
  async rename(from: string, to: string): Promise<void> {
    const a = elements(from);
    const b = elements(to);
    const same = a.slice(0, -1).join("/") === b.slice(0, -1).join("/");
    if (same && this.client.portal.dialect !== "9P2000.L") {
      await this.wstat(from, { name: lastOf(b) });
      return;
    }
    if (this.client.portal.dialect !== "9P2000.L") throw new NineError(`Invalid cross-device link: ${this.client.portal.dialect} renames within a directory only`);
    const olddir = await this.at(a.slice(0, -1).join("/"), (names) => this.client.walk(this.root, names));
    try {
      const newdir = await this.at(b.slice(0, -1).join("/"), (names) => this.client.walk(this.root, names));
      try {
        await this.client.rename(olddir.fid, lastOf(a), newdir.fid, lastOf(b));
      } finally {
        this.client.clunk(newdir.fid);
      }
    } finally {
      this.client.clunk(olddir.fid);
    }
  }

  symlink(target: string, path: string): Promise<void> {
    return this.inDir(path, (dir, name) => this.client.symlink(dir, name, target));
  }

  async readlink(path: string): Promise<string> {
    const { fid } = await this.at(path, (names) => this.client.walk(this.root, names));
    return lastly(() => this.client.readlink(fid), () => this.client.clunk(fid));
  }

  /** A further name for a file (9P2000.L). */
  async link(from: string, to: string): Promise<void> {
    const { fid } = await this.at(from, (names) => this.client.walk(this.root, names));
    await lastly(() => this.inDir(to, (dir, name) => this.client.link(dir, name, fid)), () => this.client.clunk(fid));
  }

  /** mode: OREAD, OWRITE, ORDWR, with OTRUNC, ORCLOSE. */
  async open(path: string, mode: number = OREAD): Promise<File9P> {
    const o = await this.at(path, (names) => this.client.open(this.root, names, mode));
    return new File9P(this.client, o.fid, o.iounit);
  }

  /** Opens for writing an empty file, new or truncated. */
  async create(path: string, mode: number = OWRITE, perm = 0o666): Promise<File9P> {
    const o = await this.at(path, async (names) => {
      try {
        return await this.client.create(this.root, names.slice(0, -1), lastOf(names), mode, perm);
      } catch (e) {
        return there(e, () => this.client.open(this.root, names, mode | OTRUNC));
      }
    });
    return new File9P(this.client, o.fid, o.iounit);
  }

  /** Ends the session and its connection. */
  close(): void {
    this.client.portal.hangup();
  }

  private async inDir(path: string, f: (dir: number, name: string) => Awaitable<void>): Promise<void> {
    const names = elements(path);
    const name = lastOf(names);
    const { fid } = await this.at(names.slice(0, -1).join("/"), (dir) => this.client.walk(this.root, dir));
    await lastly(() => f(fid, name), () => this.client.clunk(fid));
  }

  /** Runs op on the path, and again with links resolved as often as it meets one; follow: also in last place though op succeeds on a link. */
  private async at<T>(path: string, op: (names: string[]) => Awaitable<T>, follow = false): Promise<T> {
    let names = elements(path);
    for (let links = 0; links <= MAXLINKS; links++) {
      try {
        const r = await op(names);
        if (!follow || !isSymlink(r)) return r;
        names = await this.through(names, names.length);
      } catch (e) {
        if (!(e instanceof LinkFound)) throw e;
        names = await this.through(names, e.qids.length);
      }
    }
    throw new NineError(Eloop);
  }

  /** The names with the link in place n (from 1) replaced by its target. */
  private async through(names: string[], n: number): Promise<string[]> {
    const { fid } = await this.client.walk(this.root, names.slice(0, n));
    const target = await lastly(() => this.client.readlink(fid), () => this.client.clunk(fid));
    const dir = target.startsWith("/") ? [] : names.slice(0, n - 1);
    return elements([...dir, target, ...names.slice(n)].join("/"));
  }
}

function isSymlink(r: unknown): boolean {
  return typeof r === "object" && r !== null && "qid" in r && isQid(r.qid) && (r.qid.type & QTSYMLINK) !== 0;
}

function lastOf(names: readonly string[]): string {
  const name = names.at(-1);
  if (name === undefined) throw new NineError(Ebadarg);
  return name;
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  const out = new Uint8Array(size);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** What to do with a file that may be there: its directory said so, or did not let one in it be made, which is nothing against the file. */
async function there<T>(e: unknown, open: () => T | Promise<T>): Promise<T> {
  if (!(e instanceof NineError) || (e.errno !== errno.EEXIST && e.errno !== errno.EACCES && e.errno !== errno.EPERM)) throw e;
  try {
    return await open();
  } catch (why) {
    throw e.errno !== errno.EEXIST && why instanceof NineError && why.errno === errno.ENOENT ? e : why;
  }
}

/** An open file of an Fsys, with an offset of its own. */
export class File9P {
  /** Where the next read or write without an offset goes. */
  offset = 0;
  private readonly client: Client;
  private readonly fid: number;
  private readonly iounit: number;

  constructor(client: Client, fid: number, iounit: number) {
    this.client = client;
    this.fid = fid;
    this.iounit = iounit;
  }

  /** At most n bytes; empty at the end. */
  async read(n: number = this.iounit, at?: number): Promise<Uint8Array> {
    const data = await this.client.read(this.fid, at ?? this.offset, Math.min(n, this.iounit));
    if (at === undefined) this.offset += data.length;
    return data;
  }

  /** All of data. */
  async write(data: Uint8Array, at?: number): Promise<number> {
    const n = await this.client.write(this.fid, at ?? this.offset, data);
    if (at === undefined) this.offset += n;
    return n;
  }

  stat(): Promise<Dir> {
    return promised(() => this.client.statFid(this.fid, ""));
  }

  close(): Promise<void> {
    return promised(() => this.client.close(this.fid));
  }
}
