/** Guests that mean no good, without end: mutated ELF files and random calls, from SEED on; see test/support/guestfuzz.ts. */
import { runPrograms } from "../support/guestfuzz.ts";
import { guestKernel } from "../support/guests.ts";
import { seed } from "../support/random.ts";

const PART = 1000;

/** The figures. */
export async function guests(n: number): Promise<string> {
  const begun = Date.now();
  const seconds = (): string => `${((Date.now() - begun) / 1000).toFixed(0)} s`;
  for (let k = 0; k < n; k += PART) {
    await using kernel = await guestKernel({}, { ram: 8 << 20 });
    for (const kind of ["mutants", "callers"] as const) await runPrograms(kernel, kind, seed() + k, Math.min(PART, n - k) / 2);
    process.stderr.write(`${String(Math.min(n, k + PART)).padStart(8)} programs, ${seconds()}\n`);
  }
  return `${n} programs, each ended or was ended, nothing of any was left, ${seconds()}`;
}
