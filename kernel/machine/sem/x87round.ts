/**
 * Rounding and the other ends of x87 arithmetic: exact results, as sign, exponent and 128 bits of
 * significand, become numbers of 80, 64 or 32 bits with their exceptions; operands become such parts;
 * NaNs meet. Called by the other x87 files.
 */
import type { Callee, Func } from "../func.ts";
import { CPU } from "../layout.ts";
import { choose, i32, i64, select, type I32, type I64 } from "../wasm.ts";
import { all, any, clear, exponentOf, get, helper, INDEFINITE, K, L, MOST, RESULT, raise, setIndefinite, setResult, significand, signExponent, signOf, SW, TOP, ZERO } from "./x87.ts";

/** How far the exponent of a result is moved when overflow or underflow is not masked. */
const WRAP = 0x6000;
const ROUND = { nearest: 0, down: 1, up: 2, zero: 3 } as const;

/** The rounding mode. */
export const rc = (): I32 => i32.and(i32.shrU(get(CPU.fcw), K(10)), K(3));
/** How many bits of a significand precision control drops. */
export const precision = (): I32 => {
  const pc = i32.and(get(CPU.fcw), K(0x300));
  return select(i32.eq(pc, K(0x200)), K(11), select(pc, K(0), K(40)));
};
/** Whether a number whose significand is at its place, and whose fraction (64 bits) follows it, is rounded away from 0. */
export const roundsUp = (sign: I32, odd: I32, fraction: I64): I32 => {
  const mode = rc();
  const nearest = any(i64.gtU(fraction, TOP), i32.and(i64.eq(fraction, TOP), odd));
  const directed = all(i64.ne(fraction, ZERO), i32.ne(mode, K(ROUND.zero)), i32.eq(i32.eq(mode, K(ROUND.down)), i32.and(sign, K(1))));
  return select(mode, directed, nearest);
};

/** hi:lo shifted right by n > 0, what is lost is in lo's lowest bit; in two locals. */
export function shiftRight(f: Func, hi: I64, lo: I64, n: I32): { hi: I64; lo: I64 } {
  const h = f.local("i64"), l = f.local("i64");
  const by = f.let(i64.extendU(n));
  const back = (v: I64): I64 => i64.shl(v, i64.sub(L(64), by));
  const sticky = (v: I64): I64 => i64.extendU(i64.ne(v, ZERO));
  f.if(i64.ltU(by, L(64)), () => {
    f.set(l, i64.or(i64.or(back(hi), i64.shrU(lo, by)), sticky(back(lo))));
    f.set(h, i64.shrU(hi, by));
  }, () => {
    f.set(h, ZERO);
    f.if(i64.eq(by, L(64)), () => f.set(l, i64.or(hi, sticky(lo))), () => {
      f.if(i64.ltU(by, L(128)), () => f.set(l, i64.or(i64.shrU(hi, by), sticky(i64.or(back(hi), lo)))), () => f.set(l, sticky(i64.or(hi, lo))));
    });
  });
  return { hi: h.get, lo: l.get };
}

/**
 * Rounds sign, exponent (biased, any), and a significand of hi (its top bit set) and lo to a significand
 * of 64 - `drop` bits and exponents below `most`. Leaves significand and sign with exponent as the result; gives
 * the exceptions and C1. When overflow or underflow is not masked, the result has the moved exponent,
 * if that is enough.
 */
export const round: Callee<"i32"> = helper("round", ["i32", "i32", "i64", "i64", "i32", "i32"], "i32", (f) => {
  const [sign, exp] = [f.param(0, "i32").get, f.param(1, "i32")];
  const [hi, lo] = [f.param(2, "i64"), f.param(3, "i64")];
  const [drop, most] = [f.param(4, "i32").get, f.param(5, "i32").get];
  const wide = f.let(i64.extendU(drop));
  const unit = f.let(i64.shl(L(1), wide));
  const m = f.local("i64"), fraction = f.local("i64"), up = f.local("i32"), carry = f.local("i32");
  /** Rounds once: m, fraction, up; carry when it became the next power of two. */
  const once = (h: I64, l: I64): void => {
    f.set(fraction, choose(drop, i64.or(i64.shl(h, i64.sub(L(64), wide)), i64.extendU(i64.ne(l, ZERO))), l));
    f.set(m, i64.and(h, i64.sub(ZERO, unit)));
    f.set(up, roundsUp(sign, i64.ne(i64.and(m.get, unit), ZERO), fraction.get));
    f.set(carry, K(0));
    f.if(up.get, () => {
      f.set(m, i64.add(m.get, unit));
      f.set(carry, i64.eqz(m.get));
      f.if(carry.get, () => f.set(m, TOP));
    });
  };
  const se = (e: I32): I32 => i32.or(i32.shl(sign, K(15)), e);
  const flags = f.local("i32");
  const inexact = (): I32 => select(i64.ne(fraction.get, ZERO), i32.or(K(SW.PE), select(up.get, K(SW.C1), K(0))), K(0));
  const masked = (bit: number): I32 => i32.and(get(CPU.fcw), K(bit));
  once(hi.get, lo.get);
  const e = f.let(i32.add(exp.get, carry.get));
  f.set(flags, inexact());
  f.if(i32.ltU(i32.sub(e, K(1)), i32.sub(most, K(1))), () => {
    f.if(i32.gtS(exp.get, K(0)), () => {
      setResult(f, m.get, se(e));
      f.return(flags.get);
    });
  });
  f.if(i32.geS(e, most), () => {
    f.if(i32.and(i32.eqz(masked(SW.OE)), i32.ltS(i32.sub(e, K(WRAP)), most)), () => {
      setResult(f, m.get, se(i32.sub(e, K(WRAP))));
      f.return(i32.or(flags.get, K(SW.OE)));
    });
    // As an inexact number that is rounded: to infinity, or to the greatest.
    const infinite = f.let(roundsUp(sign, K(1), i64.or(TOP, L(1))));
    setResult(f, select(infinite, TOP, i64.sub(ZERO, unit)), se(i32.sub(most, i32.eqz(infinite))));
    f.return(i32.or(K(SW.OE | SW.PE), select(infinite, K(SW.C1), K(0))));
  });
  const tiny = f.let(i32.leS(e, K(0)));
  f.if(all(tiny, i32.eqz(masked(SW.UE)), i32.gtS(e, K(-WRAP))), () => {
    setResult(f, m.get, se(i32.add(e, K(WRAP))));
    f.return(i32.or(flags.get, K(SW.UE)));
  });
  const d = shiftRight(f, hi.get, lo.get, i32.sub(K(1), exp.get));
  once(d.hi, d.lo);
  f.set(flags, inexact());
  setResult(f, m.get, se(i64.ltS(m.get, ZERO)));
  f.return(i32.or(flags.get, select(i32.and(tiny, i32.ne(flags.get, K(0))), K(SW.UE), K(0))));
});

