/**
 * Turn: calls that must not overlap take turns, in the order they came. Invariant: exactly one holder
 * between enter and leave; a waiter that is interrupted never becomes the holder.
 */
import { Eintr, NineError } from "../proto/index.ts";
import type { Blocked } from "./blocked.ts";

export class Turn {
  private busy = false;
  /** Made when somebody has to wait. */
  private waiters: (() => void)[] | undefined;

  /** Undefined when it is the caller's turn at once. Rejects with Eintr when the process is interrupted first. */
  enter(p: Blocked): Promise<void> | undefined {
    if (!this.busy) {
      this.busy = true;
      return undefined;
    }
    const waiters = this.waiters ??= [];
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        p.unblock(interrupted);
        resolve();
      };
      const interrupted = (): void => {
        const i = waiters.indexOf(wake);
        if (i >= 0) waiters.splice(i, 1);
        reject(new NineError(Eintr));
      };
      waiters.push(wake);
      p.block(interrupted);
    });
  }

  leave(): void {
    const next = this.waiters?.shift();
    if (next) next();
    else this.busy = false;
  }
}
