/**
 * walk(1): the names of all files of a tree, or what -e asks of them, a line each; a directory after what
 * is in it. Of names given twice by binds, directories are gone through once. Symbolic links are not followed.
 */
import { QTTMP, qidPath, type Dir } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { cleanName } from "./lib/names.ts";
import { tool } from "./lib/tool.ts";
import { below, isDirectory, Tree } from "./lib/tree.ts";

/** What the letters of -e show of a file. */
const FIELDS: Readonly<Record<string, (d: Dir, path: string) => string>> = {
  U: (d) => d.uid, G: (d) => d.gid, M: (d) => d.muid, a: (d) => String(d.atime), m: (d) => String(d.mtime), n: (d) => d.name, p: (_d, path) => path,
  q: (d) => `${qidPath(d.qid).toString(16)}.${d.qid.vers}.${d.qid.type.toString(16).padStart(2, "0")}`,
  s: (d) => String(d.length), x: (d) => (d.mode >>> 0).toString(8), D: (d) => String(d.dev), T: (d) => String.fromCharCode(d.type),
};

export const walk: Program = tool("walk", "[-dftxu] [-n mind,maxd] [-e statfmt] [name ...]", async (t, words) => {
  const args = parseArgs(words, "dftxun:e:");
  const format = args.get("e") ?? "p";
  const [least, most] = depths(args.get("n"));
  if (format === "" || Array.from(format).some((letter) => !Object.hasOwn(FIELDS, letter))) throw new Usage();
  const fields = Array.from(format, (letter) => FIELDS[letter]!);
  const only = args.last("df");

  const print = (d: Dir, path: string, depth: number): Promise<void> | undefined => {
    // The current directory, walked because nothing was named, has no name.
    if (depth < least || path === "" || (args.has("t") && !(d.qid.type & QTTMP)) || (args.has("x") && !(d.mode & 0o111))) return undefined;
    let line = "";
    for (const [i, field] of fields.entries()) line += (i > 0 ? " " : "") + field(d, path);
    const full = t.out.put(`${t.shown(line)}\n`);
    return args.has("u") ? Promise.resolve(full).then(() => t.out.flush()) : full;
  };
  const visitor = {
    file: (d: Dir, above: string, depth: number) => (only === "d" ? undefined : print(d, below(above, d.name), depth)),
    leave: (d: Dir, path: string, depth: number) => (only === "f" ? undefined : print(d, path, depth)),
    failed: (path: string, e: unknown) => t.fail(path === "" ? "." : path, e),
  };
  const names = args.operands.length > 0 ? args.operands.map((name) => cleanName(name)) : [""];
  for await (const { item: path, result } of ahead(names, (name) => t.sys.stat(name === "" ? "." : name))) {
    try {
      const dir = await result;
      if (isDirectory(dir)) await new Tree(t.sys, visitor, { depth: most, inOrder: only !== "d" }).all(path, dir);
      else if (only !== "d") await print(dir, path, 0);
    } catch (e) {
      await t.fail(path, e);
    }
  }
});

/** "min,max", either of them or both. */
function depths(text: string | undefined): [number, number] {
  if (text === undefined) return [0, Infinity];
  const [all, least = "", comma = "", most = ""] = /^(?=.)(?:(\d{0,9})(,))?(\d{0,9})$/.exec(text) ?? [];
  if (all === undefined) throw new Usage();
  return [comma === "" || least === "" ? 0 : Number(least), most === "" ? Infinity : Number(most)];
}
