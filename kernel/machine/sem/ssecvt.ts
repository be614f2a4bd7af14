/**
 * Meanings: conversions between integers and floats and between the formats of floats, and the
 * approximations. As in ssearith.ts WebAssembly does what it does alike, exact helpers the rest.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import type { Callee } from "../func.ts";
import { extract, replace, simd, v128, vsum } from "../simd.ts";
import { f32, f64, i32, i64, select, type I32, type I64, type V128 } from "../wasm.ts";
import { all, bitsOf, calm, count, laneBits, LEAST, notDenormal, putBits, settled } from "./ssearith.ts";
import { convert, fromInteger, toInteger } from "./sseexact.ts";
import { DOUBLE, SINGLE, roundingMode, type Format } from "./ssefloat.ts";
import { becomeMmx, lanes, low32, low64, result, source, vector } from "./sse.ts";

/** Writes the lowest lane. */
function setLow(e: Emit, t: Format, bits: I64): void {
  const { at, offset } = lanes(e, 0);
  e.put(t.size === 4 ? i64.store32(at, bits, offset) : i64.store(at, bits, offset));
}

/** What two ways give: a cheap one that is right when `sure`, or an exact one that raises what is to be raised. */
function either(e: Emit, sure: I32, cheap: I64, exact: () => I64): I64 {
  const { f } = e;
  const out = f.local("i64");
  f.if(sure, () => f.set(out, cheap), () => {
    f.set(out, exact());
    settled(e);
  });
  return out.get;
}

// Integers to scalars. 32 bits always fit a double; others do if they are small.
define("ssescalar", "cvtsi2sd", [4], "xr xm", (e) => setLow(e, DOUBLE, i64.reinterpret(f64.convert64S(e.read(1)))));
define("ssescalar", "cvtsi2sd", [8], "xr xm", (e) => {
  const v = e.read(1);
  const small = i64.ltU(i64.add(v, i64.const(2n ** 53n)), i64.const(2n ** 54n));
  setLow(e, DOUBLE, either(e, i32.or(calm, small), i64.reinterpret(f64.convert64S(v)), () => e.call(fromInteger(DOUBLE), v)));
});
define("ssescalar", "cvtsi2ss", [4, 8], "xr xm", (e) => {
  const v = e.read(1);
  const small = i64.ltU(i64.add(v, i64.const(2 ** 24)), i64.const(2 ** 25));
  setLow(e, SINGLE, either(e, i32.or(calm, small), i64.extendU(i32.reinterpret(f32.convert64S(v))), () => e.call(fromInteger(SINGLE), v)));
});

// Scalars to integers: a number that is one already raises nothing; others PE, and out of range IE.
for (const [name, t] of [["cvttss2si", SINGLE], ["cvttsd2si", DOUBLE], ["cvtss2si", SINGLE], ["cvtsd2si", DOUBLE]] as const) {
  const truncates = name.startsWith("cvtt");
  define("ssescalar", name, [4, 8], "rx rm", (e) => {
    const { f } = e;
    const given = bitsOf(e, 1, t);
    const v = f.let(t.size === 8 ? f64.reinterpret(given) : f64.promote(f32.reinterpret(i32.wrap(given))));
    const whole = f.let(truncates ? f64.trunc(v) : f64.nearest(v));
    // Below the limit, so that NaN is not.
    const inside = f64.lt(f64.abs(v), f64.const(e.size === 4 ? 2 ** 31 - 1 : 2 ** 63));
    const sure = i32.and(inside, i32.or(calm, f64.eq(whole, v)));
    const mode = truncates ? i32.const(3) : roundingMode;
    e.write(0, either(e, sure, i64.truncSat(whole), () => e.call(toInteger(t), given, i32.const(e.size), mode)));
  });
}

// Between the formats.
define("ssescalar", "cvtss2sd", [0], "xx xm", (e) => {
  const v = low32(e, 1);
  const sure = i32.or(i32.and(f32.ge(f32.abs(v), f32.const(LEAST[4])), f32.eq(v, v)), f32.eq(v, f32.const(0)));
  setLow(e, DOUBLE, either(e, sure, i64.reinterpret(f64.promote(v)), () => e.call(convert(SINGLE), i64.extendU(i32.reinterpret(v)))));
});
define("ssescalar", "cvtsd2ss", [0], "xx xm", (e) => {
  const v = low64(e, 1);
  const r = e.f.let(f32.demote(v));
  const normal = i32.and(f32.gt(f32.abs(r), f32.const(LEAST[4])), f32.lt(f32.abs(r), f32.const(Infinity)));
  const sure = i32.or(i32.and(calm, normal), f64.eq(v, f64.const(0)));
  setLow(e, SINGLE, either(e, sure, i64.extendU(i32.reinterpret(r)), () => e.call(convert(DOUBLE), i64.reinterpret(v))));
});

