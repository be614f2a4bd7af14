/** What the opcode tables have has a meaning, each form of it; what is left is counted by `npm run soak machine -- --coverage`. */
import { expect, test } from "vitest";
import { coverage } from "../../support/formtable.ts";

test.each(["integer and system", "SSE to SSE4.2", "MMX", "x87 and FXSAVE"])("%s: every form has a meaning", (part) => {
  expect(coverage().find((c) => c.part === part)?.missing).toEqual([]);
});
