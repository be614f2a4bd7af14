/**
 * Io: Linux's calls that move bytes. What fits one message is one message, into or out of the program's
 * memory; more is moved piece by piece, and a call that fails behind its first piece says how much it has
 * moved. No more of the host's memory is taken for it than CHUNK, whatever the program says.
 */
import { after, type Awaitable, errno, got, isInterrupted, NineError, type Steps, steps } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { Again } from "../guest/user.ts";
import { PAGE } from "../segment.ts";
import { attrOf, kindOf, seekable } from "./attr.ts";
import { unsigned } from "./bytes.ts";
import type { Calls } from "./call.ts";
import { entriesAt } from "./dirs.ts";
import type { Linux } from "./linux.ts";
import { O, statusOf } from "./opens.ts";
import { fail, opened } from "./paths.ts";
import { readNow } from "./ready.ts";

/** Bytes moved at once. */
const CHUNK = 128 << 10;
/** MAX_RW_COUNT: what one call moves at most. */
const MAXIO = 0x7fff_f000;
/** struct iovec, and how many of them. */
const IOVEC = 16;
const MAXIOV = 1024;

interface Part {
  readonly base: number;
  readonly length: number;
}

/** The places that an array of struct iovec names. */
function iovecs(l: Linux, at: number, n: number): Part[] {
  if (n < 0 || n > MAXIOV) fail(errno.EINVAL);
  const v = l.user.view(at, n * IOVEC);
  let left = MAXIO;
  return Array.from({ length: n }, (_, k) => {
    const all = unsigned(v, k * IOVEC + 8);
    if (all >= 2 ** 63) fail(errno.EINVAL);
    const length = Math.min(left, all);
    left -= length;
    return { base: unsigned(v, k * IOVEC), length };
  });
}

/** How many of n bytes can be stored, or loaded: all, or those up to where there is no memory; 0 if there is none at all. */
function* span(l: Linux, va: number, n: number, load: boolean): Steps<Uint8Array | number> {
  for (let some = n; ;) {
    try {
      if (load) return l.user.bytes(va, some);
      l.user.room(va, some);
      return some;
    } catch (e) {
      if (e instanceof Again) {
        if (!(yield* got(e.ready))) continue;
      } else if (!(e instanceof NineError) || e.errno !== errno.EFAULT) throw e;
      const page = PAGE - (va % PAGE);
      if (some <= page || va < 0) return 0;
      some = page;
    }
  }
}

/** What has been moved before something failed counts. */
function partly(e: unknown, moved: number): number {
  if (e instanceof NineError && moved > 0) return moved;
  throw e;
}

function* reading(l: Linux, fd: number, c: Chan, parts: readonly Part[], at: number | undefined): Steps<number> {
  const whole = (yield* got(kindOf(l, c))) === "file";
  let moved = 0;
  try {
    for (const { base, length } of parts) {
      for (let n = 0; n < length;) {
        const room = yield* span(l, base + n, Math.min(length - n, CHUNK, c.iounit), false) as Steps<number>;
        if (room === 0) return moved > 0 ? moved : -errno.EFAULT;
        const data = yield* got(l.calls.read(fd, room, at === undefined ? undefined : at + moved));
        l.user.put(base + n, data);
        n += data.length;
        moved += data.length;
        if (!whole ? data.length > 0 : data.length < room) return moved;
        if (data.length === 0) return moved;
      }
    }
  } catch (e) {
    return partly(e, moved);
  }
  return moved;
}

function* writing(l: Linux, fd: number, c: Chan, parts: readonly Part[], at: number | undefined): Steps<number> {
  let moved = 0;
  try {
    for (const { base, length } of parts) {
      for (let n = 0; n < length;) {
        const data = yield* span(l, base + n, Math.min(length - n, CHUNK), true) as Steps<Uint8Array | 0>;
        if (data === 0) return moved > 0 ? moved : -errno.EFAULT;
        const some = yield* got(writeOnce(l, fd, c, data, at === undefined ? undefined : at + moved));
        n += some;
        moved += some;
        if (some < data.length) return moved;
      }
    }
  } catch (e) {
    return partly(e, moved);
  }
  return moved;
}

