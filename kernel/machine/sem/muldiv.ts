/**
 * Meanings: multiplication and division. #DE comes before anything is written.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import type { Callee, Func } from "../func.ts";
import { CPU, CPU_BASE } from "../layout.ts";
import { Trap } from "../trap.ts";
import { choose, i32, i64, select, type I32, type I64 } from "../wasm.ts";

const ZERO = i64.const(0);
const LOW = i64.const(0xffffffff);
const half = (v: I64): I64 => i64.shrU(v, i64.const(32));

/** The upper 64 bits of an unsigned product. */
export const mulHigh: Callee<"i64"> = {
  name: "mulhigh", params: ["i64", "i64"], result: "i64",
  write(f) {
    const a = f.param(0, "i64").get, b = f.param(1, "i64").get;
    const low = (v: I64): I64 => i64.and(v, LOW);
    const t = f.let(i64.add(i64.mul(half(a), low(b)), half(i64.mul(low(a), low(b)))));
    const w = f.let(i64.add(i64.mul(low(a), half(b)), low(t)));
    f.return(i64.add(i64.add(i64.mul(half(a), half(b)), half(t)), half(w)));
    f.unreachable();
  },
};

/** The upper 64 bits of a signed product. */
const mulHighSigned = (e: Emit, a: I64, b: I64): I64 =>
  i64.sub(i64.sub(e.call(mulHigh, a, b), i64.and(i64.shrS(a, i64.const(63)), b)), i64.and(i64.shrS(b, i64.const(63)), a));

/** CF and OF say whether the product did not fit; SF, ZF and PF (undefined) are of the low half. */
function productFlags(e: Emit, lost: I32, r: I64): void {
  const c = e.f.let(e.bool(lost));
  e.flagsExplicit(c, c, ZERO, r);
}

function imul(e: Emit, a: I64, b: I64): void {
  const { f } = e;
  const whole = f.let(i64.mul(a, b));
  const r = e.size === 8 ? whole : f.let(e.narrow(whole));
  const lost = e.size === 8 ? i64.ne(mulHighSigned(e, a, b), i64.shrS(r, i64.const(63))) : i64.ne(r, whole);
  e.write(0, r);
  productFlags(e, lost, r);
}
define("muldiv", "imul", [2, 4, 8], "rr rm", (e) => {
  const b = e.read(1);
  imul(e, e.read(0), b);
});
define("muldiv", "imul", [2, 4, 8], "rri rmi", (e) => {
  const a = e.read(1);
  imul(e, a, e.f.let(e.imm()));
});

for (const signed of [false, true]) {
  define("muldiv", signed ? "imul1" : "mul", [1, 2, 4, 8], "r m", (e) => {
    const { f } = e;
    const b = e.read(0, e.size, signed);
    const a = e.gpr(0, e.size, signed);
    if (e.size === 8) {
      const low = f.let(i64.mul(a, b));
      const high = f.let(signed ? mulHighSigned(e, a, b) : e.call(mulHigh, a, b));
      e.setGpr(0, low);
      e.setGpr(2, high);
      productFlags(e, i64.ne(high, signed ? i64.shrS(low, i64.const(63)) : ZERO), low);
      return;
    }
    const whole = f.let(i64.mul(a, b));
    const r = f.let(e.narrow(whole));
    if (e.size === 1) e.setGpr(0, whole, 2);
    else {
      e.setGpr(0, whole, e.size);
      e.setGpr(2, i64.shrU(whole, i64.const(e.size * 8)), e.size);
    }
    productFlags(e, i64.ne(signed ? r : e.unsigned(r), whole), r);
  });

  define("muldiv", signed ? "idiv" : "div", [1, 2, 4, 8], "r m", (e) => {
    const { f } = e;
    const b = e.read(0, e.size, signed);
    e.trapIf(i64.eqz(b), Trap.DE);
    if (e.size === 8) {
      e.leaveUnless(e.call(signed ? idiv128 : div128, e.gpr(2), e.gpr(0), b));
      const at = CPU_BASE + CPU.work;
      e.setGpr(0, i64.load(i32.const(0), at));
      e.setGpr(2, i64.load(i32.const(0), at + 8));
      return;
    }
    const bits = e.size * 8;
    const a = e.size === 1 ? e.gpr(0, 2, signed)
      : f.let(i64.or(i64.shl(e.gpr(2, e.size), i64.const(bits)), e.gpr(0, e.size, false)));
    const dividend = e.size === 2 ? f.let(signed ? i64.extend32(a) : i64.and(a, LOW)) : a;
    if (signed && e.size === 4) e.trapIf(i32.and(i64.eq(dividend, i64.const(-(1n << 63n))), i64.eq(b, i64.const(-1))), Trap.DE);
    const q = f.let(signed ? i64.divS(dividend, b) : i64.divU(dividend, b));
    e.trapIf(i64.ne(q, signed ? e.narrow(q) : e.unsigned(q)), Trap.DE);
    const r = f.let(signed ? i64.remS(dividend, b) : i64.remU(dividend, b));
    if (e.size === 1) e.setGpr(0, i64.or(i64.and(q, i64.const(255)), i64.shl(i64.and(r, i64.const(255)), i64.const(8))), 2);
    else {
      e.setGpr(0, q, e.size);
      e.setGpr(2, r, e.size);
    }
  });
}

