/**
 * `npm run soak [NAME [N [OPTIONS]]]`: the long runs, all of them or one, of its usual length or of N. SEED
 * chooses what happens. Progress goes to stderr, the outcome to stdout; the status is 1 when anything
 * was wrong.
 */
import { seed } from "../support/random.ts";
import { guests } from "./guests.ts";
import { hostile } from "./hostile.ts";
import { linux } from "./linux.ts";
import { machine, options } from "./machine.ts";
import { sandbox } from "./sandbox.ts";
import { sim } from "./sim.ts";

interface Run {
  readonly what: string;
  /** Usual length. */
  readonly n: number;
  readonly run: (n: number, args: readonly string[]) => Promise<string>;
}

const runs: Readonly<Record<string, Run>> = {
  guests: { what: "programs that mean no good, mutated ELF files and random calls", n: 100_000, run: guests },
  hostile: { what: "messages of hostile clients, all dialects, TCP and WebSocket", n: 1_000_000, run: hostile },
  linux: { what: "of Linux's calls, with arguments by chance", n: 100_000, run: linux },
  machine: { what: `cases of the machine against the host's processor, with gcc; ${options}`, n: 10_000_000, run: machine },
  sandbox: { what: "rounds of code that means no good, in large slices and a step at a time", n: 100_000, run: sandbox },
  sim: { what: "seeds of simulated kernels", n: 100_000, run: sim },
};

const [name, ...rest] = process.argv.slice(2);
const n = rest[0]?.startsWith("--") ? undefined : rest.shift();
if ((name !== undefined && !Object.hasOwn(runs, name)) || (n !== undefined && !(Number(n) >= 1))) {
  process.stderr.write(`usage: npm run soak [NAME [N]] [-- OPTIONS]\n${Object.entries(runs).map(([k, r]) => `  ${k}  ${r.n} ${r.what}`).join("\n")}\n`);
  process.exitCode = 2;
} else {
  for (const [k, r] of Object.entries(runs)) {
    if (name !== undefined && name !== k) continue;
    process.stderr.write(`soak ${k}: SEED=${seed()}\n`);
    try {
      process.stdout.write(`soak ${k}: SEED=${seed()}, ${await r.run(n === undefined ? r.n : Number(n), rest)}\n`);
    } catch (e) {
      process.stderr.write(`soak ${k}: SEED=${seed()}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
      process.exitCode = 1;
      break;
    }
  }
}
