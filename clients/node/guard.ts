/**
 * Guard: which file systems answer at once. A synchronous call costs a fraction of one by way of the
 * thread pool, but holds up everything while it lasts. Invariant: after two synchronous calls on a
 * device soon after each other took longer than SLOW_MS, or one longer than HANG_MS, calls on that
 * device are asynchronous for a while; then one may find out again, and each time it is slow again
 * the while is twice as long. So a slow disk holds up the loop ever more rarely, and a fast one is
 * not taken for slow because this process stood still once, as to collect garbage. What the thread
 * waited for a processor is not the file system's fault. Failures come out as NineErrors. Used by hostfiles.ts.
 */
import type { Awaitable } from "../../proto/index.ts";
import { errno, NineError } from "../../proto/index.ts";

/** A synchronous call that takes longer is a slow one. */
export const SLOW_MS = 20;
/** One that takes longer than this is enough. */
export const HANG_MS = 200;
/** Soon after another slow call, or after the last while. */
export const NEAR_MS = 500;
/** The first while, the longest, and after how long without a slow call it begins anew. */
export const WHILE_MS = 250;
export const MAXWHILE_MS = 30_000;
export const FORGET_MS = 120_000;

/** How old the sum of waits may be that the next one is compared with. */
const SAMPLE_MS = 20;

export interface Device {
  slowUntilMs: number;
  /** When the last slow call ended. */
  lateMs: number;
  /** The last while. */
  whileMs: number;
  /** False where the time of birth changes in a file's life: a union copies a file when it is written. */
  readonly births: boolean;
  /** A local file system, whose times are by this host's clock. */
  readonly local: boolean;
}

export class Guard {
  private readonly now: () => number;
  private readonly waited: (() => number) | undefined;
  /** What `waited` said, and when. */
  private before = 0;
  private sampledMs = -Infinity;

  /** now: monotonic time in ms. waited: how long this thread has waited for a processor, in ms. */
  constructor(now: () => number, waited?: () => number) {
    this.now = now;
    this.waited = waited;
  }

  /** Whether calls on it are asynchronous at the moment. */
  slow(d: Device): boolean {
    return this.now() < d.slowUntilMs;
  }

  /** The call, in the form the device wants. */
  run<T>(d: Device, now: () => T, later: () => Promise<T>): Awaitable<T> {
    return this.slow(d) ? this.wait(later) : this.sync(d, now);
  }

  /** A call that must be synchronous, noted all the same. */
  sync<T>(d: Device, f: () => T): T {
    const started = this.now();
    if (this.waited && started - this.sampledMs > SAMPLE_MS) {
      this.sampledMs = started;
      this.before = this.waited();
    }
    try {
      return f();
    } catch (e) {
      throw hostError(e);
    } finally {
      this.note(d, started);
    }
  }

  /** The asynchronous form, for what is slow by nature. */
  async wait<T>(later: () => Promise<T>): Promise<T> {
    try {
      return await later();
    } catch (e) {
      throw hostError(e);
    }
  }

  /** What of a long call was waiting for a processor, at most. */
  private idle(): number {
    return this.waited ? this.waited() - this.before : 0;
  }

  private note(d: Device, started: number): void {
    const ended = this.now();
    const took = ended - started;
    if (took <= SLOW_MS || took - this.idle() <= SLOW_MS) return;
    const near = started - Math.max(d.lateMs, d.slowUntilMs) < NEAR_MS;
    d.lateMs = ended;
    if (!near && took <= HANG_MS) return;
    d.whileMs = ended - d.slowUntilMs > FORGET_MS ? WHILE_MS : Math.min(d.whileMs * 2, MAXWHILE_MS);
    d.slowUntilMs = ended + d.whileMs;
  }
}

const numbers: Readonly<Record<string, number>> = { ...errno, ENOTSUP: errno.EOPNOTSUPP };

/** A system's error as a NineError, with Linux's number whatever the system; anything else is a bug and stays what it is. */
export function hostError(e: unknown): unknown {
  if (!(e instanceof Error) || !("syscall" in e) || !("code" in e)) return e;
  return NineError.fromErrno(numbers[String(e.code)] ?? errno.EIO);
}
