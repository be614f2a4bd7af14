/** mtime(1): when files were last changed, in seconds since the epoch. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { tool } from "./lib/tool.ts";

export const mtime: Program = tool("mtime", "file ...", async (t, words) => {
  const files = parseArgs(words, "").operands;
  if (files.length === 0) throw new Usage();
  for await (const { item: path, result } of ahead(files, (file) => t.sys.stat(file))) {
    try {
      await t.out.put(`${String((await result).mtime).padStart(11)} ${t.shown(path)}\n`);
    } catch (e) {
      await t.fail(path, e);
    }
  }
});
