/**
 * chmod(1): changes the permissions of files, and whether they are append-only (a), exclusive (l) or
 * temporary (t). What the mode does not speak of stays as it is.
 */
import { DMAPPEND, DMEXCL, DMTMP } from "../../proto/index.ts";
import type { Program, Sys } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { tool } from "./lib/tool.ts";

/** The bits of `mask` become those of `bits`. */
interface Change {
  readonly mask: number;
  readonly bits: number;
}

const MARKS = DMAPPEND | DMEXCL | DMTMP;
const WHO: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007, a: 0o777 };
const PERMISSION: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, a: DMAPPEND, l: DMEXCL, t: DMTMP };

export const chmod: Program = tool("chmod", "0777 file ... or chmod [who]op[rwxalt] file ...", async (t, words) => {
  // A mode may begin with "-": there are no flags.
  const [mode, ...files] = words;
  if (mode === undefined || files.length === 0) throw new Usage();
  const change = parse(mode);
  if (!change) {
    await t.warn(`bad mode: ${mode}`);
    t.status = "mode";
    return;
  }
  for await (const { item: path, result } of ahead(files, (file) => apply(t.sys, file, change))) {
    try {
      if (!(await result)) await t.warn(`${path}: the server keeps no append-only, exclusive or temporary files`);
    } catch (e) {
      await t.fail(path, e);
    }
  }
});

/** undefined when it is no mode. */
function parse(mode: string): Change | undefined {
  if (/^[0-7]{1,8}$/.test(mode)) return { mask: 0o777, bits: Number.parseInt(mode, 8) };
  const [all, who = "", op, permission = ""] = /^([ugoa]*)([-+=])([rwxalt]*)$/.exec(mode) ?? [];
  if (all === undefined) return undefined;
  const either = (letters: string, of: Readonly<Record<string, number>>): number => Array.from(letters).reduce((bits, letter) => bits | (of[letter] ?? 0), 0);
  const mask = either(who || "a", WHO) | MARKS;
  const bits = either(permission, PERMISSION);
  if (op === "=") return { mask, bits };
  return { mask: mask & bits, bits: op === "+" ? bits : 0 };
}

/** False when the server took the permissions only: some have no place for the other bits, and do not say so. */
async function apply(sys: Sys, path: string, { mask, bits }: Change): Promise<boolean> {
  const { mode: old } = await sys.stat(path);
  const mode = ((old & ~mask) | (bits & mask)) >>> 0;
  await sys.wstat(path, { mode });
  if (((old ^ mode) & MARKS) === 0) return true;
  return (((await sys.stat(path)).mode ^ mode) & MARKS) === 0;
}
