/**
 * Operations on floats, exact in every rounding mode, with DAZ and FTZ, NaNs as the processor hands them
 * on, and every exception raised. They are shared by all modules, and called when ssearith.ts and
 * ssecvt.ts see that it could make a difference.
 */
import type { Callee, Func, Local } from "../func.ts";
import { f32, f64, i32, i64, select, type Expr, type I32, type I64 } from "../wasm.ts";
import { mulHigh } from "./muldiv.ts";
import {
  DOUBLE, FE, SINGLE, daz, each, infinity, invalid, isDenormal, isInfinite, isNan, isSignaling, isZero, magnitude, mxcsr, named, negative, pack, parts, quiet, raise, roundingMode, roundsUp, sign,
  type Format, type Parts,
} from "./ssefloat.ts";

const ZERO = i64.const(0);
const ONE = i64.const(1);
const TOP = i64.const(-(1n << 63n));

/** A NaN comes out: the first, made quiet; a signaling one is invalid. */
function nans(f: Func, t: Format, a: I64, b: I64): void {
  f.if(i32.or(isNan(t, a), isNan(t, b)), () => {
    f.if(i32.or(isSignaling(t, a), isSignaling(t, b)), () => raise(f, FE.invalid));
    f.return(i64.or(select(isNan(t, a), a, b), quiet(t)));
  });
}

const eitherDenormal = (f: Func, t: Format, a: I64, b: I64): void => f.if(i32.or(isDenormal(t, a), isDenormal(t, b)), () => raise(f, FE.denormal));

/** All masked, nearest, nothing flushed, and PE is not there: it is asked of each result. */
const asking: I32 = i32.eq(i32.and(mxcsr, i32.const(0xffe0)), i32.const(0x1f80));

/** The arithmetic of a type of float, as far as it is needed here. */
interface Arithmetic<F> {
  readonly add: (a: F, b: F) => F;
  readonly sub: (a: F, b: F) => F;
  readonly mul: (a: F, b: F) => F;
  readonly div: (a: F, b: F) => F;
  readonly abs: (a: F) => F;
  readonly trunc: (a: F) => F;
  readonly eq: (a: F, b: F) => I32;
  readonly lt: (a: F, b: F) => I32;
  readonly const: (n: number) => F;
}

/** Returns what WebAssembly computes, if it is easily seen to be exact: programs that only count never get PE. */
function quick<T extends "f32" | "f64">(f: Func, t: Format, op: "add" | "sub" | "mul" | "div", x: Arithmetic<Expr<T>>, a: Expr<T>, b: Expr<T>, bits: (v: Expr<T>) => I64): void {
  const r = f.let(x[op](a, b));
  const whole = (v: Expr<T>): I32 => x.eq(x.trunc(v), v);
  const small = (v: Expr<T>): I32 => x.lt(x.abs(v), x.const(2 ** (t.fraction + 1)));
  if (op === "mul") f.if(i32.and(i32.and(whole(a), whole(b)), small(r)), () => f.return(bits(r)));
  else if (op === "div") f.if(i32.and(i32.and(whole(r), whole(b)), i32.and(small(a), x.eq(x.mul(r, b), a))), () => f.return(bits(r)));
  else {
    // What rounding has lost of a sum, which can be computed.
    const c = op === "add" ? b : f.let(x.sub(x.const(0), b));
    const part = f.let(x.sub(r, a));
    const lost = x.add(x.sub(a, x.sub(r, part)), x.sub(c, part));
    f.if(i32.and(x.eq(lost, x.const(0)), i32.eqz(i32.or(isDenormal(t, bits(a)), isDenormal(t, bits(b))))), () => f.return(bits(r)));
  }
}

