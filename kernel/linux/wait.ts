/** Wait: how a call waits for time, or for whatever comes first: a note ends it with Eintr. */
import { type Awaitable, errno } from "../../proto/index.ts";
import { unsigned, signed } from "./bytes.ts";
import type { Linux } from "./linux.ts";
import { fail } from "./paths.ts";

/** Longest sleep that is one timer's; a longer one is several. */
const LONGMS = 2 ** 30;

/** Settles after so many milliseconds, or never for Infinity. */
export function asleep(l: Linux, ms: number): Awaitable<void> {
  const { proc } = l;
  const { host } = proc.kernel;
  return proc.sleep((wake) => {
    const stop = new AbortController();
    const go = (left: number): void => {
      if (left === Infinity) return;
      (left > 0 ? host.sleep(Math.min(left, LONGMS), stop.signal) : host.yield()).then(() => (left > LONGMS ? go(left - LONGMS) : wake()), () => undefined);
    };
    go(ms);
    return () => stop.abort();
  });
}

/** Until a time of the host's clock, which a call that is made again after a note that meant nothing to the program remembers. */
export function asleepFor(l: Linux, ms: number): Awaitable<void> {
  const now = l.proc.kernel.host.now();
  l.deadline ??= now + ms;
  return asleep(l, Math.max(0, l.deadline - now));
}

/** Milliseconds of a struct timespec; EINVAL when it is none. */
export function timespec(l: Linux, at: number): number {
  const v = l.user.view(at, 16);
  return msOf(signed(v, 0), signed(v, 8), 1e9);
}

/** The same of a struct timeval. */
export function timeval(v: DataView, at: number): number {
  return msOf(signed(v, at), signed(v, at + 8), 1e6);
}

function msOf(sec: number, part: number, unit: number): number {
  if (sec < 0 || part < 0 || part >= unit) fail(errno.EINVAL);
  return sec * 1000 + part / (unit / 1000);
}

/** A set of signals, as a program gives it: halves. */
export function sigset(l: Linux, at: number, size: number): [lo: number, hi: number] {
  if (size !== 8) fail(errno.EINVAL);
  const v = l.user.view(at, 8);
  return [v.getUint32(0, true), v.getUint32(4, true)];
}

/** Two words: a pointer and a size. */
export function pair(l: Linux, at: number): [number, number] {
  const v = l.user.view(at, 16);
  return [unsigned(v, 0), unsigned(v, 8)];
}
