/**
 * Simulations: processes that do whatever they like, on servers behind wires that do their worst, each
 * run from one seed (test/support/simrun.ts). SEED=N runs that one alone; `npm run soak sim` does more.
 */
import { expect, test } from "vitest";
import { any, crowd, simulations } from "../support/simrun.ts";

const one = process.env["SEED"];

test.skipIf(one !== undefined)("2,000 seeds: nobody hangs, nothing is left over, files say what was written; a seed gives the same run twice", async () => {
  const { different } = await simulations(any, 0, 2000, 50);
  expect(different).toBe(40);
}, 300_000);

test.runIf(one !== undefined)(`SEED=${one}`, async () => {
  for (const kind of [any, crowd]) await simulations(kind, Number(one), Number(one) + 1, 1);
});
