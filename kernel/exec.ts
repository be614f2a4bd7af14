/**
 * exec: what a file is that is to be run (exec(2)). A host program's file says `#!host NAME`; `#!`
 * and another file is an interpreter; an ELF file would be a guest.
 */
import { decodeUtf8, Enoexec, NineError, OEXEC } from "../proto/index.ts";
import type { Proc } from "./proc.ts";
import type { Program, Sys } from "./sys.ts";

/** Interpreters in front of interpreters, at most. */
const MAXDEPTH = 4;
/** Longest first line. */
const HEADER = 256;

/** The program of a file, its arguments, and the line that names it. Throws Enoexec when it is none. */
export async function load(p: Proc, sys: Sys, path: string, argv: readonly string[], depth = 0): Promise<{ main: Program; argv: readonly string[]; text: string }> {
  const fd = await sys.open(path, OEXEC);
  const head = await sys.read(fd, HEADER, 0).finally(() => sys.close(fd));
  if (head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46) {
    throw new NineError(`${Enoexec}: ELF programs are not available in this version`);
  }
  const nl = head.indexOf(10);
  const line = decodeUtf8(head, 0, nl < 0 ? head.length : nl);
  if (!line.startsWith("#!") || depth > MAXDEPTH) throw new NineError(Enoexec);
  const words = line.slice(2).trim().split(/\s+/);
  const [interp = "", ...args] = words;
  if (interp === "host") {
    const main = p.kernel.programs.get(args[0] ?? "");
    if (!main) throw new NineError(`${Enoexec}: no host program ${args[0] ?? ""}`);
    return { main, argv, text: line };
  }
  if (interp === "") throw new NineError(Enoexec);
  return load(p, sys, interp, [interp, ...args, path, ...argv.slice(1)], depth + 1);
}
