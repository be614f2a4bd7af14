/**
 * Meanings: x87 addition, subtraction, multiplication, division and square root. Exact results are made
 * in 128 bits and rounded once. Invariant: nothing is written, nor popped, when an operand's exception
 * is not masked.
 */
import type { Emit } from "../emit.ts";
import type { Callee, Func } from "../func.ts";
import { choose, f64, i32, i64, select, type I32, type I64 } from "../wasm.ts";
import { mulHigh } from "./muldiv.ts";
import { all, any, BIAS, deliver, empty, helper, K, L, MOST, pop, setIndefinite, setResult, SOURCE, st, SW, TOP, underflow, waiting, ZERO } from "./x87.ts";
import { source } from "./x87load.ts";
import { isDenormal, isInfinity, nans, normal, normalized, parts, precision, rc, round, settle, shiftRight } from "./x87round.ts";

const [ADD, SUB, MUL, DIV] = [0, 1, 2, 3];
/** What an operand brings: it was an empty register; other bits: a denormal in memory. */
const EMPTY = 1;

const whole = (f: Func, sign: I32, e: I32, hi: I64, lo: I64): I32 => f.call(round, sign, e, hi, lo, precision(), K(MOST));

/** Sum of two numbers in parts (sign, exponent, significand with its top bit). */
const sum: Callee<"i32"> = helper("sum", ["i32", "i32", "i64", "i32", "i32", "i64"], "i32", (f) => {
  const [as, ae, am, bs, be, bm] = [f.param(0, "i32"), f.param(1, "i32"), f.param(2, "i64"), f.param(3, "i32"), f.param(4, "i32"), f.param(5, "i64")];
  const [hi, lo] = [f.local("i64"), f.local("i64")];
  // The greater magnitude is a.
  f.if(any(i32.ltS(ae.get, be.get), i32.and(i32.eq(ae.get, be.get), i64.ltU(am.get, bm.get))), () => {
    f.return(f.call(sum, bs.get, be.get, bm.get, as.get, ae.get, am.get));
  });
  f.set(hi, bm.get);
  f.set(lo, ZERO);
  const apart = f.let(i32.sub(ae.get, be.get));
  f.if(apart, () => {
    const s = shiftRight(f, bm.get, ZERO, apart);
    f.set(hi, s.hi);
    f.set(lo, s.lo);
  });
  f.if(i32.eq(as.get, bs.get), () => {
    f.set(hi, i64.add(am.get, hi.get));
    f.if(i64.ltU(hi.get, am.get), () => {
      f.set(lo, i64.or(i64.or(i64.shrU(lo.get, L(1)), i64.and(lo.get, L(1))), i64.shl(hi.get, L(63))));
      f.set(hi, i64.or(i64.shrU(hi.get, L(1)), TOP));
      f.set(ae, i32.add(ae.get, K(1)));
    });
    f.return(whole(f, as.get, ae.get, hi.get, lo.get));
  });
  f.set(hi, i64.sub(i64.sub(am.get, hi.get), i64.extendU(i64.ne(lo.get, ZERO))));
  f.set(lo, i64.sub(ZERO, lo.get));
  f.if(i64.eqz(i64.or(hi.get, lo.get)), () => {
    setResult(f, ZERO, i32.shl(i32.eq(rc(), K(1)), K(15)));
    f.return(K(0));
  });
  f.if(i64.eqz(hi.get), () => {
    f.set(hi, lo.get);
    f.set(lo, ZERO);
    f.set(ae, i32.sub(ae.get, K(64)));
  });
  const zeros = f.let(i64.clz(hi.get));
  f.if(i32.wrap(zeros), () => {
    f.set(hi, i64.or(i64.shl(hi.get, zeros), i64.shrU(lo.get, i64.sub(L(64), zeros))));
    f.set(lo, i64.shl(lo.get, zeros));
  });
  f.return(whole(f, as.get, i32.sub(ae.get, i32.wrap(zeros)), hi.get, lo.get));
});