const every = (v: V128): I32 => vsum("i32x4.allTrue", v);
const lower = (v: V128): V128 => v128.fromI64(extract.i64(v, 0));

/** A packed conversion: WebAssembly's where it is sure, else lane by lane; lanes that are not there are zero. */
function packed(name: string, n: number, cheap: (v: V128) => V128, sure: (v: V128) => I32, lane: (v: V128, k: number, call: <R extends "i64">(c: Callee<R>, ...args: (I64 | I32)[]) => I64) => { bits: I64; to: Format }): Callee<"v128"> {
  return {
    name, params: ["v128"], result: "v128",
    write(f) {
      const v = f.param(0, "v128").get;
      f.if(sure(v), () => f.return(cheap(v)));
      let r: V128 = v128.zero();
      for (let k = 0; k < n; k++) {
        const { bits, to } = lane(v, k, (c, ...args) => f.call(c, ...args));
        r = f.let(putBits(to, r, k, bits));
      }
      f.return(r);
      f.unreachable();
    },
  };
}

const whole32 = (v: V128): V128 => simd("v128.and", simd("i32x4.eq", simd("i32x4.truncSatS", simd("f32x4.convertS", v)), v), simd("i32x4.ne", v, v128.const([255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127])));
const below = (t: Format, v: V128, limit: number): V128 => simd(`${t.size === 4 ? "f32x4" : "f64x2"}.lt`, simd(`${t.size === 4 ? "f32x4" : "f64x2"}.abs`, v), all(t, limit));
const same = (t: Format, a: V128, b: V128): V128 => simd(t.size === 4 ? "f32x4.eq" : "f64x2.eq", a, b);
/** To integers: within range, and integers already or nothing more to be told. */
const integral = (t: Format, round: "trunc" | "nearest") => (v: V128): I32 =>
  i32.and(every(below(t, v, t.size === 4 ? 2 ** 31 : 2 ** 31 - 1)), i32.or(calm, every(same(t, simd(`${t.size === 4 ? "f32x4" : "f64x2"}.${round}`, v), v))));

const toPs = packed("cvtdq2ps", 4, (v) => simd("f32x4.convertS", v), (v) => i32.or(calm, every(whole32(v))),
  (v, k, call) => ({ bits: call(fromInteger(SINGLE), i64.extendS(extract.i32(v, k))), to: SINGLE }));
const widen = packed("cvtps2pd", 2, (v) => simd("f64x2.promoteLow", v),
  (v) => vsum("i64x2.allTrue", simd("v128.and", simd("i64x2.extendLowS", notDenormal(SINGLE, v)), simd("i64x2.extendLowS", same(SINGLE, v, v)))),
  (v, k, call) => ({ bits: call(convert(SINGLE), laneBits(SINGLE, v, k)), to: DOUBLE }));
const narrowed = (v: V128): V128 => simd("f32x4.demote", v);
const narrow = packed("cvtpd2ps", 2, narrowed, (v) => {
  const r = simd("f32x4.abs", narrowed(v));
  const normal = simd("i64x2.extendLowS", simd("v128.and", simd("f32x4.gt", r, all(SINGLE, LEAST[4])), simd("f32x4.lt", r, all(SINGLE, Infinity))));
  return i32.and(calm, vsum("i64x2.allTrue", simd("v128.or", normal, same(DOUBLE, v, v128.zero()))));
}, (v, k, call) => ({ bits: call(convert(DOUBLE), laneBits(DOUBLE, v, k)), to: SINGLE }));
/** Of packed floats to 32-bit integers. */
const integers = (name: string, t: Format, n: number, truncates: boolean): Callee<"v128"> => {
  const round = truncates ? "trunc" : "nearest";
  const of = t.size === 4 ? (v: V128): V128 => simd("i32x4.truncSatS", simd(`f32x4.${round}`, v)) : (v: V128): V128 => simd("i32x4.truncSatF64S", simd(`f64x2.${round}`, v));
  return packed(name, n, of, integral(t, round), (v, k, call) => ({ bits: call(toInteger(t), laneBits(t, v, k), i32.const(4), truncates ? i32.const(3) : roundingMode), to: SINGLE }));
};
const CONVERSIONS: Readonly<Record<string, Callee<"v128">>> = {
  cvtdq2ps: toPs, cvtps2pd: widen, cvtpd2ps: narrow,
  cvtps2dq: integers("cvtps2dq", SINGLE, 4, false), cvttps2dq: integers("cvttps2dq", SINGLE, 4, true),
  cvtpd2dq: integers("cvtpd2dq", DOUBLE, 2, false), cvttpd2dq: integers("cvttpd2dq", DOUBLE, 2, true),
};
const through = (e: Emit, callee: Callee<"v128">, v: V128): V128 => {
  const r = e.f.let(e.call(callee, v));
  settled(e);
  return r;
};
for (const [name, callee] of Object.entries(CONVERSIONS)) {
  define("ssecvt", name, [0], "xx xm", (e) => result(e, through(e, callee, source(e, 1, name === "cvtps2pd" && e.kinds === "xm" ? 8 : 16))));
}
define("ssecvt", "cvtdq2pd", [0], "xx xm", (e) => result(e, simd("f64x2.convertLowS", source(e, 1, e.kinds === "xm" ? 8 : 16))));

