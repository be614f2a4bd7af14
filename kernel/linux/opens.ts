/**
 * Opens: Linux's calls that make fds and end them: open and its kin, close, dup, pipe, fcntl. What Linux
 * keeps of an open file besides its place, the flags it was opened with, is here, by Chan: whoever has
 * the Chan has the same. Appending is the server's where it is .L's; elsewhere each write asks for the
 * length first.
 */
import {
  after, attempt, type Awaitable, errno, L_O_APPEND, NineError, OEXCL, ORDWR, OREAD, OTRUNC, OWRITE, QTSYMLINK, Tlopen, type Tmsg, Topen,
} from "../../proto/index.ts";
import { Chan } from "../chan.ts";
import { at, mustBeDir, type Where } from "../namec.ts";
import { isLinux } from "./attr.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { getlk, setlk } from "./locks.ts";
import { AT, fail, fdNamed, nameAt, opened } from "./paths.ts";

/** open(2) */
export const O = {
  accmode: 3, creat: 0o100, excl: 0o200, trunc: 0o1000, append: 0o2000, nonblock: 0o4000, directory: 0o200000, nofollow: 0o400000, cloexec: 0o2000000,
  path: 0o10000000, tmpfile: 0o20200000,
} as const;
/** What fcntl can change, and what it tells besides how a file is open. */
const SETTABLE: number = O.append | O.nonblock | 0o1060000;
const TOLD: number = SETTABLE | O.path | 0o4110000;
const F = {
  dupfd: 0, getfd: 1, setfd: 2, getfl: 3, setfl: 4, getlk: 5, setlk: 6, setlkw: 7, setown: 8, getown: 9, ofdGetlk: 36, ofdSetlk: 37, ofdSetlkw: 38,
  dupfdCloexec: 1030, setpipe: 1031, getpipe: 1032,
} as const;
/** Descriptors of a process. */
export const MAXFD = 4096;
const PIPESIZE = 65536;
/** struct open_how */
const OPENHOW = 24;

/** The flags of open files, as open(2) was given them; nothing: 0 and how the Chan is open. */
const flagsOf = new WeakMap<Chan, number>();

export function statusOf(c: Chan): number {
  const acc = c.mode < 0 ? 0 : (c.mode & 3) === OWRITE ? 1 : (c.mode & 3) === ORDWR ? 2 : 0;
  return acc | (flagsOf.get(c) ?? 0);
}

/** What fcntl can change of it. */
export function setStatus(c: Chan, flags: number): number {
  flagsOf.set(c, ((flagsOf.get(c) ?? 0) & ~SETTABLE) | (flags & SETTABLE));
  return 0;
}

/** The fd is given flags, and the rest of open's conditions are looked at. */
function settle(l: Linux, fd: number, flags: number): number {
  const c = l.proc.fgrp.get(fd);
  if (flags & O.directory && !c.isDir) {
    l.calls.close(fd);
    return -errno.ENOTDIR;
  }
  flagsOf.set(c, flags & TOLD);
  mark(l, fd, (flags & O.cloexec) !== 0);
  return fd;
}

/** Whether exec closes it. */
function mark(l: Linux, fd: number, cloexec: boolean): void {
  if (cloexec) l.cloexec.add(fd);
  else l.cloexec.delete(fd);
}

function openFile(l: Linux, path: string, given: number, mode: number): Awaitable<number> {
  if ((given & O.tmpfile) === O.tmpfile) return -errno.EOPNOTSUPP;
  const flags = given & O.path ? given & (O.path | O.directory | O.nofollow | O.cloexec) : given;
  if (flags & O.creat && flags & O.directory) return -errno.EINVAL;
  const acc = flags & O.accmode;
  if (acc === 3) return -errno.EINVAL;
  const same = fdNamed(l, path);
  const ready = (fd: number): number => settle(l, fd, flags);
  if (same !== undefined) {
    return after(l.calls.dup(same), (fd) => {
      mark(l, fd, (flags & O.cloexec) !== 0);
      return fd;
    });
  }
  const how = (acc === 1 ? OWRITE : acc === 2 ? ORDWR : OREAD) | (flags & O.trunc ? OTRUNC : 0);
  if (!(flags & O.creat)) return after(existing(l, path, how, flags), ready);
  if (mustBeDir(path)) return -errno.EISDIR;
  return after(made(l, path, how, flags, mode & ~l.umask & 0o777), ready);
}

