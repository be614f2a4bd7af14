/** touch(1): sets the time of modification, and makes a file that is not there. */
import { NineError, OWRITE, errno } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const touch: Program = tool("touch", "[-c] [-t time] file ...", async (t, words) => {
  const args = parseArgs(words, "ct:");
  if (args.operands.length === 0) throw new Usage();
  const mtime = args.count("t") ?? Math.floor(t.sys.now() / 1000);
  for (const path of args.operands) {
    try {
      await t.sys.wstat(path, { mtime });
    } catch (e) {
      if (!(e instanceof NineError) || e.errno !== errno.ENOENT || args.has("c")) {
        await t.fail(path, e);
        continue;
      }
      try {
        const fd = await t.sys.create(path, OWRITE, 0o666);
        if (args.has("t")) await t.sys.fwstat(fd, { mtime });
        await t.sys.close(fd);
      } catch (why) {
        await t.fail(path, why);
      }
    }
  }
});
