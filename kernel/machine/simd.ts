/**
 * WebAssembly's 128-bit vectors, named as its specification names them in camel case:
 * `simd("i16x8.addSatS", a, b)`. Only the meanings of SSE and MMX instructions use this.
 */
import { expr, i32, leb, type Expr, type F32, type F64, type I32, type I64, type Ty, type V128, type Void } from "./wasm.ts";

const CMP = "eq ne ltS ltU gtS gtU leS leU geS geU";
const FLOAT = "abs neg - sqrt add sub mul div min max pmin pmax";
/** First opcode and the names that follow it in order. */
const FAMILIES: readonly (readonly [number, string, string])[] = [
  [14, "i8x16", "swizzle"],
  [35, "i8x16", CMP], [45, "i16x8", CMP], [55, "i32x4", CMP],
  [65, "f32x4", "eq ne lt gt le ge"], [71, "f64x2", "eq ne lt gt le ge"],
  [77, "v128", "not and andnot or xor bitselect"],
  [94, "f32x4", "demote"], [95, "f64x2", "promoteLow"],
  [96, "i8x16", "abs neg popcnt"], [101, "i8x16", "narrowS narrowU"],
  [103, "f32x4", "ceil floor trunc nearest"],
  [110, "i8x16", "add addSatS addSatU sub subSatS subSatU"],
  [116, "f64x2", "ceil floor"], [118, "i8x16", "minS minU maxS maxU"], [122, "f64x2", "trunc"], [123, "i8x16", "avgrU"],
  [124, "i16x8", "extaddPairwiseS extaddPairwiseU"], [126, "i32x4", "extaddPairwiseS extaddPairwiseU"],
  [128, "i16x8", "abs neg q15mulrSatS"], [133, "i16x8", "narrowS narrowU extendLowS extendHighS extendLowU extendHighU"],
  [142, "i16x8", "add addSatS addSatU sub subSatS subSatU"], [148, "f64x2", "nearest"], [149, "i16x8", "mul minS minU maxS maxU - avgrU extmulLowS extmulHighS extmulLowU extmulHighU"],
  [160, "i32x4", "abs neg"], [167, "i32x4", "extendLowS extendHighS extendLowU extendHighU"], [174, "i32x4", "add"], [177, "i32x4", "sub"],
  [181, "i32x4", "mul minS minU maxS maxU dotS - extmulLowS extmulHighS extmulLowU extmulHighU"],
  [192, "i64x2", "abs neg"], [199, "i64x2", "extendLowS extendHighS extendLowU extendHighU"], [206, "i64x2", "add"], [209, "i64x2", "sub"],
  [213, "i64x2", "mul eq ne ltS gtS leS geS extmulLowS extmulHighS extmulLowU extmulHighU"],
  [224, "f32x4", FLOAT], [236, "f64x2", FLOAT],
  [248, "i32x4", "truncSatS truncSatU"], [250, "f32x4", "convertS convertU"], [252, "i32x4", "truncSatF64S truncSatF64U"], [254, "f64x2", "convertLowS convertLowU"],
];
const OPCODE = new Map<string, number>();
for (const [first, shape, names] of FAMILIES) names.split(" ").forEach((name, k) => OPCODE.set(`${shape}.${name}`, first + k));

/** A lane-wise instruction of one, two or three vectors. */
export function simd(name: string, ...args: V128[]): V128 {
  const op = OPCODE.get(name);
  if (op === undefined) throw new Error(`no vector instruction ${name}`);
  return expr("v128", ...args, [0xfd, ...leb(op)]);
}

const SHIFT: Readonly<Record<string, number>> = {
  "i8x16.shl": 107, "i8x16.shrS": 108, "i8x16.shrU": 109, "i16x8.shl": 139, "i16x8.shrS": 140, "i16x8.shrU": 141,
  "i32x4.shl": 171, "i32x4.shrS": 172, "i32x4.shrU": 173, "i64x2.shl": 203, "i64x2.shrS": 204, "i64x2.shrU": 205,
};
/** A shift of all lanes; WebAssembly takes the count modulo the width of a lane. */
export function vshift(name: keyof typeof SHIFT, a: V128, count: I32): V128 {
  return expr("v128", a, count, [0xfd, ...leb(SHIFT[name] ?? 0)]);
}

