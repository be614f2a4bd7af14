/**
 * Client: the fid-level half of a file client, in whichever dialect the portal speaks. Owns the fid
 * numbers of one portal. Invariants: dependent messages are sent together only to an ordered (`.x`)
 * portal, else each waits for the one before; a fid number is used again only after every reply that
 * can name it has come; bytes given to the caller are his.
 * Every operation starts at a fid and a list of names, so that the walk and what follows it can be
 * one round trip. A walk that meets a symbolic link where it cannot go on throws LinkFound.
 */
import {
  Ebotch, Einval, Eio, Eloop, Enonexist, errno, NineError,
} from "./errors.ts";
import {
  type Dir, GETATTR_BASIC, IOHDRSZ, MAXWELEM, NOFID, NOLENGTH, NOU32, type ReplyTo, Rerror, Rclunk, Rgetattr, type RgetattrMsg, Rlerror, type Rmsg,
  Rread, Rstat, Rwalk, Rwrite, SETATTR_ATIME, SETATTR_ATIME_SET, SETATTR_GID, SETATTR_MODE, SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE,
  SETATTR_UID, Tattach, Tclunk, Tcreate, Tgetattr, Tlcreate, Tlopen, Tmkdir, type Tmsg, Topen, Tread, Treaddir, Tremove, Trename,
  Tsetattr, Tstat, Tsymlink, Tlink, Treadlink, Trenameat, Twalk, Twrite, Twstat, untouched,
} from "./fcall.ts";
import { type Dirent, unpackDirents, unpackDirs } from "./dir.ts";
import { errorOf } from "./mux.ts";
import { DMDIR, DMSYMLINK, dirMode, L_O_CREAT, L_O_EXCL, linuxFlags, ORCLOSE, OREAD } from "./perm.ts";
import type { Portal } from "./portal.ts";
import { QTSYMLINK, type Qid } from "./qid.ts";

/** What somebody waits for, so that he can be interrupted: raise() flushes it all. */
export class Interrupt {
  private readonly calls = new Map<Tmsg, Portal>();

  add(t: Tmsg, portal: Portal): void {
    this.calls.set(t, portal);
  }

  delete(t: Tmsg): void {
    this.calls.delete(t);
  }

  raise(): void {
    for (const [t, portal] of [...this.calls]) portal.flush(t);
  }
}

/** A walk came upon a symbolic link it would have to follow; qids are those of the names walked, the link's last. */
export class LinkFound extends NineError {
  readonly qids: readonly Qid[];

  constructor(qids: readonly Qid[]) {
    super(Eloop, errno.ELOOP);
    this.qids = qids;
  }
}

/** An open file: its fid is the caller's, to be clunked. */
export interface Opened {
  readonly fid: number;
  readonly qid: Qid;
  /** Largest payload of one message: the file's iounit, or what msize allows. */
  readonly iounit: number;
}

/** What wstat can change; absent is untouched. */
export interface Changes {
  name?: string;
  mode?: number;
  uid?: string;
  gid?: string;
  length?: number;
  atime?: number;
  mtime?: number;
}

export interface Attached {
  readonly fid: number;
  readonly qid: Qid;
}

export class Client {
  readonly portal: Portal;
  /** Payload of one message. */
  readonly iounit: number;
  /** The messages of .L alone, one by one: a .L server that is not `.x` answers no Topen, Tstat or Twstat. */
  private readonly linux: boolean;
  private readonly free: number[] = [];
  private next = 0;

  constructor(portal: Portal) {
    this.portal = portal;
    this.iounit = portal.msize - IOHDRSZ;
    this.linux = portal.dialect === "9P2000.L" && !portal.ordered;
  }

  /** Fids in use. */
  get fids(): number {
    return this.next - this.free.length;
  }

  alloc(): number {
    const fid = this.free.pop() ?? this.next++;
    if (fid >= NOFID) throw new NineError(`${Eio}: out of fids`);
    return fid;
  }

  release(fid: number): void {
    this.free.push(fid);
  }

