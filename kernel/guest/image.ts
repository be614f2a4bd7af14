/**
 * Image: a guest's program as exec has found it, and how it is laid out in memory. Private memory of a
 * process, lowest first: a program that says where it lies, and its heap; programs that can lie anywhere,
 * from PIEBASE on; what mmap gives, down from MMAPTOP; the stack, down from STACKTOP. There is no chance
 * in it: a run can be repeated. Used by whatever starts a guest.
 */
import { encode, errno, NineError } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { PAGE, PROT } from "../segment.ts";
import { type Elf, WINDOW } from "./elf.ts";
import type { Segments } from "./segments.ts";
import type { User } from "./user.ts";

export const STACKTOP: number = WINDOW - PAGE;
/** What the stack may grow to, which is what programs are told (RLIMIT_STACK). */
export const STACKLIMIT: number = 8 << 20;
export const MMAPTOP: number = STACKTOP - (128 << 20);
const PIEBASE = 0x555_5555_4000;
/** Stack below the first frame, to begin with. */
const STACKROOM: number = 128 << 10;
/** Bytes of arguments and environment together: a quarter of the stack, as in execve(2). */
const MAXARGS: number = STACKLIMIT / 4;

/** getauxval(3) */
const AT = {
  null: 0, phdr: 3, phent: 4, phnum: 5, pagesz: 6, base: 7, flags: 8, entry: 9, uid: 11, euid: 12, gid: 13, egid: 14, platform: 15,
  hwcap: 16, clktck: 17, secure: 23, random: 25, hwcap2: 26, execfn: 31,
} as const;
/** CPUID leaf 1, edx, as the machine answers it. */
const HWCAP = 0x0788a171;
const CLKTCK = 100;

/** A program found: its open file, held by whoever has this. */
export interface Image {
  readonly chan: Chan;
  readonly elf: Elf;
  /** The name it was found by. */
  readonly path: string;
}

/** Where a program has come to lie. */
export interface Laid {
  readonly entry: number;
  readonly phdr: number;
  /** Where its heap begins. */
  readonly brk: number;
}

/** Maps a program's segments; a reference of its Chan for each. */
export function layOut(segments: Segments, { chan, elf }: Image): Laid {
  const bias = elf.relocatable ? Math.ceil(PIEBASE / elf.align) * elf.align : 0;
  let brk = 0;
  for (const { offset, vaddr, filesz, memsz, prot } of elf.segments) {
    const skip = vaddr % PAGE;
    const base = bias + vaddr - skip;
    const fileTop = filesz === 0 ? base : pageUp(bias + vaddr + filesz);
    const top = pageUp(bias + vaddr + memsz);
    const type = prot & PROT.write ? "Data" : "Text";
    if (fileTop > base) segments.map({ type, base, top: fileTop, prot, image: { chan: chan.incref(), offset: offset - skip, length: skip + filesz } });
    if (top > fileTop) segments.map({ type: "Bss", base: fileTop, top, prot });
    brk = top;
  }
  return { entry: bias + elf.entry, phdr: elf.phdr === 0 ? 0 : bias + elf.phdr, brk };
}

export interface Start {
  readonly argv: readonly string[];
  /** NAME=VALUE */
  readonly envp: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** 16 bytes. */
  readonly random: Uint8Array;
}

/**
 * Makes the stack as the ABI has it at the start of a process, and gives rsp: argc, argv, envp, the
 * auxiliary vector; above them what they point to. The space must be the machine's.
 */
export function firstStack(segments: Segments, user: User, { elf, path }: Image, laid: Laid, start: Start): number {
  const strings = [...start.argv, ...start.envp, path, "x86_64"].map((s) => encode(`${s}\0`));
  const bytes = strings.reduce((n, s) => n + s.length, 0) + 8 * (start.argv.length + start.envp.length);
  if (bytes > MAXARGS) throw NineError.fromErrno(errno.E2BIG);
  segments.stack(STACKTOP, pageUp(bytes + 1024) + STACKROOM, STACKLIMIT, PROT.read | PROT.write | (elf.stackExecutable ? PROT.exec : 0));
  let at = STACKTOP - 8;
  const put = (data: Uint8Array): number => {
    at -= data.length;
    user.put(at, data);
    return at;
  };
  const places = strings.map(put);
  const random = put(start.random);
  const [platform = 0, execfn = 0] = [places.at(-1), places.at(-2)];
  const words = [
    start.argv.length, ...places.slice(0, start.argv.length), 0, ...places.slice(start.argv.length, -2), 0,
    AT.phdr, laid.phdr, AT.phent, elf.phent, AT.phnum, elf.phnum, AT.pagesz, PAGE, AT.base, 0, AT.flags, 0, AT.entry, laid.entry,
    AT.uid, start.uid, AT.euid, start.uid, AT.gid, start.gid, AT.egid, start.gid, AT.platform, platform, AT.hwcap, HWCAP, AT.hwcap2, 0,
    AT.clktck, CLKTCK, AT.secure, 0, AT.random, random, AT.execfn, execfn, AT.null, 0,
  ];
  const table = new DataView(new ArrayBuffer(words.length * 8));
  words.forEach((w, k) => {
    table.setUint32(k * 8, w % 2 ** 32, true);
    table.setUint32(k * 8 + 4, Math.floor(w / 2 ** 32), true);
  });
  const rsp = at - table.byteLength - ((at - table.byteLength) % 16);
  user.put(rsp, new Uint8Array(table.buffer));
  return rsp;
}

/** Up to a whole page. */
export function pageUp(n: number): number {
  return Math.ceil(n / PAGE) * PAGE;
}
