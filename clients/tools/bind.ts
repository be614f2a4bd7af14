/** bind(1): makes a name another name for a file, or joins directories. */
import { MAFTER, MBEFORE, MCREATE, MREPL, type Program } from "../../kernel/sys.ts";
import { NineError, isInterrupted } from "../../proto/index.ts";
import { Usage, parseArgs, type Args } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

/** The flag of bind(2), mount(2) that -a, -b, -c ask for; before and after at once make no sense. */
export function bindFlag(args: Args): number {
  if (args.has("a") && args.has("b")) throw new Usage();
  return (args.has("a") ? MAFTER : args.has("b") ? MBEFORE : MREPL) | (args.has("c") ? MCREATE : 0);
}

export const bind: Program = tool("bind", "[-abcq] new old", async (t, words) => {
  const args = parseArgs(words, "abcq");
  const [name, old, more] = args.operands;
  if (name === undefined || old === undefined || more !== undefined) throw new Usage();
  const flag = bindFlag(args);
  try {
    await t.sys.bind(name, old, flag);
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    t.status = e.message;
    if (args.has("q")) return;
    let what = old;
    // Which of the two it speaks of is not said: the new one, if it cannot be had for itself.
    await t.sys.stat(name).catch((why: unknown) => {
      if (isInterrupted(why)) throw why;
      what = name;
    });
    await t.fail(what, e);
  }
});
