/**
 * Meanings: what x87 does to the parts of numbers: rounding to an integer, scaling, extraction of
 * exponent and significand, and remainders. The remainder is exact; a great difference of exponents is
 * reduced by 32 to 63 at a time, and C2 says that it goes on.
 */
import type { Emit } from "../emit.ts";
import type { Callee, Func } from "../func.ts";
import { CPU } from "../layout.ts";
import { i32, i64, select, type I32, type I64 } from "../wasm.ts";
import { all, any, BIAS, clear, deliver, empty, exponentOf, get, helper, K, L, MOST, push, raise, setCodes, setIndefinite, setResult, signExponent, significand, signOf, SOURCE, st, SW, TOP, turn, underflow, waiting, ZERO } from "./x87.ts";
import { divide } from "./x87arith.ts";
import { isDenormal, isInfinity, nans, normalized, parts, round, roundsUp, settle, shiftRight } from "./x87round.ts";

/** -1 from a helper: nothing is written. */
const NOTHING = -1;

/** NaNs and what is no number, then denormal operands; leaves the helper when that is all. */
function operands(f: Func, a: { m: I64; se: I32 }, b: { m: I64; se: I32 }, invalid: () => I32): void {
  const nan = f.let(f.call(nans, a.m, a.se, b.m, b.se));
  f.if(nan, () => f.return(i32.eq(nan, K(2))));
  f.if(invalid(), () => {
    setIndefinite(f);
    f.return(K(SW.IE));
  });
  f.if(any(isDenormal(a.m, a.se), isDenormal(b.m, b.se)), () => f.if(i32.eqz(f.call(settle, K(SW.DE))), () => f.return(K(NOTHING))));
}

/** The number at a place as it is. */
function same(f: Func, a: { m: I64; se: I32 }): void {
  setResult(f, a.m, a.se);
  f.return(K(0));
}

/** st(0) becomes what a helper makes of one or two registers, with its exceptions. */
function replaces(e: Emit, made: Callee<"i32">, two: boolean): void {
  const { f } = e;
  const at = st(f, K(0));
  clear(f, SW.C1);
  f.if(two ? i32.or(empty(K(0)), empty(K(1))) : empty(K(0)), () => void f.let(e.call(underflow, at)), () => {
    const flags = f.let(e.call(made, at, st(f, K(two ? 1 : 0))));
    f.if(i32.ne(flags, K(NOTHING)), () => f.if(e.call(settle, flags), () => deliver(f, at)));
  });
}

const PAIR = ["i32", "i32"] as const;
const both = (f: Func): readonly [{ m: I64; se: I32 }, { m: I64; se: I32 }] => [parts(f, f.param(0, "i32").get), parts(f, f.param(1, "i32").get)];

const rounded: Callee<"i32"> = helper("rndint", PAIR, "i32", (f) => {
  const [a] = both(f);
  const sign = f.let(signOf(a.se));
  operands(f, a, a, () => K(0));
  f.if(any(i64.eqz(a.m), i32.geU(exponentOf(a.se), K(BIAS + 63))), () => same(f, a));
  const s = shiftRight(f, a.m, ZERO, f.let(i32.sub(K(BIAS + 63), exponentOf(a.se))));
  const up = f.let(roundsUp(sign, i32.wrap(i64.and(s.hi, L(1))), s.lo));
  const m = f.let(i64.add(s.hi, i64.extendU(up)));
  const zeros = f.let(i64.clz(m));
  const e = select(i64.eqz(m), K(0), i32.sub(K(BIAS + 63), i32.wrap(zeros)));
  setResult(f, i64.shl(m, zeros), i32.or(i32.shl(sign, K(15)), e));
  f.return(select(i64.ne(s.lo, ZERO), i32.or(K(SW.PE), i32.mul(up, K(SW.C1))), K(0)));
});
waiting("x87", "frndint", [0], "-", (e) => replaces(e, rounded, false));

