/**
 * Change: Linux's calls that change what is known of a file: its mode, owner, times and length; and those
 * that see it written. On a .L server they are Tsetattr and Tfsync. On a plain one they are Twstat, which
 * knows owners by name: the process's own number is its user's; and whole seconds.
 */
import {
  after, type Awaitable, errno, NOU32, SETATTR_ATIME, SETATTR_ATIME_SET, SETATTR_GID, SETATTR_MODE, SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE, SETATTR_UID, Tfsync,
  Tsetattr, OREAD,
} from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { attrOf, isLinux, kindOf } from "./attr.ts";
import { signed } from "./bytes.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { flock } from "./locks.ts";
import { AT, done, fail, onFile, onOpen, opened } from "./paths.ts";

const UTIME = { now: 0x3fffffff, omit: 0x3ffffffe } as const;
const FALLOC = { keepSize: 1 } as const;
/** The length of the longest file. */
const MAXLENGTH = 2 ** 53 - 1;

/** A time to be set: now, left as it is, or seconds and nanoseconds. */
type Time = "now" | "omit" | { readonly sec: number; readonly nsec: number };

interface Changed {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly times?: readonly [Time, Time];
}

function change(l: Linux, c: Chan, x: Changed): Awaitable<number> {
  return done(isLinux(c) ? setattr(l, c, x) : wstat(l, c, x));
}

function setattr(l: Linux, c: Chan, { mode, uid = NOU32, gid = NOU32, size, times }: Changed): Awaitable<unknown> {
  const [atime, mtime] = times ?? ["omit", "omit"];
  const valid = (mode === undefined ? 0 : SETATTR_MODE) | (uid === NOU32 ? 0 : SETATTR_UID) | (gid === NOU32 ? 0 : SETATTR_GID) | (size === undefined ? 0 : SETATTR_SIZE)
    | (atime === "omit" ? 0 : atime === "now" ? SETATTR_ATIME : SETATTR_ATIME | SETATTR_ATIME_SET)
    | (mtime === "omit" ? 0 : mtime === "now" ? SETATTR_MTIME : SETATTR_MTIME | SETATTR_MTIME_SET);
  if (valid === 0) return undefined;
  const [a, m] = [given(atime), given(mtime)];
  return c.mnt.client.rpc({
    type: Tsetattr, fid: c.fid, valid, mode: mode ?? 0, uid, gid, size: size ?? 0, atime_sec: a.sec, atime_nsec: a.nsec, mtime_sec: m.sec, mtime_nsec: m.nsec,
  }, l.proc.intr);
}

function given(t: Time): { readonly sec: number; readonly nsec: number } {
  return typeof t === "object" ? t : { sec: 0, nsec: 0 };
}

function wstat(l: Linux, c: Chan, { mode, uid = NOU32, gid = NOU32, size, times }: Changed): Awaitable<unknown> {
  const named = (id: number): string => (id === l.proc.kernel.uid ? l.proc.user : String(id));
  const now = Math.floor(l.proc.kernel.host.now() / 1000);
  const sec = (t: Time): number | undefined => (t === "omit" ? undefined : t === "now" ? now : t.sec);
  const [atime, mtime] = times ? [sec(times[0]), sec(times[1])] : [undefined, undefined];
  return after(mode === undefined ? 0 : after(attrOf(l, c), (a) => a.mode), () => c.mnt.client.wstatFid(c.fid, {
    ...(mode !== undefined && { mode: (mode & 0o777) + (c.isDir ? 0x80000000 : 0) }), ...(uid !== NOU32 && { uid: named(uid) }), ...(gid !== NOU32 && { gid: named(gid) }),
    ...(size !== undefined && { length: size }), ...(atime !== undefined && { atime }), ...(mtime !== undefined && { mtime }),
  }, l.proc.intr));
}

function chownAt(l: Linux, fd: number, name: number, uid: number, gid: number, flags: number): Awaitable<number> {
  if (flags & ~(AT.symlinkNofollow | AT.emptyPath)) return -errno.EINVAL;
  return onFile(l, fd, name, flags, (c) => change(l, c, { uid: uid >>> 0, gid: gid >>> 0 }));
}

function truncate(l: Linux, c: Chan, size: number): Awaitable<number> {
  return c.isDir ? -errno.EISDIR : size > MAXLENGTH ? -errno.EFBIG : change(l, c, { size });
}

/** Two struct timespec, or two struct timeval; none: now. */
function timesAt(l: Linux, at: number, unit: number): readonly [Time, Time] {
  if (at === 0) return ["now", "now"];
  const v = l.user.view(at, 32);
  const time = (o: number): Time => {
    const [sec, part] = [signed(v, o), signed(v, o + 8)];
    if (unit === 1 && part === UTIME.now) return "now";
    if (unit === 1 && part === UTIME.omit) return "omit";
    return part < 0 || part * unit >= 1e9 ? fail(errno.EINVAL) : { sec, nsec: part * unit };
  };
  return [time(0), time(16)];
}