/** An operation on two floats, of which one NaN or denormal has been dealt with. */
function binary(op: "add" | "sub" | "mul" | "div", body: (f: Func, t: Format, a: I64, b: Local<"i64">) => void): (t: Format) => Callee<"i64"> {
  return each((t) => ({
    name: named(`f${op}`, t), params: ["i64", "i64"], result: "i64", shared: true,
    write(f) {
      const a = f.param(0, "i64"), b = f.param(1, "i64");
      f.if(asking, () => {
        if (t.size === 8) quick<"f64">(f, t, op, f64, f.let(f64.reinterpret(a.get)), f.let(f64.reinterpret(b.get)), (v) => i64.reinterpret(v));
        else quick<"f32">(f, t, op, f32, f.let(f32.reinterpret(i32.wrap(a.get))), f.let(f32.reinterpret(i32.wrap(b.get))), (v) => i64.extendU(i32.reinterpret(v)));
      });
      daz(f, t, a, b);
      nans(f, t, a.get, b.get);
      body(f, t, a.get, b);
      f.unreachable();
    },
  }));
}

/** The bits below a shifted number are not lost but set its lowest. */
function jammed(f: Func, v: I64, by: I64): I64 {
  const inside = f.let(i64.ltU(by, i64.const(64)));
  const out = i64.extendU(i64.ne(i64.shl(i64.shrU(v, by), by), v));
  return f.let(select(inside, i64.or(i64.shrU(v, by), out), i64.extendU(i64.ne(v, ZERO))));
}

function sum(f: Func, t: Format, a: I64, b: Local<"i64">, minus: boolean): void {
  if (minus) f.set(b, i64.xor(b.get, sign(t)));
  const differ = f.let(i32.ne(negative(t, a), negative(t, b.get)));
  f.if(i32.and(i32.and(isInfinite(t, a), isInfinite(t, b.get)), differ), () => invalid(f, t));
  eitherDenormal(f, t, a, b.get);
  f.if(isInfinite(t, a), () => f.return(a));
  f.if(isInfinite(t, b.get), () => f.return(b.get));
  // The greater first; as integers they compare as they are.
  const swap = f.let(i64.ltU(magnitude(t, a), magnitude(t, b.get)));
  const big = f.let(select(swap, b.get, a));
  const x = parts(f, t, big);
  const y = parts(f, t, f.let(select(swap, a, b.get)));
  const high = f.let(i64.shrU(x.sig, ONE));
  const low = jammed(f, i64.shrU(y.sig, ONE), f.let(i64.extendS(i32.sub(x.exp, y.exp))));
  const total = f.let(select(differ, i64.sub(high, low), i64.add(high, low)));
  f.if(i64.eqz(total), () => f.return(select(differ, select(i32.eq(roundingMode, i32.const(1)), sign(t), ZERO), a)));
  const lead = f.let(i64.clz(total));
  f.return(f.call(pack(t), negative(t, big), i32.sub(i32.add(x.exp, i32.const(1)), i32.wrap(lead)), i64.shl(total, lead)));
}

const add = binary("add", (f, t, a, b) => sum(f, t, a, b, false));
const sub = binary("sub", (f, t, a, b) => sum(f, t, a, b, true));

const mul = binary("mul", (f, t, a, { get: b }) => {
  const minus = f.let(i32.ne(negative(t, a), negative(t, b)));
  const signed = f.let(select(minus, sign(t), ZERO));
  f.if(i32.or(i32.and(isInfinite(t, a), isZero(t, b)), i32.and(isInfinite(t, b), isZero(t, a))), () => invalid(f, t));
  eitherDenormal(f, t, a, b);
  f.if(i32.or(isInfinite(t, a), isInfinite(t, b)), () => f.return(i64.or(signed, infinity(t))));
  f.if(i32.or(isZero(t, a), isZero(t, b)), () => f.return(signed));
  const x = parts(f, t, a);
  const y = parts(f, t, b);
  const high = f.let(f.call(mulHigh, x.sig, y.sig));
  const low = f.let(i64.mul(x.sig, y.sig));
  const whole = f.let(i64.ltS(high, ZERO));
  const sig = select(whole, high, i64.or(i64.shl(high, ONE), i64.shrU(low, i64.const(63))));
  f.return(f.call(pack(t), minus, i32.add(i32.add(x.exp, y.exp), whole), i64.or(sig, i64.extendU(i64.ne(low, ZERO)))));
});

