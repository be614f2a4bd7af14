/**
 * Timers: those of a process that send it a signal: setitimer's three and timer_create's. All go by the
 * host's clock, those of processor time too: a process here is told no other. Invariant: they end with
 * the process.
 */
import { errno } from "../../proto/index.ts";
import { signed, Struct } from "./bytes.ts";
import type { Call, Calls } from "./call.ts";
import { NO_FAULT } from "./frame.ts";
import type { Proc } from "../proc.ts";
import type { Linux } from "./linux.ts";
import { fail } from "./paths.ts";
import { SIG } from "./signals.ts";
import { SI, Signals } from "./sigstate.ts";
import { hasClock } from "./times.ts";
import { timeval } from "./wait.ts";

/** Timers of one process, at most. */
const MAXTIMERS = 256;
/** The longest that one sleep is. */
const LONGMS = 2 ** 30;
const ITIMER = [SIG.ALRM, SIG.VTALRM, SIG.PROF] as const;
const SIGEV = { signal: 0, none: 1, threadId: 4 } as const;
const ABSTIME = 1;
/** struct sigevent, struct itimerspec. */
const SIGEVENT = 64;
const SPEC = 32;

class Timer {
  /** When it goes off, by the host's clock; 0: never. */
  at = 0;
  intervalMs = 0;
  overrun = 0;
  private stop: AbortController | undefined;
  private readonly proc: Proc;
  private readonly fire: (t: Timer) => void;

  constructor(proc: Proc, fire: (t: Timer) => void) {
    this.proc = proc;
    this.fire = fire;
    proc.atExit.add(this.end);
  }

  /** It goes off no more. */
  readonly end = (): void => {
    this.set(0, 0);
    this.proc.atExit.delete(this.end);
  };

  /** In so many milliseconds, and then ever again; 0: not. */
  set(ms: number, intervalMs: number): void {
    this.stop?.abort();
    this.stop = undefined;
    this.intervalMs = intervalMs;
    this.at = ms <= 0 ? 0 : this.proc.kernel.host.now() + ms;
    if (ms > 0) this.arm();
  }

  /** Milliseconds until it goes off; 0 when it does not. */
  get left(): number {
    return this.at === 0 ? 0 : Math.max(0.001, this.at - this.proc.kernel.host.now());
  }

  private arm(): void {
    const { host } = this.proc.kernel;
    const stop = new AbortController();
    this.stop = stop;
    const wait = Math.max(0, this.at - host.now());
    host.sleep(Math.min(wait, LONGMS), stop.signal).then(() => {
      if (this.stop !== stop) return;
      if (wait > LONGMS) this.arm();
      else this.over();
    }, () => undefined);
  }

  private over(): void {
    const now = this.proc.kernel.host.now();
    this.stop = undefined;
    if (this.intervalMs > 0) {
      // What would have gone off meanwhile is only counted.
      const missed = Math.floor(Math.max(0, now - this.at) / this.intervalMs);
      this.overrun += missed;
      this.at += (missed + 1) * this.intervalMs;
      this.arm();
    } else this.at = 0;
    this.fire(this);
  }
}

/** A process's own. */
export class Timers {
  readonly interval: readonly Timer[];
  readonly posix: Map<number, Timer> = new Map();
  last = -1;
  private l: Linux;

  constructor(l: Linux) {
    this.l = l;
    this.interval = ITIMER.map((sig) => new Timer(l.proc, () => this.l.send({ sig, code: SI.kernel, fault: NO_FAULT })));
  }

  /** Those of a program that makes way for another: setitimer's go on. */
  handed(l: Linux): this {
    this.l = l;
    for (const t of this.posix.values()) t.end();
    this.posix.clear();
    return this;
  }
}

function putItimerval(l: Linux, at: number, t: Timer): void {
  const s = new Struct(32);
  const put = (o: number, ms: number): void => {
    const us = Math.round(ms * 1000);
    s.u64(o, Math.floor(us / 1e6)).u64(o + 8, us % 1e6);
  };
  put(0, t.intervalMs);
  put(16, t.left);
  l.user.put(at, s.bytes);
}

function putItimerspec(l: Linux, at: number, t: Timer): void {
  const s = new Struct(SPEC);
  const put = (o: number, ms: number): void => void s.time(o, Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6));
  put(0, t.intervalMs);
  put(16, t.left);
  l.user.put(at, s.bytes);
}

function posixTimer(l: Linux, id: number): Timer {
  return l.timers.posix.get(id) ?? fail(errno.EINVAL);
}

const settime: Call = (l, id, flags, next, old) => {
  const t = posixTimer(l, id);
  const v = l.user.view(next, SPEC);
  const ms = (o: number): number => {
    const [sec, nsec] = [signed(v, o), signed(v, o + 8)];
    return sec < 0 || nsec < 0 || nsec >= 1e9 ? fail(errno.EINVAL) : sec * 1000 + nsec / 1e6;
  };
  const [interval, value] = [ms(0), ms(16)];
  if (old !== 0) {
    l.user.room(old, SPEC);
    putItimerspec(l, old, t);
  }
  const first = flags & ABSTIME && value > 0 ? Math.max(0.001, value - l.proc.kernel.host.now()) : value;
  t.set(first, interval);
  t.overrun = 0;
  return 0;
};

export const timers: Calls = {
  getitimer(l, which, at) {
    const t = l.timers.interval[which];
    if (!t) return -errno.EINVAL;
    putItimerval(l, at, t);
    return 0;
  },

  setitimer(l, which, next, old) {
    const t = l.timers.interval[which];
    if (!t) return -errno.EINVAL;
    const v = next === 0 ? new DataView(new ArrayBuffer(32)) : l.user.view(next, 32);
    const [interval, value] = [timeval(v, 0), timeval(v, 16)];
    if (old !== 0) {
      l.user.room(old, 32);
      putItimerval(l, old, t);
    }
    t.set(value, interval);
    return 0;
  },

  alarm(l, sec) {
    const t = l.timers.interval[0] as Timer;
    const left = t.left === 0 ? 0 : Math.max(1, Math.round(t.left / 1000));
    t.set(sec * 1000, 0);
    return left;
  },

  timer_create(l, clock, event, to) {
    if (!hasClock(clock)) return -errno.EINVAL;
    if (l.timers.posix.size >= MAXTIMERS) return -errno.EAGAIN;
    const v = event === 0 ? undefined : l.user.view(event, SIGEVENT);
    const sig = v ? v.getInt32(8, true) : SIG.ALRM;
    const how = v ? v.getInt32(12, true) : SIGEV.signal;
    if (how !== SIGEV.signal && how !== SIGEV.none && how !== (SIGEV.signal | SIGEV.threadId)) return -errno.EINVAL;
    if (how !== SIGEV.none && !Signals.isSignal(sig)) return -errno.EINVAL;
    l.user.room(to, 4);
    const id = ++l.timers.last;
    const value = v ? v.getBigUint64(0, true) : BigInt(id);
    l.timers.posix.set(id, new Timer(l.proc, (t) => how !== SIGEV.none && l.send({ sig, code: SI.timer, pid: id, uid: t.overrun, value, fault: NO_FAULT })));
    l.user.putU32(to, id);
    return 0;
  },

  timer_settime: settime,
  timer_gettime(l, id, at) {
    putItimerspec(l, at, posixTimer(l, id));
    return 0;
  },
  timer_getoverrun: (l, id) => posixTimer(l, id).overrun,
  timer_delete(l, id) {
    posixTimer(l, id).end();
    l.timers.posix.delete(id);
    return 0;
  },
};
