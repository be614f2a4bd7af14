/**
 * Meanings: arithmetic and comparison of floats. WebAssembly computes, unless that could make a
 * difference: another rounding mode, flushing, an exception unmasked, or one that MXCSR does not have
 * yet. With PE there already (the first inexact result puts it there) what remains to be seen is a
 * result or operand that is not normal; then the exact helpers of sseexact.ts do it.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import type { Callee, Func, Local } from "../func.ts";
import { extract, fill, replace, simd, v128, vshift, vsum } from "../simd.ts";
import { f32, f64, i32, i64, select, type Expr, type F32, type F64, type I32, type I64, type V128 } from "../wasm.ts";
import { byte, lanes, low32, low64, result, source } from "./sse.ts";
import { EXACT, ordered, roundTo } from "./sseexact.ts";
import { DOUBLE, SINGLE, mxcsr, settle, type Format } from "./ssefloat.ts";

/** MXCSR has PE, rounds to nearest, flushes nothing and masks all: what is exact need not be told apart. */
export const calm: I32 = i32.eq(i32.and(mxcsr, i32.const(0xffe0)), i32.const(0x1fa0));

/** The smallest normal number, and a vector of it. */
export const LEAST: Readonly<Record<4 | 8, number>> = { 4: 2 ** -126, 8: 2 ** -1022 };
export const shape = (t: Format): "f32x4" | "f64x2" => (t.size === 4 ? "f32x4" : "f64x2");
export const all = (t: Format, n: number): V128 => (t.size === 4 ? fill.f32(f32.const(n)) : fill.f64(f64.const(n)));
const op = (t: Format, name: string, ...args: V128[]): V128 => simd(`${shape(t)}.${name}`, ...args);
const and = (...args: V128[]): V128 => args.reduce((a, b) => simd("v128.and", a, b));
const or = (...args: V128[]): V128 => args.reduce((a, b) => simd("v128.or", a, b));

/** Lanes that are normal numbers, infinite, NaN or zero: no denormals. */
export const notDenormal = (t: Format, v: V128): V128 => or(op(t, "eq", v, v128.zero()), simd("v128.not", op(t, "lt", op(t, "abs", v), all(t, LEAST[t.size]))));
const finite = (t: Format, v: V128): V128 => op(t, "lt", op(t, "abs", v), all(t, Infinity));
const normal = (t: Format, v: V128): V128 => and(finite(t, v), op(t, "gt", op(t, "abs", v), all(t, LEAST[t.size])));
const isNumber = (t: Format, v: V128): V128 => op(t, "eq", v, v);
const isZero = (t: Format, v: V128): V128 => op(t, "eq", v, v128.zero());

/** Lane k as bits, and a lane of bits put there. */
export const laneBits = (t: Format, v: V128, k: number): I64 => (t.size === 4 ? i64.extendU(extract.i32(v, k)) : extract.i64(v, k));
export const putBits = (t: Format, v: V128, k: number, bits: I64): V128 => (t.size === 4 ? replace.i32(v, k, i32.wrap(bits)) : replace.i64(v, k, bits));
export const count = (t: Format): number => 16 / t.size;

type Name = keyof typeof EXACT;
/** What WebAssembly makes of an operation, and of which lanes that is all there is to it. */
interface Fast {
  readonly value: (t: Format, a: V128, b: V128) => V128;
  readonly sure: (t: Format, a: V128, b: V128, r: V128) => V128;
  /** Nothing is raised by what is sure, whatever MXCSR says. */
  readonly silent?: true;
}
const tame = (t: Format, a: V128, b: V128): V128 => and(notDenormal(t, a), notDenormal(t, b));
const FAST: Readonly<Record<Name, Fast>> = {
  // A sum that is denormal is exact.
  add: { value: (t, a, b) => op(t, "add", a, b), sure: (t, a, b, r) => and(tame(t, a, b), finite(t, r)) },
  sub: { value: (t, a, b) => op(t, "sub", a, b), sure: (t, a, b, r) => and(tame(t, a, b), finite(t, r)) },
  mul: { value: (t, a, b) => op(t, "mul", a, b), sure: (t, a, b, r) => and(tame(t, a, b), or(normal(t, r), and(isZero(t, r), or(isZero(t, a), isZero(t, b))))) },
  div: { value: (t, a, b) => op(t, "div", a, b), sure: (t, a, b, r) => and(tame(t, a, b), or(normal(t, r), and(isZero(t, r), isZero(t, a)))) },
  sqrt: { value: (t, _, b) => op(t, "sqrt", b), sure: (t, _, b, r) => and(notDenormal(t, b), finite(t, r)) },
  min: { value: (t, a, b) => op(t, "pmin", b, a), sure: (t, a, b) => and(tame(t, a, b), isNumber(t, a), isNumber(t, b)), silent: true },
  max: { value: (t, a, b) => op(t, "pmax", b, a), sure: (t, a, b) => and(tame(t, a, b), isNumber(t, a), isNumber(t, b)), silent: true },
};