const div = binary("div", (f, t, a, { get: b }) => {
  const minus = f.let(i32.ne(negative(t, a), negative(t, b)));
  const signed = f.let(select(minus, sign(t), ZERO));
  f.if(i32.or(i32.and(isInfinite(t, a), isInfinite(t, b)), i32.and(isZero(t, a), isZero(t, b))), () => invalid(f, t));
  f.if(i32.and(isZero(t, b), i32.eqz(isInfinite(t, a))), () => {
    raise(f, FE.zero);
    f.return(i64.or(signed, infinity(t)));
  });
  eitherDenormal(f, t, a, b);
  f.if(isInfinite(t, a), () => f.return(i64.or(signed, infinity(t))));
  f.if(i32.or(isInfinite(t, b), isZero(t, a)), () => f.return(signed));
  const x = parts(f, t, a);
  const y = parts(f, t, b);
  const eleven = i64.const(11);
  const by = f.let(i64.shrU(y.sig, eleven));
  const rest = f.local("i64"), q = f.local("i64");
  f.set(rest, i64.shrU(x.sig, eleven));
  f.set(q, i64.extendU(i64.geU(rest.get, by)));
  f.set(rest, i64.sub(rest.get, i64.mul(q.get, by)));
  // 55 bits behind the point, eleven at a time.
  for (let k = 0; k < 5; k++) {
    f.set(rest, i64.shl(rest.get, eleven));
    const digit = f.let(i64.divU(rest.get, by));
    f.set(q, i64.or(i64.shl(q.get, eleven), digit));
    f.set(rest, i64.sub(rest.get, i64.mul(digit, by)));
  }
  const lead = f.let(i64.clz(q.get));
  const exp = i32.sub(i32.add(i32.sub(x.exp, y.exp), i32.const(8)), i32.wrap(lead));
  f.return(f.call(pack(t), minus, exp, i64.or(i64.shl(q.get, lead), i64.extendU(i64.ne(rest.get, ZERO)))));
});

/** Root of b; a is not looked at. */
const sqrt = each((t): Callee<"i64"> => ({
  name: named("fsqrt", t), params: ["i64", "i64"], result: "i64", shared: true,
  write(f) {
    const v = f.param(1, "i64");
    const b = v.get;
    daz(f, t, v);
    nans(f, t, b, b);
    f.if(isZero(t, b), () => f.return(b));
    f.if(negative(t, b), () => invalid(f, t));
    f.if(isDenormal(t, b), () => raise(f, FE.denormal));
    f.if(isInfinite(t, b), () => f.return(b));
    const x = parts(f, t, b);
    const odd = f.let(i32.and(x.exp, i32.const(1)));
    const m = f.let(i64.shl(i64.shrU(x.sig, i64.const(11)), i64.extendU(odd)));
    // Digit by digit: 56 bits of the root of m * 2^58.
    const rest = f.local("i64"), q = f.local("i64"), k = f.local("i64");
    f.set(rest, ZERO);
    f.set(q, ZERO);
    f.set(k, i64.const(110));
    f.loop((again) => {
      const pair = select(i64.geS(k.get, i64.const(58)), i64.and(i64.shrU(m, i64.sub(k.get, i64.const(58))), i64.const(3)), ZERO);
      f.set(rest, i64.or(i64.shl(rest.get, i64.const(2)), pair));
      const trial = f.let(i64.or(i64.shl(q.get, i64.const(2)), ONE));
      const fits = f.let(i64.extendU(i64.geU(rest.get, trial)));
      f.set(rest, i64.sub(rest.get, i64.mul(trial, fits)));
      f.set(q, i64.or(i64.shl(q.get, ONE), fits));
      f.set(k, i64.sub(k.get, i64.const(2)));
      f.brIf(again, i64.geS(k.get, ZERO));
    });
    f.return(f.call(pack(t), i32.const(0), i32.shrS(i32.sub(x.exp, odd), i32.const(1)), i64.or(i64.shl(q.get, i64.const(8)), i64.extendU(i64.ne(rest.get, ZERO)))));
    f.unreachable();
  },
}));

