/** Stat: Linux's calls that ask about files: stat and statx, access, statfs; and the structures they fill. */
import { after, type Awaitable, errno, Rstatfs, type RstatfsMsg, S_IFDIR, S_IFMT, Tstatfs } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { type Attr, attrAt, attrOf, isLinux } from "./attr.ts";
import { Struct } from "./bytes.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { AT, fdNamed, nameFrom, onFile, onOpen } from "./paths.ts";

/** Bytes of struct stat, struct statx and struct statfs. */
const STAT = 144;
const STATX = 256;
const STATFS = 120;
/** STATX_BASIC_STATS and STATX_BTIME: what is always told, and a time of making where it is known. */
const BASIC = 0x7ff;
const BTIME = 0x800;
const STATXRESERVED = 0x80000000;
/** AT_STATX_SYNC_TYPE */
const SYNCTYPE = 0x6000;
/** What statfs tells of a server that tells nothing: 9P's own number. */
const V9FS = 0x01021997;

const R_OK = 4;
const W_OK = 2;
const X_OK = 1;

function major(rdev: number): number {
  return Math.floor(rdev / 256) % 4096;
}

function minor(rdev: number): number {
  return (rdev % 256) + Math.floor(rdev / 2 ** 20) * 256;
}

function statOf(a: Attr): Uint8Array {
  return new Struct(STAT).u64(0, a.dev).u32(8, a.qid.pathlo).u32(12, a.qid.pathhi).u64(16, a.nlink).u32(24, a.mode).u32(28, a.uid).u32(32, a.gid)
    .u64(40, a.rdev).u64(48, a.size).u64(56, a.blksize).u64(64, a.blocks)
    .time(72, a.atime_sec, a.atime_nsec).time(88, a.mtime_sec, a.mtime_nsec).time(104, a.ctime_sec, a.ctime_nsec).bytes;
}

function statxOf(a: Attr): Uint8Array {
  const born = a.btime_sec !== 0;
  const s = new Struct(STATX).u32(0, born ? BASIC | BTIME : BASIC).u32(4, a.blksize).u32(16, a.nlink).u32(20, a.uid).u32(24, a.gid).u16(28, a.mode)
    .u32(32, a.qid.pathlo).u32(36, a.qid.pathhi).u64(40, a.size).u64(48, a.blocks)
    .u32(128, major(a.rdev)).u32(132, minor(a.rdev)).u32(136, major(a.dev)).u32(140, minor(a.dev));
  const time = (at: number, sec: number, nsec: number): Struct => s.u64(at, sec).u32(at + 8, nsec);
  time(64, a.atime_sec, a.atime_nsec);
  if (born) time(80, a.btime_sec, a.btime_nsec);
  time(96, a.ctime_sec, a.ctime_nsec);
  time(112, a.mtime_sec, a.mtime_nsec);
  return s.bytes;
}

/** Fills a structure of the program's with what is known of a file. */
function fill(l: Linux, to: number, size: number, attr: () => Awaitable<Attr>, of: (a: Attr) => Uint8Array): Awaitable<number> {
  l.user.room(to, size);
  return after(attr(), (a) => {
    l.user.put(to, of(a));
    return 0;
  });
}

/** What is known of the file that a call names. */
function attrBy(l: Linux, fd: number, name: number, flags: number): Awaitable<Attr> {
  const path = l.user.string(name);
  if (path === "" && flags & AT.emptyPath) return onFile(l, fd, name, flags, (c) => attrOf(l, c));
  const from = nameFrom(l, fd, path);
  const nofollow = (flags & AT.symlinkNofollow) !== 0;
  const same = nofollow ? undefined : fdNamed(l, from);
  return same === undefined ? attrAt(l, from, nofollow) : onOpen(l, same, (c) => attrOf(l, c));
}

function statAt(l: Linux, fd: number, name: number, to: number, flags: number): Awaitable<number> {
  if (flags & ~(AT.symlinkNofollow | AT.emptyPath | AT.noAutomount)) return -errno.EINVAL;
  return fill(l, to, STAT, () => attrBy(l, fd, name, flags), statOf);
}

/** Whether a process may: the first class that fits it decides; the superuser may all, but run what nobody may. */
function permitted(l: Linux, a: Attr, how: number): boolean {
  const { uid } = l.proc.kernel;
  if (uid === 0) return !(how & X_OK) || (a.mode & 0o111) !== 0 || (a.mode & S_IFMT) === S_IFDIR;
  const bits = a.uid === uid ? a.mode >> 6 : a.gid === uid ? a.mode >> 3 : a.mode;
  return (bits & how) === how;
}

function accessAt(l: Linux, fd: number, name: number, how: number, flags: number): Awaitable<number> {
  if (how & ~(R_OK | W_OK | X_OK) || flags & ~(AT.eaccess | AT.symlinkNofollow | AT.emptyPath)) return -errno.EINVAL;
  return after(attrBy(l, fd, name, flags), (a) => (permitted(l, a, how) ? 0 : -errno.EACCES));
}

function statfs(l: Linux, c: Chan, to: number): Awaitable<number> {
  l.user.room(to, STATFS);
  const none: RstatfsMsg = { type: Rstatfs, fstype: V9FS, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, fsid: 0, namelen: 255 };
  return after(isLinux(c) ? c.mnt.client.rpc({ type: Tstatfs, fid: c.fid }, l.proc.intr) : none, (r) => {
    const id = typeof r.fsid === "number" ? r.fsid : Number(r.fsid & 0x1f_ffff_ffff_ffffn);
    l.user.put(to, new Struct(STATFS).u64(0, r.fstype).u64(8, r.bsize).u64(16, r.blocks).u64(24, r.bfree).u64(32, r.bavail).u64(40, r.files).u64(48, r.ffree)
      .u64(56, id).u64(64, r.namelen).u64(72, r.bsize).bytes);
    return 0;
  });
}

export const stats: Calls = {
  stat: (l, name, to) => statAt(l, AT.fdcwd, name, to, 0),
  lstat: (l, name, to) => statAt(l, AT.fdcwd, name, to, AT.symlinkNofollow),
  newfstatat: (l, fd, name, to, flags) => statAt(l, fd, name, to, flags),
  fstat: (l, fd, to) => onOpen(l, fd, (c) => fill(l, to, STAT, () => attrOf(l, c), statOf)),

  statx(l, fd, name, flags, mask, to) {
    if (mask >= STATXRESERVED || flags & ~(AT.symlinkNofollow | AT.emptyPath | AT.noAutomount | SYNCTYPE) || (flags & SYNCTYPE) === SYNCTYPE) return -errno.EINVAL;
    return fill(l, to, STATX, () => attrBy(l, fd, name, flags), statxOf);
  },

  access: (l, name, how) => accessAt(l, AT.fdcwd, name, how, 0),
  faccessat: (l, fd, name, how) => accessAt(l, fd, name, how, 0),
  faccessat2: (l, fd, name, how, flags) => accessAt(l, fd, name, how, flags),

  statfs: (l, name, to) => onFile(l, AT.fdcwd, name, 0, (c) => statfs(l, c, to)),
  fstatfs: (l, fd, to) => onOpen(l, fd, (c) => statfs(l, c, to)),
};
