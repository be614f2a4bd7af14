/**
 * The x87's transcendental instructions: exact to far more bits than are kept, then rounded once, as RC
 * says and always to 64 bits. Precision control does not count; the inexact exception is always raised
 * but for results that are exact. Processors differ from this by at most one in the last place.
 */
import { atan, expm1, F, ln2, log2, pi, sinCos } from "./bigmath.ts";
import { BIAS, Fpu, INDEFINITE, infinity, isDenormal, isInfinity, isNan, isSignalling, isUnsupported, ONE, power, scaleOf, SW, zero, bits, type Real } from "./fpu.ts";
import type { NativeCall, NativeFunction } from "./natives.ts";

/** What an instruction comes to: exceptions, and a number that is exact or that is still to be rounded. */
type Outcome = { readonly value: Real; readonly flags?: number } | { readonly sign: number; readonly v: bigint; readonly scale: number };
const exact = (value: Real, flags = 0): Outcome => ({ value, flags });
const INVALID = exact(INDEFINITE, SW.IE);
/** v * 2^-F, which is not exact. */
const fixed = (v: bigint, scale = -F): Outcome => ({ sign: v < 0n ? 1 : 0, v: (v < 0n ? -v : v) | 1n, scale });

/** A NaN's outcome; larger significands win, quiet ones before others. */
function nan(a: Real, b: Real): Outcome | undefined {
  if (isUnsupported(a) || isUnsupported(b)) return INVALID;
  if (!isNan(a) && !isNan(b)) return undefined;
  const loud = isSignalling(a) || isSignalling(b);
  const quiet = (n: Real): Real => ({ ...n, m: n.m | (3n << 62n) });
  const [x, y] = [quiet(a), quiet(b)];
  const first = !isNan(b) || (isNan(a) && (isSignalling(a) === isSignalling(b) ? x.m > y.m || (x.m === y.m && x.sign < y.sign) : isSignalling(b)));
  return exact(first ? x : y, loud ? SW.IE : 0);
}

/** Processors say so also of powers of two; then a result that is denormal is an underflow. */
const inexact = (r: { value: Real; flags: number }): { value: Real; flags: number } => ({ value: r.value, flags: r.flags | SW.PE | (isDenormal(r.value) ? SW.UE : 0) });

/** The value to be written, its exceptions raised; undefined when one of an operand's is not masked. */
function settle(fpu: Fpu, o: Outcome): Real | undefined {
  const { value, flags } = "value" in o ? { value: o.value, flags: o.flags ?? 0 } : inexact(fpu.round(o.sign, o.v, o.scale));
  return fpu.raise(flags) & (SW.IE | SW.DE | SW.ZE) ? undefined : value;
}

/** Whether a denormal operand ends the instruction. */
const denormal = (fpu: Fpu, ...of: Real[]): boolean => of.some(isDenormal) && (fpu.raise(SW.DE) & SW.DE) !== 0;

const clear = (fpu: Fpu, codes: number): void => void (fpu.sw &= ~codes);

/** One operand, one result in its place; the condition codes that it clears. */
function unary(compute: (a: Real) => Outcome | "far", codes: number): NativeFunction {
  return ({ memory }) => {
    const fpu = new Fpu(memory);
    clear(fpu, codes);
    if (fpu.empty(0)) {
      if (!fpu.raise(SW.IE | SW.SF)) fpu.setSt(0, INDEFINITE);
      return true;
    }
    const a = fpu.st(0);
    const special = nan(a, a);
    if (!special && denormal(fpu, a)) return true;
    const o = special ?? compute(a);
    if (o === "far") fpu.sw |= SW.C2;
    else {
      const value = settle(fpu, o);
      if (value) fpu.setSt(0, value);
    }
    return true;
  };
}

/** One operand, a result in its place and one pushed. */
function twofold(compute: (a: Real) => readonly [Outcome, Outcome] | "far"): NativeFunction {
  return ({ memory }) => {
    const fpu = new Fpu(memory);
    clear(fpu, SW.C1 | SW.C2);
    if (fpu.empty(0) || !fpu.empty(7)) {
      if (fpu.raise(SW.IE | SW.SF | (fpu.empty(0) ? 0 : SW.C1))) return true;
      fpu.setSt(0, INDEFINITE);
      fpu.push(INDEFINITE);
      return true;
    }
    const a = fpu.st(0);
    const special = nan(a, a) ?? (isInfinity(a) ? INVALID : undefined);
    if (!special && denormal(fpu, a)) return true;
    const both = special ? ([special, special] as const) : compute(a);
    if (both === "far") {
      fpu.sw |= SW.C2;
      return true;
    }
    // C1 tells of the first result.
    const second = settle(fpu, both[1]);
    const first = second && settle(fpu, both[0]);
    if (first && second) {
      fpu.setSt(0, first);
      fpu.push(second);
    }
    return true;
  };
}