/** Comparison of bits that are no NaNs. */
function compare(t: Format, a: I64, b: I64, op: "lt" | "gt" | "eq" | "le"): I32 {
  return t.size === 4 ? f32[op](f32.reinterpret(i32.wrap(a)), f32.reinterpret(i32.wrap(b))) : f64[op](f64.reinterpret(a), f64.reinterpret(b));
}

/** The lesser or greater; the second if one is NaN, which is invalid, or if both are zero. */
const extreme = (name: string, op: "lt" | "gt"): ((t: Format) => Callee<"i64">) => each((t) => ({
  name: named(name, t), params: ["i64", "i64"], result: "i64", shared: true,
  write(f) {
    const a = f.param(0, "i64"), b = f.param(1, "i64");
    daz(f, t, a, b);
    f.if(i32.or(isNan(t, a.get), isNan(t, b.get)), () => {
      raise(f, FE.invalid);
      f.return(b.get);
    });
    eitherDenormal(f, t, a.get, b.get);
    f.return(select(compare(t, a.get, b.get, op), a.get, b.get));
    f.unreachable();
  },
}));

/** What the meanings of two operands call, by the mnemonic without its type. */
export const EXACT: Readonly<Record<"add" | "sub" | "mul" | "div" | "sqrt" | "min" | "max", (t: Format) => Callee<"i64">>> =
  { add, sub, mul, div, sqrt, min: extreme("fmin", "lt"), max: extreme("fmax", "gt") };

/** Orders two floats: 0 greater, 1 less, 2 equal, 3 unordered; bit 2 of `what`: any NaN is invalid. */
export const ordered: (t: Format) => Callee<"i32"> = each((t): Callee<"i32"> => ({
  name: named("fcom", t), params: ["i64", "i64", "i32"], result: "i32", shared: true,
  write(f) {
    const a = f.param(0, "i64"), b = f.param(1, "i64");
    const strict = f.param(2, "i32").get;
    daz(f, t, a, b);
    f.if(i32.or(isNan(t, a.get), isNan(t, b.get)), () => {
      f.if(i32.or(strict, i32.or(isSignaling(t, a.get), isSignaling(t, b.get))), () => raise(f, FE.invalid));
      f.return(i32.const(3));
    });
    eitherDenormal(f, t, a.get, b.get);
    f.return(i32.or(compare(t, a.get, b.get, "lt"), i32.shl(compare(t, a.get, b.get, "eq"), i32.const(1))));
    f.unreachable();
  },
}));

/** From one format to the other. */
export const convert: (t: Format) => Callee<"i64"> = each((t): Callee<"i64"> => {
  const to = t.size === 4 ? DOUBLE : SINGLE;
  return {
    name: named("fcvt", t), params: ["i64"], result: "i64", shared: true,
    write(f) {
      const v = f.param(0, "i64");
      const a = v.get;
      daz(f, t, v);
      const signed = f.let(select(negative(t, a), sign(to), ZERO));
      f.if(isNan(t, a), () => {
        f.if(isSignaling(t, a), () => raise(f, FE.invalid));
        const fraction = i64.and(a, i64.const((1n << BigInt(t.fraction)) - 1n));
        const payload = t.size === 4 ? i64.shl(fraction, i64.const(29)) : i64.shrU(fraction, i64.const(29));
        f.return(i64.or(i64.or(signed, infinity(to)), i64.or(payload, quiet(to))));
      });
      f.if(isInfinite(t, a), () => f.return(i64.or(signed, infinity(to))));
      f.if(isZero(t, a), () => f.return(signed));
      f.if(isDenormal(t, a), () => raise(f, FE.denormal));
      const x = parts(f, t, a);
      f.return(f.call(pack(to), negative(t, a), x.exp, x.sig));
      f.unreachable();
    },
  };
});

/** A signed integer as a float. */
export const fromInteger: (t: Format) => Callee<"i64"> = each((t): Callee<"i64"> => ({
  name: named("ffromint", t), params: ["i64"], result: "i64", shared: true,
  write(f) {
    const v = f.param(0, "i64").get;
    f.if(i64.eqz(v), () => f.return(ZERO));
    const minus = f.let(i64.ltS(v, ZERO));
    const size = f.let(select(minus, i64.sub(ZERO, v), v));
    const lead = f.let(i64.clz(size));
    f.return(f.call(pack(t), minus, i32.sub(i32.const(63), i32.wrap(lead)), i64.shl(size, lead)));
    f.unreachable();
  },
}));

