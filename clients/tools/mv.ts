/** mv(1): renames; from one server to another copies, with mode and time, and then removes. */
import { DMDIR, Eexist, Enotdir, NineError, errno, type Dir } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { Copier, isBelow, sameDir, statIfAny } from "./lib/copy.ts";
import { baseName, dirName, joinName, trimSlashes } from "./lib/names.ts";
import { Remover } from "./lib/remove.ts";
import { tool, type Tool } from "./lib/tool.ts";

export const mv: Program = tool("mv", "[-f] file ... target", async (t, words) => {
  const args = parseArgs(words, "f");
  const target = args.operands.at(-1);
  const files = args.operands.slice(0, -1);
  if (target === undefined || files.length === 0) throw new Usage();
  const dst = await statIfAny(t, target);
  const inside = dst !== undefined && (dst.mode & DMDIR) !== 0;
  if (files.length > 1 && !inside) {
    await t.fail(target, new NineError(Enotdir));
    return;
  }
  for (const from of files) {
    try {
      await move(t, trimSlashes(from), inside ? joinName(target, baseName(from)) : trimSlashes(target), inside ? undefined : dst);
    } catch (e) {
      await t.fail(from, e);
    }
  }
});

/** known is what stands at `to`, if that was asked already. */
async function move(t: Tool, from: string, to: string, known: Dir | undefined): Promise<void> {
  if (/^(\/|\.\.?)$/.test(baseName(from))) return t.warn(`${from}: cannot be moved`);
  const src = await t.sys.stat(from, true);
  const dst = known ?? (await statIfAny(t, to, true));
  if (dst && sameDir(src, dst)) return t.warn(`${from} and ${to} are the same file`);
  if (src.mode & DMDIR && (await isBelow(t, dirName(to), src))) return t.warn(`${from}: cannot be moved into itself, ${to}`);
  if (dst && ((src.mode | dst.mode) & DMDIR) !== 0) throw new NineError(`${to}: ${Eexist}`, errno.EEXIST);
  try {
    await t.sys.rename(from, to);
    return;
  } catch (e) {
    if (!(e instanceof NineError) || (e.errno !== errno.EXDEV && e.errno !== errno.EEXIST)) throw e;
    // In plain 9P2000 a rename does not replace.
    if (e.errno === errno.EEXIST) {
      await t.sys.remove(to);
      await t.sys.rename(from, to);
      return;
    }
  }
  const before = t.errors;
  const copier = new Copier(t, { recursive: true, times: true });
  await copier.add(from, src, to, dst);
  await copier.done();
  if (t.errors > before) return t.warn(`${from}: not removed, because it was not all copied`);
  const remover = new Remover(t, true, false);
  remover.add(from);
  await remover.done();
}
