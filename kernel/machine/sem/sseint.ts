/**
 * Meanings: packed integers, in xmm and, for most, MMX registers. In both a meaning sees a 128-bit
 * vector; of an MMX one the upper half is zero and forgotten.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { extract, fill, replace, simd, v128, vshift, vsum } from "../simd.ts";
import { i32, i64, select, type I32, type I64, type V128 } from "../wasm.ts";
import { byte, result, source, vector } from "./sse.ts";

const BOTH = "xx xm nn nm";
const range = (n: number, of: (k: number) => number): number[] => Array.from({ length: n }, (_, k) => of(k));
/** The same bytes in every lane. */
const splat = (...bytes: number[]): V128 => v128.const(range(16, (k) => bytes[k % bytes.length] as number));
const IOTA = v128.const(range(16, (k) => k));

/** A meaning of two sources, defined for the kinds; b is read first, as it may fault. */
function two(group: string, name: string, kinds: string, op: (a: V128, b: V128, e: Emit) => V128): void {
  vector(group, name, kinds, (e) => {
    const b = source(e);
    result(e, op(source(e, 0), b, e));
  });
}

// Those that WebAssembly has.
const SAME: Readonly<Record<string, string>> = {
  pcmpeqb: "i8x16.eq", pcmpeqw: "i16x8.eq", pcmpeqd: "i32x4.eq", pcmpgtb: "i8x16.gtS", pcmpgtw: "i16x8.gtS", pcmpgtd: "i32x4.gtS",
  paddb: "i8x16.add", paddw: "i16x8.add", paddd: "i32x4.add", paddq: "i64x2.add", psubb: "i8x16.sub", psubw: "i16x8.sub", psubd: "i32x4.sub", psubq: "i64x2.sub",
  paddsb: "i8x16.addSatS", paddsw: "i16x8.addSatS", paddusb: "i8x16.addSatU", paddusw: "i16x8.addSatU",
  psubsb: "i8x16.subSatS", psubsw: "i16x8.subSatS", psubusb: "i8x16.subSatU", psubusw: "i16x8.subSatU",
  pminub: "i8x16.minU", pmaxub: "i8x16.maxU", pminsw: "i16x8.minS", pmaxsw: "i16x8.maxS", pavgb: "i8x16.avgrU", pavgw: "i16x8.avgrU",
  pand: "v128.and", por: "v128.or", pxor: "v128.xor", pmullw: "i16x8.mul", pmaddwd: "i32x4.dotS",
};
for (const [name, op] of Object.entries(SAME)) two("sseint", name, BOTH, (a, b) => simd(op, a, b));
two("sseint", "pandn", BOTH, (a, b) => simd("v128.andnot", b, a));
const SAME_XMM: Readonly<Record<string, string>> = {
  pcmpeqq: "i64x2.eq", pcmpgtq: "i64x2.gtS", pminsb: "i8x16.minS", pmaxsb: "i8x16.maxS", pminsd: "i32x4.minS", pmaxsd: "i32x4.maxS",
  pminuw: "i16x8.minU", pmaxuw: "i16x8.maxU", pminud: "i32x4.minU", pmaxud: "i32x4.maxU", pmulld: "i32x4.mul", packusdw: "i16x8.narrowU",
};
for (const [name, op] of Object.entries(SAME_XMM)) two("sserare", name, "xx xm", (a, b) => simd(op, a, b));
// Logic of floats is logic.
for (const [name, op] of [["andps", "and"], ["orps", "or"], ["xorps", "xor"]] as const) two("sseint", name, "xx xm", (a, b) => simd(`v128.${op}`, a, b));
two("sseint", "andnps", "xx xm", (a, b) => simd("v128.andnot", b, a));

/** Interleaves lanes of `width` bytes from the low or the high half of both. */
function interleave(name: string, width: number, high: boolean, mmx: boolean): void {
  const from = (half: number): number[] => range(16, (k) => {
    const pair = Math.floor(k / (2 * width));
    return ((high ? half : 0) + pair * width + (k % width) + (k % (2 * width) < width ? 0 : 16)) % 32;
  });
  two("sseint", name, "xx xm", (a, b) => v128.shuffle(a, b, from(8)));
  // The low ones of MMX read four bytes of memory.
  if (mmx) vector("mmx", name, "nn nm", (e) => {
    const b = e.kinds === "nm" && !high ? source(e, 1, 4, false) : source(e);
    result(e, v128.shuffle(source(e, 0), b, from(4)));
  });
}
for (const [letters, width] of [["bw", 1], ["wd", 2], ["dq", 4], ["qdq", 8]] as const) {
  interleave(`punpckl${letters}`, width, false, width < 8);
  interleave(`punpckh${letters}`, width, true, width < 8);
}
for (const [letters, width] of [["ps", 4], ["pd", 8]] as const) {
  interleave(`unpckl${letters}`, width, false, false);
  interleave(`unpckh${letters}`, width, true, false);
}

