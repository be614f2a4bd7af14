/**
 * Meanings: vectors moved whole or in part, between registers, memory and general registers.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CPU } from "../layout.ts";
import { extract, replace, simd, v128, vsum } from "../simd.ts";
import { Trap } from "../trap.ts";
import { i32, i64, type I32, type I64, type V128 } from "../wasm.ts";
import { becomeMmx, byte, lanes, lowBits, pending, result, source, store, vector } from "./sse.ts";

const ZERO = i64.const(0);

// Whole registers: aligned or not; non-temporal stores are stores.
for (const [name, aligned] of [["movaps", true], ["movups", false]] as const) {
  define("ssemove", name, [0], "xx xm", (e) => result(e, source(e, 1, 16, aligned)));
  define("ssemove", name, [0], "mx", (e) => store(e, source(e, 1), 16, aligned));
}

/** Writes one lane of register operand 0. */
function setLane(e: Emit, lane: number, size: 4 | 8, bits: I64): void {
  const { at, offset } = lanes(e, 0);
  e.put(size === 4 ? i64.store32(at, bits, offset + lane * 4) : i64.store(at, bits, offset + lane * 8));
}

/** The bits of a lane of register operand 1. */
function lane(e: Emit, k: number): I64 {
  const { at, offset } = lanes(e, 1);
  return e.f.let(i64.load(at, offset + k * 8));
}

// Scalars: a load clears what is above, a move between registers leaves it.
for (const [name, size] of [["movss", 4], ["movsd", 8]] as const) {
  define("ssemove", name, [0], "xm", (e) => result(e, source(e, 1, size)));
  define("ssemove", name, [0], "xx", (e) => setLane(e, 0, size, lowBits(e, 1, size)));
  define("ssemove", name, [0], "mx", (e) => store(e, source(e, 1), size, false));
}
define("ssemove", "movq", [0], "xx", (e) => result(e, v128.fromI64(lane(e, 0))));
define("ssemove", "movq", [0], "xm", (e) => result(e, source(e, 1, 8)));
define("ssemove", "movq", [0], "mx", (e) => store(e, source(e, 1), 8, false));
vector("mmx", "movq", "nn nm", (e) => result(e, source(e)));
vector("mmx", "movq", "mn", (e) => store(e, source(e), 8, false));

// Halves.
for (const [name, at] of [["movlps", 0], ["movhps", 1]] as const) {
  define("ssemove", name, [0], "xm", (e) => setLane(e, at, 8, lowBits(e, 1, 8)));
  define("ssemove", name, [0], "mx", (e) => e.store(e.target(8), lane(e, at), 8));
}
define("ssemove", "movhlps", [0], "xx", (e) => setLane(e, 0, 8, lane(e, 1)));
define("ssemove", "movlhps", [0], "xx", (e) => setLane(e, 1, 8, lane(e, 0)));

// Between general and vector registers.
define("ssemove", "movd", [4, 8], "xr xm", (e) => result(e, v128.fromI64(e.read(1, e.size, false))));
define("ssemove", "movd", [4, 8], "rx mx", (e) => {
  const bits = lane(e, 0);
  if (e.kinds === "mx") e.target();
  e.write(0, bits);
});
vector("mmx", "movd", "nr nm", (e) => result(e, v128.fromI64(e.read(1, e.size, false))), [4, 8]);
vector("mmx", "movd", "rn mn", (e) => {
  const bits = extract.i64(source(e), 0);
  if (e.kinds === "mn") e.target();
  e.write(0, bits);
}, [4, 8]);
vector("mmx", "movq2dq", "xn", (e) => result(e, source(e)));
vector("mmx", "movdq2q", "nx", (e) => result(e, source(e, 1, 16)));

/** A mask of sign bits goes to a general register. */
function mask(name: string, kinds: string, of: (v: V128) => I32): void {
  vector("ssemove", name, kinds, (e) => e.write(0, i64.extendU(of(source(e))), 4));
}
mask("movmskps", "rx", (v) => vsum("i32x4.bitmask", v));
mask("movmskpd", "rx", (v) => vsum("i64x2.bitmask", v));
mask("pmovmskb", "rx", (v) => vsum("i8x16.bitmask", v));
mask("pmovmskb", "rn", (v) => vsum("i8x16.bitmask", v));

/** The place of the lane of a register operand that the immediate names. */
function chosen(e: Emit, k: number, size: number): { at: I32; offset: number } {
  const { at, offset } = lanes(e, k);
  const width = e.kinds[k] === "n" ? 8 : 16;
  const n = i32.and(byte(e), i32.const(width / size - 1));
  return { at: e.f.let(i32.add(at, size === 1 ? n : i32.shl(n, i32.const(Math.log2(size))))), offset };
}

