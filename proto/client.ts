/**
 * Client: the fid-level half of a file client, in whichever dialect the portal speaks. Every operation
 * starts at a fid and a list of names, so that the walk and what follows it can be one round trip
 * (chains.ts); design: the round trips of each are counted in test/proto/roundtrips.test.ts. Bytes given
 * to the caller are his. A walk that meets a symbolic link where it cannot go on throws LinkFound.
 */
import { Chains, failureOf, type Interrupt, LinkFound } from "./chains.ts";
import { type Dirent, unpackDirents, unpackDirs, wellNamed } from "./dir.ts";
import { Ebotch, Einval, Eio, Enotdir, Enotsup, errno, isInterrupted, NineError } from "./errors.ts";
import {
  type Dir, IOHDRSZ, NOFID, NOU32, type Rmsg, Rread, Rwrite, Tattach, Tcreate, Tlink, Tmkdir, type Tmsg, Tread, Treaddir, Treadlink,
  Tremove, Trename, Trenameat, Tstat, Tsymlink, Twrite,
} from "./fcall.ts";
import { type Changes, createMsg, dirOf, openMsg, setattrMsg, statMsg, wstatMsg } from "./forms.ts";
import { DMDIR, DMSYMLINK, OREAD, OTRUNC, OWRITE } from "./perm.ts";
import type { Portal } from "./portal.ts";
import { QTDIR, QTSYMLINK, type Qid } from "./qid.ts";
import { errorOf, isEintr } from "./reply.ts";

/** An open file: its fid is the caller's, to be clunked. */
export interface Opened {
  readonly fid: number;
  readonly qid: Qid;
  /** Largest payload of one message: the file's iounit, or what msize allows. */
  readonly iounit: number;
}

export interface Attached {
  readonly fid: number;
  readonly qid: Qid;
}

export class Client extends Chains {
  /** Payload of one message. */
  readonly iounit: number;
  /** The messages of .L alone, one by one: a .L server that is not `.x` answers no Topen, Tstat or Twstat. */
  private readonly linux: boolean;