/** Product; sign, exponents, significands. */
const product: Callee<"i32"> = helper("product", ["i32", "i32", "i32", "i64", "i64"], "i32", (f) => {
  const a = f.param(3, "i64").get, b = f.param(4, "i64").get;
  const e = f.let(i32.sub(i32.add(f.param(1, "i32").get, f.param(2, "i32").get), K(BIAS - 1)));
  const hi = f.let(f.call(mulHigh, a, b)), lo = f.let(i64.mul(a, b));
  f.if(i64.ltS(hi, ZERO), () => f.return(whole(f, f.param(0, "i32").get, e, hi, lo)));
  f.return(whole(f, f.param(0, "i32").get, i32.sub(e, K(1)), i64.or(i64.shl(hi, L(1)), i64.shrU(lo, L(63))), i64.shl(lo, L(1))));
});

/** hi:lo / b for b with its top bit and hi < b: gives the quotient, leaves the remainder in the result's place. */
export const divide: Callee<"i64"> = helper("divide", ["i64", "i64", "i64"], "i64", (f) => {
  const [hi, lo, b] = [f.param(0, "i64").get, f.param(1, "i64").get, f.param(2, "i64").get];
  const LOW = L(0xffffffff);
  const upper = f.let(i64.shrU(b, L(32))), lower = f.let(i64.and(b, LOW));
  /** A digit of 32 bits of the quotient of r:next / b, and what remains. */
  const digit = (r: I64, next: I64): { q: I64; r: I64 } => {
    const q = f.local("i64"), rest = f.local("i64");
    f.set(q, i64.divU(r, upper));
    f.set(rest, i64.sub(r, i64.mul(q.get, upper)));
    f.block((done) => {
      f.loop((again) => {
        f.brIf(done, i32.eqz(i32.or(i64.gtU(q.get, LOW), i64.gtU(i64.mul(q.get, lower), i64.or(i64.shl(rest.get, L(32)), next)))));
        f.set(q, i64.sub(q.get, L(1)));
        f.set(rest, i64.add(rest.get, upper));
        f.brIf(again, i64.leU(rest.get, LOW));
      });
    });
    return { q: q.get, r: f.let(i64.sub(i64.or(i64.shl(r, L(32)), next), i64.mul(q.get, b))) };
  };
  const first = digit(hi, f.let(i64.shrU(lo, L(32))));
  const second = digit(first.r, f.let(i64.and(lo, LOW)));
  f.put(i64.store(K(SOURCE), second.r));
  f.return(i64.or(i64.shl(first.q, L(32)), second.q));
});

/** Quotient; sign, exponents, significands. */
const quotient: Callee<"i32"> = helper("quotient", ["i32", "i32", "i32", "i64", "i64"], "i32", (f) => {
  const a = f.param(3, "i64").get, b = f.param(4, "i64").get;
  const greater = f.let(i64.geU(a, b));
  const q = f.let(f.call(divide, select(greater, i64.shrU(a, L(1)), a), select(greater, i64.shl(a, L(63)), ZERO), b));
  const r = f.let(i64.load(K(SOURCE)));
  // What is less than the last bit is never half of it.
  const rest = select(i64.eqz(r), ZERO, select(i64.gtU(r, i64.sub(b, r)), L(-1), L(1)));
  f.return(whole(f, f.param(0, "i32").get, i32.add(i32.sub(f.param(1, "i32").get, f.param(2, "i32").get), i32.add(K(BIAS - 1), greater)), q, rest));
});