function utimesAt(l: Linux, fd: number, name: number, times: readonly [Time, Time], flags: number): Awaitable<number> {
  return onFile(l, fd, name, flags, (c) => change(l, c, { times }));
}

function sync(l: Linux, fd: number, datasync: number): Awaitable<number> {
  const c = opened(l, fd);
  return after(kindOf(l, c), (kind) => {
    if (kind === "stream" || kind === "tty") return -errno.EINVAL;
    // Of plain 9P2000, a Twstat that changes nothing (stat(5)).
    return done(isLinux(c) ? c.mnt.client.rpc({ type: Tfsync, fid: c.fid, datasync }, l.proc.intr) : c.mnt.client.wstatFid(c.fid, {}, l.proc.intr));
  });
}

export const changes: Calls = {
  chmod: (l, name, mode) => onFile(l, AT.fdcwd, name, 0, (c) => change(l, c, { mode: mode & 0o7777 })),
  fchmod: (l, fd, mode) => (opened(l, fd), onOpen(l, fd, (c) => change(l, c, { mode: mode & 0o7777 }))),
  fchmodat: (l, fd, name, mode) => onFile(l, fd, name, 0, (c) => change(l, c, { mode: mode & 0o7777 })),
  chown: (l, name, uid, gid) => chownAt(l, AT.fdcwd, name, uid, gid, 0),
  lchown: (l, name, uid, gid) => chownAt(l, AT.fdcwd, name, uid, gid, AT.symlinkNofollow),
  fchown: (l, fd, uid, gid) => (opened(l, fd), onOpen(l, fd, (c) => change(l, c, { uid: uid >>> 0, gid: gid >>> 0 }))),
  fchownat: chownAt,

  truncate: (l, name, size) => (size < 0 ? -errno.EINVAL : onFile(l, AT.fdcwd, name, 0, (c) => truncate(l, c, size))),
  ftruncate(l, fd, size) {
    const c = opened(l, fd);
    return size < 0 || (c.mode & 3) === OREAD || c.isDir ? -errno.EINVAL : truncate(l, c, size);
  },

  fallocate(l, fd, how, from, length) {
    const c = opened(l, fd);
    if (from < 0 || length <= 0) return -errno.EINVAL;
    if (how & ~FALLOC.keepSize) return -errno.EOPNOTSUPP;
    if ((c.mode & 3) === OREAD) return -errno.EBADF;
    if (from + length > MAXLENGTH) return -errno.EFBIG;
    return after(kindOf(l, c), (kind) => {
      if (kind !== "file") return kind === "stream" ? -errno.ESPIPE : -errno.ENODEV;
      // Room is not set aside, but what is asked for can be read.
      return how & FALLOC.keepSize ? 0 : after(attrOf(l, c), (a) => (a.size >= from + length ? 0 : change(l, c, { size: from + length })));
    });
  },

  utimensat(l, fd, name, at, flags) {
    if (flags & ~(AT.symlinkNofollow | AT.emptyPath)) return -errno.EINVAL;
    const times = timesAt(l, at, 1);
    if (name !== 0) return utimesAt(l, fd, name, times, flags);
    return fd === AT.fdcwd ? -errno.EFAULT : onOpen(l, fd, (c) => change(l, c, { times }));
  },
  utimes: (l, name, at) => utimesAt(l, AT.fdcwd, name, timesAt(l, at, 1000), 0),
  futimesat: (l, fd, name, at) => utimesAt(l, fd, name, timesAt(l, at, 1000), 0),
  utime(l, name, at) {
    if (at === 0) return utimesAt(l, AT.fdcwd, name, ["now", "now"], 0);
    const v = l.user.view(at, 16);
    return utimesAt(l, AT.fdcwd, name, [{ sec: signed(v, 0), nsec: 0 }, { sec: signed(v, 8), nsec: 0 }], 0);
  },

  fsync: (l, fd) => sync(l, fd, 0),
  fdatasync: (l, fd) => sync(l, fd, 1),
  syncfs: (l, fd) => (opened(l, fd), 0),
  sync: () => 0,
  sync_file_range: (l, fd) => (opened(l, fd), 0),
  fadvise64: (l, fd, _from, _n, advice) => (opened(l, fd), advice < 0 || advice > 5 ? -errno.EINVAL : 0),
  readahead: (l, fd) => ((opened(l, fd).mode & 3) === 1 ? -errno.EBADF : 0),
  flock: (l, fd, op) => flock(l, opened(l, fd), op),
};