/** A new file, or, without O_EXCL, the one that is there. */
function made(l: Linux, path: string, how: number, flags: number, perm: number): Awaitable<number> {
  const make = (): Awaitable<number> => l.calls.create(path, (how & ~OTRUNC) | OEXCL, perm);
  if (flags & O.excl) return make();
  const open = (): Awaitable<number> => existing(l, path, how, flags);
  return unlessError(open, errno.ENOENT, () => unlessError(make, errno.EEXIST, open));
}

/** f(), or, when that fails so, `other`. */
function unlessError<T>(f: () => Awaitable<T>, n: number, other: () => Awaitable<T>): Awaitable<T> {
  return attempt(f, (e) => {
    if (e instanceof NineError && e.errno === n) return other();
    throw e;
  });
}

/** A file that is there: in one message where that says all. */
function existing(l: Linux, path: string, how: number, flags: number): Awaitable<number> {
  if (!(flags & (O.path | O.nofollow | O.append))) return l.calls.open(path, how);
  return after(at(l.proc, path, { walk: true, nofollow: (flags & O.nofollow) !== 0 }, (w) => opening(l, w, how, flags)), (c) => l.proc.fgrp.add(c));
}

function opening(l: Linux, w: Where, how: number, flags: number): Awaitable<Chan> {
  const { client } = w.c.mnt;
  const { intr } = l.proc;
  const link = (w.c.qid.type & QTSYMLINK) !== 0;
  if (link && !(flags & O.path)) fail(flags & O.directory ? errno.ENOTDIR : errno.ELOOP);
  return after(client.clone(w.c.fid, intr), (fid) => {
    const c = new Chan(w.c.mnt, fid, w.c.qid, w.path);
    c.union = w.umh?.key;
    if (flags & O.path) return c;
    const acc = how & 3;
    const linux = (acc === OWRITE ? 1 : acc === ORDWR ? 2 : 0) | (how & OTRUNC ? O.trunc : 0) | (flags & O.append ? L_O_APPEND : 0);
    const t: Tmsg = isLinux(c) ? { type: Tlopen, fid, flags: linux } : { type: Topen, fid, mode: how & 0xff };
    return attempt(() => after(client.rpc<Tmsg>(t, intr), (r) => {
      const unit = "iounit" in r ? r.iounit : 0;
      c.mode = how;
      c.iounit = unit > 0 ? Math.min(unit, client.iounit) : client.iounit;
      return c;
    }), (e) => {
      c.close();
      throw e;
    });
  });
}

function dupTo(l: Linux, fd: number, to: number, cloexec: boolean): Awaitable<number> {
  l.proc.fgrp.get(fd);
  if (to < 0 || to >= MAXFD) return -errno.EBADF;
  return after(l.calls.dup(fd, to), (n) => {
    mark(l, n, cloexec);
    return n;
  });
}

/** The lowest free fd that is not below another. */
function dupAbove(l: Linux, fd: number, least: number, cloexec: boolean): Awaitable<number> {
  if (least < 0 || least >= MAXFD) return -errno.EINVAL;
  let to = least;
  while (l.proc.fgrp.has(to)) to++;
  return to >= MAXFD ? -errno.EMFILE : dupTo(l, fd, to, cloexec);
}

function closed(l: Linux, fd: number): number {
  l.calls.close(fd);
  l.cloexec.delete(fd);
  return 0;
}

