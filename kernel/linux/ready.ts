/**
 * Ready: whether open files have something to read: poll, select, and reads that do not wait. 9P has no
 * message for it: a read is sent, and flushed when it is not to be waited for any longer. What came all
 * the same is kept with the Chan and is what its next reader gets. Files and devices are always ready,
 * and so is everything for writing.
 */
import { after, attempt, type Awaitable, errno, got, Interrupt, NineError, OWRITE, type Steps, steps } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { kindOf } from "./attr.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { MAXFD } from "./opens.ts";
import { asleep, pair, sigset, timespec, timeval } from "./wait.ts";

const POLL = { in: 1, pri: 2, out: 4, err: 8, hup: 0x10, nval: 0x20, rdnorm: 0x40, wrnorm: 0x100 } as const;
const READS: number = POLL.in | POLL.rdnorm;
const WRITES: number = POLL.out | POLL.wrnorm;
/** struct pollfd */
const POLLFD = 8;
/** Bytes asked for when it is asked whether there are any. */
const LOOK = 8192;
/** FD_SETSIZE: what a select looks at, at most. */
const SETSIZE = 1024;

/** A read under way that somebody only wants to know of. */
interface Look {
  /** Undefined when it is over already. */
  readonly over: Promise<void> | undefined;
  /** Flushes it. */
  readonly end: () => void;
}

/** Asks a stream for what it has; it is kept with its Chan. */
function look(l: Linux, c: Chan): Look {
  const intr = new Interrupt();
  const { client } = c.mnt;
  c.incref();
  const r = attempt<void>(() => after(client.read(c.fid, c.offset, Math.min(LOOK, c.iounit), intr, undefined, c.free ? l.proc.pid : undefined), (data) => {
    c.offset += data.length;
    c.kept = data;
    c.close();
  }), (e) => {
    // What is wrong the next read is told.
    c.close();
    if (!(e instanceof NineError)) throw e;
    if (e.errno !== errno.EINTR) c.kept ??= new Uint8Array(0);
  });
  return { over: r instanceof Promise ? r : undefined, end: () => intr.raise() };
}

/** Sees to it that streams have what they have by now, or by the time that one of them has something, or it is so many milliseconds later. */
function* looking(l: Linux, streams: readonly Chan[], ms: number): Steps<void> {
  const looks = streams.map((c) => look(l, c)).filter((x) => x.over);
  try {
    if (looks.length === streams.length && ms > 0) yield* got(either(l, looks, ms));
    else if (looks.length > 0) yield* got(l.proc.kernel.host.yield());
  } finally {
    for (const x of looks) x.end();
    for (const x of looks) yield* got(x.over);
  }
}

/** One of them, or the time. */
function either(l: Linux, looks: readonly Look[], ms: number): Awaitable<void> {
  const { proc } = l;
  let first = (): void => undefined;
  for (const x of looks) void x.over?.then(() => first());
  if (ms === Infinity) {
    return proc.sleep((wake) => {
      first = wake;
      return () => undefined;
    });
  }
  return proc.sleep((wake) => {
    const stop = new AbortController();
    first = () => {
      stop.abort();
      wake();
    };
    proc.kernel.host.sleep(Math.min(ms, 2 ** 30), stop.signal).then(wake, () => undefined);
    return () => stop.abort();
  });
}

/** What is asked of one fd, and what it is found to be. */
interface Asked {
  readonly fd: number;
  readonly events: number;
  found: number;
}

/** How many of them are found to be something, within a time. */
function* polling(l: Linux, asked: readonly Asked[], ms: number): Steps<number> {
  const streams = new Map<Chan, Asked[]>();
  let ready = 0;
  for (const a of asked) {
    a.found = 0;
    if (a.fd < 0) continue;
    if (!l.proc.fgrp.has(a.fd)) a.found = POLL.nval;
    else {
      const c = l.proc.fgrp.get(a.fd);
      const kind = yield* got(kindOf(l, c));
      a.found = a.events & WRITES;
      const waits = (kind === "stream" || kind === "tty") && (c.mode & 3) !== OWRITE && c.mode >= 0;
      if (!waits) a.found |= a.events & READS;
      else if (a.events & READS) streams.set(c, [...(streams.get(c) ?? []), a]);
    }
    if (a.found !== 0) ready++;
  }
  const unknown = [...streams.keys()].filter((c) => !c.kept);
  const some = ready > 0 || unknown.length < streams.size;
  if (unknown.length > 0) yield* looking(l, unknown, some ? 0 : ms);
  else if (!some && ms > 0) yield* got(asleep(l, ms));
  for (const [c, all] of streams) {
    if (!c.kept) continue;
    for (const a of all) {
      if (a.found === 0) ready++;
      a.found |= c.kept.length > 0 ? a.events & READS : POLL.hup | (a.events & READS);
    }
  }
  return ready;
}

