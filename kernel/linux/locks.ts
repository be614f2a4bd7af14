/**
 * Locks: Linux's record locks and flock, which are both Tlock of .L, as Linux's own client of 9P has it: an
 * owner is a process, and a lock of the one kind is in the way of the other's. Those of open file
 * descriptions have the Chan's number for owner. A plain 9P2000 server has no locks: ENOLCK. Nobody is
 * told when a lock is let go, so who waits asks again, ever less often.
 */
import { after, type Awaitable, errno, got, LOCK_BLOCKED, LOCK_GRACE, LOCK_SUCCESS, type Steps, steps, Tgetlock, Tlock } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { attrOf, isLinux } from "./attr.ts";
import { signed, Struct } from "./bytes.ts";
import type { Linux } from "./linux.ts";
import { fail } from "./paths.ts";
import { asleep } from "./wait.ts";

/** struct flock */
const FLOCK = 32;
/** l_type as Linux has it, which is Tlock's too. */
const UNLCK = 2;
const OP = { sh: 1, ex: 2, nb: 4, un: 8 } as const;
/** Between two askings, to begin with and at most. */
const FIRSTMS = 2;
const MOSTMS = 200;

interface Range {
  readonly ltype: number;
  readonly start: number;
  /** 0: to the end. */
  readonly length: number;
}

/** What a struct flock says, from the beginning of the file. */
function rangeOf(l: Linux, c: Chan, v: DataView): Awaitable<Range> {
  const ltype = v.getInt16(0, true);
  const whence = v.getInt16(2, true);
  const start = signed(v, 8);
  const length = signed(v, 16);
  if (ltype < 0 || ltype > UNLCK || whence < 0 || whence > 2) fail(errno.EINVAL);
  return after(whence === 2 ? after(attrOf(l, c), (a) => a.size) : whence === 1 ? c.offset : 0, (base) => {
    const from = base + start + Math.min(0, length);
    if (from < 0) fail(errno.EINVAL);
    if (from + Math.abs(length) > Number.MAX_SAFE_INTEGER) fail(errno.EOVERFLOW);
    return { ltype, start: from, length: Math.abs(length) };
  });
}

const owners = new WeakMap<Chan, number>();
let lastOwner = 0;

/** Of an open file; numbers that no process has. */
function ownerOf(c: Chan): number {
  let n = owners.get(c);
  if (n === undefined) owners.set(c, n = 0x8000_0000 + (++lastOwner % 0x7fff_ffff));
  return n;
}

function* locking(l: Linux, c: Chan, r: Range, owner: number, waits: boolean): Steps<number> {
  if (!isLinux(c)) return -errno.ENOLCK;
  for (let ms = FIRSTMS; ; ms = Math.min(MOSTMS, ms * 2)) {
    const { status } = yield* got(c.mnt.client.rpc({ type: Tlock, fid: c.fid, ...r, flags: 0, proc_id: owner, client_id: "linux" }, l.proc.intr));
    if (status === LOCK_SUCCESS) return 0;
    if (status !== LOCK_BLOCKED && status !== LOCK_GRACE) return -errno.ENOLCK;
    if (!waits) return -errno.EAGAIN;
    yield* got(asleep(l, ms));
  }
}

/** F_SETLK and F_SETLKW; `own`: the open file's. */
export function setlk(l: Linux, c: Chan, at: number, waits: boolean, own: boolean): Awaitable<number> {
  return after(rangeOf(l, c, l.user.view(at, FLOCK)), (r) => steps(() => locking(l, c, r, own ? ownerOf(c) : l.proc.pid, waits)));
}

/** F_GETLK */
export function getlk(l: Linux, c: Chan, at: number, own: boolean): Awaitable<number> {
  const v = l.user.view(at, FLOCK);
  l.user.room(at, FLOCK);
  return after(rangeOf(l, c, v), (r) => {
    if (r.ltype === UNLCK) return -errno.EINVAL;
    if (!isLinux(c)) return -errno.ENOLCK;
    return after(c.mnt.client.rpc({ type: Tgetlock, fid: c.fid, ...r, proc_id: own ? ownerOf(c) : l.proc.pid, client_id: "linux" }, l.proc.intr), (x) => {
      const pid = x.proc_id >= 0x8000_0000 ? -1 : x.proc_id;
      if (x.ltype === UNLCK) l.user.put(at, new Struct(2).u16(0, UNLCK).bytes);
      else l.user.put(at, new Struct(FLOCK).u16(0, x.ltype).u64(8, x.start).u64(16, x.length).u32(24, pid).bytes);
      return 0;
    });
  });
}

/** flock(2) */
export function flock(l: Linux, c: Chan, op: number): Awaitable<number> {
  const what = op & ~OP.nb;
  if (what !== OP.sh && what !== OP.ex && what !== OP.un) return -errno.EINVAL;
  const ltype = what === OP.sh ? 0 : what === OP.ex ? 1 : UNLCK;
  return steps(() => locking(l, c, { ltype, start: 0, length: 0 }, l.proc.pid, !(op & OP.nb)));
}