/** One exact operation a lane. */
function exactly(f: Func, t: Format, names: readonly Name[], a: V128, b: V128): V128 {
  let r = a;
  for (let k = 0; k < count(t); k++) r = f.let(putBits(t, r, k, f.call(EXACT[names[k % names.length] as Name](t), laneBits(t, a, k), laneBits(t, b, k))));
  return r;
}

const every = (t: Format, v: V128): I32 => vsum(t.size === 4 ? "i32x4.allTrue" : "i64x2.allTrue", v);

/** A packed operation; two names alternate. What it raises is to be settled. */
function packed(t: Format, ...names: Name[]): Callee<"v128"> {
  const [first, second] = [FAST[names[0] as Name], names[1] && FAST[names[1]]];
  return {
    name: `packed${names.join("")}${t.size}`, params: ["v128", "v128"], result: "v128",
    write(f) {
      const a = f.param(0, "v128").get, b = f.param(1, "v128").get;
      const odd = v128.const(Array.from({ length: 16 }, (_, k) => (Math.floor(k / t.size) % 2 ? 255 : 0)));
      const one = first.value(t, a, b);
      const r = f.let(second ? simd("v128.bitselect", second.value(t, a, b), one, odd) : one);
      const sure = every(t, first.sure(t, a, b, r));
      f.if(first.silent ? sure : i32.and(calm, sure), () => f.return(r));
      f.return(exactly(f, t, names, a, b));
      f.unreachable();
    },
  };
}
const PACKED = new Map<string, Callee<"v128">>();
function callPacked(e: Emit, t: Format, a: V128, b: V128, ...names: Name[]): V128 {
  const key = names.join() + t.size;
  let callee = PACKED.get(key);
  if (!callee) PACKED.set(key, (callee = packed(t, ...names)));
  return e.f.let(e.call(callee, a, b));
}
/** Enters what has been raised; leaves the instruction if that is a trap. */
export function settled(e: Emit): void {
  e.leaveUnless(e.call(settle));
}

/** The low lane of both operands, in numbers and in bits. */
interface Low<T extends "f32" | "f64"> {
  readonly a: Expr<T>;
  readonly b: Expr<T>;
  readonly bits: (v: Expr<T>) => I64;
  readonly float: typeof f32 | typeof f64;
}
const single = (e: Emit, name: Name): Low<"f32"> => {
  const b = low32(e, 1);
  return { a: name === "sqrt" ? b : low32(e, 0), b, bits: (v) => i64.extendU(i32.reinterpret(v)), float: f32 };
};
const double = (e: Emit, name: Name): Low<"f64"> => {
  const b = low64(e, 1);
  return { a: name === "sqrt" ? b : low64(e, 0), b, bits: (v) => i64.reinterpret(v), float: f64 };
};

/** The same for the lowest lane alone, written out: these are the frequent ones. */
function scalar(e: Emit, t: Format, name: Name): void {
  if (t.size === 4) scalarOf<"f32", F32>(e, t, name, single(e, name), f32);
  else scalarOf<"f64", F64>(e, t, name, double(e, name), f64);
}

/** The operations of either type of float. */
type Arith<F> = Readonly<Record<"add" | "sub" | "mul" | "div", (a: F, b: F) => F> & Record<"sqrt" | "abs", (a: F) => F> & Record<"lt" | "gt" | "ge" | "eq", (a: F, b: F) => I32>> & { const(n: number): F };

function scalarOf<T extends "f32" | "f64", F extends Expr<T>>(e: Emit, t: Format, name: Name, { a, b, bits }: Low<T>, x: Arith<F>): void {
  const { f } = e;
  const [p, q] = [a as F, b as F];
  const least = x.const(LEAST[t.size]);
  const tameLow = (v: F): I32 => i32.or(x.ge(x.abs(v), least), x.eq(v, x.const(0)));
  const out = f.local("i64");
  const both = name === "sqrt" ? tameLow(q) : i32.and(tameLow(p), tameLow(q));
  let r: F;
  let sure: I32;
  if (name === "min" || name === "max") {
    r = select(name === "min" ? x.lt(p, q) : x.gt(p, q), p, q) as F;
    sure = both;
  } else {
    r = f.let<T>(name === "sqrt" ? x.sqrt(q) : x[name](p, q)) as F;
    const finiteLow = x.lt(x.abs(r), x.const(Infinity));
    const normalLow = i32.and(finiteLow, x.gt(x.abs(r), least));
    sure = i32.and(calm, i32.and(both, name === "mul" || name === "div" ? normalLow : finiteLow));
  }
  f.if(sure, () => f.set(out, bits(r)), () => {
    f.set(out, e.call(EXACT[name](t), bits(a), bits(b)));
    settled(e);
  });
  const { at, offset } = lanes(e, 0);
  e.put(t.size === 4 ? i64.store32(at, out.get, offset) : i64.store(at, out.get, offset));
}

