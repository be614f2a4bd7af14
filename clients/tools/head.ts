/** head: the first lines (-n, 10 by default; also -5) or bytes (-c) of each file. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { NL } from "./lib/lines.ts";
import { eachInput, tool } from "./lib/tool.ts";

export const head: Program = tool("head", "[-n lines | -c bytes] [file ...]", async (t, words) => {
  const args = parseArgs(words.map((w) => (/^-\d+$/.test(w) ? `-n${w.slice(1)}` : w)), "n:c:");
  const bytes = args.count("c");
  const lines = args.count("n") ?? 10;
  let first = true;
  await eachInput(t, args.operands, async (fd, name) => {
    if (args.operands.length > 1) await t.out.put(`${first ? "" : "\n"}==> ${t.shown(name)} <==\n`);
    first = false;
    let left = bytes ?? lines;
    while (left > 0) {
      const data = await (bytes === undefined ? t.sys.read(fd) : t.sys.read(fd, Math.min(left, 65536)));
      if (data.length === 0) return;
      let end = data.length;
      if (bytes !== undefined) left -= end;
      else {
        let at = 0;
        while (left > 0 && (at = data.indexOf(NL, at) + 1) > 0) if (--left === 0) end = at;
      }
      await t.out.put(data.subarray(0, end));
      await t.out.flush();
    }
  });
});