/** Meanings that mix lanes of one source: for MMX both low halves are worked on as one vector. */
function across(group: string, name: string, op: (a: V128, b: V128) => V128): void {
  vector(group, name, "xx xm", (e) => {
    const b = source(e);
    result(e, op(source(e, 0), b));
  });
  vector("mmx", name, "nn nm", (e) => {
    const b = source(e);
    const v = e.f.let(v128.shuffle(source(e, 0), b, [...range(8, (k) => k), ...range(8, (k) => k + 16)]));
    result(e, op(v, v));
  });
}
across("sseint", "packsswb", (a, b) => simd("i8x16.narrowS", a, b));
across("sseint", "packuswb", (a, b) => simd("i8x16.narrowU", a, b));
across("sseint", "packssdw", (a, b) => simd("i16x8.narrowS", a, b));
for (const [letters, width, add, sub] of [["w", 2, "i16x8.add", "i16x8.sub"], ["d", 4, "i32x4.add", "i32x4.sub"], ["sw", 2, "i16x8.addSatS", "i16x8.subSatS"]] as const) {
  const every = (a: V128, b: V128, odd: number): V128 => v128.shuffle(a, b, range(16, (k) => Math.floor(k / width) * 2 * width + odd * width + (k % width)));
  across("sserare", `phadd${letters}`, (a, b) => simd(add, every(a, b, 0), every(a, b, 1)));
  across("sserare", `phsub${letters}`, (a, b) => simd(sub, every(a, b, 0), every(a, b, 1)));
}

/** Shifts of lanes: a count of the width or more gives zeros, or signs. */
for (const [letter, shape, width] of [["w", "i16x8", 16], ["d", "i32x4", 32], ["q", "i64x2", 64]] as const) {
  for (const [name, op] of [["psll", "shl"], ["psrl", "shrU"], ["psra", "shrS"]] as const) {
    if (name === "psra" && letter === "q") continue;
    const shifted = (a: V128, count: I32, over: I32): V128 => {
      const by = `${shape}.${op}` as "i16x8.shl";
      if (name === "psra") return vshift(by, a, select(over, i32.const(width - 1), count));
      return select(over, v128.zero(), vshift(by, a, count));
    };
    vector("sseint", name + letter, "xi ni", (e) => {
      const n = byte(e);
      result(e, shifted(source(e, 0), n, i32.geU(n, i32.const(width))));
    });
    vector("sseint", name + letter, BOTH, (e) => {
      const n = e.f.let(extract.i64(source(e), 0));
      result(e, shifted(source(e, 0), i32.wrap(n), i64.geU(n, i64.const(width))));
    });
  }
}

/** The lesser of a number and a limit. */
const atMost = (e: Emit, n: I32, limit: number): I32 => e.f.let(select(i32.gtU(n, i32.const(limit)), i32.const(limit), n));
define("sseint", "pslldq", [0], "xi", (e) => result(e, simd("i8x16.swizzle", source(e, 0), simd("i8x16.sub", IOTA, fill.i8(atMost(e, byte(e), 16))))));
define("sseint", "psrldq", [0], "xi", (e) => result(e, simd("i8x16.swizzle", source(e, 0), simd("i8x16.add", IOTA, fill.i8(atMost(e, byte(e), 16))))));
vector("sseint", "palignr", "xxi xmi", (e) => {
  const b = source(e);
  const at = e.f.let(simd("i8x16.add", IOTA, fill.i8(atMost(e, byte(e), 32))));
  result(e, simd("v128.or", simd("i8x16.swizzle", b, at), simd("i8x16.swizzle", source(e, 0), simd("i8x16.sub", at, splat(16)))));
});
vector("mmx", "palignr", "nni nmi", (e) => {
  const v = v128.shuffle(source(e), source(e, 0), [...range(8, (k) => k), ...range(8, (k) => k + 16)]);
  result(e, simd("i8x16.swizzle", v, simd("i8x16.add", IOTA, fill.i8(atMost(e, byte(e), 16)))));
});
two("sseint", "pshufb", BOTH, (a, b, e) => simd("i8x16.swizzle", a, simd("v128.and", b, splat(e.kinds.includes("n") ? 0x87 : 0x8f))));

