/** Sandbox without end: rounds of code that means no good, from SEED on; see test/support/sandbox.ts. */
import { seed } from "../support/random.ts";
import { Sandbox } from "../support/sandbox.ts";

const PART = 5000;

/** The figures. */
export async function sandbox(n: number): Promise<string> {
  const begun = Date.now();
  const s = new Sandbox();
  for (let k = 0; k < n; k++) {
    s.round(seed() + k);
    if ((k + 1) % PART !== 0 && k + 1 !== n) continue;
    if (!s.untouched()) throw new Error(`RAM outside the guest has changed before round ${seed() + k}`);
    process.stderr.write(`${String(k + 1).padStart(8)} rounds, ${s.compared} ends, ${((Date.now() - begun) / 1000).toFixed(0)} s\n`);
  }
  return `${n} rounds, ${s.compared} ends the same in slices of one instruction (${[...s.ends].map(([trap, times]) => `${trap}: ${times}`).join(", ")}), nothing else touched, ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}