/** To the end of the file, when it was opened so. */
function writeOnce(l: Linux, fd: number, c: Chan, data: Uint8Array, at: number | undefined): Awaitable<number> {
  if (!(statusOf(c) & O.append)) return l.calls.write(fd, data, at);
  return after(kindOf(l, c), (kind) => (kind !== "file" ? l.calls.write(fd, data, at) : after(attrOf(l, c), (a) => {
    if (at !== undefined) return l.calls.write(fd, data, a.size);
    c.offset = a.size;
    return l.calls.write(fd, data);
  })));
}

/** A read of one place; `at` undefined: at the offset. */
function read(l: Linux, fd: number, to: number, n: number, at?: number): Awaitable<number> {
  const c = opened(l, fd);
  const count = Math.min(n, MAXIO);
  if (at === undefined && statusOf(c) & O.nonblock) return readNow(l, fd, c, to, Math.min(count, CHUNK));
  if (count > CHUNK || count > c.iounit) return steps(() => reading(l, fd, c, [{ base: to, length: count }], at));
  l.user.room(to, count);
  return after(l.calls.read(fd, count, at), (data) => {
    l.user.put(to, data);
    return data.length;
  });
}

function write(l: Linux, fd: number, from: number, n: number, at?: number): Awaitable<number> {
  const c = opened(l, fd);
  const count = Math.min(n, MAXIO);
  return count > CHUNK ? steps(() => writing(l, fd, c, [{ base: from, length: count }], at)) : writeOnce(l, fd, c, l.user.bytes(from, count), at);
}

/** At a place of a file that has places. */
function placed(l: Linux, fd: number, at: number, f: () => Awaitable<number>): Awaitable<number> {
  const c = opened(l, fd);
  return at < 0 ? -errno.EINVAL : seekable(l, c, f);
}

function vector(l: Linux, fd: number, at: number, n: number, place: number | undefined, how: typeof reading): Awaitable<number> {
  const c = opened(l, fd);
  const parts = iovecs(l, at, n).filter((p) => p.length > 0);
  const [one] = parts;
  if (parts.length <= 1 || one === undefined) {
    const { base, length } = one ?? { base: 0, length: 0 };
    return how === reading ? read(l, fd, base, length, place) : write(l, fd, base, length, place);
  }
  // Small pieces go as one message: what a line is made of is not to be torn.
  const all = parts.reduce((sum, p) => sum + p.length, 0);
  if (how !== writing || all > CHUNK) return steps(() => how(l, fd, c, parts, place));
  const data = new Uint8Array(all);
  let filled = 0;
  for (const p of parts) {
    data.set(l.user.bytes(p.base, p.length), filled);
    filled += p.length;
  }
  return writeOnce(l, fd, c, data, place);
}

/** The offset that preadv and its kin have in two halves, -1 for the file's own. */
function vectorAt(l: Linux, fd: number, at: number, n: number, place: number, own: boolean, how: typeof reading): Awaitable<number> {
  if (own && place === -1) return vector(l, fd, at, n, undefined, how);
  return placed(l, fd, place, () => vector(l, fd, at, n, place, how));
}

const SEEK = { set: 0, cur: 1, end: 2, data: 3, hole: 4 } as const;

function lseek(l: Linux, fd: number, to: number, whence: number): Awaitable<number> {
  const c = opened(l, fd);
  return seekable(l, c, (kind) => {
    if (kind === "dir") return whence === SEEK.set && to >= 0 ? entriesAt(c, to) : whence === SEEK.cur && to === 0 ? entriesAt(c, undefined) : -errno.EINVAL;
    switch (whence) {
      case SEEK.set: case SEEK.cur: case SEEK.end: return l.calls.seek(fd, to, whence);
      // No server tells of holes: there is one, at the end.
      case SEEK.data: case SEEK.hole:
        return after(attrOf(l, c), (a) => (to < 0 || to >= a.size ? -errno.ENXIO : l.calls.seek(fd, whence === SEEK.data ? to : a.size, SEEK.set)));
      default: return -errno.EINVAL;
    }
  });
}

