/**
 * exec: what a file is that is to be run (exec(2)). A host program's file says `#!host NAME`; `#!`
 * and another file is an interpreter; an ELF file is a guest's program.
 */
import { decodeUtf8, Enoexec, NineError, OEXEC } from "../proto/index.ts";
import { type Elf, elfTable, isElf, parseElf } from "./guest/elf.ts";
import type { Image } from "./guest/image.ts";
import type { Proc } from "./proc.ts";
import type { Program, Sys } from "./sys.ts";

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
export async function load(p: Proc, sys: Sys, path: string, argv: readonly string[], depth = 0): Promise<Loaded> {
  const fd = await sys.open(path, OEXEC);
  let line: string;
  try {
    const head = await sys.read(fd, HEADER, 0);
    if (isElf(head)) {
      const elf = await elfOf(sys, fd, head);
      return { image: { chan: p.fgrp.get(fd).incref(), elf, path }, argv, text: path };
    }
    const nl = head.indexOf(10);
    line = decodeUtf8(head, 0, nl < 0 ? head.length : nl);
  } finally {
    await sys.close(fd);
  }
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

/** What an open ELF file says. */
async function elfOf(sys: Sys, fd: number, head: Uint8Array): Promise<Elf> {
  const { offset, length } = elfTable(head);
  const { length: size } = await sys.fstat(fd);
  const elf = parseElf(head, await readAt(sys, fd, offset, Math.min(length, size)), size);
  if (!elf.interp) return elf;
  const interp = decodeUtf8(await readAt(sys, fd, elf.interp.offset, elf.interp.length - 1), 0, elf.interp.length - 1);
  throw new NineError(`${Enoexec}: it needs ${interp}: only static programs run in this version`);
}

/** So many bytes of an open file, fewer if it ends. */
async function readAt(sys: Sys, fd: number, offset: number, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const some = await sys.read(fd, length - done, offset + done);
    if (some.length === 0) break;
    all.set(some, done);
    done += some.length;
  }
  return all.subarray(0, done);
}
