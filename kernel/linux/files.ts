/**
 * Files: Linux's calls on files, made of the kernel's. An fd is the Fgrp's; a name is resolved in the
 * process's name space. What is filled is made room for before anything is sent.
 */
import {
  after, type Awaitable, DT_DIR, DT_LNK, DT_REG, encode, errno, NineError, OAPPEND, OEXCL, ORDWR, OREAD, OTRUNC, OWRITE, type Dir, DMDIR, DMSYMLINK,
} from "../../proto/index.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { STAT, statOf } from "./stat.ts";

const AT = { fdcwd: -100, symlinkNofollow: 0x100, emptyPath: 0x1000 } as const;
const O = { accmode: 3, creat: 0o100, excl: 0o200, trunc: 0o1000, append: 0o2000, directory: 0o200000, cloexec: 0o2000000 } as const;
/** Bytes that one read or write moves, at most; programs go on from there. */
const MAXIO = 16 << 20;
/** struct iovec, and how many of them. */
const IOVEC = 16;
const MAXIOV = 1024;
const F = { dupfd: 0, getfd: 1, setfd: 2, getfl: 3, setfl: 4, dupfdCloexec: 1030 } as const;
const TCGETS = 0x5401;
const TIOCGWINSZ = 0x5413;

/** A name that a call is given with the directory it is told from. */
function nameAt(l: Linux, fd: number, path: string): string {
  if (path === "") throw NineError.fromErrno(errno.ENOENT);
  if (path.startsWith("/") || fd === AT.fdcwd) return path;
  const c = l.proc.fgrp.get(fd);
  if (!c.isDir) throw NineError.fromErrno(errno.ENOTDIR);
  return `${c.path}/${path}`;
}

function openFile(l: Linux, path: string, flags: number, mode: number): Awaitable<number> {
  const acc = flags & O.accmode;
  let how: number = acc === 1 ? OWRITE : acc === 2 ? ORDWR : acc === 0 ? OREAD : -1;
  if (how < 0) return -errno.EINVAL;
  if (flags & O.trunc) how |= OTRUNC;
  if (flags & O.append) how |= OAPPEND;
  const opened = (fd: number): number => {
    if (flags & O.cloexec) l.cloexec.add(fd);
    else l.cloexec.delete(fd);
    if (flags & O.directory && !l.proc.fgrp.get(fd).isDir) {
      l.calls.close(fd);
      return -errno.ENOTDIR;
    }
    return fd;
  };
  if (!(flags & O.creat)) return after(l.calls.open(path, how), opened);
  const perm = mode & ~l.umask & 0o777;
  if (flags & O.excl) return after(l.calls.create(path, how | OEXCL, perm), opened);
  // An existing file is opened as it is; create(2) of Plan 9 would truncate it.
  return after(existing(l, path, how), (fd) => (fd === undefined ? after(l.calls.create(path, how, perm), opened) : opened(fd)));
}

function existing(l: Linux, path: string, how: number): Awaitable<number | undefined> {
  const none = (e: unknown): undefined => {
    if (e instanceof NineError && e.errno === errno.ENOENT) return undefined;
    throw e;
  };
  try {
    const fd = l.calls.open(path, how);
    return fd instanceof Promise ? fd.catch(none) : fd;
  } catch (e) {
    return none(e);
  }
}

function stat(l: Linux, dir: Awaitable<Dir>, to: number): Awaitable<number> {
  return after(dir, (d) => {
    l.user.put(to, statOf(d, { user: l.proc.user, uid: l.proc.kernel.uid }));
    return 0;
  });
}

function statAt(l: Linux, fd: number, name: number, to: number, flags: number): Awaitable<number> {
  const path = l.user.string(name);
  l.user.room(to, STAT);
  if (path === "" && flags & AT.emptyPath) return stat(l, fd === AT.fdcwd ? l.calls.stat(".") : l.calls.fstat(fd), to);
  return stat(l, l.calls.stat(nameAt(l, fd, path), (flags & AT.symlinkNofollow) !== 0), to);
}

function readTo(l: Linux, fd: number, to: number, n: number, at?: number): Awaitable<number> {
  const count = Math.min(n, MAXIO, l.proc.fgrp.get(fd).iounit);
  l.user.room(to, count);
  return after(l.calls.read(fd, count, at), (data) => {
    l.user.put(to, data);
    return data.length;
  });
}

/** The places that an array of struct iovec names. */
function iovecs(l: Linux, at: number, n: number): { base: number; length: number }[] {
  if (n < 0 || n > MAXIOV) throw NineError.fromErrno(errno.EINVAL);
  const v = l.user.view(at, n * IOVEC);
  const word = (o: number): number => v.getUint32(o + 4, true) * 2 ** 32 + v.getUint32(o, true);
  let left = MAXIO;
  return Array.from({ length: n }, (_, k) => {
    const length = Math.min(left, word(k * IOVEC + 8));
    left -= length;
    return { base: word(k * IOVEC), length };
  });
}

function readlinkAt(l: Linux, fd: number, name: number, to: number, n: number): Awaitable<number> {
  if (n <= 0) return -errno.EINVAL;
  const path = nameAt(l, fd, l.user.string(name));
  l.user.room(to, Math.min(n, 4096));
  return after(l.calls.readlink(path), (target) => {
    const text = encode(target).subarray(0, n);
    l.user.put(to, text);
    return text.length;
  });
}