/** A read that does not wait (O_NONBLOCK). */
export function readNow(l: Linux, fd: number, c: Chan, to: number, n: number): Awaitable<number> {
  l.user.room(to, n);
  const taken = (): Awaitable<number> => after(l.calls.read(fd, n), (data) => {
    l.user.put(to, data);
    return data.length;
  });
  return after(kindOf(l, c), (kind) => {
    if ((kind !== "stream" && kind !== "tty") || c.kept) return taken();
    return after(steps(() => looking(l, [c], 0)), () => (c.kept ? taken() : -errno.EAGAIN));
  });
}

/** The time a call may take, of which what has passed in an earlier try of it is gone. */
function left(l: Linux, ms: number): number {
  if (ms === Infinity || ms <= 0) return ms;
  const now = l.proc.kernel.host.now();
  l.deadline ??= now + ms;
  return Math.max(0, l.deadline - now);
}

function poll(l: Linux, at: number, n: number, ms: number): Awaitable<number> {
  if (n > MAXFD) return -errno.EINVAL;
  const v = l.user.view(at, n * POLLFD);
  l.user.room(at, n * POLLFD);
  const asked: Asked[] = Array.from({ length: n }, (_, k) => ({ fd: v.getInt32(k * POLLFD, true), events: v.getUint16(k * POLLFD + 4, true), found: 0 }));
  return after(steps(() => polling(l, asked, left(l, ms))), () => {
    asked.forEach((a, k) => v.setUint16(k * POLLFD + 6, a.found, true));
    l.user.put(at, new Uint8Array(v.buffer));
    return asked.filter((a) => a.found !== 0).length;
  });
}

function select(l: Linux, n: number, sets: readonly [number, number, number], ms: number): Awaitable<number> {
  if (n < 0) return -errno.EINVAL;
  const count = Math.min(n, SETSIZE);
  const bytes = Math.ceil(count / 64) * 8;
  const masks = sets.map((at) => (at === 0 ? undefined : l.user.bytes(at, bytes)));
  for (const at of sets) if (at !== 0) l.user.room(at, bytes);
  const has = (k: number, fd: number): boolean => (((masks[k]?.[fd >> 3] ?? 0) >> (fd & 7)) & 1) === 1;
  const asked: Asked[] = [];
  for (let fd = 0; fd < count; fd++) {
    const events = (has(0, fd) ? POLL.in : 0) | (has(1, fd) ? POLL.out : 0);
    if (events === 0 && !has(2, fd)) continue;
    if (!l.proc.fgrp.has(fd)) return -errno.EBADF;
    asked.push({ fd, events, found: 0 });
  }
  return after(steps(() => polling(l, asked, left(l, ms))), () => {
    let total = 0;
    const found = [POLL.in | POLL.hup, POLL.out, POLL.pri];
    sets.forEach((at, k) => {
      if (at === 0) return;
      const out = new Uint8Array(bytes);
      for (const a of asked) {
        if (!has(k, a.fd) || !(a.found & (found[k] as number))) continue;
        out[a.fd >> 3] = (out[a.fd >> 3] as number) | (1 << (a.fd & 7));
        total++;
      }
      l.user.put(at, out);
    });
    return total;
  });
}

export const ready: Calls = {
  poll: (l, at, n, ms) => poll(l, at, n, ms < 0 ? Infinity : ms),

  ppoll(l, at, n, time, mask, size) {
    const ms = time === 0 ? Infinity : timespec(l, time);
    if (mask !== 0) l.signals.mask(sigset(l, mask, size));
    return poll(l, at, n, ms);
  },

  select: (l, n, reads, writes, others, time) => select(l, n, [reads, writes, others], time === 0 ? Infinity : timeval(l.user.view(time, 16), 0)),

  pselect6(l, n, reads, writes, others, time, masked) {
    const ms = time === 0 ? Infinity : timespec(l, time);
    const [mask, size] = masked === 0 ? [0, 0] : pair(l, masked);
    if (mask !== 0) l.signals.mask(sigset(l, mask, size));
    return select(l, n, [reads, writes, others], ms);
  },
};