// With MMX registers, which the x87 knows of even when #XM comes; what is not there is zero and converts silently.
for (const [name, kinds, callee] of [["cvtps2pi", "nx", CONVERSIONS["cvtps2dq"]], ["cvttps2pi", "nx", CONVERSIONS["cvttps2dq"]], ["cvtpd2pi", "nx", CONVERSIONS["cvtpd2dq"]], ["cvttpd2pi", "nx", CONVERSIONS["cvttpd2dq"]]] as const) {
  const single = name.includes("ps");
  vector("mmx", name, `${kinds} nm`, (e) => {
    const v = e.kinds === "nm" ? source(e, 1, single ? 8 : 16) : e.f.let(single ? lower(e.vector(1)) : e.vector(1));
    becomeMmx(e);
    result(e, through(e, callee as Callee<"v128">, v));
  });
}
vector("mmx", "cvtpi2ps", "xn", (e) => {
  const v = source(e);
  becomeMmx(e);
  setLow(e, DOUBLE, extract.i64(through(e, toPs, v), 0));
});
define("ssecvt", "cvtpi2ps", [0], "xm", (e) => setLow(e, DOUBLE, extract.i64(through(e, toPs, source(e, 1, 8)), 0)));
vector("mmx", "cvtpi2pd", "xn", (e) => result(e, simd("f64x2.convertLowS", source(e))));
define("ssecvt", "cvtpi2pd", [0], "xm", (e) => result(e, simd("f64x2.convertLowS", source(e, 1, 8))));

// Approximations, here as good as a division and a root in singles: denormals are zeros, nothing is raised.
const approximate = (root: boolean): Callee<"i64"> => ({
  name: root ? "rsqrt" : "rcp", params: ["i64"], result: "i64",
  write(f) {
    const bits = f.let(i32.wrap(f.param(0, "i64").get));
    const signed = f.let(i32.and(bits, i32.const(-0x80000000)));
    const size = f.let(i32.and(bits, i32.const(0x7fffffff)));
    const give = (v: I32): void => f.return(i64.extendU(v));
    f.if(i32.gtU(size, i32.const(0x7f800000)), () => give(i32.or(bits, i32.const(0x400000))));
    f.if(i32.ltU(size, i32.const(0x800000)), () => give(i32.or(signed, i32.const(0x7f800000))));
    if (root) f.if(signed, () => give(i32.const(-0x400000)));
    const v = f32.reinterpret(bits);
    const r = f.let(i32.reinterpret(f32.div(f32.const(1), root ? f32.sqrt(v) : v)));
    give(select(i32.ltU(i32.and(r, i32.const(0x7fffffff)), i32.const(0x800000)), signed, r));
    f.unreachable();
  },
});
for (const [name, callee] of [["rcp", approximate(false)], ["rsqrt", approximate(true)]] as const) {
  define("ssecvt", `${name}ss`, [0], "xx xm", (e) => setLow(e, SINGLE, e.f.let(e.call(callee, bitsOf(e, 1, SINGLE)))));
  define("ssecvt", `${name}ps`, [0], "xx xm", (e) => {
    const b = source(e);
    let r = b;
    for (let k = 0; k < count(SINGLE); k++) r = e.f.let(replace.i32(r, k, i32.wrap(e.call(callee, laneBits(SINGLE, b, k)))));
    result(e, r);
  });
}
