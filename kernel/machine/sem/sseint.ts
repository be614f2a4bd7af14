/**
 * Meanings: packed integers of SSE2 to SSE4.1: lane by lane, as WebAssembly has them. MMX forms
 * (kinds n) are mmx.ts's.
 */
import { define } from "../forms.ts";
import { extract, fill, simd, v128, vshift, vsum } from "../simd.ts";
import { i32, i64, select, type I64, type V128 } from "../wasm.ts";

/** The operation of a packed instruction of two operands, by its mnemonic. */
export const PACKED: Readonly<Record<string, (a: V128, b: V128) => V128>> = {
  ...Object.fromEntries(Object.entries({
    paddb: "i8x16.add", paddw: "i16x8.add", paddd: "i32x4.add", paddq: "i64x2.add", psubb: "i8x16.sub", psubw: "i16x8.sub", psubd: "i32x4.sub", psubq: "i64x2.sub",
    paddsb: "i8x16.addSatS", paddsw: "i16x8.addSatS", paddusb: "i8x16.addSatU", paddusw: "i16x8.addSatU", psubsb: "i8x16.subSatS", psubsw: "i16x8.subSatS", psubusb: "i8x16.subSatU", psubusw: "i16x8.subSatU",
    pand: "v128.and", por: "v128.or", pxor: "v128.xor", pcmpeqb: "i8x16.eq", pcmpeqw: "i16x8.eq", pcmpeqd: "i32x4.eq", pcmpeqq: "i64x2.eq", pcmpgtb: "i8x16.gtS", pcmpgtw: "i16x8.gtS", pcmpgtd: "i32x4.gtS", pcmpgtq: "i64x2.gtS",
    pminub: "i8x16.minU", pminsb: "i8x16.minS", pminuw: "i16x8.minU", pminsw: "i16x8.minS", pminud: "i32x4.minU", pminsd: "i32x4.minS",
    pmaxub: "i8x16.maxU", pmaxsb: "i8x16.maxS", pmaxuw: "i16x8.maxU", pmaxsw: "i16x8.maxS", pmaxud: "i32x4.maxU", pmaxsd: "i32x4.maxS",
    pavgb: "i8x16.avgrU", pavgw: "i16x8.avgrU", pmullw: "i16x8.mul", pmulld: "i32x4.mul", pmaddwd: "i32x4.dotS",
    packsswb: "i8x16.narrowS", packuswb: "i8x16.narrowU", packssdw: "i16x8.narrowS", packusdw: "i16x8.narrowU",
  }).map(([name, op]) => [name, (a: V128, b: V128): V128 => simd(op, a, b)])),
  pandn: (a, b) => simd("v128.andnot", b, a),
};
for (const [name, op] of Object.entries(PACKED)) define("sseint", name, [0], "xx xm", (e) => e.setVector(0, op(e.vector(0), e.vector(1))));
for (const [name, op] of [["andps", PACKED["pand"]], ["andnps", PACKED["pandn"]], ["orps", PACKED["por"]], ["xorps", PACKED["pxor"]]] as const) {
  define("sseint", name, [0], "xx xm", (e) => e.setVector(0, (op as (a: V128, b: V128) => V128)(e.vector(0), e.vector(1))));
}

/** Unpacking: bytes of a lane of each in turn, from the low or the high halves. */
const unpack = (lane: number, high: boolean): readonly number[] =>
  Array.from({ length: 16 }, (_, k) => (high ? 8 : 0) + Math.floor(k / (2 * lane)) * lane + (k % lane) + (Math.floor(k / lane) % 2) * 16);
for (const [names, lane] of [["bw", 1], ["wd", 2], ["dq", 4], ["qdq", 8]] as const) {
  for (const high of [false, true]) {
    define("sseint", `punpck${high ? "h" : "l"}${names}`, [0], "xx xm", (e) => e.setVector(0, v128.shuffle(e.vector(0), e.vector(1), unpack(lane, high))));
  }
}
for (const [name, lane, high] of [["unpcklps", 4, false], ["unpckhps", 4, true], ["unpcklpd", 8, false], ["unpckhpd", 8, true]] as const) {
  define("sseint", name, [0], "xx xm", (e) => e.setVector(0, v128.shuffle(e.vector(0), e.vector(1), unpack(lane, high))));
}

/** Shifts of all lanes: counts at and above the width give zeros, or copies of the sign. */
export function shifted(op: string, lane: string, bits: number, a: V128, count: I64): V128 {
  const n = i32.wrap(count);
  const over = i64.gtU(count, i64.const(bits - 1));
  if (op === "psra") return vshift(`${lane}.shrS`, a, select(over, i32.const(bits - 1), n));
  const moved = vshift(`${lane}.${op === "psll" ? "shl" : "shrU"}`, a, n);
  return simd("v128.and", moved, fill.i32(i32.sub(over, i32.const(1))));
}
for (const op of ["psll", "psrl", "psra"]) {
  for (const [letter, lane, bits] of [["w", "i16x8", 16], ["d", "i32x4", 32], ["q", "i64x2", 64]] as const) {
    if (op === "psra" && letter === "q") continue;
    define("sseint", op + letter, [0], "xx xm", (e) => {
      const count = e.f.let(extract.i64(e.vector(1), 0));
      e.setVector(0, shifted(op, lane, bits, e.vector(0), count));
    });
    define("sseint", op + letter, [0], "xi", (e) => e.setVector(0, shifted(op, lane, bits, e.vector(0), e.f.let(i64.and(e.imm(), i64.const(255))))));
  }
}

/** Bytes of the vector moved by an immediate, zeros coming in: a swizzle by indices out of range. */
for (const [name, sign] of [["pslldq", -1], ["psrldq", 1]] as const) {
  define("sseint", name, [0], "xi", (e) => {
    const n = i64.and(e.imm(), i64.const(255));
    const most = i32.wrap(select(i64.gtU(n, i64.const(16)), i64.const(16), n));
    const lanes = v128.const(Array.from({ length: 16 }, (_, k) => k));
    const at = simd(sign > 0 ? "i8x16.add" : "i8x16.sub", lanes, fill.i8(most));
    e.setVector(0, simd("i8x16.swizzle", e.vector(0), at));
  });
}

define("sseint", "ptest", [0], "xx xm", (e) => {
  const [a, b] = [e.vector(0), e.vector(1)];
  const zero = e.f.let(vsum("v128.anyTrue", simd("v128.and", a, b)));
  const carry = i32.eqz(vsum("v128.anyTrue", simd("v128.andnot", b, a)));
  e.flagsExplicit(i64.extendU(carry), i64.const(0), i64.const(0));
  e.flags({ r: i64.extendU(zero), s: i64.const(1) });
});
