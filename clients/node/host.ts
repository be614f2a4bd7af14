/**
 * Host: Node's clock, chance and event loop behind proto/host.ts.
 */
import { randomFillSync } from "node:crypto";
import { Eintr, type Host, NineError } from "../../proto/index.ts";

/** setTimeout takes at most this many milliseconds; longer sleeps take several. */
const LONGESTMS = 2 ** 31 - 1;

/** `log` gets diagnostic lines; by default they go to stderr. */
export function nodeHost(log: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): Host {
  const pool = new Uint32Array(256);
  let used = pool.length;
  return {
    now: () => Date.now(),
    random() {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      return pool[used++] ?? 0;
    },
    sleep,
    yield: () => new Promise((resolve) => setImmediate(resolve)),
    log,
  };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const aborted = (): void => {
      clearTimeout(timer);
      reject(new NineError(Eintr));
    };
    const wait = (left: number): void => {
      const part = Math.min(left, LONGESTMS);
      timer = setTimeout(() => {
        if (part < left) {
          wait(left - part);
          return;
        }
        signal?.removeEventListener("abort", aborted);
        resolve();
      }, part);
    };
    if (signal?.aborted) {
      aborted();
      return;
    }
    signal?.addEventListener("abort", aborted, { once: true });
    wait(ms);
  });
}

/** Settles after so many ms; a program that has nothing else to do ends before. */
export function idly(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
