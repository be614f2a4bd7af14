/**
 * Elf: programs for guests, made of assembly: static ELF files with code at TEXT, and data at DATAAT if
 * they ask for any. Tests change what they like of the bytes.
 */
import { assemble } from "./machine.ts";

export const TEXT = 0x400000;
export const DATAAT = 0x600000;
/** Where code begins in the file and in memory, behind the headers. */
export const CODEAT = 0x200;

export interface ElfOptions {
  /** Bytes at DATAAT. */
  readonly data?: Uint8Array;
  /** Bytes of zeros behind them. */
  readonly bss?: number;
  /** ET_DYN: addresses of the file are relative. */
  readonly pie?: boolean;
}

/** A program that begins with the first instruction of the source. */
export function elf(source: string, { data = new Uint8Array(0), bss = 0, pie = false }: ElfOptions = {}): Uint8Array {
  const code = assemble(source);
  const more = data.length + bss > 0;
  const dataAt = Math.ceil((CODEAT + code.length) / 4096) * 4096;
  const out = new Uint8Array(more ? dataAt + data.length : CODEAT + code.length);
  const v = new DataView(out.buffer);
  const word = (at: number, n: number): void => {
    v.setUint32(at, n % 2 ** 32, true);
    v.setUint32(at + 4, Math.floor(n / 2 ** 32), true);
  };
  const base = pie ? 0 : TEXT;
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  v.setUint16(16, pie ? 3 : 2, true);
  v.setUint16(18, 62, true);
  v.setUint32(20, 1, true);
  word(24, base + CODEAT);
  word(32, 64);
  v.setUint16(52, 64, true);
  v.setUint16(54, 56, true);
  v.setUint16(56, more ? 2 : 1, true);
  const header = (at: number, flags: number, offset: number, vaddr: number, filesz: number, memsz: number): void => {
    v.setUint32(at, 1, true);
    v.setUint32(at + 4, flags, true);
    for (const [k, n] of [offset, vaddr, vaddr, filesz, memsz, 4096].entries()) word(at + 8 + k * 8, n);
  };
  header(64, 5, 0, base, CODEAT + code.length, CODEAT + code.length);
  if (more) header(120, 6, dataAt, base + DATAAT - TEXT, data.length, data.length + bss);
  out.set(code, CODEAT);
  if (more) out.set(data, dataAt);
  return out;
}

/** Numbers of calls that tests make. */
export const SYS = { read: 0, write: 1, open: 2, close: 3, mmap: 9, mprotect: 10, munmap: 11, brk: 12, getpid: 39, exit: 60, kill: 62 } as const;

/** A call with constants or registers for arguments. */
export function call(nr: number, ...args: (string | number)[]): string {
  const regs = ["rdi", "rsi", "rdx", "r10", "r8", "r9"];
  const moves = args.map((a, k) => (typeof a === "number" ? `mov $${a}, %${regs[k]}\n` : a.startsWith("%") ? `mov ${a}, %${regs[k]}\n` : `lea ${a}(%rip), %${regs[k]}\n`));
  return `${moves.join("")}mov $${nr}, %eax\nsyscall\n`;
}

/** hello, world, and 3. */
export const HELLO: string = `${call(SYS.write, 1, "msg", 13)}${call(SYS.exit, 3)}msg: .ascii "hello, world\\n"\n`;
