/** Programs that mean no good: mutated ELF files and calls with whatever for arguments end themselves at most. SEED=... replays. */
import { expect, test } from "vitest";
import { runPrograms } from "../../support/guestfuzz.ts";
import { guestKernel } from "../../support/guests.ts";
import { seed } from "../../support/random.ts";

test.each(["mutants", "callers"] as const)("%s", { timeout: 60_000 }, async (kind) => {
  await using k = await guestKernel({}, { ram: 8 << 20 });
  await runPrograms(k, kind, seed(), 80);
  expect((await k.run("echo well")).out).toBe("well\n");
});