for (const [suffix, t] of [["s", SINGLE], ["d", DOUBLE]] as const) {
  for (const name of ["add", "sub", "mul", "div", "sqrt", "min", "max"] as const) {
    define("ssescalar", `${name}s${suffix}`, [0], "xx xm", (e) => scalar(e, t, name));
    define("ssepacked", `${name}p${suffix}`, [0], "xx xm", (e) => {
      const b = source(e);
      const r = callPacked(e, t, source(e, 0), b, name);
      settled(e);
      result(e, r);
    });
  }

  // Comparison into masks: the immediate's low three bits are the predicate.
  const mask = compareMask(t);
  define("ssepacked", `cmpp${suffix}`, [0], "xxi xmi", (e) => {
    const b = source(e);
    const r = e.f.let(e.call(mask, source(e, 0), b, byte(e)));
    settled(e);
    result(e, r);
  });
  define("ssescalar", `cmps${suffix}`, [0], "xxi xmi", (e) => {
    const b = bitsOf(e, 1, t);
    const a = bitsOf(e, 0, t);
    const how = byte(e);
    const bit = holds(e.f, e.f.let(e.call(ordered(t), a, b, strictness(how))), how);
    settled(e);
    const { at, offset } = lanes(e, 0);
    const value = i64.sub(i64.const(0), i64.extendU(bit));
    e.put(t.size === 4 ? i64.store32(at, value, offset) : i64.store(at, value, offset));
  });

  // Comparison into flags: ZF PF CF.
  for (const [name, strict] of [["ucomis", 0], ["comis", 1]] as const) {
    define("ssescalar", name + suffix, [0], "xx xm", (e) => {
      const { f } = e;
      const r = f.local("i32");
      if (t.size === 4) compareLow<"f32", F32>(e, t, single(e, "min"), f32, strict, r);
      else compareLow<"f64", F64>(e, t, double(e, "min"), f64, strict, r);
      // 0 greater, 1 less, 2 equal, 3 unordered.
      const below = f.let(i64.extendU(i32.and(r.get, i32.const(1))));
      e.flags({ x: i64.const(0), y: below, z: below, r: i64.extendU(i32.ltU(r.get, i32.const(2))), s: i64.extendU(i32.ne(r.get, i32.const(3))) });
    });
  }

  // Sums and differences of neighbours.
  const neighbours = (a: V128, b: V128, odd: number): V128 => v128.shuffle(a, b, Array.from({ length: 16 }, (_, k) => (Math.floor(k / t.size) * 2 + odd) * t.size + (k % t.size)));
  for (const name of ["add", "sub"] as const) {
    define("ssepacked", `h${name}p${suffix}`, [0], "xx xm", (e) => {
      const b = source(e);
      const a = source(e, 0);
      const r = callPacked(e, t, neighbours(a, b, 0), neighbours(a, b, 1), name);
      settled(e);
      result(e, r);
    });
  }
  define("ssepacked", `addsubp${suffix}`, [0], "xx xm", (e) => {
    const b = source(e);
    const r = callPacked(e, t, source(e, 0), b, "sub", "add");
    settled(e);
    result(e, r);
  });

  // To integers, by the immediate.
  define("sseround", `roundp${suffix}`, [0], "xxi xmi", (e) => {
    const b = source(e);
    const how = byte(e);
    let r = b;
    for (let k = 0; k < count(t); k++) r = e.f.let(putBits(t, r, k, e.call(roundTo(t), laneBits(t, b, k), how)));
    settled(e);
    result(e, r);
  });
  define("sseround", `rounds${suffix}`, [0], "xxi xmi", (e) => {
    const b = bitsOf(e, 1, t);
    const r = e.f.let(e.call(roundTo(t), b, byte(e)));
    settled(e);
    const { at, offset } = lanes(e, 0);
    e.put(t.size === 4 ? i64.store32(at, r, offset) : i64.store(at, r, offset));
  });

  // Dot product: the immediate's upper bits choose the factors, the lower ones where the sum goes.
  define("sseround", `dpp${suffix}`, [0], "xxi xmi", (e) => {
    const b = source(e);
    const a = source(e, 0);
    const how = byte(e);
    const chosen = laneMask(e, t, i32.shrU(how, i32.const(4)));
    // What is not chosen is 0 times 0.
    let s = callPacked(e, t, and(a, chosen), and(b, chosen), "mul");
    settled(e);
    const turned = (v: V128, by: number): V128 => v128.shuffle(v, v, Array.from({ length: 16 }, (_, k) => k ^ by));
    // The even one of two comes first, wherever the sum goes.
    for (let by = t.size as number; by < 16; by *= 2) {
      const firsts = v128.const(Array.from({ length: 16 }, (_, k) => (k & by ? 0 : 255)));
      const other = e.f.let(turned(s, by));
      s = callPacked(e, t, e.f.let(simd("v128.bitselect", s, other, firsts)), e.f.let(simd("v128.bitselect", other, s, firsts)), "add");
      settled(e);
    }
    result(e, and(s, laneMask(e, t, how)));
  });
}

