/** The integer part of the opcode tables has all its meanings; what else there is is counted. */
import { expect, test } from "vitest";
import { coverage } from "../../support/formtable.ts";

test("every integer and system instruction has a meaning", () => {
  expect(coverage().find((c) => c.part === "integer and system")?.missing).toEqual([]);
});