const scaled: Callee<"i32"> = helper("scale", PAIR, "i32", (f) => {
  const [a, b] = both(f);
  const sign = f.let(i32.and(a.se, K(0x8000)));
  const down = f.let(signOf(b.se)), far = f.let(isInfinity(b.m, b.se));
  operands(f, a, b, () => i32.and(far, any(all(down, isInfinity(a.m, a.se)), all(i32.eqz(down), i64.eqz(a.m)))));
  f.if(any(isInfinity(a.m, a.se), i64.eqz(a.m)), () => same(f, a));
  f.if(far, () => {
    setResult(f, select(down, ZERO, TOP), i32.or(sign, select(down, K(0), K(MOST))));
    f.return(K(0));
  });
  const n = normalized(f, a.m, a.se);
  const by = f.local("i32");
  const e = f.let(i32.sub(exponentOf(b.se), K(BIAS)));
  f.set(by, select(i32.gtS(e, K(16)), K(0x20000), select(i32.ltS(e, K(0)), K(0), i32.wrap(i64.shrU(b.m, i64.extendU(i32.sub(K(63), e)))))));
  const to = f.let(i32.add(n.e, select(down, i32.sub(K(0), by.get), by.get)));
  // So far away that not even an exponent moved back reaches it: 0 or infinity, however it is rounded.
  f.if(i32.and(i32.eqz(i32.and(get(CPU.fcw), K(SW.UE))), i32.leS(to, K(-0x6000))), () => {
    setResult(f, ZERO, sign);
    f.return(K(SW.UE | SW.PE));
  });
  f.if(i32.and(i32.eqz(i32.and(get(CPU.fcw), K(SW.OE))), i32.geS(to, K(MOST + 0x6000))), () => {
    setResult(f, TOP, i32.or(sign, K(MOST)));
    f.return(K(SW.OE | SW.PE | SW.C1));
  });
  f.return(f.call(round, signOf(a.se), to, n.m, ZERO, K(0), K(MOST)));
});
waiting("x87", "fscale", [0], "-", (e) => replaces(e, scaled, true));

// The exponent takes the place of st(0), and the significand is pushed.
waiting("x87", "fxtract", [0], "-", (e) => {
  const { f } = e;
  const at = st(f, K(0));
  clear(f, SW.C1);
  f.block((end) => {
    const fault = f.let(i32.or(empty(K(0)), i32.shl(i32.xor(empty(K(7)), K(1)), K(1))));
    f.if(fault, () => {
      f.brIf(end, e.call(raise, select(i32.and(fault, K(1)), K(SW.IE | SW.SF), K(SW.IE | SW.SF | SW.C1))));
      setIndefinite(f);
      deliver(f, at);
      turn(f, -1);
      deliver(f, st(f, K(0)));
      f.br(end);
    });
    const a = parts(f, at);
    const nan = f.let(e.call(nans, a.m, a.se, a.m, a.se));
    const sign = f.let(i32.and(a.se, K(0x8000)));
    const exponent = f.local("i64"), se = f.local("i32");
    f.if(nan, () => {
      f.brIf(end, i32.eqz(e.call(settle, i32.eq(nan, K(2)))));
      f.set(exponent, significand(K(SOURCE - 16)));
      f.set(se, signExponent(K(SOURCE - 16)));
    }, () => f.if(i64.eqz(a.m), () => {
      f.brIf(end, i32.eqz(e.call(settle, K(SW.ZE))));
      f.set(exponent, TOP);
      f.set(se, K(MOST | 0x8000));
      setResult(f, ZERO, sign);
    }, () => f.if(isInfinity(a.m, a.se), () => {
      f.set(exponent, TOP);
      f.set(se, K(MOST));
      setResult(f, TOP, a.se);
    }, () => {
      f.if(isDenormal(a.m, a.se), () => f.brIf(end, i32.eqz(e.call(settle, K(SW.DE)))));
      const n = normalized(f, a.m, a.se);
      const by = f.let(i32.sub(n.e, K(BIAS)));
      const size = f.let(i64.extendU(select(i32.ltS(by, K(0)), i32.sub(K(0), by), by)));
      const zeros = f.let(i64.clz(size));
      f.set(exponent, i64.shl(size, zeros));
      f.set(se, select(by, i32.or(i32.and(by, K(0x8000)), i32.sub(K(BIAS + 63), i32.wrap(zeros))), K(0)));
      setResult(f, n.m, i32.or(sign, K(BIAS)));
    })));
    f.put(i64.store(at, exponent.get));
    f.put(i32.store16(at, se.get, 8));
    f.let(e.call(push));
  });
});

