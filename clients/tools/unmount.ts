/** unmount(1): undoes a bind or mount, or all of them on a name. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const unmount: Program = tool("unmount", "[new] old", async (t, words) => {
  const { operands } = parseArgs(words, "");
  const old = operands.at(-1);
  if (old === undefined || operands.length > 2) throw new Usage();
  try {
    await t.sys.unmount(operands.length === 2 ? operands[0] : undefined, old);
  } catch (e) {
    await t.fail(operands.join(" from "), e);
  }
});
