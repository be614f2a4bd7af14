/** pwd(1): the current directory. */
import type { Program } from "../../kernel/sys.ts";
import { tool } from "./lib/tool.ts";

export const pwd: Program = tool("pwd", "", async (t) => {
  await t.out.put(`${t.sys.getwd()}\n`);
});