/** Ones in the lanes whose bit is set. */
function laneMask(e: Emit, t: Format, bits: I32): V128 {
  const own = v128.const(Array.from({ length: 16 }, (_, k) => (k % t.size === 0 ? 1 << (k / t.size) : 0)));
  const each = t.size === 4 ? fill.i32(bits) : fill.i64(i64.extendU(bits));
  return e.f.let(simd(t.size === 4 ? "i32x4.eq" : "i64x2.eq", and(each, own), own));
}

/** The lowest lane's bits. */
export function bitsOf(e: Emit, k: number, t: Format): I64 {
  return e.f.let(t.size === 4 ? i64.extendU(i32.reinterpret(low32(e, k))) : i64.reinterpret(low64(e, k)));
}

/** Whether a predicate is of those for which any NaN is invalid: lt, le and their negations. */
const strictness = (how: I32): I32 => i32.ltU(i32.and(i32.sub(how, i32.const(1)), i32.const(3)), i32.const(2));

/** A predicate of an order: eq lt le unord, and with bit 2 their negations. */
function holds(f: Func, order: I32, how: I32): I32 {
  // A bit for each order (0 greater, 1 less, 2 equal, 3 unordered), four for each predicate.
  const table = i32.shrU(i32.const(0x8624), i32.shl(i32.and(how, i32.const(3)), i32.const(2)));
  const plain = i32.and(i32.shrU(table, order), i32.const(1));
  return f.let(i32.xor(plain, i32.and(i32.shrU(how, i32.const(2)), i32.const(1))));
}

function compareMask(t: Format): Callee<"v128"> {
  return {
    name: `fcmp${t.size}`, params: ["v128", "v128", "i32"], result: "v128",
    write(f) {
      const a = f.param(0, "v128").get, b = f.param(1, "v128").get;
      const how = f.param(2, "i32").get;
      const kind = f.let(i32.and(how, i32.const(3)));
      f.if(every(t, FAST.min.sure(t, a, b, a)), () => {
        const is = (k: number): I32 => i32.eq(kind, i32.const(k));
        const plain = select(is(0), op(t, "eq", a, b), select(is(1), op(t, "lt", a, b), select(is(2), op(t, "le", a, b), v128.zero())));
        f.return(simd("v128.xor", plain, vshift("i32x4.shrS", fill.i32(i32.shl(how, i32.const(29))), i32.const(31))));
      });
      let r: V128 = v128.zero();
      for (let k = 0; k < count(t); k++) {
        const bit = holds(f, f.let(f.call(ordered(t), laneBits(t, a, k), laneBits(t, b, k), strictness(how))), how);
        r = f.let(putBits(t, r, k, i64.sub(i64.const(0), i64.extendU(bit))));
      }
      f.return(r);
      f.unreachable();
    },
  };
}

/** The order of the lowest lanes. */
function compareLow<T extends "f32" | "f64", F extends Expr<T>>(e: Emit, t: Format, { a, b, bits }: Low<T>, x: Arith<F>, strict: number, r: Local<"i32">): void {
  const { f } = e;
  const [p, q] = [a as F, b as F];
  const tameLow = (v: F): I32 => i32.or(x.ge(x.abs(v), x.const(LEAST[t.size])), x.eq(v, x.const(0)));
  f.if(i32.and(tameLow(p), tameLow(q)), () => f.set(r, i32.or(x.lt(p, q), i32.shl(x.eq(p, q), i32.const(1)))), () => {
    f.set(r, e.call(ordered(t), bits(a), bits(b), i32.const(strict)));
    settled(e);
  });
}
