/**
 * exec: what a file is that is to be run (exec(2)). A host program's file says `#!host NAME`; `#!`
 * and another file is an interpreter; an ELF file is a guest's program.
 */
import { decodeUtf8, Enoexec, lastly, NineError, OEXEC, promised } from "../proto/index.ts";
import { type Chan, readAt } from "./chan.ts";
import type { FileCalls } from "./filecalls.ts";
import { type Elf, elfTable, isElf, parseElf } from "./guest/elf.ts";
import type { Image } from "./guest/image.ts";
import type { Proc } from "./proc.ts";
import type { Program } from "./sys.ts";

/** Interpreters in front of interpreters, at most. */
const MAXDEPTH = 4;
/** Longest first line. */
const HEADER = 256;

/** What there is to run: one of a host program and a guest's. */
export interface Loaded {
  readonly main?: Program;
  /** Its Chan is the caller's to close. */
  readonly image?: Image;
  readonly argv: readonly string[];
  /** The line that names a host program, the name of a guest's file. */
  readonly text?: string;
}

/** The program of a file and its arguments. Throws Enoexec when it is none. */
export async function load(p: Proc, calls: FileCalls, path: string, argv: readonly string[], depth = 0): Promise<Loaded> {
  const fd = await calls.open(path, OEXEC);
  const chan = p.fgrp.get(fd).incref();
  let guest = false;
  try {
    const head = await promised(() => lastly(() => calls.read(fd, HEADER, 0), () => calls.close(fd)));
    guest = isElf(head);
    if (guest) return { image: { chan, elf: await elfOf(p, chan, head), path }, argv, text: path };
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
    return await load(p, calls, interp, [interp, ...args, path, ...argv.slice(1)], depth + 1);
  } catch (e) {
    if (guest) chan.close();
    throw e;
  } finally {
    if (!guest) chan.close();
  }
}

/** What an open ELF file says. */
async function elfOf(p: Proc, chan: Chan, head: Uint8Array): Promise<Elf> {
  const { offset, length } = elfTable(head);
  const { length: size } = await chan.mnt.client.statFid(chan.fid, "", p.intr);
  const elf = parseElf(head, await readAt(chan, offset, Math.min(length, size), p.intr), size);
  if (!elf.interp) return elf;
  const { length: named } = elf.interp;
  const interp = decodeUtf8(await readAt(chan, elf.interp.offset, named - 1, p.intr), 0, named - 1);
  throw new NineError(`${Enoexec}: it needs ${interp}: only static programs run in this version`);
}
