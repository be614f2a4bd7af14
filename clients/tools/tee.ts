/** tee(1): standard input to standard output and to files. */
import { OWRITE, isInterrupted } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { openEnd } from "./lib/append.ts";
import { parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

export const tee: Program = tool("tee", "[-ai] [file ...]", async (t, words) => {
  const args = parseArgs(words, "ai");
  if (args.has("i")) t.sys.notify((note) => note === "interrupt");
  const files = new Map<string, number>();
  for (const path of args.operands) {
    try {
      files.set(path, await (args.has("a") ? openEnd(t.sys, path) : t.sys.create(path, OWRITE, 0o666)));
    } catch (e) {
      await t.fail(path, e);
    }
  }
  for (;;) {
    let data: Uint8Array;
    try {
      data = await t.sys.read(0);
    } catch (e) {
      if (args.has("i") && isInterrupted(e)) continue;
      throw e;
    }
    if (data.length === 0) break;
    await t.out.put(data);
    await t.out.flush();
    for (const [path, fd] of files) {
      try {
        await t.sys.write(fd, data);
      } catch (e) {
        files.delete(path);
        await t.fail(path, e);
      }
    }
  }
  for (const fd of files.values()) await t.sys.close(fd);
});
