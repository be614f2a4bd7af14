/**
 * Client: the fid-level half of a file client, in whichever dialect the portal speaks. Every operation
 * starts at a fid and a list of names, so that the walk and what follows it can be one round trip
 * (chains.ts); design: the round trips of each are counted in test/proto/roundtrips.test.ts. Where the
 * portal answers at once so does the operation, without a promise, and what fails then is thrown. Bytes
 * given to the caller are his. A walk that meets a symbolic link where it cannot go on throws LinkFound.
 */
import { after, attempt, type Awaitable, got, lastly, promised, type Steps, steps } from "./awaitable.ts";
import { Chains, failureOf, type Interrupt, LinkFound, nothing, type Walked, type WalkedPart } from "./chains.ts";
import { type Dirent, unpackDirents, unpackDirs, wellNamed } from "./dir.ts";
import { Ebotch, Einval, Eio, Enotdir, Enotsup, errno, NineError } from "./errors.ts";
import {
  type Dir, GETATTR_ALL, IOHDRSZ, NOFID, NOU32, Rgetattr, type RgetattrMsg, type Rmsg, Rread, Rwrite, Tattach, Tcreate, Tgetattr, type TgetattrMsg, Tlink, Tmkdir, type Tmsg, Tread, Treaddir, Treadlink, type TreadMsg,
  Tremove, Trename, Trenameat, Tstat, Tsymlink, Twalk, Twrite,
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
  attach(uname: string, aname: string, n_uname: number = NOU32, intr?: Interrupt): Awaitable<Attached> {
    const fid = this.alloc();
    return attempt(() => after(this.rpc({ type: Tattach, fid, afid: NOFID, uname, aname, n_uname }, intr), (r) => ({ fid, qid: r.qid })), (e) => {
      this.release(fid);
      throw e;
    });
  }

  /** A new fid for the file names lead to from fid, with the qids on the way. */
  walk(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<{ fid: number; qids: readonly Qid[] }> {
    return after(this.walkThen(fid, names, undefined, intr), (w) => {
      this.whole(w, false);
      return w;
    });
  }

  /** As far as at most MAXWELEM names lead: fewer qids than names, and no fid, when one does not exist or is no directory. */
  walkPart(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<WalkedPart> {
    const newfid = this.alloc();
    const r = this.send({ type: Twalk, fid, newfid, wname: names }, intr);
    return r instanceof Promise ? this.partLater(newfid, names.length, r) : this.part(newfid, names.length, r);
  }

  /** A second fid for the same file. */
  clone(fid: number, intr?: Interrupt): Awaitable<number> {
    return after(this.walk(fid, [], intr), (w) => w.fid);
  }

  open(fid: number, names: readonly string[], mode: number, intr?: Interrupt): Awaitable<Opened> {
    const w = this.walkThen(fid, names, (f) => [openMsg(this.linux, f, mode)], intr);
    return w instanceof Promise ? w.then((x) => this.openedBy(x)) : this.openedBy(w);
  }

  private openedBy(w: Walked): Opened {
    this.whole(w, true);
    return this.opened(w.fid, w.replies[0]);
  }

  /** Opens a fid that is there already; it stays the caller's also when this fails. */
  openFid(fid: number, mode: number, intr?: Interrupt): Awaitable<Opened> {
    return after(this.rpc<Tmsg>(openMsg(this.linux, fid, mode), intr), (r) => this.opened(fid, r));
  }

  /** Opens for reading with the stat and the first n bytes: one round trip where order is kept. */
  openRead(fid: number, names: readonly string[], n: number, intr?: Interrupt): Awaitable<Opened & { dir: Dir | undefined; data: Uint8Array }> {
    // To a plain peer the stat would be one round trip more than it saves.
    const stats = this.portal.ordered;
    return after(this.walkThen(fid, names, (f) => {
      const read: Tmsg = { type: Tread, fid: f, offset: 0, count: Math.min(n, this.iounit) };
      return stats ? [openMsg(this.linux, f, OREAD), statMsg(this.linux, f), read] : [openMsg(this.linux, f, OREAD), read];
    }, intr), (w) => {
      this.whole(w, true);
      const read = w.replies.at(-1);
      if (read?.type !== Rread) throw new NineError(Ebotch);
      return { ...this.opened(w.fid, w.replies[0]), dir: stats ? dirOf(w.replies[1], names.at(-1) ?? "/") : undefined, data: read.data };
    });
  }

  /** The directory `names` leads to gets a file (or, DMDIR in perm, a directory), which is then open. Eexist when the name is taken. */
  create(fid: number, names: readonly string[], name: string, mode: number, perm: number, intr?: Interrupt): Awaitable<Opened> {
    if (this.linux && perm & DMDIR) {
      return after(this.mkdir(fid, names, name, perm, intr), () => this.open(fid, [...names, name], mode, intr));
    }
    return after(this.walkThen(fid, names, (f) => [createMsg(this.linux, f, name, mode, perm)], intr), (w) => this.openedBy(w));
  }

  /** Makes a file with these bytes and closes it: one round trip where order is kept. Eexist when the name is taken. */
  createWrite(fid: number, names: readonly string[], name: string, perm: number, data: Uint8Array, intr?: Interrupt): Awaitable<void> {
    return this.writeAll(fid, names, (f) => createMsg(this.linux, f, name, OWRITE, perm), data, intr);
  }

  /** Truncates a file, writes these bytes and closes it. */
  truncateWrite(fid: number, names: readonly string[], data: Uint8Array, intr?: Interrupt): Awaitable<void> {
    return this.writeAll(fid, names, (f) => openMsg(this.linux, f, OWRITE | OTRUNC), data, intr);
  }

  mkdir(fid: number, names: readonly string[], name: string, perm: number, intr?: Interrupt): Awaitable<void> {
    return after(this.walkThen(fid, names, (f): Tmsg[] => [this.linux
      ? { type: Tmkdir, dfid: f, name, mode: perm & 0o7777, gid: NOU32 }
      : createMsg(false, f, name, OREAD, (perm | DMDIR) >>> 0)], intr, true), (w) => this.over(w));
  }

  /** Bytes [at, at+n) of an open file, fewer at the end or when the server gives fewer; with `into` there, and no more than fit. `by`: see Tread. */
  read(fid: number, at: number, n: number, intr?: Interrupt, into?: Uint8Array, by?: number): Awaitable<Uint8Array> {
    const count = Math.min(n, this.iounit, into?.length ?? n);
    const t: TreadMsg = into ? { type: Tread, fid, offset: at, count, into } : { type: Tread, fid, offset: at, count };
    if (by !== undefined) t.by = by;
    return after(this.rpc(t, intr), (r) => r.data);
  }

  /** One message's worth; the count the server took. */
  writeSome(fid: number, at: number, data: Uint8Array, intr?: Interrupt): Awaitable<number> {
    return after(this.rpc({ type: Twrite, fid, offset: at, data: data.length > this.iounit ? data.subarray(0, this.iounit) : data }, intr), (r) => r.count);
  }

  /** All of data, several messages under way at a time; a short Rwrite is an error (write(2)). */
  write(fid: number, at: number, data: Uint8Array, intr?: Interrupt): Awaitable<number> {
    if (data.length > this.iounit) return steps(() => this.writing(fid, at, data, intr));
    return after(this.writeSome(fid, at, data, intr), (n) => {
      if (n !== data.length) throw new NineError(`${Eio}: short write`);
      return n;
    });
  }

  private *writing(fid: number, at: number, data: Uint8Array, intr: Interrupt | undefined): Steps<number> {
    for (let done = 0; done < data.length;) {
      const ts: Tmsg[] = [];
      for (; ts.length < WINDOW && done < data.length; done += this.iounit) {
        ts.push({ type: Twrite, fid, offset: at + done, data: data.subarray(done, done + this.iounit) });
      }
      this.allWritten(ts, yield* got(this.chain(ts, intr)));
    }
    return data.length;
  }

  stat(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<Dir> {
    if (names.length === 0) return this.statFid(fid, "/", intr);
    const w = this.walkThen(fid, names, (f) => [statMsg(this.linux, f)], intr, true);
    return w instanceof Promise ? this.statLater(w, names) : this.statOf(w, names);
  }

  private async statLater(w: Promise<Walked>, names: readonly string[]): Promise<Dir> {
    return this.statOf(await w, names);
  }

  private statOf(w: Walked, names: readonly string[]): Dir {
    this.over(w);
    return dirOf(w.replies[0], names.at(-1) ?? "/");
  }

  statFid(fid: number, name: string, intr?: Interrupt): Awaitable<Dir> {
    return after(this.rpc<Tmsg>(statMsg(this.linux, fid), intr), (r) => dirOf(r, name));
  }

  /** All that a .L server tells of a file: one round trip where order is kept. */
  getattr(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<RgetattrMsg> {
    const ask = (f: number): TgetattrMsg => ({ type: Tgetattr, fid: f, request_mask: GETATTR_ALL });
    if (names.length === 0) return this.rpc(ask(fid), intr);
    return after(this.walkThen(fid, names, (f) => [ask(f)], intr, true), (w) => {
      this.over(w);
      const r = w.replies[0];
      if (r?.type !== Rgetattr) throw new NineError(Ebotch);
      return r;
    });
  }

  wstat(fid: number, names: readonly string[], changes: Changes, intr?: Interrupt): Awaitable<void> {
    // A link in last place is followed, but for a new name, which is the link's own; plain 9P2000 shows no links.
    if (!this.linux && (changes.name !== undefined || this.portal.dialect === "9P2000")) {
      return after(this.walkThen(fid, names, (f) => [wstatMsg(f, changes)], intr, true), (w) => this.over(w));
    }
    return after(this.walk(fid, names, intr), ({ fid: f, qids }) => lastly(() => {
      if (changes.name === undefined && (qids.at(-1)?.type ?? 0) & QTSYMLINK) throw new LinkFound(qids);
      return this.wstatFid(f, changes, intr, fid, names);
    }, () => this.clunk(f)));
  }

  /** A plain .L server renames by directory: from and names say how it was reached. */
  wstatFid(fid: number, changes: Changes, intr?: Interrupt, from?: number, names: readonly string[] = []): Awaitable<void> {
    if (!this.linux) return after(this.rpc(wstatMsg(fid, changes), intr), nothing);
    return after(changes.name === undefined ? undefined : this.renamed(fid, changes.name, intr, from, names), () => {
      const set = setattrMsg(fid, changes);
      return set.valid === 0 ? undefined : after(this.rpc(set, intr), nothing);
    });
  }

  private renamed(fid: number, name: string, intr: Interrupt | undefined, from: number | undefined, names: readonly string[]): Awaitable<void> {
    if (from === undefined || names.length === 0) throw new NineError(Einval);
    return after(this.walk(from, names.slice(0, -1), intr), ({ fid: dfid }) =>
      lastly(() => after(this.rpc({ type: Trename, fid, dfid, name }, intr), nothing), () => this.clunk(dfid)));
  }

  remove(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<void> {
    return after(this.walkThen(fid, names, (f): Tmsg[] => [{ type: Tremove, fid: f }], intr), (w) => {
      // Tremove frees the fid also when it fails, unless it was interrupted before it began.
      const r = w.replies[0];
      this.drop({ ...w, gone: r !== undefined && !isEintr(r) });
      if (!w.made || w.failure) throw failureOf(w, false);
    });
  }

  /** Removes what an open or walked fid stands for; the fid is gone whatever happens. */
  removeFid(fid: number, intr?: Interrupt): Awaitable<void> {
    return lastly(() => after(this.rpc({ type: Tremove, fid }, intr), nothing), () => this.release(fid));
  }

  /** Across directories of one server, .L only; Plan 9's dialects rename by wstat within one directory. */
  rename(olddir: number, oldname: string, newdir: number, newname: string, intr?: Interrupt): Awaitable<void> {
    return attempt(() => after(this.rpc({ type: Trenameat, olddirfid: olddir, oldname, newdirfid: newdir, newname }, intr), nothing), (e) => {
      if (!(e instanceof NineError) || (e.errno !== errno.EOPNOTSUPP && e.errno !== errno.ENOSYS)) throw e;
      // A .L server older than this message (diod 1.0.24): by the file's own fid.
      return after(this.walk(olddir, [oldname], intr), ({ fid }) =>
        lastly(() => after(this.rpc({ type: Trename, fid, dfid: newdir, name: newname }, intr), nothing), () => this.clunk(fid)));
    });
  }

  symlink(dir: number, name: string, target: string, intr?: Interrupt): Awaitable<void> {
    if (this.portal.dialect === "9P2000.L") return after(this.rpc({ type: Tsymlink, fid: dir, name, symtgt: target, gid: NOU32 }, intr), nothing);
    if (this.portal.dialect === "9P2000") throw new NineError(Enotsup);
    return after(this.clone(dir, intr), (fid) => lastly(() =>
      after(this.rpc({ type: Tcreate, fid, name, perm: DMSYMLINK | 0o777, mode: OREAD, extension: target }, intr), nothing), () => this.clunk(fid)));
  }

  link(dir: number, name: string, fid: number, intr?: Interrupt): Awaitable<void> {
    if (this.portal.dialect !== "9P2000.L") throw new NineError(Enotsup);
    return after(this.rpc({ type: Tlink, dfid: dir, fid, name }, intr), nothing);
  }

  /** Where a symbolic link leads; the fid is not open. */
  readlink(fid: number, intr?: Interrupt): Awaitable<string> {
    if (this.portal.dialect === "9P2000.L") return after(this.rpc({ type: Treadlink, fid }, intr), (r) => r.target);
    return after(this.rpc({ type: Tstat, fid }, intr), (r) => r.stat.extension);
  }

  /**
   * The next entries of an open directory behind `offset`, and the offset of those that follow; [] at
   * the end. dirfid: a fid of the same directory that is not open, for servers that name entries only.
   */
  dirread(fid: number, offset: number | bigint, dirfid: number, intr?: Interrupt): Awaitable<{ dirs: Dir[]; next: number | bigint }> {
    if (this.linux) return this.dirreadNames(fid, offset, dirfid, intr);
    return after(this.read(fid, Number(offset), this.iounit, intr), (data) =>
      ({ dirs: wellNamed(unpackDirs(data, this.portal.dialect)), next: Number(offset) + data.length }));
  }

  private async dirreadNames(fid: number, offset: number | bigint, dirfid: number, intr?: Interrupt): Promise<{ dirs: Dir[]; next: number | bigint }> {
    const r = await this.rpc({ type: Treaddir, fid, offset, count: this.iounit }, intr);
    const ents = unpackDirents(r.data);
    const named = wellNamed(ents.filter((e) => e.name !== "." && e.name !== ".."));
    const dirs = await this.attrs(dirfid, named, intr);
    const next = ents.at(-1)?.offset ?? offset;
    // A batch whose entries all went away is not the end.
    if (dirs.length === 0 && ents.length > 0) return this.dirreadNames(fid, next, dirfid, intr);
    return { dirs, next };
  }

  /** All entries of the directory names lead to. */
  list(fid: number, names: readonly string[], intr?: Interrupt): Awaitable<Dir[]> {
    const all: Dir[] = [];
    if (this.linux) return this.listNames(all, fid, names, intr);
    return after(this.walkThen(fid, names, (f) => [openMsg(false, f, OREAD), { type: Tread, fid: f, offset: 0, count: this.iounit }], intr), (w) => {
      this.whole(w, true);
      const read = w.replies.at(-1);
      const { qid } = this.opened(w.fid, w.replies.at(-2));
      if (read?.type !== Rread) throw new NineError(Ebotch);
      try {
        if (!(qid.type & QTDIR)) throw new NineError(Enotdir);
        for (const d of wellNamed(unpackDirs(read.data, this.portal.dialect))) all.push(d);
      } catch (e) {
        this.clunk(w.fid);
        throw e;
      }
      if (read.data.length > 0) return steps(() => this.listTo(all, w.fid, read.data.length, w.fid, intr));
      this.clunk(w.fid);
      return all;
    });
  }

  private async listNames(all: Dir[], fid: number, names: readonly string[], intr?: Interrupt): Promise<Dir[]> {
    // Two walks that do not depend on each other: the fid to read from, and one to walk on from.
    const [read, dir] = await Promise.allSettled([promised(() => this.open(fid, names, OREAD, intr)), promised(() => this.walk(fid, names, intr))]);
    try {
      if (read.status === "fulfilled" && dir.status === "fulfilled" && read.value.qid.type & QTDIR) {
        return await steps(() => this.listTo(all, read.value.fid, 0, dir.value.fid, intr));
      }
      if (read.status === "fulfilled") this.clunk(read.value.fid);
      throw read.status === "rejected" ? read.reason : dir.status === "rejected" ? dir.reason : new NineError(Enotdir);
    } finally {
      if (dir.status === "fulfilled") this.clunk(dir.value.fid);
    }
  }

  /** With the entries behind `offset` to the end; the fid is clunked then. */
  private *listTo(all: Dir[], fid: number, offset: number | bigint, dirfid: number, intr?: Interrupt): Steps<Dir[]> {
    try {
      for (let at = offset; ;) {
        const { dirs, next } = yield* got(this.dirread(fid, at, dirfid, intr));
        if (dirs.length === 0) return all;
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
      const walked = await Promise.allSettled(some.map((e) => promised(() => this.walk(dirfid, [e.name], intr))));
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

  private writeAll(fid: number, names: readonly string[], first: (f: number) => Tmsg, data: Uint8Array, intr?: Interrupt): Awaitable<void> {
    const one = data.length <= this.iounit;
    return after(this.walkThen(fid, names, (f): Tmsg[] =>
      one && data.length > 0 ? [first(f), { type: Twrite, fid: f, offset: 0, data }] : [first(f)], intr, one), (w) => {
      if (one) {
        this.over(w, true);
        const n = w.replies[1];
        if (data.length > 0 && (n?.type !== Rwrite || n.count !== data.length)) throw new NineError(`${Eio}: short write`);
        return;
      }
      this.whole(w, true);
      const written = attempt(() => this.write(w.fid, 0, data, intr), (e) => {
        this.clunk(w.fid);
        throw e;
      });
      return after(written, () => this.close(w.fid));
    });
  }

  /** The end of a chain that leaves no fid; throws unless everything succeeded. */
  private over(w: Walked, follow = false): void {
    this.whole(w, follow);
    this.drop(w);
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
