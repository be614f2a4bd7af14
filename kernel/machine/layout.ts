/**
 * Layout of the one WebAssembly.Memory of a machine. Everything of a CPU is relative to its base, which
 * is a constant of the emitted code: a second CPU is a second set of modules over the same memory.
 *
 *   0         4 KiB   nothing (a zero pointer to a block means "not linked")
 *   base      4 KiB   CPU block: the offsets below
 *   +4 KiB   16 KiB   read TLB     1024 x {i64 page address, i32 addend, i32 -}
 *   +20 KiB  16 KiB   write TLB    the same; only pages that may be written, are dirty and hold no translated code
 *   +36 KiB  64 KiB   jump cache   4096 x {i64 rip, i32 block, i32 -}; it is what an exec TLB would be
 *   +100 KiB 28 KiB   scratch block: the shortened last block of a slice
 *   arena             translated blocks
 *   ram               guest RAM, page tables in it; physical address 0 is here
 *
 * A TLB entry's addend plus the low 32 bits of the virtual address is the place in this memory.
 */

/** The CPU block. Register fields of records are u8 offsets into its first 256 bytes. */
export const CPU = {
  /** rax rcx rdx rbx rsp rbp rsi rdi r8-r15, 8 bytes each. */
  gpr: 0,
  /** Always 0: the base or index that is not there. */
  zero: 0x80,
  fsbase: 0x88,
  gsbase: 0x90,
  /** An address that a record of its own has computed for the next record. */
  temp: 0x98,
  /** Multiples of 2^31 that rip-relative addresses are told from; shared by all, never saved. */
  regions: 0xa0,
  /** CF = x <u y; OF = sign of (x^y)&(x^z); AF = bit 4 of x^y^z; ZF = (r == 0); SF = (s < 0); PF = parity of s's low byte. */
  x: 0x100, y: 0x108, z: 0x110, r: 0x118, s: 0x120,
  rip: 0x128,
  /** The flags that are not lazy: DF, TF, NT, RF, AC, ID as in RFLAGS. */
  system: 0x130,
  mxcsr: 0x134,
  /** x87: control, status (with TOP), a bit per physical register in use (FXSAVE's abridged tag). */
  fcw: 0x138, fsw: 0x13c, ftw: 0x140, fop: 0x144, fip: 0x148, fdp: 0x150,
  /** x87 registers by physical number, 16 bytes each: u64 significand, u16 sign and exponent. MMX is the significand. */
  x87: 0x180,
  xmm: 0x200,
  /** A context is the bytes from 0 to here, without the regions. */
  contextEnd: 0x300,
  /** i32: instructions left in this slice. */
  budget: 0x300,
  /** The record that execution stopped at, why (trap.ts), and what was asked for. */
  pc: 0x304,
  exit: 0x308,
  code: 0x30c,
  /** The address of a fault. */
  address: 0x310,
  /** Memory operands that cross a page lie here while an instruction works on them. */
  readBounce: 0x340,
  writeBounce: 0x380,
  /** Working space of meanings, 256 bytes. */
  work: 0x400,
} as const;

/** How many regions there are: to the end of what a u8 reaches. */
export const REGIONS = 12;

export const CPU_BASE = 0x1000;
export const TLB_ENTRIES = 1024;
export const JUMPS = 4096;
export const READ_TLB: number = CPU_BASE + 0x1000;
export const WRITE_TLB: number = READ_TLB + TLB_ENTRIES * 16;
export const JUMP_CACHE: number = WRITE_TLB + TLB_ENTRIES * 16;
export const SCRATCH: number = JUMP_CACHE + JUMPS * 16;
/** Where the arena begins. */
export const ARENA = 0x40000;

/**
 * A record: one instruction (or half of one) as the interpreter executes it.
 *   u16 handler, u8 d, u8 s, u8 base, u8 index, u8 scale, u8 length, i32 disp, i32 imm
 * d, s, base and index are offsets in the CPU block, or of a vector or x87 register in its bank;
 * a 64-bit immediate is disp (low) and imm (high). Length 0: the instruction goes on in the next record.
 * The last of a block is longer: two links to blocks, the block itself, where it falls through to and jumps to.
 */
export const REC = { handler: 0, d: 2, s: 3, base: 4, index: 5, scale: 6, length: 7, disp: 8, imm: 12, taken: 16, fall: 20, block: 28, next: 32, target: 40 } as const;
export const RECORD = 16;
export const LAST = 48;

/** A block begins with u16 instructions, u16 bytes, i32 heat, i64 rip; its records follow. */
export const BLOCK = { count: 0, bytes: 2, heat: 4, rip: 8, records: 16 } as const;

export const PAGE = 4096;