const SUMMARY: Readonly<Record<string, number>> = {
  "v128.anyTrue": 83, "i8x16.allTrue": 99, "i8x16.bitmask": 100, "i16x8.allTrue": 131, "i16x8.bitmask": 132,
  "i32x4.allTrue": 163, "i32x4.bitmask": 164, "i64x2.allTrue": 195, "i64x2.bitmask": 196,
};
/** A vector as one number: anyTrue, allTrue, bitmask. */
export function vsum(name: keyof typeof SUMMARY, a: V128): I32 {
  return expr("i32", a, [0xfd, ...leb(SUMMARY[name] ?? 0)]);
}

const lane = <T extends Ty>(ty: T, op: number) => (a: V128, k: number): Expr<T> => expr(ty, a, [0xfd, ...leb(op), k]);
const into = <T extends Ty>(op: number) => (a: V128, k: number, value: Expr<T>): V128 => expr("v128", a, value, [0xfd, ...leb(op), k]);
const splat = <T extends Ty>(op: number) => (a: Expr<T>): V128 => expr("v128", a, [0xfd, ...leb(op)]);

/** Lanes taken out: extract.u8(v, lane). */
export const extract: {
  s8(a: V128, k: number): I32; u8(a: V128, k: number): I32; s16(a: V128, k: number): I32; u16(a: V128, k: number): I32;
  i32(a: V128, k: number): I32; i64(a: V128, k: number): I64; f32(a: V128, k: number): F32; f64(a: V128, k: number): F64;
} = { s8: lane("i32", 21), u8: lane("i32", 22), s16: lane("i32", 24), u16: lane("i32", 25), i32: lane("i32", 27), i64: lane("i64", 29), f32: lane("f32", 31), f64: lane("f64", 33) };

/** Lanes replaced: replace.i32(v, lane, value). */
export const replace: {
  i8(a: V128, k: number, v: I32): V128; i16(a: V128, k: number, v: I32): V128; i32(a: V128, k: number, v: I32): V128;
  i64(a: V128, k: number, v: I64): V128; f32(a: V128, k: number, v: F32): V128; f64(a: V128, k: number, v: F64): V128;
} = { i8: into(23), i16: into(26), i32: into(28), i64: into(30), f32: into(32), f64: into(34) };

/** All lanes the same. */
export const fill: { i8(a: I32): V128; i16(a: I32): V128; i32(a: I32): V128; i64(a: I64): V128; f32(a: F32): V128; f64(a: F64): V128 } = {
  i8: splat(15), i16: splat(16), i32: splat(17), i64: splat(18), f32: splat(19), f64: splat(20),
};

export const v128 = {
  load: (address: I32, offset = 0): V128 => expr("v128", address, [0xfd, 0, 0, ...leb(offset)]),
  store: (address: I32, value: V128, offset = 0): Void => expr("void", address, value, [0xfd, 11, 0, ...leb(offset)]),
  /** The low eight bytes, or four. */
  store64: (address: I32, value: V128, offset = 0): Void => expr("void", address, value, [0xfd, 91, 0, ...leb(offset), 0]),
  store32: (address: I32, value: V128, offset = 0): Void => expr("void", address, value, [0xfd, 90, 0, ...leb(offset), 0]),
  /** Four bytes, or eight, into the lowest lane; the rest is zero. */
  load32: (address: I32, offset = 0): V128 => expr("v128", address, [0xfd, 92, 0, ...leb(offset)]),
  load64: (address: I32, offset = 0): V128 => expr("v128", address, [0xfd, 93, 0, ...leb(offset)]),
  /** Sixteen bytes, lowest first. */
  const: (bytes: readonly number[]): V128 => expr("v128", [0xfd, 12, ...bytes]),
  /** A number in the lowest lane, zeros above. */
  fromI64: (a: I64): V128 => replace.i64(fill.i32(i32.const(0)), 0, a),
  zero: (): V128 => fill.i32(i32.const(0)),
  /** Byte k of the result is byte lanes[k] of a (0-15) and b (16-31). */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 => expr("v128", a, b, [0xfd, 13, ...lanes]),
};
