/**
 * Nine: a client for tests, one method a habit: it speaks T messages through any Portal, throws the
 * NineError of an error reply, and gives out fids that are never used twice.
 */
import { expect } from "vitest";
import { type Dirent, unpackDirents, unpackDirs } from "../../proto/dir.ts";
import * as p from "../../proto/index.ts";
import type { Dir, Portal, Qid, ReplyTo, Rmsg, Tmsg } from "../../proto/index.ts";

/** Who attaches. */
export interface TestUser { readonly uname: string; readonly n_uname?: number }

const utf8 = new TextEncoder();
const text = new TextDecoder();

export class Nine {
  readonly portal: Portal;
  root = 0;
  private last = 0;

  constructor(portal: Portal) {
    this.portal = portal;
  }

  static async attach(portal: Portal, user: TestUser, aname = ""): Promise<Nine> {
    const nine = new Nine(portal);
    nine.root = nine.fid();
    await nine.rpc({
      type: p.Tattach, fid: nine.root, afid: p.NOFID, uname: user.uname, aname, n_uname: user.n_uname ?? p.NOU32,
    });
    return nine;
  }

  /** A fid number not used so far. */
  fid(): number {
    return ++this.last;
  }

  /** The reply to t, or its error thrown. */
  async rpc<T extends Tmsg>(t: T): Promise<ReplyTo<T>>;
  async rpc(t: Tmsg): Promise<Rmsg> {
    const r = await this.portal.call(t);
    if (r.type === p.Rerror) throw new p.NineError(r.ename, r.errno === 0 ? p.errnoOf(r.ename) : r.errno);
    if (r.type === p.Rlerror) throw p.NineError.fromErrno(r.ecode);
    if (r.type !== t.type + 1) expect.fail(`a reply of type ${r.type} to a message of type ${t.type}`);
    return r;
  }

  /** The qids of a walk, which may stop early. */
  async qids(fid: number, newfid: number, wname: readonly string[]): Promise<readonly Qid[]> {
    return (await this.rpc({ type: p.Twalk, fid, newfid, wname })).wqid;
  }

  /** A new fid at the path (elements joined by "/"), from the root or from another fid. */
  async walk(path: string, from: number = this.root): Promise<number> {
    const wname = path.split("/").filter((s) => s !== "");
    const newfid = this.fid();
    const got = await this.qids(from, newfid, wname);
    if (got.length < wname.length) throw new p.NineError(p.Enonexist);
    return newfid;
  }

  async open(path: string, mode: number = p.OREAD): Promise<number> {
    const fid = await this.walk(path);
    try {
      await this.rpc({ type: p.Topen, fid, mode });
    } catch (e) {
      await this.clunk(fid);
      throw e;
    }
    return fid;
  }

  async lopen(path: string, flags = 0): Promise<number> {
    const fid = await this.walk(path);
    try {
      await this.rpc({ type: p.Tlopen, fid, flags });
    } catch (e) {
      await this.clunk(fid);
      throw e;
    }
    return fid;
  }

  async lcreate(path: string, flags: number, mode = 0o644): Promise<number> {
    const fid = await this.walk(parentOf(path));
    try {
      await this.rpc({ type: p.Tlcreate, fid, name: nameOf(path), flags, mode, gid: p.NOU32 });
    } catch (e) {
      await this.clunk(fid);
      throw e;
    }
    return fid;
  }

  async create(path: string, perm = 0o666, mode: number = p.ORDWR): Promise<number> {
    const fid = await this.walk(parentOf(path));
    try {
      await this.rpc({ type: p.Tcreate, fid, name: nameOf(path), perm, mode, extension: "" });
    } catch (e) {
      await this.clunk(fid);
      throw e;
    }
    return fid;
  }

  async mkdir(path: string, perm = 0o777): Promise<void> {
    await this.clunk(await this.create(path, (p.DMDIR | perm) >>> 0, p.OREAD));
  }

  /** A file with this content. */
  async put(path: string, content: string | Uint8Array = "", perm = 0o666): Promise<void> {
    const fid = await this.create(path, perm);
    try {
      await this.write(fid, 0, content);
    } finally {
      await this.clunk(fid);
    }
  }

