/**
 * Floats as bits: their parts, rounding, and the exceptions of MXCSR. WebAssembly's arithmetic knows one
 * rounding mode and tells nothing, so that the meanings use it where that can make no difference, and
 * what is made of this (sseexact.ts) where it could. Values are bits in an i64, a single's in the low
 * half; what goes wrong is gathered in RAISED until `settle`.
 */
import type { Callee, Func, Local } from "../func.ts";
import { CPU, CPU_BASE } from "../layout.ts";
import { Trap } from "../trap.ts";
import { i32, i64, select, type I32, type I64 } from "../wasm.ts";

/** Exceptions: their bits in MXCSR; the masks are 7 bits further. */
export const FE = { invalid: 1, denormal: 2, zero: 4, overflow: 8, underflow: 16, inexact: 32 } as const;
const DAZ = 0x40;
const OVERFLOW_MASK = 0x400;
const UNDERFLOW_MASK = 0x800;
const FTZ = 0x8000;

/** A format: bits of the fraction, of the whole, the exponent of 1.0, and that of infinity. */
export interface Format {
  readonly size: 4 | 8;
  readonly fraction: number;
  readonly bias: number;
  readonly max: number;
}
export const SINGLE: Format = { size: 4, fraction: 23, bias: 127, max: 255 };
export const DOUBLE: Format = { size: 8, fraction: 52, bias: 1023, max: 2047 };

const ZERO = i64.const(0);
const ONE = i64.const(1);
const TOP = i64.const(-(1n << 63n));
const NOWHERE = i32.const(0);
/** What has been raised by the instruction under way: the last word of its working space. */
const RAISED: number = CPU_BASE + CPU.work + 252;

/** MXCSR. */
export const mxcsr: I32 = i32.load(NOWHERE, CPU_BASE + CPU.mxcsr);
/** The sign bit, infinity, and the bit that makes a NaN quiet. */
export const sign = (t: Format): I64 => i64.const(-(1n << 63n) >> BigInt(64 - t.size * 8) & ((1n << BigInt(t.size * 8)) - 1n));
export const infinity = (t: Format): I64 => i64.const(BigInt(t.max) << BigInt(t.fraction));
export const quiet = (t: Format): I64 => i64.const(1n << BigInt(t.fraction - 1));
/** The NaN of an invalid operation: negative, quiet, without a payload. */
const indefinite = (t: Format): I64 => i64.or(i64.or(sign(t), infinity(t)), quiet(t));

/** Without the sign. */
export const magnitude = (t: Format, v: I64): I64 => i64.and(v, i64.const((1n << BigInt(t.size * 8 - 1)) - 1n));
/** Of which kind it is. */
export const negative = (t: Format, v: I64): I32 => i64.ne(i64.and(v, sign(t)), ZERO);
export const isNan = (t: Format, v: I64): I32 => i64.gtU(magnitude(t, v), infinity(t));
export const isSignaling = (t: Format, v: I64): I32 => i32.and(isNan(t, v), i64.eqz(i64.and(v, quiet(t))));
export const isInfinite = (t: Format, v: I64): I32 => i64.eq(magnitude(t, v), infinity(t));
export const isZero = (t: Format, v: I64): I32 => i64.eqz(magnitude(t, v));
export const isDenormal = (t: Format, v: I64): I32 => i64.ltU(i64.sub(magnitude(t, v), ONE), i64.const((1n << BigInt(t.fraction)) - 1n));

/** Something goes wrong: bits of FE. */
export function raise(f: Func, what: number | I32): void {
  f.put(i32.store(NOWHERE, i32.or(i32.load(NOWHERE, RAISED), typeof what === "number" ? i32.const(what) : what), RAISED));
}

/** Raises and gives the default NaN. */
export function invalid(f: Func, t: Format): void {
  raise(f, FE.invalid);
  f.return(indefinite(t));
}

/**
 * Enters what was raised in MXCSR: 0 if something of it is unmasked, with #XM in the CPU block. What is
 * known before computing keeps what would come out of it from being told.
 */
export const settle: Callee<"i32"> = {
  name: "settle", params: [], result: "i32",
  write(f) {
    const raised = f.local("i32");
    f.set(raised, i32.load(NOWHERE, RAISED));
    f.put(i32.store(NOWHERE, i32.const(0), RAISED));
    const open = f.let(i32.xor(i32.and(i32.shrU(mxcsr, i32.const(7)), i32.const(63)), i32.const(63)));
    f.if(i32.and(i32.and(raised.get, open), i32.const(7)), () => f.set(raised, i32.and(raised.get, i32.const(7))));
    f.put(i32.store(NOWHERE, i32.or(mxcsr, raised.get), CPU_BASE + CPU.mxcsr));
    f.if(i32.and(raised.get, open), () => {
      f.put(i32.store(NOWHERE, i32.const(Trap.XM), CPU_BASE + CPU.exit));
      f.put(i32.store(NOWHERE, i32.const(0), CPU_BASE + CPU.code));
      f.return(i32.const(0));
    });
    f.return(i32.const(1));
    f.unreachable();
  },
};

/** Rounding mode: 0 nearest, 1 down, 2 up, 3 towards zero. */
export const roundingMode: I32 = i32.and(i32.shrU(mxcsr, i32.const(13)), i32.const(3));