/** An operation on the numbers at two places, what they bring, and the place of the result; 0: it is not to be popped. */
const operate: Callee<"i32"> = helper("operate", ["i32", "i32", "i32", "i32", "i32"], "i32", (f) => {
  const [op, x, y, to, notes] = [0, 1, 2, 3, 4].map((k) => f.param(k, "i32").get) as [I32, I32, I32, I32, I32];
  const flags = f.local("i32");
  const a = parts(f, x), b = parts(f, y);
  const bs = f.let(i32.xor(i32.shrU(b.se, K(15)), i32.eq(op, K(SUB)))), as = f.let(i32.shrU(a.se, K(15)));
  const sign = f.let(i32.xor(as, bs));
  const finish = (raised: I32): void => {
    f.if(i32.eqz(f.call(settle, raised)), () => f.return(K(0)));
    deliver(f, to);
    f.return(K(1));
  };
  const give = (m: I64, se: I32, raised = 0): void => {
    setResult(f, m, se);
    finish(K(raised));
  };
  const compute = (ae: I32, am: I64, be: I32, bm: I64): void => {
    f.if(i32.ltU(op, K(MUL)), () => f.set(flags, f.call(sum, as, ae, am, bs, be, bm)), () => {
      f.if(i32.eq(op, K(MUL)), () => f.set(flags, f.call(product, sign, ae, be, am, bm)), () => f.set(flags, f.call(quotient, sign, ae, be, am, bm)));
    });
    finish(flags.get);
  };
  f.if(i32.and(notes, K(EMPTY)), () => f.return(f.call(underflow, to)));
  f.if(all(normal(a.m, a.se), normal(b.m, b.se), i32.eqz(notes)), () => compute(i32.and(a.se, K(MOST)), a.m, i32.and(b.se, K(MOST)), b.m));
  const nan = f.let(f.call(nans, a.m, a.se, b.m, b.se));
  f.if(nan, () => finish(i32.eq(nan, K(2))));
  const aInf = f.let(isInfinity(a.m, a.se)), bInf = f.let(isInfinity(b.m, b.se)), aZero = f.let(i64.eqz(a.m)), bZero = f.let(i64.eqz(b.m));
  const additive = f.let(i32.ltU(op, K(MUL))), dividing = f.let(i32.eq(op, K(DIV)));
  const invalid = choose(additive, all(aInf, bInf, sign), choose(dividing, any(all(aInf, bInf), all(aZero, bZero)), any(all(aInf, bZero), all(bInf, aZero))));
  f.if(invalid, () => {
    setIndefinite(f);
    finish(K(SW.IE));
  });
  const signed = (s: I32, e: number): I32 => i32.or(i32.shl(s, K(15)), K(e));
  f.if(all(dividing, bZero, i32.eqz(aInf)), () => {
    give(TOP, signed(sign, MOST), SW.ZE);
  });
  f.if(any(isDenormal(a.m, a.se), isDenormal(b.m, b.se), notes), () => f.if(i32.eqz(f.call(settle, K(SW.DE))), () => f.return(K(0))));
  f.if(additive, () => {
    f.if(aInf, () => give(TOP, signed(as, MOST)));
    f.if(bInf, () => give(TOP, signed(bs, MOST)));
    f.if(all(aZero, bZero), () => give(ZERO, signed(select(sign, i32.eq(rc(), K(1)), as), 0)));
    for (const [zero, s, n] of [[aZero, bs, b], [bZero, as, a]] as const) {
      f.if(zero, () => {
        const other = normalized(f, n.m, n.se);
        finish(whole(f, s, other.e, other.m, ZERO));
      });
    }
  }, () => {
    f.if(any(aInf, i32.and(bInf, i32.eqz(dividing))), () => give(TOP, signed(sign, MOST)));
    f.if(any(aZero, bZero, bInf), () => give(ZERO, signed(sign, 0)));
  });
  const an = normalized(f, a.m, a.se), bn = normalized(f, b.m, b.se);
  compute(an.e, an.m, bn.e, bn.m);
});

