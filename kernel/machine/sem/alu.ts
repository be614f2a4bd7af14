/**
 * Meanings: addition, subtraction and logic of one and two operands, with their flags.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { i64, type I64 } from "../wasm.ts";

const SIZES = [1, 2, 4, 8];
const KINDS = "rr rm mr ri mi";

/** a + b + carry or a - b - carry, and its flags; CF comes out of the carry as well. */
function withCarry(e: Emit, plus: boolean): void {
  const { f } = e;
  const a = e.modify(0);
  const b = e.read(1);
  const c = f.let(e.carry());
  const r = f.let(e.narrow(plus ? i64.add(i64.add(a, b), c) : i64.sub(i64.sub(a, b), c)));
  e.write(0, r);
  const carry = plus ? e.pick(i64.eqz(c), e.bool(i64.ltU(r, a)), e.bool(i64.leU(r, a))) : e.pick(i64.eqz(c), e.bool(i64.ltU(a, b)), e.bool(i64.leU(a, b)));
  const overflow = plus ? i64.and(i64.xor(r, a), i64.xor(r, b)) : i64.and(i64.xor(a, b), i64.xor(a, r));
  e.flagsExplicit(carry, i64.shrU(overflow, i64.const(63)), aux(i64.xor(i64.xor(a, b), r)), r);
}

/** Bit 4, as 0 or 1. */
export function aux(v: I64): I64 {
  return i64.and(i64.shrU(v, i64.const(4)), i64.const(1));
}

define("alu", "adc", SIZES, KINDS, (e) => withCarry(e, true));
define("alu", "sbb", SIZES, KINDS, (e) => withCarry(e, false));
define("alu", "add", SIZES, KINDS, (e) => {
  const a = e.modify(0);
  const b = e.read(1);
  const r = e.f.let(e.narrow(i64.add(a, b)));
  e.write(0, r);
  e.flagsAdd(a, b, r);
});
define("alu", "sub", SIZES, KINDS, (e) => {
  const a = e.modify(0);
  const b = e.read(1);
  const r = e.f.let(e.narrow(i64.sub(a, b)));
  e.write(0, r);
  e.flagsSub(a, b, r);
});
define("alu", "cmp", SIZES, KINDS, (e) => {
  const a = e.read(0);
  const b = e.read(1);
  e.flagsSub(a, b, e.f.let(e.narrow(i64.sub(a, b))));
});
for (const [name, op] of [["and", i64.and], ["or", i64.or], ["xor", i64.xor]] as const) {
  define("alu", name, SIZES, KINDS, (e) => {
    const a = e.modify(0);
    const r = e.f.let(op(a, e.read(1)));
    e.write(0, r);
    e.flagsLogic(r);
  });
}
define("alu", "test", SIZES, "rr mr ri mi", (e) => {
  const a = e.read(0);
  e.flagsLogic(e.f.let(i64.and(a, e.read(1))));
});

define("alu", "not", SIZES, "r m", (e) => e.write(0, i64.xor(e.modify(0), i64.const(-1))));
define("alu", "neg", SIZES, "r m", (e) => {
  const a = e.modify(0);
  const r = e.f.let(e.narrow(i64.sub(i64.const(0), a)));
  e.write(0, r);
  e.flagsSub(i64.const(0), a, r);
});
// inc and dec leave CF as it is.
for (const [name, op, limit] of [["inc", i64.add, 0n], ["dec", i64.sub, -1n]] as const) {
  define("alu", name, SIZES, "r m", (e) => {
    const { f } = e;
    const a = e.modify(0);
    const r = f.let(e.narrow(op(a, i64.const(1))));
    e.write(0, r);
    const edge = BigInt.asIntN(64, (-1n << BigInt(e.size * 8 - 1)) ^ limit);
    e.flagsExplicit(e.carry(), e.bool(i64.eq(r, i64.const(edge))), aux(i64.xor(i64.xor(a, r), i64.const(1))), r);
  });
}

define("alu", "xadd", SIZES, "rr mr", (e) => {
  const a = e.modify(0);
  const b = e.read(1);
  const r = e.f.let(e.narrow(i64.add(a, b)));
  // With one register twice the sum stays.
  if (e.kinds === "rr") e.write(1, a);
  e.write(0, r);
  if (e.kinds !== "rr") e.write(1, a);
  e.flagsAdd(a, b, r);
});
define("alu", "cmpxchg", SIZES, "rr mr", (e) => {
  const { f } = e;
  const a = e.modify(0);
  const expected = e.gpr(0, e.size);
  const b = e.read(1);
  const same = f.let(i64.eq(a, expected));
  // Memory is always written, if only with what was there; a 32-bit register keeps its upper half when it stays.
  if (e.kinds === "mr") e.write(0, e.pick(same, b, a));
  else f.if(same, () => e.write(0, b));
  f.if(same, () => {}, () => e.setGpr(0, a, e.size));
  e.flagsSub(expected, a, f.let(e.narrow(i64.sub(expected, a))));
});
