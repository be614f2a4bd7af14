/**
 * What the meanings of SSE and MMX share: where vector operands are, and the rules of the two register
 * files. Memory operands of 16 bytes must be aligned (#GP) unless the meaning says otherwise; those of
 * MMX never are. Called by the other sse files.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CPU } from "../layout.ts";
import { v128 } from "../simd.ts";
import { Trap } from "../trap.ts";
import { f32, f64, i32, i64, type F32, type F64, type I32, type I64, type V128 } from "../wasm.ts";

const ES = 0x80;
const TOP = 0x3800;

/** Where the registers of a kind of operand lie in the CPU block. */
const bank = (kind: string | undefined): number => (kind === "n" ? CPU.x87 : CPU.xmm);

/** The bytes of a vector register operand begin `offset` past this. */
export function lanes(e: Emit, k: number): { at: I32; offset: number } {
  return { at: e.field(k), offset: e.cpu + bank(e.kinds[k]) };
}

/** A source: a whole register, or memory of the natural size, with zeros above. */
export function source(e: Emit, k = 1, size: number = e.kinds.includes("n") ? 8 : 16, aligned: boolean = size === 16): V128 {
  if (e.kinds[k] !== "n") return e.vector(k, size, aligned);
  const { at, offset } = lanes(e, k);
  return e.f.let(v128.load64(at, offset));
}

/** Writes a register whole; of MMX, the low half, and ones into the exponent it shares with the x87. */
export function result(e: Emit, value: V128): void {
  if (e.kinds[0] !== "n") return e.setVector(0, value);
  const { at, offset } = lanes(e, 0);
  e.put(v128.store64(at, value, offset));
  e.put(i32.store16(at, i32.const(-1), offset + 8));
}

/** Stores a vector, or its low bytes, in memory; nothing else may fault after it. */
export function store(e: Emit, value: V128, size: 16 | 8 | 4, aligned: boolean): void {
  const at = e.place(e.address(), size, true, aligned);
  e.put(size === 16 ? v128.store(at, value) : size === 8 ? v128.store64(at, value) : v128.store32(at, value));
}

/** The lowest lane of operand k as a number, from a register or from memory. */
export function low64(e: Emit, k: number): F64 {
  if (e.kinds[k] === "m") return e.f.let(f64.load(e.place(e.address(), 8, false)));
  const { at, offset } = lanes(e, k);
  return e.f.let(f64.load(at, offset));
}
export function low32(e: Emit, k: number): F32 {
  if (e.kinds[k] === "m") return e.f.let(f32.load(e.place(e.address(), 4, false)));
  const { at, offset } = lanes(e, k);
  return e.f.let(f32.load(at, offset));
}

/** The lowest lane's bits, zero-extended. */
export function lowBits(e: Emit, k: number, size: number): I64 {
  if (e.kinds[k] === "m") return e.load(e.address(), size, false);
  const { at, offset } = lanes(e, k);
  return e.f.let(size === 4 ? i64.load32U(at, offset) : i64.load(at, offset));
}

/** The immediate byte. */
export function byte(e: Emit): I32 {
  return e.f.let(i32.and(i32.wrap(e.imm()), i32.const(255)));
}

/** The x87 is MMX from now on: all registers in use, TOP 0. */
export function becomeMmx(e: Emit): void {
  e.setState(CPU.fsw, i32.and(e.state(CPU.fsw), i32.const(~TOP)));
  e.setState(CPU.ftw, i32.const(255));
}

/** An x87 exception that is pending comes before anything that uses MMX registers. */
export function pending(e: Emit): void {
  e.trapIf(i32.and(e.state(CPU.fsw), i32.const(ES)), Trap.MF);
}

/** Defines a meaning with vector operands; with an MMX register among them (or `mmx`) it changes the x87. */
export function vector(group: string, meaning: string, kinds: string, write: (e: Emit) => void, sizes: readonly number[] = [0], mmx = false): void {
  for (const k of kinds.split(" ")) {
    if (!mmx && !k.includes("n")) define(group, meaning, sizes, k, write);
    else {
      define(group === "sseint" ? "mmx" : group, meaning, sizes, k, (e) => {
        pending(e);
        write(e);
        becomeMmx(e);
      });
    }
  }
}
