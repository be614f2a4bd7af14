/**
 * RamNode: what every file, directory, link and device of a ram server has: its number, version,
 * owner, mode, times and links. Invariants: `vers` differs after each change of contents or attributes
 * (not of atime by reading) and is never 0; `nlink` counts the directory entries that name it; its
 * memory goes back to the store when there is neither an entry nor an open.
 */
import { DMAPPEND, DMDIR, DMEXCL, DMSETGID, DMSETUID, DMSTICKY, DMTMP, Einval, Eisdir, NineError, qidType, statMode } from "../../proto/index.ts";
import type { Attr, Call, NodeCommon, Qid, SetAttr, SetTime, Statfs } from "../../proto/index.ts";
import { NAMEMAX, NODECOST, type Store, USERMAX } from "./store.ts";

/** The bits of a mode that can be chosen; the others say what a file is and never change. */
export const SETTABLE: number = DMAPPEND | DMEXCL | DMTMP | DMSETUID | DMSETGID | DMSTICKY | 0o777;
const BLOCK = 4096;
/** What Linux's statfs reports of any 9P file system. */
const V9FS_MAGIC = 0x01021997;

export class RamNode implements NodeCommon {
  readonly store: Store;
  nlink = 0;
  mode: number;
  uid: string;
  gid: string;
  muid: string;
  private readonly number: number;
  private vers = 1;
  private cachedQid: Qid | undefined;
  /** Its memory has been given back; it answers stat while a client still holds a fid of it. */
  gone = false;
  private atime: number;
  private atimeNsec: number;
  private mtime: number;
  private mtimeNsec: number;
  private ctime: number;
  private ctimeNsec: number;

  /** Charges the node and `extra` bytes more, or throws Efull. */
  constructor(store: Store, mode: number, uid: string, gid: string, extra = 0) {
    store.take(NODECOST + extra);
    store.tick();
    this.store = store;
    this.mode = mode >>> 0;
    this.uid = uid;
    this.gid = gid;
    this.muid = uid;
    this.number = store.number();
    this.atime = this.mtime = this.ctime = store.sec;
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = store.nsec;
  }

  qid(): Qid {
    return this.cachedQid ??= {
      type: qidType(this.mode), vers: this.vers, pathlo: this.number >>> 0, pathhi: Math.floor(this.number / 2 ** 32),
    };
  }

  stat(): Attr {
    return {
      mode: this.mode, uid: this.uid, gid: this.gid, muid: this.muid, length: this.size(),
      atime: this.atime, atimeNsec: this.atimeNsec, mtime: this.mtime, mtimeNsec: this.mtimeNsec,
      ctime: this.ctime, ctimeNsec: this.ctimeNsec, nlink: this.links(), rdev: 0, block: false,
      blksize: BLOCK, blocks: Math.ceil(this.memory() / 512),
    };
  }

  /** DT_ of dirent.h: the kind of st_mode. */
  get type(): number {
    return statMode(this.mode) >>> 12;
  }

  setattr(set: SetAttr, call: Call): void {
    if (set.uid !== undefined) checkUser(set.uid);
    if (set.gid !== undefined) checkUser(set.gid);
    if (set.length !== undefined) this.checkLength(set.length);
    if (set.uid !== undefined) this.uid = set.uid;
    if (set.gid !== undefined) this.gid = set.gid;
    if (set.length === undefined) this.touched(call);
    else {
      this.resize(set.length);
      this.modified(call);
    }
    if (set.mode !== undefined) this.mode = ((set.mode & SETTABLE) | (this.mode & ~SETTABLE)) >>> 0;
    if (set.atime !== undefined) [this.atime, this.atimeNsec] = this.time(set.atime);
    if (set.mtime !== undefined) {
      [this.mtime, this.mtimeNsec] = this.time(set.mtime);
      this.muid = call.uname;
    }
  }

  statfs(): Statfs {
    const { limit, used } = this.store;
    const free = Math.floor((limit - used) / BLOCK);
    return {
      type: V9FS_MAGIC, bsize: BLOCK, blocks: Math.floor(limit / BLOCK), bfree: free, bavail: free,
      files: Math.floor(limit / NODECOST), ffree: Math.floor((limit - used) / NODECOST), namelen: NAMEMAX,
    };
  }

  /** The contents changed, at the hand of the caller. */
  modified(call: Call): void {
    this.touched(call);
    this.mtime = this.ctime;
    this.mtimeNsec = this.ctimeNsec;
    this.muid = call.uname;
  }

  /** The attributes changed. */
  touched(_call: Call): void {
    this.store.tick();
    this.ctime = this.store.sec;
    this.ctimeNsec = this.store.nsec;
    this.vers = (this.vers + 1) >>> 0 || 1;
    this.cachedQid = undefined;
  }

  /** The contents were read. */
  accessed(): void {
    this.store.tick();
    this.atime = this.store.sec;
    this.atimeNsec = this.store.nsec;
  }

  /** An entry that named it has gone: so has the memory, unless something holds it. */
  unlinked(call: Call): void {
    this.nlink--;
    this.touched(call);
    this.reap();
  }

  /** Give back the memory if nothing names or holds the node any more. */
  reap(): void {
    if (this.nlink > 0 || this.held() || this.gone) return;
    this.gone = true;
    this.free();
    this.store.give(NODECOST);
  }

  // What the kinds of nodes differ in.

  protected size(): number {
    return 0;
  }

  /** Bytes of memory the contents take. */
  protected memory(): number {
    return 0;
  }

  protected links(): number {
    return this.nlink;
  }

  /** Open, so that it outlives its last entry. */
  protected held(): boolean {
    return false;
  }

  /** Give back all but the node's own cost. */
  protected free(): void {}

  /** Throw unless the length can be set: only regular files have one. */
  protected checkLength(length: number): void {
    if (this.mode & DMDIR) {
      if (length !== 0) throw new NineError(Eisdir);
    } else throw new NineError(Einval);
  }

  protected resize(_length: number): void {}

  private time(t: SetTime): [number, number] {
    return t === "now" ? [this.ctime, this.ctimeNsec] : [t.sec, t.nsec];
  }
}

/** Owners' names are part of a node's fixed cost, and so bounded. */
export function checkUser(name: string): void {
  if (name === "" || name.length > USERMAX) throw new NineError("unknown user");
}