  constructor(portal: Portal) {
    super(portal);
    this.iounit = portal.msize - IOHDRSZ;
    this.linux = portal.dialect === "9P2000.L" && !portal.ordered;
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

  /** A new fid for the file names lead to from fid, with the qids on the way. */
  async walk(fid: number, names: readonly string[], intr?: Interrupt): Promise<{ fid: number; qids: readonly Qid[] }> {
    const w = await this.walkThen(fid, names, () => [], intr);
    this.whole(w, false);
    return w;
  }

  /** As far as names lead: fewer qids than names, and no fid, when one does not exist or is no directory. */
  async walkPart(fid: number, names: readonly string[], intr?: Interrupt): Promise<{ fid: number | undefined; qids: readonly Qid[] }> {
    const w = await this.walkThen(fid, names, () => [], intr);
    if (w.made) return w;
    this.drop(w);
    if (w.failure && (w.qids.length === 0 || isInterrupted(w.failure))) throw w.failure;
    return { fid: undefined, qids: w.qids };
  }

  /** A second fid for the same file. */
  async clone(fid: number, intr?: Interrupt): Promise<number> {
    return (await this.walk(fid, [], intr)).fid;
  }

  async open(fid: number, names: readonly string[], mode: number, intr?: Interrupt): Promise<Opened> {
    const w = await this.walkThen(fid, names, (f) => [openMsg(this.linux, f, mode)], intr);
    this.whole(w, true);
    return this.opened(w.fid, w.replies[0]);
  }

  /** Opens a fid that is there already; it stays the caller's also when this fails. */
  async openFid(fid: number, mode: number, intr?: Interrupt): Promise<Opened> {
    return this.opened(fid, await this.rpc<Tmsg>(openMsg(this.linux, fid, mode), intr));
  }

  /** Opens for reading with the stat and the first n bytes: one round trip where order is kept. */
  async openRead(fid: number, names: readonly string[], n: number, intr?: Interrupt): Promise<Opened & { dir: Dir | undefined; data: Uint8Array }> {
    // To a plain peer the stat would be one round trip more than it saves.
    const stats = this.portal.ordered;
    const w = await this.walkThen(fid, names, (f) => {
      const read: Tmsg = { type: Tread, fid: f, offset: 0, count: Math.min(n, this.iounit) };
      return stats ? [openMsg(this.linux, f, OREAD), statMsg(this.linux, f), read] : [openMsg(this.linux, f, OREAD), read];
    }, intr);
    this.whole(w, true);
    const read = w.replies.at(-1);
    if (read?.type !== Rread) throw new NineError(Ebotch);
    return { ...this.opened(w.fid, w.replies[0]), dir: stats ? dirOf(w.replies[1], names.at(-1) ?? "/") : undefined, data: read.data };
  }

  /** The directory `names` leads to gets a file (or, DMDIR in perm, a directory), which is then open. Eexist when the name is taken. */
  async create(fid: number, names: readonly string[], name: string, mode: number, perm: number, intr?: Interrupt): Promise<Opened> {
    if (this.linux && perm & DMDIR) {
      await this.mkdir(fid, names, name, perm, intr);
      return this.open(fid, [...names, name], mode, intr);
    }
    const w = await this.walkThen(fid, names, (f) => [createMsg(this.linux, f, name, mode, perm)], intr);
    this.whole(w, true);
    return this.opened(w.fid, w.replies[0]);
  }

  /** Makes a file with these bytes and closes it: one round trip where order is kept. Eexist when the name is taken. */
  async createWrite(fid: number, names: readonly string[], name: string, perm: number, data: Uint8Array, intr?: Interrupt): Promise<void> {
    await this.writeAll(fid, names, (f) => createMsg(this.linux, f, name, OWRITE, perm), data, intr);
  }

  /** Truncates a file, writes these bytes and closes it. */
  async truncateWrite(fid: number, names: readonly string[], data: Uint8Array, intr?: Interrupt): Promise<void> {
    await this.writeAll(fid, names, (f) => openMsg(this.linux, f, OWRITE | OTRUNC), data, intr);
  }

  async mkdir(fid: number, names: readonly string[], name: string, perm: number, intr?: Interrupt): Promise<void> {
    const w = await this.walkThen(fid, names, (f): Tmsg[] => [this.linux
      ? { type: Tmkdir, dfid: f, name, mode: perm & 0o7777, gid: NOU32 }
      : createMsg(false, f, name, OREAD, (perm | DMDIR) >>> 0)], intr, true);
    this.whole(w, true);
    this.drop(w);
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
    const w = await this.walkThen(fid, names, (f) => [statMsg(this.linux, f)], intr, true);
    this.whole(w, false);
    this.drop(w);
    return dirOf(w.replies[0], names.at(-1) ?? "/");
  }

  async statFid(fid: number, name: string, intr?: Interrupt): Promise<Dir> {
    return dirOf(await this.rpc<Tmsg>(statMsg(this.linux, fid), intr), name);
  }

  async wstat(fid: number, names: readonly string[], changes: Changes, intr?: Interrupt): Promise<void> {
    if (this.linux) {
      const { fid: f, qids } = await this.walk(fid, names, intr);
      try {
        if (changes.name === undefined && (qids.at(-1)?.type ?? 0) & QTSYMLINK) throw new LinkFound(qids);
        await this.wstatFid(f, changes, intr, fid, names);
      } finally {
        this.clunk(f);
      }
      return;
    }
    // A link in last place is followed, but for a new name, which is the link's own; plain 9P2000 shows no links.
    if (changes.name !== undefined || this.portal.dialect === "9P2000") {
      const w = await this.walkThen(fid, names, (f) => [wstatMsg(f, changes)], intr, true);
      this.whole(w, false);
      this.drop(w);
      return;
    }
    const { fid: f, qids } = await this.walk(fid, names, intr);
    try {
      if ((qids.at(-1)?.type ?? 0) & QTSYMLINK) throw new LinkFound(qids);
      await this.rpc(wstatMsg(f, changes), intr);
    } finally {
      this.clunk(f);
    }
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
    const w = await this.walkThen(fid, names, (f): Tmsg[] => [{ type: Tremove, fid: f }], intr);
    // Tremove frees the fid also when it fails, unless it was interrupted before it began.
    const r = w.replies[0];
    this.drop({ ...w, gone: r !== undefined && !isEintr(r) });
    if (w.failure) throw failureOf(w, false);
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
    try {
      await this.rpc({ type: Trenameat, olddirfid: olddir, oldname, newdirfid: newdir, newname }, intr);
    } catch (e) {
      if (!(e instanceof NineError) || (e.errno !== errno.EOPNOTSUPP && e.errno !== errno.ENOSYS)) throw e;
      // A .L server older than this message (diod 1.0.24): by the file's own fid.
      const { fid } = await this.walk(olddir, [oldname], intr);
      await this.rpc({ type: Trename, fid, dfid: newdir, name: newname }, intr).finally(() => this.clunk(fid));
    }
  }

  async symlink(dir: number, name: string, target: string, intr?: Interrupt): Promise<void> {
    if (this.portal.dialect === "9P2000.L") {
      await this.rpc({ type: Tsymlink, fid: dir, name, symtgt: target, gid: NOU32 }, intr);
      return;
    }
    if (this.portal.dialect === "9P2000") throw new NineError(Enotsup);
    const fid = await this.clone(dir, intr);
    try {
      await this.rpc({ type: Tcreate, fid, name, perm: DMSYMLINK | 0o777, mode: OREAD, extension: target }, intr);
    } finally {
      this.clunk(fid);
    }
  }

  async link(dir: number, name: string, fid: number, intr?: Interrupt): Promise<void> {
    if (this.portal.dialect !== "9P2000.L") throw new NineError(Enotsup);
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
      return { dirs: wellNamed(unpackDirs(data, this.portal.dialect)), next: Number(offset) + data.length };
    }
    const r = await this.rpc({ type: Treaddir, fid, offset, count: this.iounit }, intr);
    const ents = unpackDirents(r.data);
    const named = wellNamed(ents.filter((e) => e.name !== "." && e.name !== ".."));
    const dirs = await this.attrs(dirfid, named, intr);
    const next = ents.at(-1)?.offset ?? offset;
    // A batch whose entries all went away is not the end.
    if (dirs.length === 0 && ents.length > 0) return this.dirread(fid, next, dirfid, intr);
    return { dirs, next };
  }