/** The four 2-bit fields of the immediate, 16 bits apart. */
function fields(e: Emit): I64 {
  const { f } = e;
  const n = f.let(i64.extendU(byte(e)));
  const pairs = f.let(i64.and(i64.or(n, i64.shl(n, i64.const(28))), i64.const(0x0000000f0000000fn)));
  return f.let(i64.and(i64.or(pairs, i64.shl(pairs, i64.const(14))), i64.const(0x0003000300030003n)));
}
/** Byte numbers of the 16-bit lanes that the fields name, past `first`. */
const words = (e: Emit, first = 0): I64 =>
  i64.add(i64.mul(fields(e), i64.const(0x0202)), i64.const(0x0100010001000100n + 0x0001000100010001n * BigInt(first * 0x101)));
vector("sseint", "pshufw", "nni nmi", (e) => result(e, simd("i8x16.swizzle", source(e), v128.fromI64(words(e)))));
define("sseint", "pshuflw", [0], "xxi xmi", (e) => result(e, simd("i8x16.swizzle", source(e), replace.i64(IOTA, 0, words(e)))));
define("sseint", "pshufhw", [0], "xxi xmi", (e) => result(e, simd("i8x16.swizzle", source(e), replace.i64(IOTA, 1, words(e, 8)))));
/** Byte numbers of the 32-bit lanes that the fields name. */
function dwords(e: Emit): V128 {
  const v = e.f.let(v128.fromI64(fields(e)));
  const each = v128.shuffle(v, v, range(16, (k) => (k >> 2) * 2));
  return e.f.let(simd("i8x16.add", vshift("i8x16.shl", each, i32.const(2)), splat(0, 1, 2, 3)));
}
define("sseint", "pshufd", [0], "xxi xmi", (e) => result(e, simd("i8x16.swizzle", source(e), dwords(e))));
define("sseint", "shufps", [0], "xxi xmi", (e) => {
  const b = source(e);
  const at = dwords(e);
  result(e, v128.shuffle(simd("i8x16.swizzle", source(e, 0), at), simd("i8x16.swizzle", b, at), [...range(8, (k) => k), ...range(8, (k) => k + 24)]));
});
define("sseint", "shufpd", [0], "xxi xmi", (e) => {
  const b = source(e);
  const a = source(e, 0);
  const n = byte(e);
  const high = (v: V128): V128 => v128.shuffle(v, v, range(16, (k) => (k + 8) % 16));
  const [x, y] = [e.f.let(select(i32.and(n, i32.const(1)), high(a), a)), e.f.let(select(i32.and(n, i32.const(2)), high(b), b))];
  result(e, v128.shuffle(x, y, range(16, (k) => (k < 8 ? k : k + 8))));
});
for (const [name, order] of [["movsldup", [0, 0, 2, 2]], ["movshdup", [1, 1, 3, 3]]] as const) {
  define("sserare", name, [0], "xx xm", (e) => {
    const b = source(e);
    result(e, v128.shuffle(b, b, range(16, (k) => (order[k >> 2] as number) * 4 + (k % 4))));
  });
}
define("sserare", "movddup", [0], "xx xm", (e) => {
  const b = source(e, 1, e.kinds === "xm" ? 8 : 16);
  result(e, v128.shuffle(b, b, range(16, (k) => k % 8)));
});

// Products.
const evens = (a: V128): V128 => v128.shuffle(a, a, range(16, (k) => (k < 8 ? (k >> 2) * 8 + (k % 4) : 0)));
const upper = (low: V128, high: V128): V128 => v128.shuffle(low, high, range(16, (k) => (k >> 1) * 4 + 2 + (k % 2)));
two("sseint", "pmuludq", BOTH, (a, b) => simd("i64x2.extmulLowU", evens(a), evens(b)));
two("sserare", "pmuldq", "xx xm", (a, b) => simd("i64x2.extmulLowS", evens(a), evens(b)));
for (const [name, s] of [["pmulhw", "S"], ["pmulhuw", "U"]] as const) two("sseint", name, BOTH, (a, b) => upper(simd(`i32x4.extmulLow${s}`, a, b), simd(`i32x4.extmulHigh${s}`, a, b)));
two("sserare", "pmaddubsw", BOTH, (a, b) => {
  const even = simd("i16x8.mul", simd("v128.and", a, splat(255, 0)), vshift("i16x8.shrS", vshift("i16x8.shl", b, i32.const(8)), i32.const(8)));
  return simd("i16x8.addSatS", even, simd("i16x8.mul", vshift("i16x8.shrU", a, i32.const(8)), vshift("i16x8.shrS", b, i32.const(8))));
});
// -1 times -1 saturates in WebAssembly and wraps here.
two("sserare", "pmulhrsw", BOTH, (a, b) => {
  const least = splat(0, 0x80);
  return simd("v128.xor", simd("i16x8.q15mulrSatS", a, b), simd("v128.and", simd("i16x8.eq", a, least), simd("i16x8.eq", b, least)));
});
two("sseint", "psadbw", BOTH, (a, b, e) => {
  const d = e.f.let(simd("i8x16.sub", simd("i8x16.maxU", a, b), simd("i8x16.minU", a, b)));
  const q = e.f.let(simd("i32x4.extaddPairwiseU", simd("i16x8.extaddPairwiseU", d)));
  return simd("v128.and", simd("i32x4.add", q, vshift("i64x2.shrU", q, i32.const(32))), splat(255, 255, 255, 255, 0, 0, 0, 0));
});

