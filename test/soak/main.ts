/**
 * `npm run soak [NAME [N]]`: the long runs, all of them or one, of its usual length or of N. SEED
 * chooses what happens. Progress goes to stderr, the outcome to stdout; the status is 1 when anything
 * was wrong.
 */
import { seed } from "../support/random.ts";
import { hostile } from "./hostile.ts";
import { sim } from "./sim.ts";

interface Run {
  readonly what: string;
  /** Usual length. */
  readonly n: number;
  readonly run: (n: number) => Promise<string>;
}

const runs: Readonly<Record<string, Run>> = {
  hostile: { what: "messages of hostile clients, all dialects, TCP and WebSocket", n: 1_000_000, run: hostile },
  sim: { what: "seeds of simulated kernels", n: 100_000, run: sim },
};

const [name, n] = process.argv.slice(2);
if ((name !== undefined && !Object.hasOwn(runs, name)) || (n !== undefined && !(Number(n) >= 1))) {
  process.stderr.write(`usage: npm run soak [NAME [N]]\n${Object.entries(runs).map(([k, r]) => `  ${k}  ${r.n} ${r.what}`).join("\n")}\n`);
  process.exitCode = 2;
} else {
  for (const [k, r] of Object.entries(runs)) {
    if (name !== undefined && name !== k) continue;
    process.stderr.write(`soak ${k}: SEED=${seed()}\n`);
    try {
      process.stdout.write(`soak ${k}: SEED=${seed()}, ${await r.run(n === undefined ? r.n : Number(n))}\n`);
    } catch (e) {
      process.stderr.write(`soak ${k}: SEED=${seed()}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
      process.exitCode = 1;
      break;
    }
  }
}
