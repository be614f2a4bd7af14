/** Times: Linux's calls about the clock and waiting for it. */
import { type Awaitable, errno } from "../../proto/index.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";

const CLOCK = { realtime: 0, monotonic: 1, process: 2, thread: 3, raw: 4, realtimeCoarse: 5, monotonicCoarse: 6, boottime: 7 } as const;
const TIMER_ABSTIME = 1;

/** Milliseconds on a clock; undefined when there is no such clock. */
function clock(l: Linux, which: number): number | undefined {
  const { host } = l.proc.kernel;
  switch (which) {
    case CLOCK.realtime: case CLOCK.realtimeCoarse: return host.now();
    case CLOCK.monotonic: case CLOCK.raw: case CLOCK.monotonicCoarse: case CLOCK.boottime: return host.now();
    case CLOCK.process: case CLOCK.thread: return host.now() - l.proc.startMs;
    default: return undefined;
  }
}

/** struct timespec */
function putTimespec(l: Linux, at: number, ms: number): void {
  const sec = Math.floor(ms / 1000);
  l.user.putU64(at, sec);
  l.user.putU64(at + 8, Math.floor((ms - sec * 1000) * 1e6));
}

/** Milliseconds of a struct timespec; undefined when it is none. */
function timespec(l: Linux, at: number): number | undefined {
  const v = l.user.view(at, 16);
  const sec = v.getInt32(4, true) * 2 ** 32 + v.getUint32(0, true);
  const nsec = v.getInt32(12, true) * 2 ** 32 + v.getUint32(8, true);
  return sec < 0 || nsec < 0 || nsec >= 1e9 ? undefined : sec * 1000 + nsec / 1e6;
}

function asleep(l: Linux, ms: number): Awaitable<number> {
  const { proc } = l;
  const { host } = proc.kernel;
  return proc.sleep((wake) => {
    const stop = new AbortController();
    (ms > 0 ? host.sleep(ms, stop.signal) : host.yield()).then(wake, () => undefined);
    return () => stop.abort();
  }).then(() => 0);
}

export const times: Calls = {
  clock_gettime(l, which, at) {
    const ms = clock(l, which);
    if (ms === undefined) return -errno.EINVAL;
    putTimespec(l, at, ms);
    return 0;
  },

  clock_getres(l, which, at) {
    if (clock(l, which) === undefined) return -errno.EINVAL;
    if (at !== 0) putTimespec(l, at, 1e-6);
    return 0;
  },

  gettimeofday(l, at) {
    const ms = l.proc.kernel.host.now();
    const sec = Math.floor(ms / 1000);
    if (at !== 0) {
      l.user.putU64(at, sec);
      l.user.putU64(at + 8, Math.floor((ms - sec * 1000) * 1000));
    }
    return 0;
  },

  time(l, at) {
    const sec = Math.floor(l.proc.kernel.host.now() / 1000);
    if (at !== 0) l.user.putU64(at, sec);
    return sec;
  },

  nanosleep(l, at) {
    const ms = timespec(l, at);
    return ms === undefined ? -errno.EINVAL : asleep(l, ms);
  },

  clock_nanosleep(l, which, flags, at) {
    const now = clock(l, which);
    const ms = timespec(l, at);
    if (now === undefined || ms === undefined) return -errno.EINVAL;
    return asleep(l, flags & TIMER_ABSTIME ? ms - now : ms);
  },
};