/** Whether the integer part moves away from zero; `rest` is the fraction of it, in 2^-64. */
export function roundsUp(mode: I32, minus: I32, keep: I64, rest: I64): I32 {
  const nearest = i32.or(i64.gtU(rest, TOP), i32.and(i64.eq(rest, TOP), i32.wrap(i64.and(keep, ONE))));
  const away = i32.or(i32.and(i32.eq(mode, i32.const(1)), minus), i32.and(i32.eq(mode, i32.const(2)), i32.eqz(minus)));
  return select(i32.eqz(mode), nearest, i32.and(i64.ne(rest, ZERO), away));
}

/** A number not NaN, not infinite: sig / 2^63 * 2^exp, with the top bit of sig set unless it is zero. */
export interface Parts {
  readonly sig: I64;
  readonly exp: I32;
}
/** The parts of a number; of zero, sig is zero and exp very small. */
export function parts(f: Func, t: Format, v: I64): Parts {
  const exponent = f.let(i32.and(i32.wrap(i64.shrU(v, i64.const(t.fraction))), i32.const(t.max)));
  const fraction = f.let(i64.and(v, i64.const((1n << BigInt(t.fraction)) - 1n)));
  const lead = f.let(i64.clz(fraction));
  const small = i32.eqz(exponent);
  return {
    sig: f.let(select(small, i64.shl(fraction, lead), i64.shl(i64.or(fraction, i64.const(1n << BigInt(t.fraction))), i64.const(63 - t.fraction)))),
    exp: f.let(select(small, i32.sub(i32.const(64 - t.bias - t.fraction), i32.wrap(lead)), i32.sub(exponent, i32.const(t.bias)))),
  };
}

/** The name of a helper that there is for each format. */
export const named = (name: string, t: Format): string => `${name}${t.size}`;
/** One callee a format. */
export function each<R extends "i64" | "i32">(make: (t: Format) => Callee<R>): (t: Format) => Callee<R> {
  const both = { 4: make(SINGLE), 8: make(DOUBLE) };
  return (t) => both[t.size];
}

/** Rounds sig / 2^63 * 2^exp to the format; the lowest bit of sig stands for all below it. Minus is 0 or 1. */
export const pack: (t: Format) => Callee<"i64"> = each((t): Callee<"i64"> => ({
  name: named("pack", t), params: ["i32", "i32", "i64"], result: "i64", shared: true,
  write(f) {
    const minus = f.param(0, "i32").get, sig = f.param(2, "i64").get;
    const e = f.param(1, "i32");
    const bits = t.fraction + 1;
    const mode = f.let(roundingMode);
    const signed = f.let(select(minus, sign(t), ZERO));
    f.set(e, i32.add(e.get, i32.const(t.bias)));
    const r = f.local("i64");
    const keep = f.let(i64.shrU(sig, i64.const(64 - bits)));
    const rest = f.let(i64.shl(sig, i64.const(bits)));
    f.set(r, i64.add(keep, i64.extendU(roundsUp(mode, minus, keep, rest))));
    // Unmasked, an exponent out of range is told apart from a fraction that did not fit.
    const untold = (what: number): void => raise(f, select(i64.eqz(rest), i32.const(what), i32.const(what | FE.inexact)));
    const carried = i64.eq(r.get, i64.const(1n << BigInt(bits)));
    // Tiny: too small for a normal number even after rounding.
    f.if(i32.and(i32.leS(e.get, i32.const(0)), i32.eqz(i32.and(i32.eqz(e.get), carried))), () => {
      f.if(i32.eq(i32.and(mxcsr, i32.const(FTZ | UNDERFLOW_MASK)), i32.const(FTZ | UNDERFLOW_MASK)), () => {
        raise(f, FE.underflow | FE.inexact);
        f.return(signed);
      });
      const shift = f.let(i64.extendS(i32.sub(i32.const(65 - bits), e.get)));
      const inside = f.let(i64.ltU(shift, i64.const(64)));
      const low = f.let(select(inside, i64.shrU(sig, shift), ZERO));
      const lost = f.let(select(inside, i64.shl(sig, i64.sub(i64.const(64), shift)), select(i64.eq(shift, i64.const(64)), sig, ONE)));
      f.if(i32.eqz(i32.and(mxcsr, i32.const(UNDERFLOW_MASK))), () => untold(FE.underflow), () => f.if(i64.ne(lost, ZERO), () => raise(f, FE.underflow | FE.inexact)));
      f.return(i64.or(signed, i64.add(low, i64.extendU(roundsUp(mode, minus, low, lost)))));
    });
    f.if(carried, () => {
      f.set(r, i64.shrU(r.get, ONE));
      f.set(e, i32.add(e.get, i32.const(1)));
    });
    f.if(i32.geS(e.get, i32.const(t.max)), () => {
      f.if(i32.and(mxcsr, i32.const(OVERFLOW_MASK)), () => raise(f, FE.overflow | FE.inexact), () => untold(FE.overflow));
      const largest = i32.or(i32.eq(mode, i32.const(3)), i32.eq(mode, i32.add(minus, i32.const(1))));
      f.return(i64.or(signed, i64.sub(infinity(t), i64.extendU(i32.and(largest, i32.ne(mode, i32.const(0)))))));
    });
    f.if(i64.ne(rest, ZERO), () => raise(f, FE.inexact));
    f.return(i64.or(signed, i64.add(i64.shl(i64.extendU(i32.sub(e.get, i32.const(1))), i64.const(t.fraction)), r.get)));
    f.unreachable();
  },
}));

/** Denormals are zeros if MXCSR says so. */
export function daz(f: Func, t: Format, ...operands: Local<"i64">[]): void {
  f.if(i32.and(mxcsr, i32.const(DAZ)), () => {
    for (const v of operands) f.if(isDenormal(t, v.get), () => f.set(v, i64.and(v.get, sign(t))));
  });
}
