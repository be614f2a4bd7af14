/**
 * Times: Linux's calls about the clock and waiting for it. The host's clock is all there is: a process's
 * own time is what has passed since it began.
 */
import { after, type Awaitable, errno } from "../../proto/index.ts";
import { Struct } from "./bytes.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { asleepFor, timespec } from "./wait.ts";

const CLOCK = { realtime: 0, monotonic: 1, cpu: 2, thread: 3, raw: 4, realtimeCoarse: 5, monotonicCoarse: 6, boottime: 7, realtimeAlarm: 8, boottimeAlarm: 9, tai: 11 } as const;
const TIMER_ABSTIME = 1;
/** What times(2) counts in. */
const CLKTCK = 100;
const RUSAGE = 144;

export function hasClock(which: number): boolean {
  return Object.values<number>(CLOCK).includes(which);
}

/** Milliseconds on a clock; undefined when there is no such clock. */
function clock(l: Linux, which: number): number | undefined {
  if (!hasClock(which)) return undefined;
  const now = l.proc.kernel.host.now();
  return which === CLOCK.cpu || which === CLOCK.thread ? now - l.proc.startMs : now;
}

function putTimespec(l: Linux, at: number, ms: number): void {
  const sec = Math.floor(ms / 1000);
  l.user.put(at, new Struct(16).time(0, sec, Math.min(999_999_999, Math.floor((ms - sec * 1000) * 1e6))).bytes);
}

/** Waits; what is left of it when a handler has run is told. */
function slept(l: Linux, ms: number, left: number): Awaitable<number> {
  const { host } = l.proc.kernel;
  if (left !== 0) l.user.room(left, 16);
  l.deadline ??= host.now() + ms;
  const { deadline } = l;
  // Nobody is told whose handler has it made again from the beginning.
  l.broken = () => {
    if (left !== 0) putTimespec(l, left, Math.max(0, deadline - host.now()));
  };
  return after(asleepFor(l, ms), () => 0);
}

/** struct timeval of so many milliseconds. */
function putTimeval(s: Struct, at: number, ms: number): void {
  const sec = Math.floor(ms / 1000);
  s.u64(at, sec).u64(at + 8, Math.floor((ms - sec * 1000) * 1000));
}

export const times: Calls = {
  clock_gettime(l, which, at) {
    const ms = clock(l, which);
    if (ms === undefined) return -errno.EINVAL;
    putTimespec(l, at, ms);
    return 0;
  },

  clock_getres(l, which, at) {
    if (!hasClock(which)) return -errno.EINVAL;
    if (at !== 0) l.user.put(at, new Struct(16).time(0, 0, 1).bytes);
    return 0;
  },

  gettimeofday(l, at, zone) {
    const s = new Struct(16);
    putTimeval(s, 0, l.proc.kernel.host.now());
    if (at !== 0) l.user.put(at, s.bytes);
    if (zone !== 0) l.user.put(zone, new Uint8Array(8));
    return 0;
  },

  time(l, at) {
    const sec = Math.floor(l.proc.kernel.host.now() / 1000);
    if (at !== 0) l.user.putU64(at, sec);
    return sec;
  },

  times(l, at) {
    const ticks = Math.floor((l.proc.kernel.host.now() - l.proc.startMs) * CLKTCK / 1000);
    if (at !== 0) l.user.put(at, new Struct(32).u64(0, ticks).bytes);
    return Math.floor(l.proc.kernel.host.now() * CLKTCK / 1000);
  },

  getrusage(l, who, at) {
    if (who < -1 || who > 1) return -errno.EINVAL;
    const s = new Struct(RUSAGE);
    if (who !== -1) putTimeval(s, 0, l.proc.kernel.host.now() - l.proc.startMs);
    if (who !== -1) s.u64(32, l.proc.segments.reduce((n, x) => n + x.pages.frames.size, 0) * 4);
    l.user.put(at, s.bytes);
    return 0;
  },

  nanosleep: (l, at, left) => slept(l, timespec(l, at), left),

  clock_nanosleep(l, which, flags, at, left) {
    const now = clock(l, which);
    if (now === undefined || which === CLOCK.thread) return -errno.EINVAL;
    const ms = timespec(l, at);
    return flags & TIMER_ABSTIME ? slept(l, ms - now, 0) : slept(l, ms, left);
  },
};
