/**
 * Rendez: where calls of a server sleep until something has come (sleep(9)). Invariant: who wakes looks
 * again, since another may have taken what came; who is flushed sleeps no longer and leaves no trace.
 * Used by lines, wirefile and cons.
 */
import { type Call, Eintr, NineError } from "../proto/index.ts";

export class Rendez {
  private readonly sleepers = new Set<() => void>();

  /** Until the next wakeup; Eintr when the call is flushed first. */
  sleep({ signal }: Pick<Call, "signal">): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (f: () => void): void => {
        this.sleepers.delete(woken);
        signal.removeEventListener("abort", flushed);
        f();
      };
      const woken = (): void => end(resolve);
      const flushed = (): void => end(() => reject(new NineError(Eintr)));
      if (signal.aborted) {
        reject(new NineError(Eintr));
        return;
      }
      this.sleepers.add(woken);
      signal.addEventListener("abort", flushed);
    });
  }

  /** All who sleep look again. */
  wakeup(): void {
    for (const woken of [...this.sleepers]) woken();
  }
}
