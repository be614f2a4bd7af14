/**
 * Blocked: who can be woken out of a wait that is no 9P message: a process, by a note; a server's call,
 * by its signal. Invariant: a wait ends once, with what was waited for or with Eintr, and leaves nothing
 * armed. Used by whatever in the kernel waits.
 */
import { Eintr, NineError } from "../proto/index.ts";

export interface Blocked {
  /** One that is interrupted already is so at once. */
  block(interrupted: () => void): void;
  unblock(interrupted: () => void): void;
}

/** Waits until `arm`'s wake is called; Eintr when the wait is ended first, after `disarm`. */
export function asleep(blocked: Blocked, arm: (wake: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupted = (): void => {
      blocked.unblock(interrupted);
      disarm();
      reject(new NineError(Eintr));
    };
    const disarm = arm(() => {
      blocked.unblock(interrupted);
      resolve();
    });
    blocked.block(interrupted);
  });
}

/** Those who sleep until something happens, which they then look at. */
export class Sleepers {
  private readonly wakes = new Set<() => void>();

  sleep(blocked: Blocked): Promise<void> {
    return asleep(blocked, (wake) => {
      this.wakes.add(wake);
      return () => this.wakes.delete(wake);
    });
  }

  wakeup(): void {
    for (const wake of [...this.wakes]) {
      this.wakes.delete(wake);
      wake();
    }
  }
}
