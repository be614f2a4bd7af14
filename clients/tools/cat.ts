/** cat(1): files, one after the other, in constant memory. As in Plan 9, one that cannot be read is the end. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { pour } from "./lib/pump.ts";
import { eachInput, tool } from "./lib/tool.ts";

export const cat: Program = tool("cat", "[file ...]", async (t, words) => {
  await eachInput(t, parseArgs(words, "").operands, (fd, name) => pour(t.sys, fd, name, async (data) => {
    await t.out.put(data);
    await t.out.flush();
  }), true);
});