  /** One message and its reply; an error reply is thrown. */
  async rpc<T extends Tmsg>(t: T, intr?: Interrupt): Promise<ReplyTo<T>> {
    const r = this.portal.call(t);
    let reply: Rmsg;
    if (r instanceof Promise) {
      intr?.add(t, this.portal);
      reply = this.own(await r);
      intr?.delete(t);
    } else reply = this.own(r);
    const e = errorOf(reply);
    if (e) throw e;
    return reply as ReplyTo<T>;
  }

  /**
   * Messages that depend on each other, together where order is kept. The replies that came: without
   * order none behind the first failure (an error or a short walk), with it those of messages that
   * were under way by then, failures of their own.
   */
  async chain(ts: readonly Tmsg[], intr?: Interrupt): Promise<Rmsg[]> {
    const { portal } = this;
    if (!portal.ordered) {
      const replies: Rmsg[] = [];
      for (const t of ts) {
        const r = portal.call(t);
        if (r instanceof Promise) intr?.add(t, portal);
        replies.push(this.own(await r));
        intr?.delete(t);
        if (failed(t, replies.at(-1))) break;
      }
      return replies;
    }
    const sent: (Rmsg | Promise<Rmsg>)[] = [];
    for (const t of ts) {
      const r = portal.call(t);
      if (r instanceof Promise) {
        intr?.add(t, portal);
        sent.push(r.then((x) => this.own(x)));
      } else {
        sent.push(this.own(r));
        if (failed(t, r)) break;
      }
    }
    const replies = await Promise.all(sent);
    for (const t of ts) intr?.delete(t);
    return replies;
  }

  /** n_uname, when given, is what .u and .L servers go by. */
  async attach(uname: string, aname: string, n_uname: number = NOU32, intr?: Interrupt): Promise<Attached> {
    const fid = this.alloc();
    try {
      const r = await this.rpc({ type: Tattach, fid, afid: NOFID, uname, aname, n_uname }, intr);
      return { fid, qid: r.qid };
    } catch (e) {
      this.release(fid);
      throw e;
    }
  }

  /** Clunks without waiting: nobody needs the answer. */
  clunk(fid: number): void {
    const r = this.portal.call({ type: Tclunk, fid });
    if (r instanceof Promise) void r.then(() => this.release(fid));
    else this.release(fid);
  }

  /** Clunks and tells of an error, such as of data that could not be written. */
  async close(fid: number): Promise<void> {
    try {
      await this.rpc({ type: Tclunk, fid });
    } finally {
      this.release(fid);
    }
  }

