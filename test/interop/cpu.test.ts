/**
 * The machine against the host's processor: cases by chance over every form of the semantic table,
 * sequences, faults and undefined flags as test/support/oracle has them. `npm run soak machine` is longer.
 */
import { expect, test } from "vitest";
import { compared } from "../support/oracle/compared.ts";
import { describeWith } from "../support/need.ts";
import { seed } from "../support/random.ts";

describeWith(["gcc"], "the host's processor", () => {
  test("does what the machine does", async () => {
    const t = await compared(100_000);
    expect([...t.differences.values()].flat().filter((d) => d), `SEED=${seed()}`).toEqual([]);
    // Each form has been executed, not only refused.
    const never = t.forms.filter((key) => !t.done.has(key) && !/^(privileged|int3|int|ud2|syscall)/.test(key));
    expect(never).toEqual([]);
  }, 120_000);
});
