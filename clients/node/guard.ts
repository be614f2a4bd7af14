/**
 * Guard: which file systems answer at once. A synchronous call costs a fraction of one by way of the
 * thread pool, but holds up everything while it lasts. Invariant: after a synchronous call on a
 * device took longer than SLOW_MS, calls on that device are asynchronous for a while; then one may
 * find out again, and each time it is slow again the while is twice as long. So a hiccup of a fast
 * disk costs little, and a slow one holds up the loop ever more rarely. Failures come out as
 * NineErrors. Used by hostfiles.ts.
 */
import type { Awaitable } from "../../proto/index.ts";
import { errno, NineError } from "../../proto/index.ts";

/** A synchronous call that takes longer makes its file system a slow one. */
export const SLOW_MS = 20;
/** The first while, the longest, and after how long without a slow call it begins anew. */
export const WHILE_MS = 250;
export const MAXWHILE_MS = 30_000;
export const FORGET_MS = 120_000;

export interface Device {
  slowUntilMs: number;
  /** The last while. */
  whileMs: number;
  /** False where the time of birth changes in a file's life: a union copies a file when it is written. */
  readonly births: boolean;
}

export class Guard {
  private readonly now: () => number;

  /** now: monotonic time in ms. */
  constructor(now: () => number) {
    this.now = now;
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

  private note(d: Device, started: number): void {
    const ended = this.now();
    if (ended - started <= SLOW_MS) return;
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
