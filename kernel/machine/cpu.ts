/**
 * Cpu: the registers of the processor, as the kernel sees them: halves as unsigned numbers, addresses
 * as numbers, BigInt only where speed does not matter. Valid between runs.
 */
import { CPU, CPU_BASE } from "./layout.ts";
import type { Memory } from "./memory.ts";

/** Numbers of the general registers, as instructions have them. */
export const R = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r8: 8, r9: 9, r10: 10, r11: 11, r12: 12, r13: 13, r14: 14, r15: 15 } as const;

/** Everything a thread has of the processor, put aside. */
export class Context {
  /** The first bytes of the CPU block; see layout.ts. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CPU.contextEnd);
}

export class Cpu {
  private readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** As after a process was made: registers 0, x87 and MXCSR at their defaults. */
  reset(): void {
    const { memory } = this;
    memory.u8.fill(0, CPU_BASE, CPU_BASE + CPU.regions);
    memory.u8.fill(0, CPU_BASE + CPU.x, CPU_BASE + CPU.contextEnd);
    memory.setCpu(CPU.mxcsr, 0x1f80);
    memory.setCpu(CPU.fcw, 0x37f);
    this.rflags = 0x202;
  }

  save(to: Context): void {
    to.bytes.set(this.memory.u8.subarray(CPU_BASE, CPU_BASE + CPU.contextEnd));
  }

  load(from: Context): void {
    // What lies between belongs to the translated code, not to the thread.
    this.memory.u8.set(from.bytes.subarray(0, CPU.regions), CPU_BASE);
    this.memory.u8.set(from.bytes.subarray(CPU.x), CPU_BASE + CPU.x);
  }

  get rip(): number {
    return this.memory.number(CPU_BASE + CPU.rip);
  }
  set rip(va: number) {
    this.memory.setNumber(CPU_BASE + CPU.rip, va);
  }

  /** A register as a signed number: exact while it is an address or small, below 2^53. */
  number(n: number): number {
    return this.memory.number(CPU_BASE + CPU.gpr + n * 8);
  }
  setNumber(n: number, value: number): void {
    this.memory.setNumber(CPU_BASE + CPU.gpr + n * 8, value);
  }

  /** The halves of a register. */
  lo(n: number): number {
    return this.memory.cpu(CPU.gpr + n * 8) >>> 0;
  }
  hi(n: number): number {
    return this.memory.cpu(CPU.gpr + n * 8 + 4) >>> 0;
  }
  set(n: number, lo: number, hi: number): void {
    this.memory.setCpu(CPU.gpr + n * 8, lo);
    this.memory.setCpu(CPU.gpr + n * 8 + 4, hi);
  }

  /** All of a register, unsigned; not for hot paths. */
  big(n: number): bigint {
    return BigInt.asUintN(64, this.memory.i64[(CPU_BASE + CPU.gpr + n * 8) >> 3] as bigint);
  }
  setBig(n: number, value: bigint): void {
    this.memory.i64[(CPU_BASE + CPU.gpr + n * 8) >> 3] = BigInt.asIntN(64, value);
  }

  get fsbase(): number {
    return this.memory.number(CPU_BASE + CPU.fsbase);
  }
  set fsbase(va: number) {
    this.memory.setNumber(CPU_BASE + CPU.fsbase, va);
  }
  get gsbase(): number {
    return this.memory.number(CPU_BASE + CPU.gsbase);
  }
  set gsbase(va: number) {
    this.memory.setNumber(CPU_BASE + CPU.gsbase, va);
  }

  get mxcsr(): number {
    return this.memory.cpu(CPU.mxcsr);
  }
  set mxcsr(value: number) {
    this.memory.setCpu(CPU.mxcsr, value);
  }

  /** Registers of the x87: by the names of layout.ts. */
  x87(which: "fcw" | "fsw" | "ftw" | "fop"): number {
    return this.memory.cpu(CPU[which]);
  }
  setX87(which: "fcw" | "fsw" | "ftw" | "fop", value: number): void {
    this.memory.setCpu(CPU[which], value);
  }

  /** The 16 bytes of physical x87 register n, of which 10 count; the caller's to read and write. */
  st(n: number): Uint8Array<ArrayBuffer> {
    return this.memory.u8.subarray(CPU_BASE + CPU.x87 + n * 16, CPU_BASE + CPU.x87 + n * 16 + 16);
  }

  /** The 16 bytes of xmm n. */
  xmm(n: number): Uint8Array<ArrayBuffer> {
    return this.memory.u8.subarray(CPU_BASE + CPU.xmm + n * 16, CPU_BASE + CPU.xmm + n * 16 + 16);
  }

  /** RFLAGS, made of the lazy parts. */
  get rflags(): number {
    const { memory } = this;
    const at = (offset: number): bigint => memory.i64[(CPU_BASE + offset) >> 3] as bigint;
    const [x, y, z, r, s] = [at(CPU.x), at(CPU.y), at(CPU.z), at(CPU.r), at(CPU.s)];
    const carry = BigInt.asUintN(64, x) < BigInt.asUintN(64, y);
    let parity = Number(s & 255n);
    parity ^= parity >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    const overflow = BigInt.asIntN(64, (x ^ y) & (x ^ z)) < 0n;
    return (carry ? 1 : 0) | (parity & 1 ? 0 : 4) | Number((x ^ y ^ z) & 16n) | (r === 0n ? 64 : 0) | (s < 0n ? 128 : 0) | (overflow ? 0x800 : 0) | memory.cpu(CPU.system) | 0x202;
  }
  set rflags(value: number) {
    const { memory } = this;
    const put = (offset: number, v: bigint): void => {
      memory.i64[(CPU_BASE + offset) >> 3] = v;
    };
    const c = BigInt(value & 1);
    const x = c - 1n;
    put(CPU.x, x);
    put(CPU.y, -c);
    put(CPU.z, ((value & 0x800 ? -1n : 0n) ^ x) & ~16n | (value & 16 ? 0n : 16n));
    put(CPU.r, value & 64 ? 0n : 1n);
    put(CPU.s, (value & 128 ? -(1n << 63n) : 0n) | (value & 4 ? 0n : 1n));
    memory.setCpu(CPU.system, value & 0x254500);
  }
}
