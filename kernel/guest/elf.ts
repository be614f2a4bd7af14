/**
 * Elf: what an ELF64 file says of the program in it (elf(5), the System V ABI's x86-64 supplement).
 * Pure: it looks at bytes it is given, believes none of them, and does not map anything. Invariants of
 * what it gives: segments ascend and do not overlap, lie in user space, and what they take from the
 * file is in the file. Used by exec.
 */
import { Enoexec, errno, NineError } from "../../proto/index.ts";
import { PAGE } from "../machine/index.ts";
import { PROT } from "../segment.ts";

/** Bytes of the file's header, and of one program header. */
const EHDR = 64;
const PHDR = 56;
/** Bytes of program headers, at most (binfmt_elf.c). */
const MAXTABLE = 65536;
/** A name of an interpreter, its NUL included. */
const MAXINTERP = 4096;

const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT = { load: 1, interp: 3, gnuStack: 0x6474e551 } as const;

/** Programs end below this address; above are disks. */
export const WINDOW: number = 2 ** 44;

/** A PT_LOAD. Addresses are the file's: of ET_DYN they are relative. */
export interface ElfSegment {
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  /** PROT bits. */
  readonly prot: number;
}

export interface Elf {
  /** ET_DYN: it can lie anywhere. */
  readonly relocatable: boolean;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  /** The strictest alignment that a segment asks for. */
  readonly align: number;
  /** Where the program headers are in memory, and how many; 0 if no segment has them. */
  readonly phdr: number;
  readonly phnum: number;
  readonly phent: number;
  /** Where in the file the name of its dynamic linker is. */
  readonly interp: { readonly offset: number; readonly length: number } | undefined;
  readonly stackExecutable: boolean;
}

function no(why: string): never {
  throw new NineError(`not an x86-64 ELF file: ${why}`, errno.ENOEXEC);
}

/** Is it meant to be one? */
export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/** Where the program headers are in a file that begins with `head`. */
export function elfTable(head: Uint8Array): { readonly offset: number; readonly length: number } {
  if (!isElf(head)) throw new NineError(Enoexec);
  if (head.length < EHDR) no("cut short");
  const v = viewOf(head);
  if (head[4] !== 2) no(head[4] === 1 ? "a 32-bit program" : "class");
  if (head[5] !== 1) no("big-endian");
  if (head[6] !== 1 || v.getUint32(20, true) !== 1) no("version");
  const machine = v.getUint16(18, true);
  if (machine !== EM_X86_64) no(`for machine ${machine}`);
  const type = v.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) no(type === 1 ? "an object file" : type === 4 ? "a core dump" : `type ${type}`);
  if (v.getUint16(54, true) !== PHDR) no("size of program headers");
  const length = v.getUint16(56, true) * PHDR;
  if (length === 0) no("no program headers");
  if (length > MAXTABLE) no("too many program headers");
  return { offset: word(v, 32), length };
}

/** The program of a file of `size` bytes that begins with `head` and has `table` for program headers. */
export function parseElf(head: Uint8Array, table: Uint8Array, size: number): Elf {
  const at = elfTable(head);
  if (table.length < at.length || at.offset + at.length > size) no("truncated: program headers beyond its end");
  const v = viewOf(head);
  const relocatable = v.getUint16(16, true) === ET_DYN;
  const entry = word(v, 24);
  const t = viewOf(table);
  const segments: ElfSegment[] = [];
  let align = PAGE;
  let interp: Elf["interp"];
  let stackExecutable = false;
  let phdr = 0;
  for (let o = 0; o < at.length; o += PHDR) {
    const flags = t.getUint32(o + 4, true);
    const offset = word(t, o + 8);
    const filesz = word(t, o + 32);
    switch (t.getUint32(o, true)) {
      case PT.load: {
        const s = { offset, vaddr: word(t, o + 16), filesz, memsz: word(t, o + 40), prot: protOf(flags) };
        check(s, segments.at(-1), size);
        if (s.memsz === 0) break;
        if (at.offset >= offset && at.offset + at.length <= offset + filesz && phdr === 0) phdr = s.vaddr + (at.offset - offset);
        const a = word(t, o + 48);
        if (a > align) align = a <= 2 ** 30 && (a & (a - 1)) === 0 ? a : no("alignment of a segment");
        segments.push(s);
        break;
      }
      case PT.interp:
        if (interp) no("two interpreters");
        if (filesz < 2 || filesz > MAXINTERP || offset + filesz > size) no("name of its interpreter");
        interp = { offset, length: filesz };
        break;
      case PT.gnuStack: stackExecutable = (flags & 1) !== 0;
    }
  }
  const last = segments.at(-1);
  if (!last) no("nothing to load");
  if (!segments.some((s) => entry >= s.vaddr && entry < s.vaddr + s.memsz)) no("its entry is outside of it");
  return { relocatable, entry, segments, align, phdr, phnum: at.length / PHDR, phent: PHDR, interp, stackExecutable };
}

function check(s: ElfSegment, before: ElfSegment | undefined, size: number): void {
  if (s.filesz > s.memsz) no("a segment larger in the file than in memory");
  if (s.offset + s.filesz > size) no("truncated: a segment beyond its end");
  if (s.vaddr % PAGE !== s.offset % PAGE) no("a segment is not aligned as in the file");
  if (s.vaddr + s.memsz > WINDOW) no("a segment beyond the addresses of programs");
  if (before && s.vaddr < before.vaddr + before.memsz) no(s.vaddr < before.vaddr ? "segments are not in order" : "segments overlap");
}

/** PF_X, PF_W and PF_R as PROT has them. */
function protOf(flags: number): number {
  return (flags & 1 ? PROT.exec : 0) | (flags & 2 ? PROT.write : 0) | (flags & 4 ? PROT.read : 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A 64-bit field; what no file offset, size or address of a program can be is refused here. */
function word(v: DataView, at: number): number {
  const n = v.getUint32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);
  return n < 2 ** 47 ? n : no("an absurd size or address");
}
