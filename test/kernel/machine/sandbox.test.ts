/** Code that means no good: it ends in traps, the same however it is sliced, and touches nothing else. */
import { expect, test } from "vitest";
import { Trap } from "../../../kernel/machine/trap.ts";
import { seed } from "../../support/random.ts";
import { Sandbox } from "../../support/sandbox.ts";

test("random code, and code that writes itself", () => {
  const s = new Sandbox();
  for (let k = 0; k < 400; k++) s.round(seed() + k);
  expect(s.untouched(), `SEED=${seed()}`).toBe(true);
  for (const trap of [Trap.PF, Trap.UD, Trap.GP, Trap.Budget]) expect(s.ends.get(trap)).toBeGreaterThan(0);
}, 60_000);