/** The integer part of a number below 2^63 and its fraction in 2^-64. */
function split(f: Func, x: Parts): { keep: I64; rest: I64 } {
  const exp = f.let(i64.extendS(x.exp));
  const below = f.let(i64.ltS(exp, ZERO));
  return {
    keep: f.let(select(below, ZERO, i64.shrU(x.sig, i64.sub(i64.const(63), exp)))),
    rest: f.let(select(below, jammed(f, x.sig, f.let(i64.sub(i64.const(-1), exp))), i64.shl(i64.shl(x.sig, exp), ONE))),
  };
}

/** A float as a signed integer of 4 or 8 bytes (second parameter), rounded by a mode (third). */
export const toInteger: (t: Format) => Callee<"i64"> = each((t): Callee<"i64"> => ({
  name: named("ftoint", t), params: ["i64", "i32", "i32"], result: "i64", shared: true,
  write(f) {
    const v = f.param(0, "i64");
    const a = v.get, mode = f.param(2, "i32").get;
    const wide = i32.eq(f.param(1, "i32").get, i32.const(8));
    const fail = (): void => {
      raise(f, FE.invalid);
      f.return(select(wide, TOP, i64.const(-0x80000000)));
    };
    daz(f, t, v);
    f.if(isZero(t, a), () => f.return(ZERO));
    f.if(i32.or(isNan(t, a), isInfinite(t, a)), fail);
    const minus = f.let(negative(t, a));
    const x = parts(f, t, a);
    f.if(i32.gtS(x.exp, i32.const(62)), () => {
      f.if(i32.and(i32.and(wide, minus), i32.and(i32.eq(x.exp, i32.const(63)), i64.eq(x.sig, TOP))), () => f.return(TOP));
      fail();
    });
    const { keep, rest } = split(f, x);
    const r = f.let(i64.add(keep, i64.extendU(roundsUp(mode, minus, keep, rest))));
    const value = f.let(select(minus, i64.sub(ZERO, r), r));
    f.if(i32.and(i32.eqz(wide), i64.ne(i64.extend32(value), value)), fail);
    f.if(i64.ne(rest, ZERO), () => raise(f, FE.inexact));
    f.return(value);
    f.unreachable();
  },
}));

/** A float rounded to an integer: the mode in bits 0 and 1, bit 2 for MXCSR's, bit 3 to tell nothing of it. */
export const roundTo: (t: Format) => Callee<"i64"> = each((t): Callee<"i64"> => ({
  name: named("fround", t), params: ["i64", "i32"], result: "i64", shared: true,
  write(f) {
    const v = f.param(0, "i64");
    const a = v.get, how = f.param(1, "i32").get;
    daz(f, t, v);
    nans(f, t, a, a);
    const x = parts(f, t, a);
    f.if(i32.or(i32.or(isZero(t, a), isInfinite(t, a)), i32.geS(x.exp, i32.const(t.fraction))), () => f.return(a));
    const minus = f.let(negative(t, a));
    const mode = f.let(select(i32.and(how, i32.const(4)), roundingMode, i32.and(how, i32.const(3))));
    const { keep, rest } = split(f, x);
    f.if(i32.and(i64.ne(rest, ZERO), i32.eqz(i32.and(how, i32.const(8)))), () => raise(f, FE.inexact));
    const r = f.let(i64.add(keep, i64.extendU(roundsUp(mode, minus, keep, rest))));
    const signed = f.let(i64.and(a, sign(t)));
    f.if(i64.eqz(r), () => f.return(signed));
    const lead = f.let(i64.clz(r));
    const exponent = i64.shl(i64.sub(i64.const(62 + t.bias), lead), i64.const(t.fraction));
    f.return(i64.or(signed, i64.add(exponent, i64.shrU(i64.shl(r, lead), i64.const(63 - t.fraction)))));
    f.unreachable();
  },
}));
