/** rm(1): removes files and empty directories, with -r trees. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { baseName } from "./lib/names.ts";
import { Remover } from "./lib/remove.ts";
import { tool } from "./lib/tool.ts";

export const rm: Program = tool("rm", "[-fr] file ...", async (t, words) => {
  const args = parseArgs(words, "frR");
  const remover = new Remover(t, args.has("r") || args.has("R"), args.has("f"));
  for (const path of args.operands) {
    // Never what was not named, and never everything.
    if (/^(\/|\.\.?)$/.test(baseName(path))) await t.warn(`${path}: cannot be removed`);
    else remover.add(path);
  }
  await remover.done();
});