/** struct linux_dirent64 of each that fits; those that do not are for the next call. */
function entries(l: Linux, fd: number, to: number, n: number): Awaitable<number> {
  const c = l.proc.fgrp.get(fd);
  if (!c.isDir) return -errno.ENOTDIR;
  l.user.room(to, Math.min(n, MAXIO));
  const kept = l.listings.get(c);
  const fill = (dirs: Dir[]): number => {
    const out = new Uint8Array(Math.min(n, MAXIO));
    const v = new DataView(out.buffer);
    let at = 0;
    let taken = 0;
    for (const d of dirs) {
      const name = encode(d.name);
      const size = Math.ceil((19 + name.length + 1) / 8) * 8;
      if (at + size > out.length) break;
      v.setUint32(at, d.qid.pathlo, true);
      v.setUint32(at + 4, d.qid.pathhi, true);
      v.setUint32(at + 8, ++taken, true);
      v.setUint16(at + 16, size, true);
      v.setUint8(at + 18, d.mode & DMDIR ? DT_DIR : d.mode & DMSYMLINK ? DT_LNK : DT_REG);
      out.set(name, at + 19);
      at += size;
    }
    l.listings.set(c, dirs.slice(taken));
    if (at === 0 && dirs.length > 0) return -errno.EINVAL;
    l.user.put(to, out.subarray(0, at));
    return at;
  };
  return kept && kept.length > 0 ? fill(kept) : after(l.calls.dirread(fd), fill);
}

export const files: Calls = {
  read: (l, fd, to, n) => readTo(l, fd, to, n),
  pread64: (l, fd, to, n, at) => (at < 0 ? -errno.EINVAL : readTo(l, fd, to, n, at)),
  write: (l, fd, from, n) => l.calls.write(fd, l.user.bytes(from, Math.min(n, MAXIO))),
  pwrite64: (l, fd, from, n, at) => (at < 0 ? -errno.EINVAL : l.calls.write(fd, l.user.bytes(from, Math.min(n, MAXIO)), at)),

  readv(l, fd, at, n) {
    const parts = iovecs(l, at, n);
    for (const p of parts) l.user.room(p.base, p.length);
    const count = Math.min(parts.reduce((sum, p) => sum + p.length, 0), l.proc.fgrp.get(fd).iounit);
    return after(l.calls.read(fd, count), (data) => {
      let done = 0;
      for (const p of parts) {
        l.user.put(p.base, data.subarray(done, done + p.length));
        done += p.length;
      }
      return data.length;
    });
  },

  writev(l, fd, at, n) {
    const parts = iovecs(l, at, n).map((p) => l.user.bytes(p.base, p.length));
    const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
    let done = 0;
    for (const p of parts) {
      all.set(p, done);
      done += p.length;
    }
    return l.calls.write(fd, all);
  },

  open: (l, name, flags, mode) => openFile(l, nameAt(l, AT.fdcwd, l.user.string(name)), flags, mode),
  openat: (l, fd, name, flags, mode) => openFile(l, nameAt(l, fd, l.user.string(name)), flags, mode),
  creat: (l, name, mode) => openFile(l, nameAt(l, AT.fdcwd, l.user.string(name)), O.creat | O.trunc | 1, mode),

  close(l, fd) {
    l.calls.close(fd);
    l.cloexec.delete(fd);
    return 0;
  },

  stat: (l, name, to) => statAt(l, AT.fdcwd, name, to, 0),
  lstat: (l, name, to) => statAt(l, AT.fdcwd, name, to, AT.symlinkNofollow),
  newfstatat: (l, fd, name, to, flags) => statAt(l, fd, name, to, flags),
  fstat(l, fd, to) {
    l.user.room(to, STAT);
    return stat(l, l.calls.fstat(fd), to);
  },

  lseek: (l, fd, to, whence) => (whence === 0 || whence === 1 || whence === 2 ? l.calls.seek(fd, to, whence) : -errno.EINVAL),
  readlink: (l, name, to, n) => readlinkAt(l, AT.fdcwd, name, to, n),
  readlinkat: (l, fd, name, to, n) => readlinkAt(l, fd, name, to, n),
  getdents64: (l, fd, to, n) => entries(l, fd, to, n),

  getcwd(l, to, n) {
    const text = encode(`${l.calls.getwd()}\0`);
    if (text.length > n) return -errno.ERANGE;
    l.user.put(to, text);
    return text.length;
  },

  chdir: (l, name) => after(l.calls.chdir(l.user.string(name)), () => 0),
  dup: (l, fd) => l.calls.dup(fd),
  dup2: (l, fd, to) => after(l.calls.dup(fd, to), (n) => {
    if (fd !== to) l.cloexec.delete(to);
    return n;
  }),

  fcntl(l, fd, what, value) {
    const c = l.proc.fgrp.get(fd);
    switch (what) {
      case F.getfd: return l.cloexec.has(fd) ? 1 : 0;
      case F.setfd:
        if (value & 1) l.cloexec.add(fd);
        else l.cloexec.delete(fd);
        return 0;
      case F.getfl: return (c.mode & 3) === OWRITE ? 1 : (c.mode & 3) === ORDWR ? 2 : 0;
      default: return -errno.EINVAL;
    }
  },

  ioctl(l, fd, what) {
    l.proc.fgrp.get(fd);
    return what === TCGETS || what === TIOCGWINSZ ? -errno.ENOTTY : -errno.ENOTTY;
  },
};
