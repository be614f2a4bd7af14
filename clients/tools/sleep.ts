/** sleep(1): waits for so many seconds, fractions allowed. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const sleep: Program = tool("sleep", "seconds", async (t, words) => {
  const [seconds, more] = parseArgs(words, "").operands;
  if (seconds === undefined || more !== undefined || !/^(\d+\.?\d*|\.\d+)$/.test(seconds)) throw new Usage();
  await t.sys.sleep(Number(seconds) * 1000);
});
