/** history: the commands that were typed at the prompt, as /dev/history has them (clients/edit/history.ts). */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { decode } from "./lib/bytes.ts";
import { readAll } from "./lib/readall.ts";
import { tool } from "./lib/tool.ts";

const FILE = "/dev/history";

export const history: Program = tool("history", "[-n count] [text ...]", async (t, words) => {
  const args = parseArgs(words, "n:");
  const count = args.count("n");
  const what = args.operands.join(" ");
  try {
    const lines = decode(await readAll(t.sys, FILE)).split("\n").slice(0, -1);
    const found = lines.flatMap((line, i) => (line.includes(what) ? [`${String(i + 1).padStart(5)}  ${t.shown(line)}\n`] : []));
    for (const line of count === undefined ? found : count === 0 ? [] : found.slice(-count)) await t.out.put(line);
  } catch (e) {
    await t.fail(FILE, e);
  }
});
