/** Tarpit: a server of which nobody gets an answer before it is told: a file that is read for ever, and a directory whose listing waits. */
import { dir, type Call, type Server, textFile } from "../../proto/index.ts";

export interface Tarpit {
  readonly server: Server;
  /** Reads and listings that wait now, and that were given up. */
  readonly waiting: () => number;
  readonly interrupted: () => number;
  /** The listings that wait, and those to come, are answered. */
  readonly answer: () => void;
}

/** With `never`, `hello`, and `slow` that has first, second and third in it. */
export function tarpit(): Tarpit {
  const waiters = new Set<() => void>();
  let interrupted = 0;
  let open = false;
  const wait = (call: Call): Promise<never> => new Promise((resolve, reject) => {
    const settle = (): void => resolve(undefined as never);
    waiters.add(settle);
    call.signal.addEventListener("abort", () => {
      if (!waiters.delete(settle)) return;
      interrupted++;
      reject(call.signal.reason as Error);
    }, { once: true });
  });
  const inside = dir({ first: textFile(() => "1\n"), second: textFile(() => "2\n"), third: textFile(() => "3\n") });
  const slow = {
    ...inside, version: () => undefined,
    async list(call: Call) {
      if (!open) await wait(call);
      return await inside.list(call);
    },
  };
  const tree = dir({ never: { open: () => ({ read: (_at: number, _n: number, call: Call) => wait(call) }) }, hello: textFile(() => "hello from afar\n"), slow });
  return {
    server: { name: "tarpit", attach: () => tree }, waiting: () => waiters.size, interrupted: () => interrupted,
    answer() {
      open = true;
      for (const settle of waiters) settle();
      waiters.clear();
    },
  };
}