/** From one open file to another. */
function* copying(l: Linux, from: number, at: number | undefined, to: number, place: number | undefined, n: number): Steps<number> {
  let moved = 0;
  try {
    while (moved < n) {
      const c = opened(l, from);
      const data = yield* got(l.calls.read(from, Math.min(n - moved, CHUNK, c.iounit), at === undefined ? undefined : at + moved));
      if (data.length === 0) break;
      const some = yield* got(writeOnce(l, to, opened(l, to), data, place === undefined ? undefined : place + moved));
      moved += some;
      if (some < data.length) break;
    }
  } catch (e) {
    if (isInterrupted(e) && moved === 0) throw e;
    return partly(e, moved);
  }
  return moved;
}

/** A place in a file that the call is given by address, and that it moves; undefined: the file's own offset. */
function placeAt(l: Linux, at: number): number | undefined {
  if (at === 0) return undefined;
  const n = l.user.u64(at);
  l.user.room(at, 8);
  return n >= 2 ** 63 ? fail(errno.EINVAL) : n;
}

function advanced(l: Linux, at: number, from: number | undefined, n: number): void {
  if (from !== undefined && n > 0) l.user.putU64(at, from + n);
}

export const io: Calls = {
  read: (l, fd, to, n) => read(l, fd, to, n),
  write: (l, fd, from, n) => write(l, fd, from, n),
  pread64: (l, fd, to, n, at) => placed(l, fd, at, () => read(l, fd, to, n, at)),
  pwrite64: (l, fd, from, n, at) => placed(l, fd, at, () => write(l, fd, from, n, at)),
  readv: (l, fd, at, n) => vector(l, fd, at, n, undefined, reading),
  writev: (l, fd, at, n) => vector(l, fd, at, n, undefined, writing),
  preadv: (l, fd, at, n, place) => vectorAt(l, fd, at, n, place, false, reading),
  pwritev: (l, fd, at, n, place) => vectorAt(l, fd, at, n, place, false, writing),
  preadv2: (l, fd, at, n, place, _high, flags) => (flags === 0 ? vectorAt(l, fd, at, n, place, true, reading) : -errno.EOPNOTSUPP),
  pwritev2: (l, fd, at, n, place, _high, flags) => (flags === 0 ? vectorAt(l, fd, at, n, place, true, writing) : -errno.EOPNOTSUPP),
  lseek,

  sendfile(l, to, from, at, n) {
    opened(l, to);
    const c = opened(l, from);
    const place = placeAt(l, at);
    if (c.isDir || statusOf(opened(l, to)) & O.append) return -errno.EINVAL;
    return after(steps(() => copying(l, from, place, to, undefined, Math.min(n, MAXIO))), (moved) => {
      advanced(l, at, place, moved);
      return moved;
    });
  },

  copy_file_range(l, from, fromAt, to, toAt, n, flags) {
    const [a, b] = [opened(l, from), opened(l, to)];
    if (flags !== 0) return -errno.EINVAL;
    if (a.isDir || b.isDir) return -errno.EISDIR;
    if (statusOf(b) & O.append) return -errno.EBADF;
    const [place, target] = [placeAt(l, fromAt), placeAt(l, toAt)];
    return after(kindOf(l, a), (ka) => after(kindOf(l, b), (kb) => {
      if (ka !== "file" || kb !== "file") return -errno.EINVAL;
      return after(steps(() => copying(l, from, place, to, target, Math.min(n, MAXIO))), (moved) => {
        advanced(l, fromAt, place, moved);
        advanced(l, toAt, target, moved);
        return moved;
      });
    }));
  },

  splice: (l, from, _at, to) => (opened(l, from), opened(l, to), -errno.EINVAL),
  tee: (l, from, to) => (opened(l, from), opened(l, to), -errno.EINVAL),
  vmsplice: (l, fd) => (opened(l, fd), -errno.EBADF),
};
