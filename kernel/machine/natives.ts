/**
 * Natives: meanings computed by the host, for instructions too rare or too long to emit. All state is
 * in memory while one runs. To add one: a number in `Native`, a function in `natives`, and a form that
 * says `e.host(Native.Name)`; a memory operand's address is handed over with `e.setTemp(e.address())`.
 */
import * as decimal from "./decimal.ts";
import * as image from "./fpuimage.ts";
import { CPU, CPU_BASE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import * as transcendental from "./transcendental.ts";

/** Numbers of natives. */
export const Native = {
  Cpuid: 0, Rdtsc: 1,
  Pointers: 2, Fbld: 3, Fbstp: 4, Fnstenv: 5, Fldenv: 6, Fnsave: 7, Frstor: 8, Fxsave: 9, Fxrstor: 10,
  Fsin: 11, Fcos: 12, Fsincos: 13, Fptan: 14, Fpatan: 15, F2xm1: 16, Fyl2x: 17, Fyl2xp1: 18,
} as const;

/** What a native works with. */
export interface NativeCall {
  readonly memory: Memory;
  /** Its record. */
  readonly pc: number;
  /** Where the instruction is. */
  readonly rip: () => number;
  /** Instructions executed before this one. */
  readonly instructions: () => number;
  /** Guest memory, all of it or a fault: then the native returns false. Writing checks every page first, of `room` bytes. */
  readonly load: (va: number, into: Uint8Array) => boolean;
  readonly store: (va: number, from: Uint8Array, room?: number) => boolean;
}

/** Computes; false leaves the instruction, with CPU.exit and CPU.code set. */
export type NativeFunction = (call: NativeCall) => boolean;

const text = (s: string): number[] => [0, 4, 8].map((k) => s.charCodeAt(k) | (s.charCodeAt(k + 1) << 8) | (s.charCodeAt(k + 2) << 16) | (s.charCodeAt(k + 3) << 24));
const bits = (...at: number[]): number => at.reduce((all, k) => all | (1 << k), 0);

/** The vendor: leaf 0. Programs that choose by vendor take the plain way for one they do not know. */
const VENDOR = text("GenuineIntel");
const BRAND = "nineplex x86-64-v2 interpreter".padEnd(48, "\0");

/** eax ebx ecx edx of a leaf: exactly what there is, x86-64-v2, a Nehalem to those who ask for a model. */
function cpuid(leaf: number, subleaf: number): readonly number[] {
  const features = bits(0, 4, 5, 6, 8, 13, 15, 19, 23, 24, 25, 26);
  switch (leaf >>> 0) {
    case 0: return [7, VENDOR[0] as number, VENDOR[2] as number, VENDOR[1] as number];
    case 1: return [0x106a5, 0x10800, bits(0, 9, 13, 19, 20, 23), features];
    case 2: return [0x00feff01, 0xf0, 0, 0];
    case 4: {
      // Data, instructions, unified: ways of 64-byte lines; sets.
      const cache = [[0x121, 8, 64], [0x122, 4, 128], [0x143, 8, 512], [0x163, 16, 8192]][subleaf];
      return cache ? [cache[0] as number, (((cache[1] as number) - 1) << 22) | 63, (cache[2] as number) - 1, 0] : [0, 0, 0, 0];
    }
    // Repeated moves are fast.
    case 7: return subleaf === 0 ? [0, bits(9), 0, 0] : [0, 0, 0, 0];
    case 0x80000000: return [0x80000008 | 0, 0, 0, 0];
    case 0x80000001: return [0, 0, bits(0), bits(11, 20, 29)];
    case 0x80000002: case 0x80000003: case 0x80000004: {
      const at = ((leaf >>> 0) - 0x80000002) * 16;
      return [0, 4, 8, 12].map((k) => text(BRAND.slice(at + k, at + k + 4).padEnd(12, "\0"))[0] as number);
    }
    case 0x80000006: return [0, 0, 0x01008040, 0];
    case 0x80000008: return [0x3020, 0, 0, 0];
    default: return [0, 0, 0, 0];
  }
}

const setLow = (memory: Memory, n: number, value: number): void => memory.setNumber(CPU_BASE + CPU.gpr + n * 8, value >>> 0);

/** The functions by number. */
export const natives: Readonly<Record<number, NativeFunction>> = {
  [Native.Cpuid]: ({ memory }) => {
    const [a, b, c, d] = cpuid(memory.cpu(CPU.gpr), memory.cpu(CPU.gpr + 8));
    setLow(memory, 0, a as number);
    setLow(memory, 3, b as number);
    setLow(memory, 1, c as number);
    setLow(memory, 2, d as number);
    return true;
  },
  // Time is what has been executed: every run is the same.
  [Native.Rdtsc]: ({ memory, instructions }) => {
    const now = instructions();
    setLow(memory, 0, now % 2 ** 32);
    setLow(memory, 2, Math.floor(now / 2 ** 32));
    return true;
  },
  [Native.Pointers]: image.pointers,
  [Native.Fbld]: decimal.load,
  [Native.Fbstp]: decimal.store,
  [Native.Fnstenv]: (call) => image.saveEnvironment(call, false),
  [Native.Fldenv]: (call) => image.loadEnvironment(call, false),
  [Native.Fnsave]: (call) => image.saveEnvironment(call, true),
  [Native.Frstor]: (call) => image.loadEnvironment(call, true),
  [Native.Fxsave]: image.fxsave,
  [Native.Fxrstor]: image.fxrstor,
  [Native.Fsin]: transcendental.fsin,
  [Native.Fcos]: transcendental.fcos,
  [Native.Fsincos]: transcendental.fsincos,
  [Native.Fptan]: transcendental.fptan,
  [Native.Fpatan]: transcendental.fpatan,
  [Native.F2xm1]: transcendental.f2xm1,
  [Native.Fyl2x]: transcendental.fyl2x,
  [Native.Fyl2xp1]: transcendental.fyl2xp1,
};