for (const [letter, shape] of [["b", "i8x16"], ["w", "i16x8"], ["d", "i32x4"]] as const) {
  two("sserare", `psign${letter}`, BOTH, (a, b) => {
    const zero = v128.zero();
    const signed = simd("v128.bitselect", simd(`${shape}.neg`, a), a, simd(`${shape}.ltS`, b, zero));
    return simd("v128.andnot", signed, simd(`${shape}.eq`, b, zero));
  });
  vector("sserare", `pabs${letter}`, BOTH, (e) => result(e, simd(`${shape}.abs`, source(e))));
}

// Wider lanes out of the lowest ones.
for (const s of ["s", "z"]) {
  const by = (shape: string, v: V128): V128 => simd(`${shape}.extendLow${s === "s" ? "S" : "U"}`, v);
  const bw = (v: V128): V128 => by("i16x8", v);
  const wd = (v: V128): V128 => by("i32x4", v);
  const dq = (v: V128): V128 => by("i64x2", v);
  for (const [letters, size, widen] of [["bw", 8, bw], ["bd", 4, (v: V128) => wd(bw(v))], ["bq", 2, (v: V128) => dq(wd(bw(v)))], ["wd", 8, wd], ["wq", 4, (v: V128) => dq(wd(v))], ["dq", 8, dq]] as const) {
    define("sserare", `pmov${s}x${letters}`, [0], "xx xm", (e) => result(e, widen(source(e, 1, e.kinds === "xm" ? size : 16, false))));
  }
}

// The least of eight, and which: value and number are compared as one.
define("sserare", "phminposuw", [0], "xx xm", (e) => {
  const { f } = e;
  const b = source(e);
  const numbered = (v: V128, first: number): V128 => simd("v128.or", vshift("i32x4.shl", v, i32.const(16)), v128.const(range(16, (k) => (k % 4 ? 0 : first + k / 4))));
  const least = f.local("v128");
  f.set(least, simd("i32x4.minU", numbered(simd("i32x4.extendLowU", b), 0), numbered(simd("i32x4.extendHighU", b), 4)));
  for (const by of [8, 4]) f.set(least, simd("i32x4.minU", least.get, v128.shuffle(least.get, least.get, range(16, (k) => (k + by) % 16))));
  result(e, v128.fromI64(i64.extendU(i32.rotl(extract.i32(least.get, 0), i32.const(16)))));
});

// Sums of four differences at eight places of a, against one place of b; the immediate says where both begin.
define("sserare", "mpsadbw", [0], "xxi xmi", (e) => {
  const { f } = e;
  const b = source(e);
  const a = source(e, 0);
  const n = byte(e);
  const fourth = (bits: I32): V128 => fill.i8(bits);
  const from = f.let(fourth(i32.and(n, i32.const(4))));
  const quad = f.let(fourth(i32.shl(i32.and(n, i32.const(3)), i32.const(2))));
  const sum = f.local("v128");
  f.set(sum, v128.zero());
  for (let j = 0; j < 4; j++) {
    const x = f.let(simd("i16x8.extendLowU", simd("i8x16.swizzle", a, simd("i8x16.add", simd("i8x16.add", IOTA, splat(j)), from))));
    const y = f.let(simd("i16x8.extendLowU", simd("i8x16.swizzle", b, simd("i8x16.add", quad, splat(j)))));
    f.set(sum, simd("i16x8.add", sum.get, simd("i16x8.abs", simd("i16x8.sub", x, y))));
  }
  result(e, sum.get);
});

// ZF: no bit in common; CF: no bit of the source that is not in the destination.
define("sserare", "ptest", [0], "xx xm", (e) => {
  const b = source(e);
  const a = source(e, 0);
  const none = (v: V128, bit: number): I32 => i32.shl(i32.eqz(vsum("v128.anyTrue", v)), i32.const(bit));
  e.setRflags(i64.extendU(i32.or(none(simd("v128.and", a, b), 6), none(simd("v128.andnot", b, a), 0))));
});
