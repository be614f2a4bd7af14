/** Linux's calls without end, with arguments by chance, from SEED on; see test/support/linuxcalls.ts. */
import { Callers } from "../support/linuxcalls.ts";
import { chance, seed } from "../support/random.ts";

const PART = 10_000;

/** The figures. */
export async function linux(n: number): Promise<string> {
  const begun = Date.now();
  const all = await Callers.boot(chance(seed()));
  await all.stats();
  const before = await all.stats();
  for (let k = 0; k < n; k++) {
    await all.next(k);
    if ((k + 1) % PART !== 0 && k + 1 !== n) continue;
    const now = await all.stats();
    if (now !== before) throw new Error(`left behind by call ${k}: ${before}, ${now}`);
    process.stderr.write(`${String(k + 1).padStart(8)} calls, ${((Date.now() - begun) / 1000).toFixed(0)} s\n`);
  }
  await all.over();
  return `${n} calls (${[...all.ends].map(([name, times]) => `${name}: ${times}`).join(", ")}), nothing left behind, ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}
