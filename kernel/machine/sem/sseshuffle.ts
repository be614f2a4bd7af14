/**
 * Meanings: shuffles, blends, insertions, extractions and widening of vectors. Immediates come from the
 * record, so an order of lanes is a vector of byte numbers made of it, for a swizzle; a single lane is
 * reached in memory, where the registers are.
 */
import type { Emit } from "../emit.ts";
import { define } from "../forms.ts";
import { CPU } from "../layout.ts";
import { fill, replace, simd, v128, vshift } from "../simd.ts";
import { i32, i64, select, type I32, type I64, type V128 } from "../wasm.ts";

const GROUP = "sseshuffle";
const imm = (e: Emit): I32 => e.f.let(i32.and(i32.wrap(e.imm()), i32.const(255)));
const bits = (v: I32, at: number, n: number): I32 => i32.and(i32.shrU(v, i32.const(at)), i32.const(n));
const swizzle = (v: V128, at: V128): V128 => simd("i8x16.swizzle", v, at);
/** Bytes 0 to 15, each in its place. */
const PLACES = v128.const(Array.from({ length: 16 }, (_, k) => k));

/** Dwords of v in the order of the immediate's four pairs of bits. */
function dwords(v: V128, order: I32): V128 {
  let at = v128.zero();
  for (let k = 0; k < 4; k++) at = replace.i32(at, k, i32.mul(bits(order, k * 2, 3), i32.const(0x04040404)));
  return swizzle(v, simd("i8x16.add", at, fill.i32(i32.const(0x03020100))));
}
define(GROUP, "pshufd", [0], "xxi xmi", (e) => e.setVector(0, dwords(e.vector(1), imm(e))));
define(GROUP, "shufps", [0], "xxi xmi", (e) => {
  const [a, b] = [e.vector(0), e.vector(1)];
  const order = imm(e);
  e.setVector(0, v128.shuffle(dwords(a, order), dwords(b, order), [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]));
});
define(GROUP, "shufpd", [0], "xxi xmi", (e) => {
  const [a, b] = [e.vector(0), e.vector(1)];
  const order = imm(e);
  const half = (v: V128, bit: number): V128 => select(bits(order, bit, 1), v128.shuffle(v, v, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]), v);
  e.setVector(0, v128.shuffle(half(a, 0), half(b, 1), [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
});
for (const [name, first] of [["pshuflw", 0], ["pshufhw", 4]] as const) {
  define(GROUP, name, [0], "xxi xmi", (e) => {
    const v = e.vector(1);
    const order = imm(e);
    let at: V128 = PLACES;
    for (let k = 0; k < 4; k++) at = replace.i16(at, first + k, i32.add(i32.mul(i32.add(bits(order, k * 2, 3), i32.const(first)), i32.const(0x0202)), i32.const(0x0100)));
    e.setVector(0, swizzle(v, at));
  });
}
// Numbers with the top bit give 0, others count modulo 16.
define(GROUP, "pshufb", [0], "xx xm", (e) => e.setVector(0, swizzle(e.vector(0), simd("v128.and", e.vector(1), fill.i8(i32.const(0x8f))))));
define(GROUP, "palignr", [0], "xxi xmi", (e) => {
  const [a, b] = [e.vector(0), e.vector(1)];
  const n = imm(e);
  const at = e.f.let(simd("i8x16.add", PLACES, fill.i8(select(i32.gtU(n, i32.const(32)), i32.const(32), n))));
  e.setVector(0, simd("v128.or", swizzle(b, at), swizzle(a, simd("i8x16.sub", at, fill.i8(i32.const(16))))));
});

/** Lanes of b where the mask is ones, of a elsewhere. */
const blend = (a: V128, b: V128, mask: V128): V128 => simd("v128.bitselect", b, a, mask);
const bitOfLane = (bytes: number): V128 => v128.const(Array.from({ length: 16 }, (_, k) => (k % bytes === 0 ? 1 << (k / bytes) : 0)));
for (const [name, lanes, bytes, splat] of [["blendps", "i32x4", 4, (v: I32): V128 => fill.i32(v)], ["pblendw", "i16x8", 2, (v: I32): V128 => fill.i16(v)], ["blendpd", "i64x2", 8, (v: I32): V128 => fill.i64(i64.extendU(v))]] as const) {
  define(GROUP, name, [0], "xxi xmi", (e) => {
    const [a, b] = [e.vector(0), e.vector(1)];
    const own = bitOfLane(bytes);
    e.setVector(0, blend(a, b, simd(`${lanes}.eq`, simd("v128.and", splat(imm(e)), own), own)));
  });
}
for (const [name, shift, width] of [["pblendvb", "i8x16.shrS", 7], ["blendvps", "i32x4.shrS", 31], ["blendvpd", "i64x2.shrS", 63]] as const) {
  define(GROUP, name, [0], "xx xm", (e) => {
    const [a, b] = [e.vector(0), e.vector(1)];
    const mask = v128.load(i32.const(0), e.cpu + CPU.xmm);
    e.setVector(0, blend(a, b, vshift(shift, mask, i32.const(width))));
  });
}

/** Where lane number `lane` of register operand k is, `bytes` wide; with an offset of the xmm bank. */
const lanePlace = (e: Emit, k: number, lane: I32, bytes: number): I32 => i32.add(e.field(k), i32.mul(i32.and(lane, i32.const(16 / bytes - 1)), i32.const(bytes)));
for (const [name, bytes] of [["pinsrb", 1], ["pinsrw", 2]] as const) {
  define(GROUP, name, [0], "xri xmi", (e) => {
    const value = e.read(1, e.kinds === "xmi" ? bytes : 4);
    const at = lanePlace(e, 0, imm(e), bytes);
    e.put(bytes === 1 ? i64.store8(at, value, e.cpu + CPU.xmm) : i64.store16(at, value, e.cpu + CPU.xmm));
  });
}
define(GROUP, "pinsr", [4, 8], "xri xmi", (e) => {
  const value = e.read(1);
  const at = lanePlace(e, 0, imm(e), e.size);
  e.put(e.size === 4 ? i64.store32(at, value, e.cpu + CPU.xmm) : i64.store(at, value, e.cpu + CPU.xmm));
});
/** An element to a register, zero-extended, or to memory. */
function extractTo(e: Emit, bytes: number): void {
  const at = lanePlace(e, 1, imm(e), bytes);
  const from = e.cpu + CPU.xmm;
  const value = e.f.let(bytes === 1 ? i64.load8U(at, from) : bytes === 2 ? i64.load16U(at, from) : bytes === 4 ? i64.load32U(at, from) : i64.load(at, from));
  e.write(0, value, e.kinds[0] === "m" ? bytes : Math.max(bytes, 4));
}
for (const [name, bytes] of [["pextrb", 1], ["pextrw", 2], ["extractps", 4]] as const) define(GROUP, name, [0], "rxi mxi", (e) => extractTo(e, bytes));
define(GROUP, "pextr", [4, 8], "rxi mxi", (e) => extractTo(e, e.size));
define(GROUP, "insertps", [0], "xxi xmi", (e) => {
  const n = imm(e);
  const element = e.kinds === "xmi" ? e.f.let(i32.wrap(e.read(1, 4))) : e.f.let(i32.load(lanePlace(e, 1, i32.shrU(n, i32.const(6)), 4), e.cpu + CPU.xmm));
  e.put(i32.store(lanePlace(e, 0, i32.shrU(n, i32.const(4)), 4), element, e.cpu + CPU.xmm));
  const own = bitOfLane(4);
  e.setVector(0, simd("v128.andnot", v128.load(e.field(0), e.cpu + CPU.xmm), simd("i32x4.eq", simd("v128.and", fill.i32(n), own), own)));
});

// Widening: of the low lanes, one step or several.
const STEPS: readonly (readonly [string, readonly string[], number])[] = [
  ["bw", ["i16x8"], 8], ["bd", ["i16x8", "i32x4"], 4], ["bq", ["i16x8", "i32x4", "i64x2"], 2], ["wd", ["i32x4"], 8], ["wq", ["i32x4", "i64x2"], 4], ["dq", ["i64x2"], 8],
];
for (const [letters, steps, bytes] of STEPS) {
  for (const sign of ["S", "U"]) {
    define(GROUP, `pmov${sign === "S" ? "s" : "z"}x${letters}`, [0], "xx xm", (e) =>
      e.setVector(0, steps.reduce((v, step) => simd(`${step}.extendLow${sign}`, v), e.vector(1, bytes, false))));
  }
}

/** The operations on two vectors that take more than one of WebAssembly's, by mnemonic. */
export const COMPOSED: Readonly<Record<string, (e: Emit, a: V128, b: V128) => V128>> = {
  pmulhw: (_, a, b) => highWords(simd("i32x4.extmulLowS", a, b), simd("i32x4.extmulHighS", a, b)),
  pmulhuw: (_, a, b) => highWords(simd("i32x4.extmulLowU", a, b), simd("i32x4.extmulHighU", a, b)),
  pmuludq: (_, a, b) => simd("i64x2.extmulLowU", even(a), even(b)),
  pmuldq: (_, a, b) => simd("i64x2.extmulLowS", even(a), even(b)),
  // Only -1 times -1 does not fit: it wraps here and saturates there.
  pmulhrsw: (_, a, b) => {
    const least = fill.i16(i32.const(-32768));
    return simd("v128.xor", simd("i16x8.q15mulrSatS", a, b), simd("v128.and", simd("i16x8.eq", a, least), simd("i16x8.eq", b, least)));
  },
  pmaddubsw: (_, a, b) => {
    const low = fill.i16(i32.const(255));
    const eight = i32.const(8);
    return simd("i16x8.addSatS", simd("i16x8.mul", simd("v128.and", a, low), vshift("i16x8.shrS", vshift("i16x8.shl", b, eight), eight)),
      simd("i16x8.mul", vshift("i16x8.shrU", a, eight), vshift("i16x8.shrS", b, eight)));
  },
  psadbw: (e, a, b) => {
    const apart = simd("v128.or", simd("i8x16.subSatU", a, b), simd("i8x16.subSatU", b, a));
    const sums = e.f.let(simd("i32x4.extaddPairwiseU", simd("i16x8.extaddPairwiseU", apart)));
    return simd("v128.and", simd("i32x4.add", sums, vshift("i64x2.shrU", sums, i32.const(32))), fill.i64(i64.const(0xffff)));
  },
  ...Object.fromEntries([["phaddw", "i16x8.add", 2], ["phaddd", "i32x4.add", 4], ["phaddsw", "i16x8.addSatS", 2], ["phsubw", "i16x8.sub", 2], ["phsubd", "i32x4.sub", 4], ["phsubsw", "i16x8.subSatS", 2]].map(([name, op, bytes]) =>
    [name, (_: Emit, a: V128, b: V128): V128 => simd(op as string, v128.shuffle(a, b, everySecond(bytes as number, 0)), v128.shuffle(a, b, everySecond(bytes as number, 1)))])),
  ...Object.fromEntries([["psignb", "i8x16", 7], ["psignw", "i16x8", 15], ["psignd", "i32x4", 31]].map(([name, lanes, top]) => [name, (_: Emit, a: V128, b: V128): V128 => {
    const sign = vshift(`${lanes}.shrS`, b, i32.const(top as number));
    return simd("v128.andnot", simd(`${lanes}.sub`, simd("v128.xor", a, sign), sign), simd(`${lanes}.eq`, b, v128.zero()));
  }])),
};
function highWords(low: V128, high: V128): V128 {
  return v128.shuffle(low, high, Array.from({ length: 16 }, (_, k) => Math.floor(k / 2) * 4 + 2 + (k % 2)));
}
function even(v: V128): V128 {
  return v128.shuffle(v, v, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
}
function everySecond(bytes: number, odd: number): readonly number[] {
  return Array.from({ length: 16 }, (_, k) => (Math.floor(k / bytes) * 2 + odd) * bytes + (k % bytes));
}
for (const [name, op] of Object.entries(COMPOSED)) define(GROUP, name, [0], "xx xm", (e) => e.setVector(0, op(e, e.vector(0), e.vector(1))));
for (const [name, op] of [["pabsb", "i8x16.abs"], ["pabsw", "i16x8.abs"], ["pabsd", "i32x4.abs"]] as const) define(GROUP, name, [0], "xx xm", (e) => e.setVector(0, simd(op, e.vector(1))));

// The least word and its number.
define(GROUP, "phminposuw", [0], "xx xm", (e) => {
  const { f } = e;
  e.put(v128.store(i32.const(0), e.vector(1), e.cpu + CPU.work));
  const word = (k: number): I64 => i64.or(i64.load16U(i32.const(0), e.cpu + CPU.work + k * 2), i64.const(k << 16));
  const value = (v: I64): I64 => i64.and(v, i64.const(0xffff));
  let least = f.let(word(0));
  for (let k = 1; k < 8; k++) {
    const next = f.let(word(k));
    least = f.let(select(i64.ltU(value(next), value(least)), next, least));
  }
  e.setVector(0, v128.fromI64(least));
});
// Eight sums of four absolute differences: of a from one offset on, each a byte further, with four bytes of b.
define(GROUP, "mpsadbw", [0], "xxi xmi", (e) => {
  const { f } = e;
  const n = imm(e);
  e.put(v128.store(i32.const(0), e.vector(0), e.cpu + CPU.work));
  e.put(v128.store(i32.const(0), e.vector(1), e.cpu + CPU.work + 16));
  const from = f.let(i32.and(n, i32.const(4)));
  const to = f.let(i32.shl(i32.and(n, i32.const(3)), i32.const(2)));
  const apart = (j: number): V128 => {
    const a = f.let(simd("i16x8.extendLowU", v128.load64(from, e.cpu + CPU.work + j)));
    return simd("i16x8.abs", simd("i16x8.sub", a, fill.i16(i32.load8U(to, e.cpu + CPU.work + 16 + j))));
  };
  e.setVector(0, [1, 2, 3].reduce((sum, j) => simd("i16x8.add", sum, apart(j)), apart(0)));
});
