/** date(1): the time now, or the one given in seconds since the epoch. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { gmt, localZone, longTime } from "./lib/ctime.ts";
import { tool } from "./lib/tool.ts";

export const date: Program = tool("date", "[-un] [seconds]", async (t, words) => {
  const args = parseArgs(words, "un");
  const [given, more] = args.operands;
  if (more !== undefined || (given !== undefined && !/^\d{1,11}$/.test(given))) throw new Usage();
  const sec = given === undefined ? Math.floor(t.sys.now() / 1000) : Number(given);
  await t.out.put(`${args.has("n") ? sec : longTime(sec, args.has("u") ? gmt : localZone(t.sys))}\n`);
});
