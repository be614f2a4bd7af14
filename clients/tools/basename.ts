/** basename(1): the last element of a name, without a suffix; with -d what is before it. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const basename: Program = tool("basename", "[-d] string [suffix]", async (t, words) => {
  const args = parseArgs(words, "d");
  const [name, suffix = "", more] = args.operands;
  if (name === undefined || more !== undefined) throw new Usage();
  const slash = name.lastIndexOf("/");
  if (args.has("d")) {
    await t.out.put(`${slash < 0 ? "." : name.slice(0, slash)}\n`);
    return;
  }
  const last = name.slice(slash + 1);
  await t.out.put(`${last.endsWith(suffix) ? last.slice(0, last.length - suffix.length) : last}\n`);
});
