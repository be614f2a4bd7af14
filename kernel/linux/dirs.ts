/**
 * Dirs: Linux's calls on directories: reading them, and making, removing and renaming what is in them. A
 * place in a directory is the number of an entry, "." and ".." being 0 and 1; what is kept of an open one
 * are the entries that came last. Going back reads it anew. On a plain 9P2000 server, which renames to no
 * name that is taken, what is there is removed first.
 */
import {
  after, attempt, type Awaitable, encode, errno, got, NineError, NOU32, QTSYMLINK, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, type Steps, statMode, steps, Tmknod,
} from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { at, cleanPath, mustBeDir } from "../namec.ts";
import { isLinux } from "./attr.ts";
import { Struct } from "./bytes.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { AT, done, fail, fdNamed, nameAt, opened, parted } from "./paths.ts";

/** Bytes that one call fills at most. */
const MOST = 1 << 20;
const RENAME = { noreplace: 1, exchange: 2, whiteout: 4 } as const;

interface Entry {
  readonly name: string;
  readonly lo: number;
  readonly hi: number;
  /** d_type */
  readonly type: number;
}

/** An open directory being read. */
interface Listing {
  /** The number of the next entry to be given, and of the first that is kept. */
  next: number;
  first: number;
  kept: Entry[];
  over: boolean;
}

const listings = new WeakMap<Chan, Listing>();

function listingOf(c: Chan): Listing {
  let s = listings.get(c);
  if (!s) listings.set(c, s = { next: 0, first: Infinity, kept: [], over: false });
  return s;
}

/** Goes to an entry, or with none said stays; where that is. */
export function entriesAt(c: Chan, to: number | undefined): number {
  const s = listingOf(c);
  if (to !== undefined) s.next = to;
  // From the beginning it is read anew.
  if (to === 0) s.first = Infinity;
  return s.next;
}

const DT_DIR = S_IFDIR >> 12;

/** Sees to it that the next entry is kept, if there is one. */
function* fetched(l: Linux, fd: number, c: Chan, s: Listing): Steps<void> {
  if (s.next < s.first) {
    yield* got(l.calls.seek(fd, 0, 0));
    const up = yield* got(attempt(() => l.calls.stat(`${c.path}/..`), () => ({ qid: c.qid })));
    s.first = 0;
    s.over = false;
    s.kept = [{ name: ".", lo: c.qid.pathlo, hi: c.qid.pathhi, type: DT_DIR }, { name: "..", lo: up.qid.pathlo, hi: up.qid.pathhi, type: DT_DIR }];
  }
  while (!s.over && s.next >= s.first + s.kept.length) {
    const dirs = yield* got(l.calls.dirread(fd));
    s.first += s.kept.length;
    s.kept = dirs.map((d) => ({ name: d.name, lo: d.qid.pathlo, hi: d.qid.pathhi, type: statMode(d.mode) >> 12 }));
    s.over = dirs.length === 0;
  }
}

/** struct linux_dirent64 of each that fits. */
function* entries(l: Linux, fd: number, to: number, n: number): Steps<number> {
  const c = opened(l, fd);
  if (!c.isDir) return -errno.ENOTDIR;
  const room = Math.min(n, MOST);
  l.user.room(to, room);
  const s = listingOf(c);
  const out = new Struct(room);
  let used = 0;
  for (;;) {
    yield* fetched(l, fd, c, s);
    const e = s.kept[s.next - s.first];
    if (!e) break;
    const name = encode(e.name);
    const size = Math.ceil((19 + name.length + 1) / 8) * 8;
    if (used + size > room) {
      if (used === 0) return -errno.EINVAL;
      break;
    }
    s.next++;
    out.u32(used, e.lo).u32(used + 4, e.hi).u64(used + 8, s.next).u16(used + 16, size).u8(used + 18, e.type);
    out.bytes.set(name, used + 19);
    used += size;
  }
  l.user.put(to, out.bytes.subarray(0, used));
  return used;
}