/** The remainder of two numbers; the quotient is truncated, or rounded to nearest. Sets C0 C3 C1 to its low bits, C2 when it goes on. */
const remainder = (nearest: boolean): Callee<"i32"> => helper(`rem${nearest ? 1 : 0}`, PAIR, "i32", (f) => {
  const [a, b] = both(f);
  const sign = f.local("i32");
  f.set(sign, signOf(a.se));
  operands(f, a, b, () => any(isInfinity(a.m, a.se), i64.eqz(b.m)));
  const codes = f.local("i32");
  const finish = (flags: I32): void => {
    const given = f.let(flags);
    setCodes(f, codes.get);
    f.return(given);
  };
  f.if(i64.eqz(a.m), () => {
    setResult(f, a.m, a.se);
    finish(K(0));
  });
  const x = normalized(f, a.m, a.se), y = normalized(f, b.m, b.se);
  const whole = (e: I32, m: I64): void => finish(f.call(round, sign.get, e, m, ZERO, K(0), K(MOST)));
  f.if(isInfinity(b.m, b.se), () => whole(x.e, x.m));
  const apart = f.let(i32.sub(x.e, y.e));
  f.if(i32.ltS(apart, K(0)), () => {
    if (nearest) {
      f.if(i32.and(i32.eq(apart, K(-1)), i64.gtU(x.m, y.m)), () => {
        const r = f.let(i64.sub(i64.shl(y.m, L(1)), x.m));
        const zeros = f.let(i64.clz(r));
        f.set(sign, i32.xor(sign.get, K(1)));
        f.set(codes, K(SW.C1));
        whole(i32.sub(x.e, i32.wrap(zeros)), i64.shl(r, zeros));
      });
    }
    whole(x.e, x.m);
  });
  const partial = f.let(i32.gtS(apart, K(63)));
  const by = f.let(select(partial, i32.or(i32.and(apart, K(31)), K(32)), apart));
  const wide = f.let(i64.extendU(by));
  const q = f.local("i64"), r = f.local("i64");
  f.set(q, f.call(divide, select(by, i64.shrU(x.m, i64.sub(L(64), wide)), ZERO), i64.shl(x.m, wide), y.m));
  f.set(r, significand(K(SOURCE)));
  // With equal exponents the high part is 0; a quotient of 1 is then in the low one.
  f.if(partial, () => f.set(codes, K(SW.C2)), () => {
    if (nearest) {
      const rest = f.let(i64.sub(y.m, r.get));
      f.if(any(i64.gtU(r.get, rest), all(i64.eq(r.get, rest), i32.wrap(i64.and(q.get, L(1))))), () => {
        f.set(q, i64.add(q.get, L(1)));
        f.set(r, rest);
        f.set(sign, i32.xor(sign.get, K(1)));
      });
    }
    const bit = (k: number, code: number): I32 => i32.mul(i32.and(i32.wrap(i64.shrU(q.get, L(k))), K(1)), K(code));
    f.set(codes, any(bit(0, SW.C1), bit(1, SW.C3), bit(2, SW.C0)));
  });
  f.if(i64.eqz(r.get), () => {
    setResult(f, ZERO, i32.shl(signOf(a.se), K(15)));
    finish(K(0));
  });
  const zeros = f.let(i64.clz(r.get));
  whole(i32.sub(i32.sub(x.e, by), i32.wrap(zeros)), i64.shl(r.get, zeros));
});
for (const nearest of [false, true]) {
  const made = remainder(nearest);
  waiting("x87", nearest ? "fprem1" : "fprem", [0], "-", (e) => {
    const { f } = e;
    const at = st(f, K(0));
    clear(f, SW.C1 | SW.C2);
    f.if(i32.or(empty(K(0)), empty(K(1))), () => void f.let(e.call(underflow, at)), () => {
      const flags = f.let(e.call(made, at, st(f, K(1))));
      // C1 is a bit of the quotient here.
      f.if(i32.ne(flags, K(NOTHING)), () => f.if(i32.eqz(i32.and(e.call(raise, i32.and(flags, K(~SW.C1))), K(SW.IE))), () => deliver(f, at)));
    });
  });
}