  /** A file's content, as text. */
  async get(path: string): Promise<string> {
    const fid = await this.open(path);
    const all = await this.readAll(fid);
    await this.clunk(fid);
    return text.decode(all);
  }

  async readAll(fid: number, at = 0): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let offset = at; ; ) {
      const data = await this.read(fid, offset, 65536);
      if (data.length === 0) break;
      parts.push(data);
      offset += data.length;
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  /** One Tread; the bytes are a copy. */
  async read(fid: number, offset: number, count: number): Promise<Uint8Array> {
    const { data } = await this.rpc({ type: p.Tread, fid, offset, count });
    if (data.length > count) expect.fail(`${data.length} bytes came, ${count} were asked for`);
    return new Uint8Array(data);
  }

  async readText(fid: number, offset = 0, count = 65536): Promise<string> {
    return text.decode(await this.read(fid, offset, count));
  }

  /** Everything is written, in as many messages as needed. */
  async write(fid: number, offset: number, content: string | Uint8Array): Promise<void> {
    const all = typeof content === "string" ? utf8.encode(content) : content;
    const most = this.portal.msize - p.IOHDRSZ;
    for (let done = 0; done < all.length; ) {
      const data = all.subarray(done, Math.min(done + most, all.length));
      const { count } = await this.rpc({ type: p.Twrite, fid, offset: offset + done, data });
      if (count === 0) expect.fail("nothing was written");
      done += count;
    }
  }

  async clunk(fid: number): Promise<void> {
    await this.rpc({ type: p.Tclunk, fid });
  }

  /** Does something with a fid of the path, which is clunked afterwards. */
  async at<R>(path: string, f: (fid: number) => Promise<R>): Promise<R> {
    const fid = await this.walk(path);
    try {
      return await f(fid);
    } finally {
      await this.clunk(fid);
    }
  }

  async fstat(fid: number): Promise<Dir> {
    return (await this.rpc({ type: p.Tstat, fid })).stat;
  }

  stat(path: string): Promise<Dir> {
    return this.at(path, (fid) => this.fstat(fid));
  }

  async fgetattr(fid: number): Promise<p.RgetattrMsg> {
    return this.rpc({ type: p.Tgetattr, fid, request_mask: p.GETATTR_ALL });
  }

  getattr(path: string): Promise<p.RgetattrMsg> {
    return this.at(path, (fid) => this.fgetattr(fid));
  }

  async fwstat(fid: number, changes: Partial<Dir>): Promise<void> {
    await this.rpc({ type: p.Twstat, fid, stat: { ...p.untouched(), ...changes } });
  }

  wstat(path: string, changes: Partial<Dir>): Promise<void> {
    return this.at(path, (fid) => this.fwstat(fid, changes));
  }

  async fsetattr(fid: number, valid: number, set: Partial<p.TsetattrMsg> = {}): Promise<void> {
    await this.rpc({
      type: p.Tsetattr, fid, mode: 0, uid: p.NOU32, gid: p.NOU32, size: 0, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0, ...set, valid,
    });
  }

  setattr(path: string, valid: number, set: Partial<p.TsetattrMsg> = {}): Promise<void> {
    return this.at(path, (fid) => this.fsetattr(fid, valid, set));
  }

  async remove(path: string): Promise<void> {
    await this.rpc({ type: p.Tremove, fid: await this.walk(path) });
  }

  unlink(path: string, flags = 0): Promise<void> {
    return this.at(parentOf(path), async (dirfid) => {
      await this.rpc({ type: p.Tunlinkat, dirfid, name: nameOf(path), flags });
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.at(parentOf(from), (olddirfid) => this.at(parentOf(to), async (newdirfid) => {
      await this.rpc({ type: p.Trenameat, olddirfid, oldname: nameOf(from), newdirfid, newname: nameOf(to) });
    }));
  }

  link(from: string, to: string): Promise<void> {
    return this.at(from, (fid) => this.at(parentOf(to), async (dfid) => {
      await this.rpc({ type: p.Tlink, dfid, fid, name: nameOf(to) });
    }));
  }

  symlink(target: string, path: string): Promise<void> {
    return this.at(parentOf(path), async (fid) => {
      await this.rpc({ type: p.Tsymlink, fid, name: nameOf(path), symtgt: target, gid: p.NOU32 });
    });
  }

  /** The next stat records of an open directory. */
  async dirread(fid: number, offset: number, count = 8192): Promise<{ dirs: Dir[]; bytes: number }> {
    const data = await this.read(fid, offset, count);
    return { dirs: unpackDirs(data, this.portal.dialect), bytes: data.length };
  }

  /** All stat records of a directory, read in pieces of `count` bytes. */
  async list(path: string, count = 8192): Promise<Dir[]> {
    const fid = await this.open(path);
    const all: Dir[] = [];
    for (let offset = 0; ; ) {
      const { dirs, bytes } = await this.dirread(fid, offset, count);
      if (bytes === 0) break;
      all.push(...dirs);
      offset += bytes;
    }
    await this.clunk(fid);
    return all;
  }

  /** Names in a directory, sorted. */
  async names(path: string): Promise<string[]> {
    return (await this.list(path)).map((d) => d.name).toSorted();
  }

  async readdir(fid: number, offset: p.Cookie, count = 8192): Promise<Dirent[]> {
    const { data } = await this.rpc({ type: p.Treaddir, fid, offset, count });
    expect(data.length).toBeLessThanOrEqual(count);
    return unpackDirents(data);
  }

  /** All entries by Treaddir, "." and ".." left out. */
  async dirents(path: string, count = 8192): Promise<Dirent[]> {
    const fid = await this.lopen(path, p.L_O_DIRECTORY);
    const all: Dirent[] = [];
    for (let cookie: p.Cookie = 0; ; ) {
      const some = await this.readdir(fid, cookie, count);
      const last = some.at(-1);
      if (last === undefined) break;
      all.push(...some);
      cookie = last.offset;
    }
    await this.clunk(fid);
    return all.filter((d) => d.name !== "." && d.name !== "..");
  }

  async xattrGet(path: string, name: string): Promise<Uint8Array> {
    const newfid = this.fid();
    const { size } = await this.at(path, (fid) => this.rpc({ type: p.Txattrwalk, fid, newfid, name }));
    const value = await this.readAll(newfid);
    expect(value.length).toBe(size);
    await this.clunk(newfid);
    return value;
  }

  async xattrSet(path: string, name: string, value: string | Uint8Array, flags = 0): Promise<void> {
    const all = typeof value === "string" ? utf8.encode(value) : value;
    const fid = await this.walk(path);
    try {
      await this.rpc({ type: p.Txattrcreate, fid, name, attr_size: all.length, flags });
      await this.write(fid, 0, all);
    } catch (e) {
      await this.clunk(fid).catch(() => undefined);
      throw e;
    }
    await this.clunk(fid);
  }

  async lock(fid: number, ltype: number, start = 0, length = 0, client_id = "test", proc_id = 1): Promise<number> {
    return (await this.rpc({ type: p.Tlock, fid, ltype, flags: 0, start, length, proc_id, client_id })).status;
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The promise fails with a NineError of one of these numbers. */
export async function refused(what: Promise<unknown>, ...numbers: number[]): Promise<void> {
  const outcome = await what.then(() => "success", (e: unknown) => {
    if (e instanceof p.NineError) return e;
    throw e;
  });
  if (!(outcome instanceof p.NineError)) expect.fail(`expected an error of ${numbers.join(" or ")}, got success`);
  else if (!numbers.includes(outcome.errno)) expect.fail(`expected an error of ${numbers.join(" or ")}, got ${outcome.errno}: ${outcome.message}`);
}

/** Bytes that differ from place to place, for comparing what was read with what was written. */
export function pattern(n: number, seed = 1): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0, x = seed >>> 0 || 1; i < n; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x & 0xff;
  }
  return out;
}
