/** ns(1): the name space, of this process or of another, as a script that makes it anew. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const ns: Program = tool("ns", "[-r] [pid]", async (t, words) => {
  // -r asks for names as they are, and they always are.
  const [pid, more] = parseArgs(words, "r").operands;
  if (more !== undefined || (pid !== undefined && !/^\d+$/.test(pid))) throw new Usage();
  if (pid === undefined) {
    for (const line of t.sys.ns()) await t.out.put(`${t.shown(line)}\n`);
    return;
  }
  try {
    const fd = await t.sys.openRead(`/proc/${pid}/ns`);
    for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) await t.out.put(data);
    await t.sys.close(fd);
  } catch (e) {
    await t.fail(pid, e);
  }
});