const loads = { 1: i64.load8U, 2: i64.load16U, 4: i64.load32U, 8: i64.load };
const stores = { 1: i64.store8, 2: i64.store16, 4: i64.store32, 8: i64.store };
function insert(e: Emit, size: 1 | 2 | 4 | 8): void {
  const value = e.read(1, size, false);
  const { at, offset } = chosen(e, 0, size);
  e.put(stores[size](at, value, offset));
  if (e.kinds[0] === "n") e.put(i32.store16(e.field(0), i32.const(-1), e.cpu + CPU.x87 + 8));
}
function take(e: Emit, size: 1 | 2 | 4 | 8): void {
  const { at, offset } = chosen(e, 1, size);
  const value = e.f.let(loads[size](at, offset));
  if (e.kinds[0] === "m") e.store(e.target(size), value, size);
  else e.write(0, value, Math.max(size, 4));
}
vector("sserare", "pinsrw", "xri xmi nri nmi", (e) => insert(e, 2));
vector("sserare", "pextrw", "rxi mxi rni", (e) => take(e, 2));
vector("sserare", "pinsrb", "xri xmi", (e) => insert(e, 1));
vector("sserare", "pextrb", "rxi mxi", (e) => take(e, 1));
vector("sserare", "extractps", "rxi mxi", (e) => take(e, 4));
for (const size of [4, 8] as const) {
  vector("sserare", "pinsr", "xri xmi", (e) => insert(e, size), [size]);
  vector("sserare", "pextr", "rxi mxi", (e) => take(e, size), [size]);
}
// A lane of the source, or memory; to a lane of the destination; lanes that the low bits name are cleared.
vector("sserare", "insertps", "xxi xmi", (e) => {
  const { f } = e;
  const imm = byte(e);
  const bits = f.local("i32");
  if (e.kinds[1] === "m") f.set(bits, i32.wrap(e.load(e.address(), 4, false)));
  else f.set(bits, i32.load(i32.add(e.field(1), i32.shl(i32.shrU(imm, i32.const(6)), i32.const(2))), lanes(e, 1).offset));
  const { at, offset } = lanes(e, 0);
  e.put(i32.store(i32.add(at, i32.and(i32.shrU(imm, i32.const(2)), i32.const(12))), bits.get, offset));
  const cleared = bitsToLanes("i32x4", imm, [1, 2, 4, 8]);
  e.setVector(0, simd("v128.andnot", v128.load(at, offset), cleared));
});

/** Lanes of ones where the immediate has the lane's bit. */
function bitsToLanes(shape: "i16x8" | "i32x4" | "i64x2", imm: I32, bits: readonly number[]): V128 {
  const width = 16 / bits.length;
  const of = v128.const(Array.from({ length: 16 }, (_, k) => (k % width === 0 ? (bits[k / width] as number) : 0)));
  const all = replace.i64(v128.zero(), 0, i64.mul(i64.extendU(imm), i64.const(0x0001000100010001n)));
  return simd(`${shape}.eq`, simd("v128.and", v128.shuffle(all, all, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]), of), of);
}

// Blends: by the immediate's bits, or by the signs of xmm0's lanes.
for (const [name, shape, bits] of [["blendps", "i32x4", [1, 2, 4, 8]], ["blendpd", "i64x2", [1, 2]], ["pblendw", "i16x8", [1, 2, 4, 8, 16, 32, 64, 128]]] as const) {
  vector("sserare", name, "xxi xmi", (e) => {
    const b = source(e);
    result(e, simd("v128.bitselect", b, source(e, 0), bitsToLanes(shape, byte(e), bits)));
  });
}
for (const [name, shape] of [["pblendvb", "i8x16"], ["blendvps", "i32x4"], ["blendvpd", "i64x2"]] as const) {
  vector("sserare", name, "xx xm", (e) => {
    const b = source(e);
    const by = e.f.let(v128.load(i32.const(0), e.cpu + CPU.xmm));
    result(e, simd("v128.bitselect", b, source(e, 0), simd(`${shape}.ltS`, by, v128.zero())));
  });
}

// Bytes whose mask has the sign are stored at rdi; others are not touched, nor their page.
for (const [name, kinds, width] of [["maskmovdqu", "xx", 16], ["maskmovq", "nn", 8]] as const) {
  vector("sserare", name, kinds, (e) => {
    const { f } = e;
    const { at: from, offset } = lanes(e, 0);
    const va = f.let(e.address());
    const marks = f.local("i32");
    f.set(marks, i32.and(vsum("i8x16.bitmask", source(e, 1)), i32.const(2 ** width - 1)));
    f.if(marks.get, () => {
      const first = f.let(i32.ctz(marks.get));
      const last = f.let(i32.sub(i32.const(31), i32.clz(marks.get)));
      e.place(i64.add(va, i64.extendU(first)), 1, true);
      e.place(i64.add(va, i64.extendU(last)), 1, true);
      f.loop((again) => {
        const k = f.let(i32.ctz(marks.get));
        e.store(e.place(i64.add(va, i64.extendU(k)), 1, true), i64.load8U(i32.add(from, k), offset), 1);
        f.set(marks, i32.and(marks.get, i32.sub(marks.get, i32.const(1))));
        f.brIf(again, marks.get);
      });
    });
  });
}

// MXCSR, and the end of MMX.
define("ssestate", "ldmxcsr", [4], "m", (e) => {
  const v = e.read(0, 4, false);
  e.trapIf(i64.ne(i64.shrU(v, i64.const(16)), ZERO), Trap.GP);
  e.setState(CPU.mxcsr, i32.wrap(v));
});
define("ssestate", "stmxcsr", [4], "m", (e) => e.write(0, i64.extendU(e.state(CPU.mxcsr))));
define("mmx", "emms", [0], "-", (e) => {
  pending(e);
  becomeMmx(e);
  e.setState(CPU.ftw, i32.const(0));
});