/** Two operands, the result in st(1), which becomes the top. */
function binary(compute: (x: Real, y: Real) => Outcome): NativeFunction {
  return ({ memory }: NativeCall) => {
    const fpu = new Fpu(memory);
    clear(fpu, SW.C1);
    let value: Real | undefined = INDEFINITE;
    if (fpu.empty(0) || fpu.empty(1)) {
      if (fpu.raise(SW.IE | SW.SF)) return true;
    } else {
      const [x, y] = [fpu.st(0), fpu.st(1)];
      let o = nan(x, y);
      if (!o) {
        o = compute(x, y);
        const operandFault = "value" in o && ((o.flags ?? 0) & (SW.IE | SW.ZE)) !== 0;
        if (!operandFault && denormal(fpu, x, y)) return true;
      }
      value = settle(fpu, o);
    }
    if (value) {
      fpu.setSt(1, value);
      fpu.pop();
    }
    return true;
  };
}

/** |a| * 2^F, a finite; what lies below is cut off. */
const toFixed = (a: Real): bigint => {
  const n = scaleOf(a) + F;
  return n >= 0 ? a.m << BigInt(n) : a.m >> BigInt(-n);
};
const exponent = (a: Real): number => bits(a.m) + scaleOf(a) - 1;
/** a - a^3/d or a + a^3/d, for small a. */
function cubic(a: Real, minus: boolean, d: bigint): Outcome {
  const cube = a.m ** 3n;
  const n = 2 * scaleOf(a) + F;
  const part = (n >= 0 ? cube << BigInt(n) : cube >> BigInt(-n)) / d + 1n;
  return { sign: a.sign, v: ((a.m << BigInt(F)) + (minus ? -part : part)) | 1n, scale: scaleOf(a) - F };
}

const SMALL = -40;
/** Half of pi as it is for reducing angles: 66 bits of it, as the manuals say. */
const HALF_PI: bigint = 0xc90fdaa22168c234cn << BigInt(F - 67);

/** Sine, cosine and the quadrant of a finite number; undefined when it is too great. */
function angle(a: Real): { sin: bigint; cos: bigint; quadrant: number } | undefined {
  if (a.e >= BIAS + 63) return undefined;
  const x = toFixed(a);
  const k = (2n * x + HALF_PI) / (2n * HALF_PI);
  return { ...sinCos(x - k * HALF_PI), quadrant: Number(k & 3n) };
}
/** Sine (0) or cosine (1) of a finite number. */
function circular(a: Real, which: 0 | 1): Outcome | "far" {
  if (a.m === 0n) return exact(which ? power(0) : a);
  if (!which && exponent(a) < SMALL) return cubic(a, true, 6n);
  const r = angle(a);
  if (!r) return "far";
  const quadrant = (r.quadrant + which) & 3;
  const v = quadrant & 1 ? r.cos : r.sin;
  // Next to 1 it is not 1.
  const off = v >> BigInt(F) !== 0n ? 1n : 0n;
  return fixed((quadrant & 2) !== (which ? 0 : a.sign * 2) ? -(v - off) : v - off);
}
const trigonometric = (which: 0 | 1) => (a: Real): Outcome | "far" => (isInfinity(a) ? INVALID : circular(a, which));
export const fsin: NativeFunction = unary(trigonometric(0), SW.C1 | SW.C2);
export const fcos: NativeFunction = unary(trigonometric(1), SW.C1 | SW.C2);
export const fsincos: NativeFunction = twofold((a) => {
  const [sin, cos] = [circular(a, 0), circular(a, 1)];
  return sin === "far" || cos === "far" ? "far" : [sin, cos];
});
export const fptan: NativeFunction = twofold((a) => {
  const one = exact(power(0));
  if (a.m === 0n) return [exact(a), one];
  if (exponent(a) < SMALL) return [cubic(a, false, 3n), one];
  const r = angle(a);
  if (!r) return "far";
  const [n, d] = r.quadrant & 1 ? [-r.cos, r.sin] : [r.sin, r.cos];
  return [fixed(((a.sign ? -n : n) << BigInt(F)) / d), one];
});

