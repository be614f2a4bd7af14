/** Simulations of kernels without end: n seeds of each kind from SEED on, every tenth of them twice. */
import { seed } from "../support/random.ts";
import { any, crowd, simulations } from "../support/simrun.ts";

const PART = 500;

/** The figures. */
export async function sim(n: number): Promise<string> {
  const begun = Date.now();
  let ops = 0;
  let different = 0;
  for (let from = seed(); from < seed() + n; from += PART) {
    for (const kind of [any, crowd]) {
      const part = await simulations(kind, from, Math.min(from + PART, seed() + n), 10);
      ops += part.ops;
      different += part.different;
    }
    process.stderr.write(`${String(from + PART - seed()).padStart(8)} seeds, ${ops} lines, ${((Date.now() - begun) / 1000).toFixed(0)} s\n`);
  }
  return `${n} seeds, ${ops} lines of transcripts, ${different} different ones the same twice, ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}