for (const [name, op, reversed] of [["add", ADD, false], ["mul", MUL, false], ["sub", SUB, false], ["subr", SUB, true], ["div", DIV, false], ["divr", DIV, true]] as const) {
  const order = (e: Emit, to: I32, from: I32, notes: I32): I32 =>
    e.call(operate, K(op), ...(reversed ? [from, to] : [to, from]), to, notes);
  for (const integer of [false, true]) {
    waiting("x87", `f${integer ? "i" : ""}${name}`, integer ? [2, 4] : [4, 8], "m", (e) => {
      const denormal = source(e, integer);
      e.f.let(order(e, st(e.f, K(0)), K(SOURCE), i32.or(empty(K(0)), i32.shl(denormal, K(1)))));
    });
  }
  const registers = (e: Emit): I32 => {
    const to = st(e.f, e.field(0)), from = st(e.f, e.field(1));
    return e.f.let(order(e, to, from, i32.or(empty(e.field(0)), empty(e.field(1)))));
  };
  waiting("x87", `f${name}`, [0], "0t t0", (e) => void registers(e));
  waiting("x87", `f${name}p`, [0], "t0", (e) => e.f.if(registers(e), () => pop(e.f)));
}

/** Root of the significand at a place, whose exponent is odd or even; in parts, to be rounded. */
const root: Callee<"i32"> = helper("root", ["i32"], "i32", (f) => {
  const at = f.param(0, "i32").get;
  const a = parts(f, at);
  f.if(i64.eqz(a.m), () => {
    setResult(f, ZERO, a.se);
    f.return(K(0));
  });
  const n = normalized(f, a.m, a.se);
  // The exponent of the result is half; a quarter to one, in 128 bits.
  const even = f.let(i32.and(n.e, K(1)));
  const hi = f.let(select(even, i64.shrU(n.m, L(1)), n.m)), lo = f.let(select(even, i64.shl(n.m, L(63)), ZERO));
  const q = f.local("i64");
  f.set(q, i64.truncSat(f64.mul(f64.sqrt(f64.convert64U(hi)), f64.const(2 ** 32)), false));
  f.if(i64.geU(hi, q.get), () => f.set(q, L(-1)));
  // A step of Newton's leaves it right, or one too great.
  f.if(i64.ltU(hi, q.get), () => {
    const d = f.let(f.call(divide, hi, lo, q.get));
    f.set(q, i64.add(i64.add(i64.shrU(q.get, L(1)), i64.shrU(d, L(1))), i64.and(i64.or(q.get, d), L(1))));
  });
  const low = f.local("i64"), high = f.local("i64");
  f.loop((again) => {
    const square = f.let(i64.mul(q.get, q.get));
    f.set(low, i64.sub(lo, square));
    f.set(high, i64.sub(i64.sub(hi, f.call(mulHigh, q.get, q.get)), i64.extendU(i64.ltU(lo, square))));
    f.if(i64.ltS(high.get, ZERO), () => {
      f.set(q, i64.sub(q.get, L(1)));
      f.br(again);
    });
  });
  const rest = select(i64.eqz(i64.or(high.get, low.get)), ZERO, select(i32.or(i64.ne(high.get, ZERO), i64.gtU(low.get, q.get)), L(-1), L(1)));
  f.return(whole(f, K(0), i32.add(i32.shrS(i32.sub(n.e, K(BIAS)), K(1)), K(BIAS)), q.get, rest));
});

waiting("x87", "fsqrt", [0], "-", (e) => {
  const { f } = e;
  const at = st(f, K(0));
  const done = f.local("i32");
  f.block((end) => {
    f.if(empty(K(0)), () => {
      f.let(e.call(underflow, at));
      f.br(end);
    });
    const a = parts(f, at);
    const nan = f.let(e.call(nans, a.m, a.se, a.m, a.se));
    const negative = all(i32.shrU(a.se, K(15)), i64.ne(a.m, ZERO));
    f.if(nan, () => f.set(done, e.call(settle, i32.eq(nan, K(2)))), () => f.if(negative, () => {
      setIndefinite(f);
      f.set(done, e.call(settle, K(SW.IE)));
    }, () => f.if(isInfinity(a.m, a.se), () => {
      setResult(f, a.m, a.se);
      f.set(done, e.call(settle, K(0)));
    }, () => {
      f.if(isDenormal(a.m, a.se), () => f.brIf(end, i32.eqz(e.call(settle, K(SW.DE)))));
      f.set(done, e.call(settle, e.call(root, at)));
    })));
    f.if(done.get, () => deliver(f, at));
  });
});