  /** A new fid for the file names lead to from fid, with the qids on the way. */
  async walk(fid: number, names: readonly string[], intr?: Interrupt): Promise<{ fid: number; qids: Qid[] }> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, () => [], intr);
    this.whole(newfid, names, qids, replies, false);
    return { fid: newfid, qids };
  }

  /** As far as names lead: fewer qids than names, and no fid, when one does not exist or is no directory. */
  async walkPart(fid: number, names: readonly string[], intr?: Interrupt): Promise<{ fid: number | undefined; qids: Qid[] }> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, () => [], intr);
    if (qids.length === names.length && replies.every((r) => !errorOf(r))) return { fid: newfid, qids };
    this.unmade(newfid, names, qids, replies);
    const e = replies.map(errorOf).find((x) => x);
    if (e && qids.length === 0) throw e;
    return { fid: undefined, qids };
  }

  /** A second fid for the same file. */
  async clone(fid: number, intr?: Interrupt): Promise<number> {
    return (await this.walk(fid, [], intr)).fid;
  }

  async open(fid: number, names: readonly string[], mode: number, intr?: Interrupt): Promise<Opened> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) => [this.openMsg(f, mode)], intr);
    this.whole(newfid, names, qids, replies, true);
    return this.opened(newfid, replies.at(-1));
  }

  /** Opens a fid that is there already; it stays the caller's also when this fails. */
  async openFid(fid: number, mode: number, intr?: Interrupt): Promise<Opened> {
    return this.opened(fid, await this.rpc<Tmsg>(this.openMsg(fid, mode), intr));
  }

  /** Opens for reading with the stat and the first n bytes: one round trip where order is kept. */
  async openRead(fid: number, names: readonly string[], n: number, intr?: Interrupt): Promise<Opened & { dir: Dir | undefined; data: Uint8Array }> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) => {
      const read: Tmsg = { type: Tread, fid: f, offset: 0, count: Math.min(n, this.iounit) };
      // To a plain peer the stat would be one round trip more than it saves.
      return this.portal.ordered ? [this.openMsg(f, OREAD), this.statMsg(f), read] : [this.openMsg(f, OREAD), read];
    }, intr);
    this.whole(newfid, names, qids, replies, true);
    const [stat, read] = this.portal.ordered ? [replies.at(-2), replies.at(-1)] : [undefined, replies.at(-1)];
    const o = this.opened(newfid, replies[replies.length - (stat ? 3 : 2)]);
    if (read?.type !== Rread) throw new NineError(Ebotch);
    return { ...o, dir: stat && this.dirOf(stat, names.at(-1) ?? "/"), data: read.data };
  }

  /** The directory `names` leads to gets a file (or, DMDIR in perm, a directory), which is then open. Eexist when the name is taken. */
  async create(fid: number, names: readonly string[], name: string, mode: number, perm: number, intr?: Interrupt): Promise<Opened> {
    if (this.linux && perm & DMDIR) {
      await this.mkdir(fid, names, name, perm, intr);
      return this.open(fid, [...names, name], mode, intr);
    }
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) => [this.createMsg(f, name, mode, perm)], intr);
    this.whole(newfid, names, qids, replies, true);
    return this.opened(newfid, replies.at(-1));
  }

  /** Makes a file with these bytes and closes it: one round trip where order is kept. Eexist when the name is taken. */
  async createWrite(fid: number, names: readonly string[], name: string, perm: number, data: Uint8Array, intr?: Interrupt): Promise<void> {
    await this.writeAll(fid, names, (f) => this.createMsg(f, name, 1, perm), data, intr);
  }

  /** Truncates a file, writes these bytes and closes it. */
  async truncateWrite(fid: number, names: readonly string[], data: Uint8Array, intr?: Interrupt): Promise<void> {
    await this.writeAll(fid, names, (f) => this.openMsg(f, 0x11), data, intr);
  }

  async mkdir(fid: number, names: readonly string[], name: string, perm: number, intr?: Interrupt): Promise<void> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f): Tmsg[] => this.linux
      ? [{ type: Tmkdir, dfid: f, name, mode: perm & 0o7777, gid: NOU32 }]
      : [this.createMsg(f, name, OREAD, (perm | DMDIR) >>> 0)], intr, true);
    this.whole(newfid, names, qids, replies, true);
    this.clunked(newfid, replies);
  }

  /** Bytes [at, at+n) of an open file, fewer at the end or when the server gives fewer. */
  async read(fid: number, at: number, n: number, intr?: Interrupt, into?: Uint8Array): Promise<Uint8Array> {
    const count = Math.min(n, this.iounit);
    const r = await this.rpc(into ? { type: Tread, fid, offset: at, count, into } : { type: Tread, fid, offset: at, count }, intr);
    return r.data;
  }

  /** One message's worth; the count the server took. */
  async writeSome(fid: number, at: number, data: Uint8Array, intr?: Interrupt): Promise<number> {
    return (await this.rpc({ type: Twrite, fid, offset: at, data: data.length > this.iounit ? data.subarray(0, this.iounit) : data }, intr)).count;
  }

  /** All of data, several messages under way at a time; a short Rwrite is an error (write(2)). */
  async write(fid: number, at: number, data: Uint8Array, intr?: Interrupt): Promise<number> {
    if (data.length <= this.iounit) {
      const n = await this.writeSome(fid, at, data, intr);
      if (n !== data.length) throw new NineError(`${Eio}: short write`);
      return n;
    }
    for (let done = 0; done < data.length;) {
      const ts: Tmsg[] = [];
      for (; ts.length < WINDOW && done < data.length; done += this.iounit) {
        ts.push({ type: Twrite, fid, offset: at + done, data: data.subarray(done, done + this.iounit) });
      }
      this.allWritten(ts, await this.chain(ts, intr));
    }
    return data.length;
  }

  async stat(fid: number, names: readonly string[], intr?: Interrupt): Promise<Dir> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) => [this.statMsg(f)], intr, true);
    this.whole(newfid, names, qids, replies, false);
    const stat = replies[replies.length - (this.portal.ordered ? 2 : 1)];
    this.clunked(newfid, replies);
    return this.dirOf(stat, names.at(-1) ?? "/");
  }

  async statFid(fid: number, name: string, intr?: Interrupt): Promise<Dir> {
    return this.dirOf(await this.rpc<Tmsg>(this.statMsg(fid), intr), name);
  }

  async wstat(fid: number, names: readonly string[], changes: Changes, intr?: Interrupt): Promise<void> {
    if (this.linux) {
      const { fid: f } = await this.walk(fid, names, intr);
      try {
        await this.wstatFid(f, changes, intr, fid, names);
      } finally {
        this.clunk(f);
      }
      return;
    }
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) => [wstatMsg(f, changes)], intr, true);
    this.whole(newfid, names, qids, replies, false);
    this.clunked(newfid, replies);
  }

  /** A plain .L server renames by directory: from and names say how it was reached. */
  async wstatFid(fid: number, changes: Changes, intr?: Interrupt, from?: number, names: readonly string[] = []): Promise<void> {
    if (!this.linux) {
      await this.rpc(wstatMsg(fid, changes), intr);
      return;
    }
    if (changes.name !== undefined) {
      if (from === undefined || names.length === 0) throw new NineError(Einval);
      const { fid: dfid } = await this.walk(from, names.slice(0, -1), intr);
      try {
        await this.rpc({ type: Trename, fid, dfid, name: changes.name }, intr);
      } finally {
        this.clunk(dfid);
      }
    }
    const set = setattrMsg(fid, changes);
    if (set.valid !== 0) await this.rpc(set, intr);
  }

  async remove(fid: number, names: readonly string[], intr?: Interrupt): Promise<void> {
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f): Tmsg[] => [{ type: Tremove, fid: f }], intr);
    // Tremove frees the fid also when it fails.
    const e = replies.map(errorOf).find((x) => x);
    this.release(newfid);
    if (e) throw e;
    if (qids.length < names.length) throw shortWalk(qids);
  }

  /** Removes what an open or walked fid stands for; the fid is gone whatever happens. */
  async removeFid(fid: number, intr?: Interrupt): Promise<void> {
    try {
      await this.rpc({ type: Tremove, fid }, intr);
    } finally {
      this.release(fid);
    }
  }

  /** Across directories of one server, .L only; Plan 9's dialects rename by wstat within one directory. */
  async rename(olddir: number, oldname: string, newdir: number, newname: string, intr?: Interrupt): Promise<void> {
    await this.rpc({ type: Trenameat, olddirfid: olddir, oldname, newdirfid: newdir, newname }, intr);
  }

  async symlink(dir: number, name: string, target: string, intr?: Interrupt): Promise<void> {
    if (this.portal.dialect === "9P2000.L") {
      await this.rpc({ type: Tsymlink, fid: dir, name, symtgt: target, gid: NOU32 }, intr);
      return;
    }
    if (this.portal.dialect === "9P2000") throw new NineError("Operation not supported");
    const fid = await this.clone(dir, intr);
    try {
      await this.rpc({ type: Tcreate, fid, name, perm: DMSYMLINK | 0o777, mode: OREAD, extension: target }, intr);
    } finally {
      this.clunk(fid);
    }
  }

  async link(dir: number, name: string, fid: number, intr?: Interrupt): Promise<void> {
    if (this.portal.dialect !== "9P2000.L") throw new NineError("Operation not supported");
    await this.rpc({ type: Tlink, dfid: dir, fid, name }, intr);
  }

  /** Where a symbolic link leads; the fid is not open. */
  async readlink(fid: number, intr?: Interrupt): Promise<string> {
    if (this.portal.dialect === "9P2000.L") return (await this.rpc({ type: Treadlink, fid }, intr)).target;
    return (await this.rpc({ type: Tstat, fid }, intr)).stat.extension;
  }

  /**
   * The next entries of an open directory behind `offset`, and the offset of those that follow; [] at
   * the end. dirfid: a fid of the same directory that is not open, for servers that name entries only.
   */
  async dirread(fid: number, offset: number | bigint, dirfid: number, intr?: Interrupt): Promise<{ dirs: Dir[]; next: number | bigint }> {
    if (!this.linux) {
      const data = await this.read(fid, Number(offset), this.iounit, intr);
      return { dirs: unpackDirs(data, this.portal.dialect), next: Number(offset) + data.length };
    }
    const r = await this.rpc({ type: Treaddir, fid, offset, count: this.iounit }, intr);
    const ents = unpackDirents(r.data);
    const named = ents.filter((e) => e.name !== "." && e.name !== "..");
    const dirs = await this.attrs(dirfid, named, intr);
    const next = ents.at(-1)?.offset ?? offset;
    // A batch whose entries all went away is not the end.
    if (dirs.length === 0 && ents.length > 0) return this.dirread(fid, next, dirfid, intr);
    return { dirs, next };
  }

  /** All entries of the directory names lead to. */
  async list(fid: number, names: readonly string[], intr?: Interrupt): Promise<Dir[]> {
    const all: Dir[] = [];
    const take = async (f: number, from: number | bigint): Promise<void> => {
      const dirfid = this.linux ? await this.walk(fid, names, intr) : undefined;
      try {
        for (let at = from; ;) {
          const { dirs, next } = await this.dirread(f, at, dirfid?.fid ?? f, intr);
          if (dirs.length === 0) return;
          for (const d of dirs) all.push(d);
          at = next;
        }
      } finally {
        if (dirfid) this.clunk(dirfid.fid);
      }
    };
    if (this.linux) {
      const o = await this.open(fid, names, OREAD, intr);
      await take(o.fid, 0).finally(() => this.clunk(o.fid));
      return all;
    }
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f) =>
      [this.openMsg(f, OREAD), { type: Tread, fid: f, offset: 0, count: this.iounit }], intr);
    this.whole(newfid, names, qids, replies, true);
    const read = replies.at(-1);
    if (read?.type !== Rread) throw new NineError(Ebotch);
    for (const d of unpackDirs(read.data, this.portal.dialect)) all.push(d);
    if (read.data.length === 0) this.clunk(newfid);
    else await take(newfid, read.data.length).finally(() => this.clunk(newfid));
    return all;
  }

  /** Attributes of entries, a window of walks and then of getattrs: messages that do not depend on each other. */
  private async attrs(dirfid: number, ents: Dirent[], intr?: Interrupt): Promise<Dir[]> {
    const dirs: Dir[] = [];
    for (let i = 0; i < ents.length; i += ATTRS) {
      const some = ents.slice(i, i + ATTRS);
      const walked = await Promise.all(some.map((e) => this.walk(dirfid, [e.name], intr).catch(gone)));
      const stats = await Promise.all(walked.map(async (w, k) => {
        if (!w) return undefined;
        const d = await this.statFid(w.fid, some[k]?.name ?? "", intr).catch(gone);
        this.clunk(w.fid);
        return d;
      }));
      for (const d of stats) if (d) dirs.push(d);
    }
    return dirs;
  }

  private async writeAll(fid: number, names: readonly string[], first: (f: number) => Tmsg, data: Uint8Array, intr?: Interrupt): Promise<void> {
    const one = data.length <= this.iounit;
    const { newfid, replies, qids } = await this.walkThen(fid, names, (f): Tmsg[] =>
      [first(f), ...(one && data.length > 0 ? [{ type: Twrite, fid: f, offset: 0, data } as const] : [])], intr, one);
    this.whole(newfid, names, qids, replies, true);
    if (one) {
      const n = replies.find((r) => r.type === Rwrite);
      this.clunked(newfid, replies);
      if (data.length > 0 && (n?.type !== Rwrite || n.count !== data.length)) throw new NineError(`${Eio}: short write`);
      return;
    }
    try {
      await this.write(newfid, 0, data, intr);
    } catch (e) {
      this.clunk(newfid);
      throw e;
    }
    await this.close(newfid);
  }

  /** Twalk to a new fid and what `more` makes of it; with `clunk`, Tclunk in the same breath where order is kept. */
  private async walkThen(fid: number, names: readonly string[], more: (newfid: number) => Tmsg[], intr?: Interrupt, clunk = false):
    Promise<{ newfid: number; replies: Rmsg[]; qids: Qid[] }> {
    const newfid = this.alloc();
    const ts: Tmsg[] = [{ type: Twalk, fid, newfid, wname: names.slice(0, MAXWELEM) }];
    for (let i = MAXWELEM; i < names.length; i += MAXWELEM) ts.push({ type: Twalk, fid: newfid, newfid, wname: names.slice(i, i + MAXWELEM) });
    ts.push(...more(newfid));
    if (clunk && this.portal.ordered) ts.push({ type: Tclunk, fid: newfid });
    const replies = await this.chain(ts, intr);
    const qids: Qid[] = [];
    for (const r of replies) if (r.type === Rwalk) qids.push(...r.wqid);
    return { newfid, replies, qids };
  }

  /**
   * Throws unless everything succeeded, and then leaves no fid behind. follow: a link in last place
   * counts as something still to be walked.
   */
  private whole(newfid: number, names: readonly string[], qids: Qid[], replies: Rmsg[], follow: boolean): void {
    const e = replies.map(errorOf).find((x) => x);
    const last = qids.at(-1);
    const short = qids.length < names.length;
    if (!e && !short) return;
    this.unmade(newfid, names, qids, replies);
    if (last && last.type & QTSYMLINK && (short || follow)) throw new LinkFound(qids);
    throw e ?? shortWalk(qids);
  }

  /** A chain failed: its new fid is there once the first batch of names was walked whole, unless the chain has clunked it. */
  private unmade(newfid: number, names: readonly string[], qids: Qid[], replies: Rmsg[]): void {
    const made = replies[0]?.type === Rwalk && qids.length >= Math.min(names.length, MAXWELEM);
    if (made && replies.at(-1)?.type !== Rclunk) this.clunk(newfid);
    else this.release(newfid);
  }

  /** The fid of an operation that is over: clunked in the chain, or now. */
  private clunked(newfid: number, replies: Rmsg[]): void {
    const last = replies.at(-1);
    if (last?.type === Rclunk) this.release(newfid);
    else this.clunk(newfid);
  }

  private own(r: Rmsg): Rmsg {
    if (r.type === Rread && !this.portal.lasting) return { type: Rread, data: r.data.slice() };
    return r;
  }

  private opened(fid: number, r: Rmsg | undefined): Opened {
    if (!r || !("iounit" in r)) throw new NineError(Ebotch);
    return { fid, qid: r.qid, iounit: r.iounit > 0 ? Math.min(r.iounit, this.iounit) : this.iounit };
  }

  private allWritten(ts: readonly Tmsg[], replies: readonly Rmsg[]): void {
    for (const [i, t] of ts.entries()) {
      const r = replies[i];
      const e = r && errorOf(r);
      if (e) throw e;
      if (t.type === Twrite && (r?.type !== Rwrite || r.count !== t.data.length)) throw new NineError(`${Eio}: short write`);
    }
  }

  private openMsg(fid: number, mode: number): Tmsg {
    if (!this.linux) return { type: Topen, fid, mode: mode & 0xff };
    if (mode & ORCLOSE) throw new NineError("Operation not supported");
    return { type: Tlopen, fid, flags: linuxFlags(mode) };
  }

  private createMsg(fid: number, name: string, mode: number, perm: number): Tmsg {
    if (!this.linux) return { type: Tcreate, fid, name, perm, mode: mode & 0xff, extension: "" };
    return { type: Tlcreate, fid, name, flags: linuxFlags(mode) | L_O_CREAT | L_O_EXCL, mode: perm & 0o777, gid: NOU32 };
  }

  private statMsg(fid: number): Tmsg {
    return this.linux ? { type: Tgetattr, fid, request_mask: GETATTR_BASIC } : { type: Tstat, fid };
  }

  private dirOf(r: Rmsg | undefined, name: string): Dir {
    if (r?.type === Rstat) return r.stat;
    if (r?.type === Rgetattr) return fromGetattr(r, name);
    throw new NineError(Ebotch);
  }
}