/** Whether a number has the integer bit and an exponent as most have. */
export const normal = (m: I64, se: I32): I32 => i32.and(i64.ltS(m, ZERO), i32.ltU(i32.sub(exponentOf(se), K(1)), K(MOST - 1)));
/** An encoding that is none: without the integer bit, and no denormal. */
export const unsupported = (m: I64, se: I32): I32 => i32.and(i64.geS(m, ZERO), i32.ne(exponentOf(se), K(0)));
export const isNan = (m: I64, se: I32): I32 => all(i32.eq(exponentOf(se), K(MOST)), i64.ltS(m, ZERO), i64.ne(i64.shl(m, L(1)), ZERO));
export const isInfinity = (m: I64, se: I32): I32 => i32.and(i32.eq(exponentOf(se), K(MOST)), i64.eq(m, TOP));
export const isDenormal = (m: I64, se: I32): I32 => i32.and(i32.eqz(exponentOf(se)), i64.ne(m, ZERO));
/** A NaN without the quiet bit. */
export const isSignalling = (m: I64, se: I32): I32 => i32.and(isNan(m, se), i64.eqz(i64.and(m, L(2n ** 62n))));

/** A finite number that is not 0: its exponent as if the significand had its top bit; and that significand. */
export function normalized(f: Func, m: I64, se: I32): { m: I64; e: I32 } {
  const zeros = f.let(i64.clz(m));
  const e = f.let(i32.sub(select(exponentOf(se), exponentOf(se), K(1)), i32.wrap(zeros)));
  return { m: f.let(i64.shl(m, zeros)), e };
}

/**
 * The result when an operand is a NaN or no number at all: 0 neither is; 1 the result is left; 2 the same,
 * and it is an invalid operation. Of two NaNs the greater significand, a quiet one before one that was not.
 */
export const nans: Callee<"i32"> = helper("nans", ["i64", "i32", "i64", "i32"], "i32", (f) => {
  const a = f.param(0, "i64").get, ae = f.param(1, "i32").get, b = f.param(2, "i64").get, be = f.param(3, "i32").get;
  f.if(i32.or(unsupported(a, ae), unsupported(b, be)), () => {
    setIndefinite(f);
    f.return(K(2));
  });
  const aNan = f.let(isNan(a, ae)), bNan = f.let(isNan(b, be));
  f.if(i32.eqz(i32.or(aNan, bNan)), () => f.return(K(0)));
  const aLoud = f.let(isSignalling(a, ae)), bLoud = f.let(isSignalling(b, be));
  const quiet = (v: I64): I64 => i64.or(v, INDEFINITE);
  const greater = any(i64.gtU(quiet(a), quiet(b)), i32.and(i64.eq(quiet(a), quiet(b)), i32.ltU(ae, be)));
  const first = f.let(choose(i32.and(aNan, bNan), choose(i32.xor(aLoud, bLoud), bLoud, greater), aNan));
  setResult(f, quiet(select(first, a, b)), select(first, ae, be));
  f.return(select(i32.or(aLoud, bLoud), K(2), K(1)));
});

/** Signals exceptions and C1 of a result that is left; 0: one of IE, DE, ZE is not masked, and it is not to be written. */
export const settle: Callee<"i32"> = helper("settle", ["i32"], "i32", (f) => {
  const flags = f.param(0, "i32").get;
  clear(f, SW.C1);
  f.return(i32.eqz(i32.and(f.call(raise, flags), K(SW.IE | SW.DE | SW.ZE))));
});

/** The number at a place, in parts. */
export function parts(f: Func, at: I32): { m: I64; se: I32 } {
  return { m: f.let(significand(at)), se: f.let(signExponent(at)) };
}

/** The sign of a result's place. */
export const resultSign = (): I32 => signOf(signExponent(K(RESULT)));
