/** cp(1): copies files, with -r trees; mode from the source where the target is new. */
import { DMDIR, Enotdir, NineError } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { Copier, statIfAny } from "./lib/copy.ts";
import { baseName, joinName } from "./lib/names.ts";
import { tool } from "./lib/tool.ts";

export const cp: Program = tool("cp", "[-grux] file ... target", async (t, words) => {
  const args = parseArgs(words, "gruxR");
  const target = args.operands.at(-1);
  const files = args.operands.slice(0, -1);
  if (target === undefined || files.length === 0) throw new Usage();
  const dst = await statIfAny(t, target);
  const inside = dst !== undefined && (dst.mode & DMDIR) !== 0;
  if (files.length > 1 && !inside) {
    await t.fail(target, new NineError(Enotdir));
    return;
  }
  const copier = new Copier(t, {
    recursive: args.has("r") || args.has("R"), times: args.has("x"), group: args.has("g"), owner: args.has("u"),
  });
  // As if one after the other: what one operand wrote, no later one may write again.
  const taken = new Set<string>();
  for (const from of files) {
    const to = inside ? joinName(target, baseName(from) === ".." ? "." : baseName(from)) : target;
    if (taken.has(to)) {
      await t.warn(`${from}: not copied over ${to}, which was just written`);
      continue;
    }
    taken.add(to);
    copier.prepare(async () => {
      try {
        const [src, old] = await Promise.all([t.sys.stat(from), inside ? statIfAny(t, to) : dst]);
        await copier.add(from, src, to, old);
      } catch (e) {
        await t.fail(from, e);
      }
    });
  }
  await copier.done();
});