/** Twrites under way for one write call. */
const WINDOW = 16;
/** Walks, or getattrs, under way when a directory's entries are looked up one by one. */
const ATTRS = 128;

function failed(t: Tmsg, r: Rmsg | undefined): boolean {
  if (!r || r.type === Rerror || r.type === Rlerror) return true;
  return t.type === Twalk && r.type === Rwalk && r.wqid.length < t.wname.length;
}

function shortWalk(qids: readonly Qid[]): NineError {
  return (qids.at(-1)?.type ?? 0) & QTSYMLINK ? new LinkFound(qids) : new NineError(Enonexist);
}

/** An entry that went away between being listed and being looked at. */
function gone(e: unknown): undefined {
  if (e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.EACCES)) return undefined;
  throw e;
}

function wstatMsg(fid: number, c: Changes): Extract<Tmsg, { type: typeof Twstat }> {
  const d = untouched();
  return {
    type: Twstat, fid, stat: {
      ...d, name: c.name ?? "", mode: c.mode ?? NOU32, uid: c.uid ?? "", gid: c.gid ?? "", length: c.length ?? NOLENGTH,
      atime: c.atime ?? NOU32, mtime: c.mtime ?? NOU32,
    },
  };
}

/** A user or group for .L: decimal digits, else nobody can say. */
function numberOf(name: string): number {
  if (!/^\d+$/.test(name)) throw new NineError(`${Einval}: this server knows users by number, not "${name}"`);
  return Number(name);
}

