/**
 * Expr: a piece of typed WebAssembly. It is code, not a value: it runs where it is put, and each time
 * it is put. Building one has no effect, so expressions nest freely; what is to be computed once is
 * kept with `Func.let`. Control flow is a Func's (func.ts). Only the emitting parts of the machine call this.
 */

export type Ty = "i32" | "i64" | "f32" | "f64" | "v128";
type Bytes = readonly number[];

/** Code that leaves one value of type T, or none, on the stack. */
export interface Expr<T extends Ty | "void"> {
  readonly ty: T;
  /** In order: code of operands, opcodes and immediates. */
  readonly parts: readonly (Bytes | Expr<Ty | "void">)[];
}
export type I32 = Expr<"i32">;
export type I64 = Expr<"i64">;
export type F32 = Expr<"f32">;
export type F64 = Expr<"f64">;
export type V128 = Expr<"v128">;
export type Void = Expr<"void">;

export const TYPE: Readonly<Record<Ty, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** An expression of the type, from its parts. */
export function expr<T extends Ty | "void">(ty: T, ...parts: (Bytes | Expr<Ty | "void">)[]): Expr<T> {
  return { ty, parts };
}

/** Unsigned LEB128. */
export function leb(n: number): number[] {
  const out: number[] = [];
  let rest = n >>> 0;
  do {
    const low = rest & 127;
    rest >>>= 7;
    out.push(rest ? low | 128 : low);
  } while (rest);
  return out;
}

function sleb(n: number): number[] {
  const out: number[] = [];
  let rest = n | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && !(low & 64)) || (rest === -1 && low & 64)) return out.concat(low);
    out.push(low | 128);
  }
}

function sleb64(n: bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asIntN(64, n);
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && !(low & 64)) || (rest === -1n && low & 64)) return out.concat(low);
    out.push(low | 128);
  }
}

type Bin<K extends string, A extends Ty, R extends Ty> = Readonly<Record<K, (a: Expr<A>, b: Expr<A>) => Expr<R>>>;
type Un<K extends string, A extends Ty, R extends Ty> = Readonly<Record<K, (a: Expr<A>) => Expr<R>>>;
type Load<K extends string, R extends Ty> = Readonly<Record<K, (address: I32, offset?: number) => Expr<R>>>;
type Store<K extends string, A extends Ty> = Readonly<Record<K, (address: I32, value: Expr<A>, offset?: number) => Void>>;

/** A family of instructions: consecutive opcodes from `first`, in the order of the names; "-" leaves one out. */
function family<F>(first: number, names: string, make: (op: number[]) => F): Record<string, F> {
  const out: Record<string, F> = {};
  names.split(" ").forEach((name, k) => {
    if (name !== "-") out[name] = make([first + k]);
  });
  return out;
}
const bin = <A extends Ty, R extends Ty>(first: number, names: string, r: R): Record<string, (a: Expr<A>, b: Expr<A>) => Expr<R>> =>
  family(first, names, (op) => (a: Expr<A>, b: Expr<A>) => expr(r, a, b, op));
const un = <A extends Ty, R extends Ty>(first: number, names: string, r: R): Record<string, (a: Expr<A>) => Expr<R>> =>
  family(first, names, (op) => (a: Expr<A>) => expr(r, a, op));
/** Bytes of a load or store, made once: emitting must be quick also the first time. */
const memargs = new Map<number, Bytes>();
function memarg(op: number, offset: number): Bytes {
  const key = op * 2 ** 24 + offset;
  let bytes = memargs.get(key);
  if (!bytes) memargs.set(key, (bytes = [op, 0].concat(leb(offset))));
  return bytes;
}
/** Small constants, made once. */
const constants = new Map<number, I32 | I64>();
function constant<T extends "i32" | "i64">(ty: T, n: number): Expr<T> {
  const key = ty === "i32" ? n * 2 : n * 2 + 1;
  let value = constants.get(key);
  if (!value) constants.set(key, (value = expr(ty, [ty === "i32" ? 0x41 : 0x42].concat(sleb(n))) as I32 | I64));
  return value as Expr<T>;
}
const loads = <R extends Ty>(first: number, names: string, r: R): Record<string, (address: I32, offset?: number) => Expr<R>> =>
  family(first, names, (op) => (address: I32, offset = 0) => expr(r, address, memarg(op[0] as number, offset)));