/** A part of pi, n/4. */
const quarters = (n: bigint, sign: number): Outcome => fixed(((sign ? -pi() : pi()) * n) >> 2n);
export const fpatan: NativeFunction = binary((x, y) => {
  const { sign } = y;
  if (isInfinity(y)) return quarters(isInfinity(x) ? (x.sign ? 3n : 1n) : 2n, sign);
  if (y.m === 0n || isInfinity(x)) return x.sign ? quarters(4n, sign) : exact(zero(sign));
  if (x.m === 0n) return quarters(2n, sign);
  const apart = exponent(y) - exponent(x);
  const signed = (v: bigint): Outcome => fixed(sign ? -v : v);
  if (apart < SMALL && !x.sign) {
    const q = (y.m << BigInt(2 * F)) / x.m;
    const scale = scaleOf(y) - scaleOf(x) - 2 * F;
    const n = 2 * scale;
    const part = n < -64 * F ? 1n : (q ** 3n >> BigInt(-n)) / 3n + 1n;
    const whole = q * x.m === y.m << BigInt(2 * F) && part === 1n;
    return { sign, v: (whole ? q - 1n : q - part) | 1n, scale };
  }
  // The smaller by the greater; what is too small to see is only not nothing.
  const [n, d] = apart < 0 || (apart === 0 && ratio(y, x) <= 0) ? [y, x] : [x, y];
  const t = exponent(n) - exponent(d) < -F ? 1n : atan(divided(n, d));
  const acute = n === y ? t : (pi() >> 1n) - t;
  return signed(x.sign ? pi() - acute : acute);
});
/** n / d with F bits behind the point. */
function divided(n: Real, d: Real): bigint {
  const by = scaleOf(n) - scaleOf(d) + F;
  return by >= 0 ? (n.m << BigInt(by)) / d.m : n.m / (d.m << BigInt(-by));
}
/** Compares magnitudes of the same exponent. */
function ratio(a: Real, b: Real): number {
  const d = (a.m << BigInt(64 - bits(a.m))) - (b.m << BigInt(64 - bits(b.m)));
  return d < 0n ? -1 : d > 0n ? 1 : 0;
}

export const f2xm1: NativeFunction = unary((a) => {
  if (isInfinity(a)) return exact(a.sign ? power(0, 1) : a);
  if (a.m === 0n) return exact(a);
  const e = exponent(a);
  if (e === 0 && a.m === ONE) return exact(a.sign ? power(-1, 1) : a, SW.PE);
  // Beyond 1 there is no result that processors agree on.
  if (e >= 0) return exact(a, SW.PE);
  if (e < -100) return { sign: a.sign, v: (a.m * ln2()) | 1n, scale: scaleOf(a) - F };
  const u = (toFixed(a) * ln2()) >> BigInt(F);
  return fixed(expm1(a.sign ? -u : u));
}, SW.C1);

/** y times a logarithm (l * 2^-F). */
const times = (y: Real, l: bigint, whole: boolean): Outcome =>
  ({ sign: y.sign ^ (l < 0n ? 1 : 0), v: (y.m * (l < 0n ? -l : l)) | (whole ? 0n : 1n), scale: scaleOf(y) - F });

export const fyl2x: NativeFunction = binary((x, y) => {
  if (x.m === 0n) return y.m === 0n ? INVALID : isInfinity(y) ? exact(infinity(1 - y.sign)) : exact(infinity(1 - y.sign), SW.ZE);
  if (x.sign) return INVALID;
  if (isInfinity(x)) return y.m === 0n ? INVALID : exact(infinity(y.sign));
  const e = exponent(x);
  const m = x.m << BigInt(64 - bits(x.m));
  const one = m === ONE;
  const below = e < 0 ? 1 : 0;
  if (isInfinity(y)) return one && e === 0 ? INVALID : exact(infinity(y.sign ^ below));
  if (one && e === 0) return exact(zero(y.sign));
  if (y.m === 0n) return exact(zero(y.sign ^ below));
  if (one) return times(y, BigInt(e) << BigInt(F), true);
  return times(y, (BigInt(e) << BigInt(F)) + log2(m, ONE), false);
});

export const fyl2xp1: NativeFunction = binary((x, y) => {
  if (x.m === 0n) return isInfinity(y) ? INVALID : exact(zero(x.sign ^ y.sign));
  if (isInfinity(x)) return x.sign || y.m === 0n ? INVALID : exact(infinity(y.sign));
  if (isInfinity(y)) return exact(infinity(y.sign ^ x.sign));
  if (y.m === 0n) return exact(zero(x.sign ^ y.sign));
  const e = exponent(x);
  if (e < -100) return { sign: x.sign ^ y.sign, v: ((y.m * x.m << BigInt(2 * F)) / ln2()) | 1n, scale: scaleOf(x) + scaleOf(y) - F };
  // At -1 and below it there is no result that processors agree on.
  if (x.sign && e >= 0) return exact(x, SW.PE);
  const scale = scaleOf(x);
  const one = scale < 0 ? 1n << BigInt(-scale) : 1n;
  const m = scale < 0 ? x.m : x.m << BigInt(scale);
  return times(y, log2(x.sign ? one - m : one + m, one), false);
});