function setattrMsg(fid: number, c: Changes): Extract<Tmsg, { type: typeof Tsetattr }> {
  let valid = 0;
  if (c.mode !== undefined) valid |= SETATTR_MODE;
  if (c.uid !== undefined) valid |= SETATTR_UID;
  if (c.gid !== undefined) valid |= SETATTR_GID;
  if (c.length !== undefined) valid |= SETATTR_SIZE;
  if (c.atime !== undefined) valid |= SETATTR_ATIME | SETATTR_ATIME_SET;
  if (c.mtime !== undefined) valid |= SETATTR_MTIME | SETATTR_MTIME_SET;
  return {
    type: Tsetattr, fid, valid, mode: (c.mode ?? 0) & 0o777, uid: c.uid === undefined ? NOU32 : numberOf(c.uid),
    gid: c.gid === undefined ? NOU32 : numberOf(c.gid), size: c.length ?? 0, atime_sec: c.atime ?? 0, atime_nsec: 0,
    mtime_sec: c.mtime ?? 0, mtime_nsec: 0,
  };
}

/** Rgetattr as a stat(5) entry; users by number. */
function fromGetattr(r: RgetattrMsg, name: string): Dir {
  return {
    type: 0, dev: 0, qid: r.qid, mode: dirMode(r.mode), atime: r.atime_sec, mtime: r.mtime_sec, length: r.mode & 0o040000 && !(r.mode & 0o100000) ? 0 : r.size,
    name, uid: String(r.uid), gid: String(r.gid), muid: "", extension: "", n_uid: r.uid, n_gid: r.gid, n_muid: NOU32,
  };
}