  /** All entries of the directory names lead to. */
  async list(fid: number, names: readonly string[], intr?: Interrupt): Promise<Dir[]> {
    const all: Dir[] = [];
    if (this.linux) {
      // Two walks that do not depend on each other: the fid to read from, and one to walk on from.
      const [read, dir] = await Promise.allSettled([this.open(fid, names, OREAD, intr), this.walk(fid, names, intr)]);
      if (read.status === "fulfilled" && dir.status === "fulfilled" && read.value.qid.type & QTDIR) await this.listTo(all, read.value.fid, 0, dir.value.fid, intr).finally(() => this.clunk(dir.value.fid));
      else {
        if (read.status === "fulfilled") this.clunk(read.value.fid);
        if (dir.status === "fulfilled") this.clunk(dir.value.fid);
        throw read.status === "rejected" ? read.reason : dir.status === "rejected" ? dir.reason : new NineError(Enotdir);
      }
      return all;
    }
    const w = await this.walkThen(fid, names, (f) =>
      [openMsg(false, f, OREAD), { type: Tread, fid: f, offset: 0, count: this.iounit }], intr);
    this.whole(w, true);
    const read = w.replies.at(-1);
    const { qid } = this.opened(w.fid, w.replies.at(-2));
    if (read?.type !== Rread) throw new NineError(Ebotch);
    if (!(qid.type & QTDIR)) {
      this.clunk(w.fid);
      throw new NineError(Enotdir);
    }
    try {
      for (const d of wellNamed(unpackDirs(read.data, this.portal.dialect))) all.push(d);
    } catch (e) {
      this.clunk(w.fid);
      throw e;
    }
    if (read.data.length === 0) this.clunk(w.fid);
    else await this.listTo(all, w.fid, read.data.length, w.fid, intr);
    return all;
  }

  /** The entries behind `offset` to the end; the fid is clunked then. */
  private async listTo(all: Dir[], fid: number, offset: number | bigint, dirfid: number, intr?: Interrupt): Promise<void> {
    try {
      for (let at = offset; ;) {
        const { dirs, next } = await this.dirread(fid, at, dirfid, intr);
        if (dirs.length === 0) return;
        for (const d of dirs) all.push(d);
        at = next;
      }
    } finally {
      this.clunk(fid);
    }
  }

  /** Attributes of entries, a window of walks and then of getattrs: messages that do not depend on each other. */
  private async attrs(dirfid: number, ents: Dirent[], intr?: Interrupt): Promise<Dir[]> {
    const dirs: Dir[] = [];
    for (let i = 0; i < ents.length; i += ATTRS) {
      const some = ents.slice(i, i + ATTRS);
      const walked = await Promise.allSettled(some.map((e) => this.walk(dirfid, [e.name], intr)));
      const fids = walked.map((w) => (w.status === "fulfilled" ? w.value.fid : undefined));
      const stats = await Promise.allSettled(fids.map(async (f, k) => (f === undefined ? undefined : await this.statFid(f, some[k]?.name ?? "", intr))));
      for (const f of fids) if (f !== undefined) this.clunk(f);
      for (const w of walked) if (w.status === "rejected") gone(w.reason);
      for (const x of stats) {
        const d = x.status === "fulfilled" ? x.value : gone(x.reason);
        if (d) dirs.push(d);
      }
    }
    return dirs;
  }

  private async writeAll(fid: number, names: readonly string[], first: (f: number) => Tmsg, data: Uint8Array, intr?: Interrupt): Promise<void> {
    const one = data.length <= this.iounit;
    const w = await this.walkThen(fid, names, (f): Tmsg[] =>
      one && data.length > 0 ? [first(f), { type: Twrite, fid: f, offset: 0, data }] : [first(f)], intr, one);
    this.whole(w, true);
    if (one) {
      this.drop(w);
      const n = w.replies[1];
      if (data.length > 0 && (n?.type !== Rwrite || n.count !== data.length)) throw new NineError(`${Eio}: short write`);
      return;
    }
    try {
      await this.write(w.fid, 0, data, intr);
    } catch (e) {
      this.clunk(w.fid);
      throw e;
    }
    await this.close(w.fid);
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
}

/** Twrites under way for one write call. */
const WINDOW = 16;
/** Walks, or getattrs, under way when a directory's entries are looked up one by one. */
const ATTRS = 128;

/** An entry that went away between being listed and being looked at. */
function gone(e: unknown): undefined {
  if (e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.EACCES)) return undefined;
  throw e;
}