function fail(f: Func): void {
  f.put(i32.store(i32.const(0), i32.const(Trap.DE), CPU_BASE + CPU.exit));
  f.put(i32.store(i32.const(0), i32.const(0), CPU_BASE + CPU.code));
  f.return(i32.const(0));
}

/** Leaves quotient and remainder of hi:lo / b in CPU.work; 0 and #DE if the quotient does not fit. */
const div128: Callee<"i32"> = {
  name: "div128", params: ["i64", "i64", "i64"], result: "i32",
  write(f) {
    const [hi, lo] = [f.param(0, "i64"), f.param(1, "i64")];
    const b = f.param(2, "i64").get;
    const at = CPU_BASE + CPU.work;
    const give = (q: I64, r: I64): void => {
      f.put(i64.store(i32.const(0), q, at));
      f.put(i64.store(i32.const(0), r, at + 8));
      f.return(i32.const(1));
    };
    f.if(i64.eqz(hi.get), () => give(i64.divU(lo.get, b), i64.remU(lo.get, b)));
    f.if(i64.geU(hi.get, b), () => fail(f));
    // 64 steps of long division; the remainder's 65th bit is kept aside.
    const k = f.local("i32");
    f.set(k, i32.const(64));
    f.loop((again) => {
      const over = f.let(i64.ltS(hi.get, ZERO));
      f.set(hi, i64.or(i64.shl(hi.get, i64.const(1)), i64.shrU(lo.get, i64.const(63))));
      f.set(lo, i64.shl(lo.get, i64.const(1)));
      f.if(i32.or(over, i64.geU(hi.get, b)), () => {
        f.set(hi, i64.sub(hi.get, b));
        f.set(lo, i64.or(lo.get, i64.const(1)));
      });
      f.set(k, i32.sub(k.get, i32.const(1)));
      f.brIf(again, k.get);
    });
    give(lo.get, hi.get);
    f.unreachable();
  },
};

/** The same for signed numbers: by magnitudes; the quotient may be -2^63. */
const idiv128: Callee<"i32"> = {
  name: "idiv128", params: ["i64", "i64", "i64"], result: "i32",
  write(f) {
    const hi = f.param(0, "i64").get, lo = f.param(1, "i64").get, b = f.param(2, "i64").get;
    const minus = (v: I64): I64 => i64.sub(ZERO, v);
    const negative = f.let(i64.ltS(hi, ZERO));
    const opposite = f.let(i32.ne(negative, i64.ltS(b, ZERO)));
    const high = select(negative, i64.sub(minus(hi), i64.extendU(i64.ne(lo, ZERO))), hi);
    f.if(i32.eqz(f.call(div128, high, select(negative, minus(lo), lo), select(i64.ltS(b, ZERO), minus(b), b))), () => f.return(i32.const(0)));
    const at = CPU_BASE + CPU.work;
    const q = f.let(i64.load(i32.const(0), at));
    const r = f.let(i64.load(i32.const(0), at + 8));
    f.if(i64.gtU(q, choose(opposite, i64.const(-(1n << 63n)), i64.const((1n << 63n) - 1n))), () => fail(f));
    f.put(i64.store(i32.const(0), select(opposite, minus(q), q), at));
    f.put(i64.store(i32.const(0), select(negative, minus(r), r), at + 8));
    f.return(i32.const(1));
    f.unreachable();
  },
};
