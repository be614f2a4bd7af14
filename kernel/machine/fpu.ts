/**
 * Fpu: the x87 as natives see it: registers, stack, exceptions, rounding of exact numbers, with the same
 * rules as sem/x87*.ts. All in BigInt: only for instructions that are rare. Called by fpuimage.ts,
 * decimal.ts and transcendental.ts.
 */
import { CPU, CPU_BASE } from "./layout.ts";
import type { Memory } from "./memory.ts";

/** Bits of the status word. */
export const SW = { IE: 1, DE: 2, ZE: 4, OE: 8, UE: 16, PE: 32, SF: 64, ES: 0x80, C0: 0x100, C1: 0x200, C2: 0x400, C3: 0x4000, B: 0x8000 } as const;
export const BIAS = 0x3fff;
export const MOST = 0x7fff;
export const ONE: bigint = 1n << 63n;

/** A number of 80 bits: significand, exponent as it is stored, sign. */
export interface Real {
  readonly m: bigint;
  readonly e: number;
  readonly sign: number;
}

export const INDEFINITE: Real = { m: 3n << 62n, e: MOST, sign: 1 };
export const infinity = (sign: number): Real => ({ m: ONE, e: MOST, sign });
export const zero = (sign: number): Real => ({ m: 0n, e: 0, sign });
/** A power of two, or its negative. */
export const power = (n: number, sign = 0): Real => ({ m: ONE, e: BIAS + n, sign });

export const isUnsupported = (a: Real): boolean => a.e !== 0 && a.m < ONE;
export const isNan = (a: Real): boolean => a.e === MOST && a.m > ONE;
export const isSignalling = (a: Real): boolean => isNan(a) && ((a.m >> 62n) & 1n) === 0n;
export const isInfinity = (a: Real): boolean => a.e === MOST && a.m === ONE;
export const isDenormal = (a: Real): boolean => a.e === 0 && a.m !== 0n;
/** The position of the highest bit, from 1; 0 has none. */
export const bits = (v: bigint): number => (v === 0n ? 0 : v.toString(16).length * 4 - Math.clz32(parseInt(v.toString(16)[0] as string, 16)) + 28);

export class Fpu {
  readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  get sw(): number {
    return this.memory.cpu(CPU.fsw);
  }
  set sw(value: number) {
    this.memory.setCpu(CPU.fsw, value);
  }
  get cw(): number {
    return this.memory.cpu(CPU.fcw);
  }
  get rc(): number {
    return (this.cw >> 10) & 3;
  }

  /** Physical number of st(i). */
  private physical(i: number): number {
    return ((this.sw >> 11) + i) & 7;
  }

  empty(i: number): boolean {
    return ((this.memory.cpu(CPU.ftw) >> this.physical(i)) & 1) === 0;
  }

  st(i: number): Real {
    const at = CPU_BASE + CPU.x87 + this.physical(i) * 16;
    const se = this.memory.u16[(at + 8) >> 1] as number;
    return { m: BigInt.asUintN(64, this.memory.i64[at >> 3] as bigint), e: se & MOST, sign: se >> 15 };
  }

  /** Writes st(i), which is in use from then on. */
  setSt(i: number, value: Real): void {
    const n = this.physical(i);
    const at = CPU_BASE + CPU.x87 + n * 16;
    this.memory.i64[at >> 3] = BigInt.asIntN(64, value.m);
    this.memory.u16[(at + 8) >> 1] = value.e | (value.sign << 15);
    this.memory.setCpu(CPU.ftw, this.memory.cpu(CPU.ftw) | (1 << n));
  }

  pop(): void {
    this.memory.setCpu(CPU.ftw, this.memory.cpu(CPU.ftw) & ~(1 << this.physical(0)));
    this.turn(1);
  }

  push(value: Real): void {
    this.turn(-1);
    this.setSt(0, value);
  }

  private turn(by: number): void {
    this.sw = (this.sw & ~0x3800) | ((this.sw + (by << 11)) & 0x3800);
  }

  /** Sets exceptions, and C1 as given with them; gives those that are not masked. */
  raise(flags: number): number {
    const loud = flags & ~this.cw & 0x3f;
    this.sw = (this.sw & ~SW.C1) | flags | (loud ? SW.ES | SW.B : 0);
    return loud;
  }

  /** ES and B as the words have it. */
  summarize(): void {
    this.sw = (this.sw & ~(SW.ES | SW.B)) | (this.sw & ~this.cw & 0x3f ? SW.ES | SW.B : 0);
  }

  /** Whether mode and sign round a positive remainder away from 0; half compares it with a half. */
  away(sign: number, odd: boolean, half: number, exact: boolean): boolean {
    if (exact) return false;
    const { rc } = this;
    return rc === 0 ? half > 0 || (half === 0 && odd) : rc !== 3 && (rc === 1) === (sign === 1);
  }

  /** v / 2^n, rounded; `up` when away from 0, `exact` when nothing was lost. */
  shift(v: bigint, n: number, sign: number): { m: bigint; up: boolean; exact: boolean } {
    if (n <= 0) return { m: v << BigInt(-n), up: false, exact: true };
    const m = v >> BigInt(n);
    const rest = v - (m << BigInt(n));
    const middle = 1n << BigInt(n - 1);
    const exact = rest === 0n;
    const up = this.away(sign, (m & 1n) === 1n, rest > middle ? 1 : rest < middle ? -1 : 0, exact);
    return { m: up ? m + 1n : m, up, exact };
  }

  /** v * 2^scale as a number of 80 bits, with its exceptions and C1. v is not 0. */
  round(sign: number, v: bigint, scale: number): { value: Real; flags: number } {
    const size = bits(v);
    const once = this.shift(v, size - 64, sign);
    const carry = once.m >> 64n !== 0n;
    const e = size + scale - 1 + BIAS + (carry ? 1 : 0);
    const flagsOf = (s: { up: boolean; exact: boolean }): number => (s.exact ? 0 : SW.PE | (s.up ? SW.C1 : 0));
    const full = (by: number): { value: Real; flags: number } => ({ value: { m: carry ? ONE : once.m, e: (e + by) & MOST, sign }, flags: flagsOf(once) });
    if (e >= MOST) {
      if (!(this.cw & SW.OE)) {
        const r = full(-0x6000);
        return { value: r.value, flags: r.flags | SW.OE };
      }
      const up = this.away(sign, true, 1, false);
      return { value: up ? infinity(sign) : { m: 2n * ONE - 1n, e: MOST - 1, sign }, flags: SW.OE | SW.PE | (up ? SW.C1 : 0) };
    }
    if (e > 0 && size + scale - 1 + BIAS > 0) return full(0);
    if (e <= 0 && !(this.cw & SW.UE)) {
      const r = full(0x6000);
      return { value: r.value, flags: r.flags | SW.UE };
    }
    const small = this.shift(v, size - 64 + 1 - (size + scale - 1 + BIAS), sign);
    return { value: { m: small.m, e: small.m >= ONE ? 1 : 0, sign }, flags: flagsOf(small) | (e <= 0 && !small.exact ? SW.UE : 0) };
  }
}

/** A number as v * 2^scale, finite. */
export const scaleOf = (a: Real): number => Math.max(a.e, 1) - BIAS - 63;
