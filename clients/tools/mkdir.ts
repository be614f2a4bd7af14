/** mkdir(1): makes directories, with -p those above them too. */
import { DMDIR, NineError, errno } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { dirName, trimSlashes } from "./lib/names.ts";
import { tool, type Tool } from "./lib/tool.ts";

export const mkdir: Program = tool("mkdir", "[-p] [-m mode] dirname ...", async (t, words) => {
  const args = parseArgs(words, "pm:");
  const mode = args.get("m") ?? "777";
  if (args.operands.length === 0 || !/^[0-7]{1,4}$/.test(mode)) throw new Usage();
  for (const path of args.operands) {
    try {
      if (args.has("p")) await makeAll(t, trimSlashes(path), Number.parseInt(mode, 8));
      else await t.sys.mkdir(path, Number.parseInt(mode, 8) & 0o777);
    } catch (e) {
      await t.fail(path, e);
    }
  }
});

/** Bottom up: most often only the last one is missing, or none. */
async function makeAll(t: Tool, path: string, mode: number): Promise<void> {
  try {
    await t.sys.mkdir(path, mode & 0o777);
  } catch (e) {
    if (!(e instanceof NineError)) throw e;
    const up = dirName(path);
    if (e.errno === errno.ENOENT && up !== path) {
      await makeAll(t, up, 0o777);
      await t.sys.mkdir(path, mode & 0o777);
    } else if (e.errno === errno.EINTR || !(await isDirectory(t, path))) throw e;
  }
}

async function isDirectory(t: Tool, path: string): Promise<boolean> {
  try {
    return ((await t.sys.stat(path)).mode & DMDIR) !== 0;
  } catch (e) {
    if (e instanceof NineError && e.errno !== errno.EINTR) return false;
    throw e;
  }
}
