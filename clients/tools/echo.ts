/** echo(1): its arguments; -n, as the first one, leaves the newline out. */
import type { Program } from "../../kernel/sys.ts";
import { tool } from "./lib/tool.ts";

export const echo: Program = tool("echo", "[-n] [arg ...]", async (t, words) => {
  const bare = words[0] === "-n";
  await t.out.put((bare ? words.slice(1) : words).join(" ") + (bare ? "" : "\n"));
});