function mkdirAt(l: Linux, fd: number, at: number, mode: number): Awaitable<number> {
  const path = nameAt(l, fd, at);
  // The root is there; what the last element is not to be made of, a name says that is there too.
  if (!parted(l, path) || /(?:^|\/)\.\.?\/*$/.test(path)) return after(l.calls.stat(path), () => -errno.EEXIST);
  return done(l.calls.mkdir(path, mode & ~l.umask & 0o777));
}

function unlinkAt(l: Linux, fd: number, at: number, flags: number): Awaitable<number> {
  if (flags & ~AT.removedir) return -errno.EINVAL;
  const path = nameAt(l, fd, at);
  const dir = (flags & AT.removedir) !== 0;
  const last = /(?:^|\/)(\.\.?)\/*$/.exec(path)?.[1];
  if (last !== undefined) return dir ? (last === "." ? -errno.EINVAL : -errno.ENOTEMPTY) : -errno.EISDIR;
  if (!parted(l, path)) return dir ? -errno.EBUSY : -errno.EISDIR;
  return after(l.calls.stat(path, true), (d) => {
    const isDir = (statMode(d.mode) & S_IFMT) === S_IFDIR;
    if (isDir !== dir) return isDir ? -errno.EISDIR : -errno.ENOTDIR;
    return !dir && mustBeDir(path) ? -errno.ENOTDIR : done(l.calls.remove(path));
  });
}

function renameAt(l: Linux, fromFd: number, fromAt: number, toFd: number, toAt: number, flags: number): Awaitable<number> {
  if (flags & ~(RENAME.noreplace | RENAME.exchange | RENAME.whiteout)) return -errno.EINVAL;
  const from = nameAt(l, fromFd, fromAt);
  const to = nameAt(l, toFd, toAt);
  // No server exchanges names.
  if (flags & ~RENAME.noreplace) return -errno.EINVAL;
  if (!parted(l, from) || !parted(l, to) || [from, to].some((p) => /(?:^|\/)\.\.?\/*$/.test(p))) return -errno.EBUSY;
  return steps(() => renaming(l, from, to, (flags & RENAME.noreplace) !== 0));
}

function* renaming(l: Linux, from: string, to: string, noreplace: boolean): Steps<number> {
  const a = yield* got(l.calls.stat(from, true));
  const isDir = (statMode(a.mode) & S_IFMT) === S_IFDIR;
  if (!isDir && (mustBeDir(from) || mustBeDir(to))) return -errno.ENOTDIR;
  const [clean, target] = [cleanPath(l.proc, from), cleanPath(l.proc, to)];
  const b = yield* got(attempt(() => l.calls.stat(to, true), (e) => {
    if (e instanceof NineError && e.errno === errno.ENOENT) return undefined;
    throw e;
  }));
  if (b && noreplace) return -errno.EEXIST;
  if (isDir && target.startsWith(`${clean}/`)) return -errno.EINVAL;
  if (b && b.dev === a.dev && b.qid.pathlo === a.qid.pathlo && b.qid.pathhi === a.qid.pathhi) return 0;
  if (b) {
    const toDir = (statMode(b.mode) & S_IFMT) === S_IFDIR;
    if (toDir !== isDir) return toDir ? -errno.EISDIR : -errno.ENOTDIR;
    if (!(yield* got(at(l.proc, parted(l, to)?.dir ?? "/", { walk: true }, (w) => isLinux(w.c))))) yield* got(l.calls.remove(to));
  }
  yield* got(l.calls.rename(from, to));
  return 0;
}

function linkAt(l: Linux, fromFd: number, fromAt: number, toFd: number, toAt: number, flags: number): Awaitable<number> {
  if (flags & ~(AT.symlinkFollow | AT.emptyPath)) return -errno.EINVAL;
  const given = l.user.string(fromAt);
  const from = given === "" && flags & AT.emptyPath ? l.proc.fgrp.get(fromFd).path : nameAt(l, fromFd, fromAt);
  const to = nameAt(l, toFd, toAt);
  if (!parted(l, to)) return -errno.EEXIST;
  const real = flags & AT.symlinkFollow ? at(l.proc, from, { walk: true }, (w) => w.path) : from;
  return after(real, (path) => after(l.calls.stat(path, true), (d) =>
    ((statMode(d.mode) & S_IFMT) === S_IFDIR ? -errno.EPERM : mustBeDir(to) ? -errno.ENOENT : done(l.calls.link(path, to)))));
}

function symlinkAt(l: Linux, targetAt: number, fd: number, nameAddr: number): Awaitable<number> {
  const target = l.user.string(targetAt);
  if (target === "") return -errno.ENOENT;
  const path = nameAt(l, fd, nameAddr);
  return !parted(l, path) ? -errno.EEXIST : mustBeDir(path) ? -errno.ENOENT : done(l.calls.symlink(target, path));
}

function readlinkAt(l: Linux, fd: number, name: number, to: number, n: number): Awaitable<number> {
  if (n <= 0) return -errno.EINVAL;
  const given = l.user.string(name);
  l.user.room(to, Math.min(n, 4096));
  const put = (target: string): number => {
    const text = encode(target).subarray(0, n);
    l.user.put(to, text);
    return text.length;
  };
  if (given === "" && fd !== AT.fdcwd) {
    const c = l.proc.fgrp.get(fd);
    return c.qid.type & QTSYMLINK ? after(c.mnt.client.readlink(c.fid, l.proc.intr), put) : -errno.ENOENT;
  }
  const path = nameAt(l, fd, name);
  const same = path.startsWith("#linux/") ? fdNamed(l, path) : undefined;
  if (same !== undefined) return put(l.proc.fgrp.has(same) ? l.proc.fgrp.get(same).path : fail(errno.ENOENT));
  if (path === `#linux/${l.proc.pid}/exe`) return put(l.exe);
  if (path === `#linux/${l.proc.pid}/cwd`) return put(l.proc.dot.path);
  if (path === `#linux/${l.proc.pid}/root`) return put("/");
  if (path === `#linux/${l.proc.pid}`) return put(String(l.proc.pid));
  return after(l.calls.readlink(path), put);
}

function mknodAt(l: Linux, fd: number, name: number, mode: number): Awaitable<number> {
  const path = nameAt(l, fd, name);
  const kind = mode & S_IFMT;
  const where = parted(l, path);
  if (!where) return -errno.EEXIST;
  const perm = mode & ~l.umask & 0o777;
  if (kind !== 0 && kind !== S_IFREG && kind !== S_IFIFO && kind !== S_IFSOCK) return kind === S_IFDIR ? -errno.EPERM : kind === S_IFLNK ? -errno.EINVAL : -errno.EPERM;
  return at(l.proc, where.dir, { walk: true }, (w) => {
    const { client } = w.c.mnt;
    if (isLinux(w.c)) return done(client.rpc({ type: Tmknod, dfid: w.c.fid, name: where.name, mode: (kind === 0 ? S_IFREG : kind) | perm, major: 0, minor: 0, gid: NOU32 }, l.proc.intr));
    if (kind !== 0 && kind !== S_IFREG) return -errno.EPERM;
    return after(client.create(w.c.fid, [], where.name, 0, perm, l.proc.intr), (o) => {
      client.clunk(o.fid);
      return 0;
    });
  });
}

export const dirs: Calls = {
  getdents64: (l, fd, to, n) => steps(() => entries(l, fd, to, n)),
  mkdir: (l, name, mode) => mkdirAt(l, AT.fdcwd, name, mode),
  mkdirat: mkdirAt,
  rmdir: (l, name) => unlinkAt(l, AT.fdcwd, name, AT.removedir),
  unlink: (l, name) => unlinkAt(l, AT.fdcwd, name, 0),
  unlinkat: unlinkAt,
  rename: (l, from, to) => renameAt(l, AT.fdcwd, from, AT.fdcwd, to, 0),
  renameat: (l, fromFd, from, toFd, to) => renameAt(l, fromFd, from, toFd, to, 0),
  renameat2: renameAt,
  link: (l, from, to) => linkAt(l, AT.fdcwd, from, AT.fdcwd, to, 0),
  linkat: linkAt,
  symlink: (l, target, name) => symlinkAt(l, target, AT.fdcwd, name),
  symlinkat: symlinkAt,
  readlink: (l, name, to, n) => readlinkAt(l, AT.fdcwd, name, to, n),
  readlinkat: readlinkAt,
  mknod: (l, name, mode) => mknodAt(l, AT.fdcwd, name, mode),
  mknodat: mknodAt,

  getcwd(l, to, n) {
    const text = encode(`${l.calls.getwd()}\0`);
    if (text.length > n) return -errno.ERANGE;
    l.user.put(to, text);
    return text.length;
  },
};