const stores = <A extends Ty>(first: number, names: string): Record<string, (address: I32, value: Expr<A>, offset?: number) => Void> =>
  family(first, names, (op) => (address: I32, value: Expr<A>, offset = 0) => expr("void", address, value, memarg(op[0] as number, offset)));

type IntBin = "add" | "sub" | "mul" | "divS" | "divU" | "remS" | "remU" | "and" | "or" | "xor" | "shl" | "shrS" | "shrU" | "rotl" | "rotr";
type IntCmp = "eq" | "ne" | "ltS" | "ltU" | "gtS" | "gtU" | "leS" | "leU" | "geS" | "geU";
type IntUn = "clz" | "ctz" | "popcnt" | "extend8" | "extend16";
type FloatBin = "add" | "sub" | "mul" | "div" | "min" | "max" | "copysign";
type FloatUn = "abs" | "neg" | "ceil" | "floor" | "trunc" | "nearest" | "sqrt";
type FloatCmp = "eq" | "ne" | "lt" | "gt" | "le" | "ge";

const INTBIN = "add sub mul divS divU remS remU and or xor shl shrS shrU rotl rotr";
const INTCMP = "eq ne ltS ltU gtS gtU leS leU geS geU";
const FLOATUN = "abs neg ceil floor trunc nearest sqrt";
const FLOATBIN = "add sub mul div min max copysign";
const FLOATCMP = "eq ne lt gt le ge";

export const i32 = {
  const: (n: number): I32 => constant("i32", n),
  ...un<"i32", "i32">(0x45, "eqz", "i32"),
  ...bin<"i32", "i32">(0x46, INTCMP, "i32"),
  ...un<"i32", "i32">(0x67, "clz ctz popcnt", "i32"),
  ...bin<"i32", "i32">(0x6a, INTBIN, "i32"),
  ...un<"i64", "i32">(0xa7, "wrap", "i32"),
  ...un<"f32", "i32">(0xbc, "reinterpret", "i32"),
  ...un<"i32", "i32">(0xc0, "extend8 extend16", "i32"),
  ...loads(0x28, "load", "i32"),
  ...loads(0x2c, "load8S load8U load16S load16U", "i32"),
  ...stores<"i32">(0x36, "store"),
  ...stores<"i32">(0x3a, "store8 store16"),
  /** 1 or 0 from a float, saturating: trunc of an f32 or f64. */
  truncSat: (a: F32 | F64, signed = true): I32 => expr("i32", a, [0xfc, (a.ty === "f32" ? 0 : 2) + (signed ? 0 : 1)]),
} as { const(n: number): I32; truncSat(a: F32 | F64, signed?: boolean): I32 } & Bin<IntBin | IntCmp, "i32", "i32"> &
  Un<IntUn | "eqz", "i32", "i32"> & Un<"wrap", "i64", "i32"> & Un<"reinterpret", "f32", "i32"> &
  Load<"load" | "load8S" | "load8U" | "load16S" | "load16U", "i32"> & Store<"store" | "store8" | "store16", "i32">;

export const i64 = {
  const: (n: number | bigint): I64 => (typeof n === "number" && (n | 0) === n ? constant("i64", n) : expr("i64", [0x42].concat(sleb64(BigInt(n))))),
  ...un<"i64", "i32">(0x50, "eqz", "i32"),
  ...bin<"i64", "i32">(0x51, INTCMP, "i32"),
  ...un<"i64", "i64">(0x79, "clz ctz popcnt", "i64"),
  ...bin<"i64", "i64">(0x7c, INTBIN, "i64"),
  ...un<"i32", "i64">(0xac, "extendS extendU", "i64"),
  ...un<"f64", "i64">(0xbd, "reinterpret", "i64"),
  ...un<"i64", "i64">(0xc2, "extend8 extend16 extend32", "i64"),
  ...loads(0x29, "load", "i64"),
  ...loads(0x30, "load8S load8U load16S load16U load32S load32U", "i64"),
  ...stores<"i64">(0x37, "store"),
  ...stores<"i64">(0x3c, "store8 store16 store32"),
  truncSat: (a: F32 | F64, signed = true): I64 => expr("i64", a, [0xfc, (a.ty === "f32" ? 4 : 6) + (signed ? 0 : 1)]),
} as { const(n: number | bigint): I64; truncSat(a: F32 | F64, signed?: boolean): I64 } & Bin<IntBin, "i64", "i64"> & Bin<IntCmp, "i64", "i32"> &
  Un<"eqz", "i64", "i32"> & Un<IntUn | "extend32", "i64", "i64"> & Un<"extendS" | "extendU", "i32", "i64"> & Un<"reinterpret", "f64", "i64"> &
  Load<"load" | "load8S" | "load8U" | "load16S" | "load16U" | "load32S" | "load32U", "i64"> & Store<"store" | "store8" | "store16" | "store32", "i64">;