/** One way: what is written to the second is read from the first. */
function pipe(l: Linux, to: number, flags: number): Awaitable<number> {
  if (flags & ~(O.cloexec | O.nonblock)) return -errno.EINVAL;
  l.user.room(to, 8);
  return after(l.calls.pipe(), (fds) => {
    const modes = [OREAD, OWRITE];
    fds.forEach((fd, k) => {
      const c = l.proc.fgrp.get(fd);
      c.mode = modes[k] as number;
      flagsOf.set(c, flags & O.nonblock);
      mark(l, fd, (flags & O.cloexec) !== 0);
      l.user.putU32(to + 4 * k, fd);
    });
    return 0;
  });
}

function fcntl(l: Linux, fd: number, what: number, value: number): Awaitable<number> {
  const c = l.proc.fgrp.get(fd);
  switch (what) {
    case F.dupfd: case F.dupfdCloexec: return dupAbove(l, fd, value, what === F.dupfdCloexec);
    case F.getfd: return l.cloexec.has(fd) ? 1 : 0;
    case F.setfd:
      mark(l, fd, (value & 1) !== 0);
      return 0;
    case F.getfl: return statusOf(c) | 0o100000;
    case F.setfl:
      return c.mode < 0 ? -errno.EBADF : setStatus(c, value);
    case F.getlk: case F.ofdGetlk: return getlk(l, opened(l, fd), value, what === F.ofdGetlk);
    case F.setlk: case F.ofdSetlk: case F.setlkw: case F.ofdSetlkw:
      return setlk(l, opened(l, fd), value, what === F.setlkw || what === F.ofdSetlkw, what === F.ofdSetlk || what === F.ofdSetlkw);
    case F.setown: return 0;
    case F.getown: return 0;
    case F.getpipe: case F.setpipe: return c.mnt.spec === "#pipe" ? PIPESIZE : -errno.EBADF;
    default: return -errno.EINVAL;
  }
}

export const opens: Calls = {
  open: (l, name, flags, mode) => openFile(l, nameAt(l, AT.fdcwd, name), flags, mode),
  openat: (l, fd, name, flags, mode) => openFile(l, nameAt(l, fd, name), flags, mode),
  creat: (l, name, mode) => openFile(l, nameAt(l, AT.fdcwd, name), O.creat | O.trunc | 1, mode),

  openat2(l, fd, name, how, size) {
    if (size < OPENHOW) return -errno.EINVAL;
    if (size > OPENHOW) return -errno.E2BIG;
    const v = l.user.view(how, OPENHOW);
    if (v.getUint32(4, true) !== 0 || v.getUint32(16, true) !== 0 || v.getUint32(20, true) !== 0) return -errno.EINVAL;
    return openFile(l, nameAt(l, fd, name), v.getUint32(0, true), v.getUint32(8, true));
  },

  close: closed,

  close_range(l, first, last, flags) {
    if (first > last || flags & ~6) return -errno.EINVAL;
    for (const fd of l.proc.fgrp.list()) {
      if (fd < first || fd > last) continue;
      if (flags & 4) l.cloexec.add(fd);
      else closed(l, fd);
    }
    return 0;
  },

  dup: (l, fd) => after(l.calls.dup(fd), (to) => {
    mark(l, to, false);
    return to;
  }),
  dup2: (l, fd, to) => (fd === to ? (l.proc.fgrp.get(fd), fd) : dupTo(l, fd, to, false)),
  dup3: (l, fd, to, flags) => (fd === to || flags & ~O.cloexec ? -errno.EINVAL : dupTo(l, fd, to, (flags & O.cloexec) !== 0)),
  pipe: (l, to) => pipe(l, to, 0),
  pipe2: pipe,
  fcntl,

  chdir: (l, name) => after(l.calls.chdir(nameAt(l, AT.fdcwd, name)), () => 0),

  fchdir(l, fd) {
    const c = l.proc.fgrp.get(fd);
    return c.isDir ? after(l.calls.chdir(c.path), () => 0) : -errno.ENOTDIR;
  },

  umask(l, mask) {
    const was = l.umask;
    l.umask = mask & 0o777;
    return was;
  },
};
