/** date(1): the time now, or the one given in seconds since the epoch. */
import { NineError } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { gmt, localZone, longTime } from "./lib/ctime.ts";
import { formatTime } from "./lib/tmdate.ts";
import { tool } from "./lib/tool.ts";

export const date: Program = tool("date", "[-itun] [-f format] [seconds]", async (t, words) => {
  const args = parseArgs(words, "itunf:");
  const [given, more] = args.operands;
  if (more !== undefined || (given !== undefined && !/^\d{1,11}$/.test(given))) throw new Usage();
  const ms = given === undefined ? t.sys.now() : Number(given) * 1000;
  const sec = Math.floor(ms / 1000);
  const zone = args.has("u") ? gmt : localZone(t.sys);
  const last = args.last("itf");
  const form = last === "i" ? "YYYY-MM-DD" : last === "t" ? "YYYY-MM-DDThh:mm:ssZZ" : last === "f" ? args.get("f") : undefined;
  if (args.has("n")) await t.out.put(`${sec}\n`);
  else if (form === undefined) await t.out.put(`${longTime(sec, zone)}\n`);
  else {
    const text = formatTime(form, sec, Math.floor((ms - sec * 1000) * 1e6), zone);
    if (text === undefined) throw new NineError(`garbled format ${form}`);
    await t.out.put(`${text}\n`);
  }
});