const floatBytes = (n: number, bytes: 4 | 8): number[] => {
  const view = new DataView(new ArrayBuffer(8));
  if (bytes === 4) view.setFloat32(0, n, true);
  else view.setFloat64(0, n, true);
  return [...new Uint8Array(view.buffer, 0, bytes)];
};

export const f32 = {
  const: (n: number): F32 => expr("f32", [0x43, ...floatBytes(n, 4)]),
  ...bin<"f32", "i32">(0x5b, FLOATCMP, "i32"),
  ...un<"f32", "f32">(0x8b, FLOATUN, "f32"),
  ...bin<"f32", "f32">(0x92, FLOATBIN, "f32"),
  ...un<"i32", "f32">(0xb2, "convert32S convert32U", "f32"),
  ...un<"i64", "f32">(0xb4, "convert64S convert64U", "f32"),
  ...un<"f64", "f32">(0xb6, "demote", "f32"),
  ...un<"i32", "f32">(0xbe, "reinterpret", "f32"),
  ...loads(0x2a, "load", "f32"),
  ...stores<"f32">(0x38, "store"),
} as { const(n: number): F32 } & Bin<FloatBin, "f32", "f32"> & Bin<FloatCmp, "f32", "i32"> & Un<FloatUn, "f32", "f32"> & Un<"demote", "f64", "f32"> &
  Un<"convert32S" | "convert32U" | "reinterpret", "i32", "f32"> & Un<"convert64S" | "convert64U", "i64", "f32"> & Load<"load", "f32"> & Store<"store", "f32">;

export const f64 = {
  const: (n: number): F64 => expr("f64", [0x44, ...floatBytes(n, 8)]),
  ...bin<"f64", "i32">(0x61, FLOATCMP, "i32"),
  ...un<"f64", "f64">(0x99, FLOATUN, "f64"),
  ...bin<"f64", "f64">(0xa0, FLOATBIN, "f64"),
  ...un<"i32", "f64">(0xb7, "convert32S convert32U", "f64"),
  ...un<"i64", "f64">(0xb9, "convert64S convert64U", "f64"),
  ...un<"f32", "f64">(0xbb, "promote", "f64"),
  ...un<"i64", "f64">(0xbf, "reinterpret", "f64"),
  ...loads(0x2b, "load", "f64"),
  ...stores<"f64">(0x39, "store"),
} as { const(n: number): F64 } & Bin<FloatBin, "f64", "f64"> & Bin<FloatCmp, "f64", "i32"> & Un<FloatUn, "f64", "f64"> & Un<"promote", "f32", "f64"> &
  Un<"convert32S" | "convert32U", "i32", "f64"> & Un<"convert64S" | "convert64U" | "reinterpret", "i64", "f64"> & Load<"load", "f64"> & Store<"store", "f64">;

/** One of two values, both computed. */
export function select<T extends Ty>(cond: I32, then: Expr<T>, otherwise: Expr<T>): Expr<T> {
  return expr(then.ty, then, otherwise, cond, then.ty === "v128" ? [0x1c, 1, TYPE.v128] : [0x1b]);
}

/** One of two values, only that one computed. */
export function choose<T extends Ty>(cond: I32, then: Expr<T>, otherwise: Expr<T>): Expr<T> {
  return expr(then.ty, cond, [0x04, TYPE[then.ty]], then, [0x05], otherwise, [0x0b]);
}

/** memory.copy and memory.fill. */
export const bulk = {
  copy: (to: I32, from: I32, bytes: I32): Void => expr("void", to, from, bytes, [0xfc, 10, 0, 0]),
  fill: (to: I32, byte: I32, bytes: I32): Void => expr("void", to, byte, bytes, [0xfc, 11, 0]),
};
