/**
 * Meanings: x87 loads, stores, constants and moves between registers. Numbers of 32 and 64 bits and
 * integers become 80 bits exactly; the way back is rounded by RC.
 * Invariant: the place of a store is had before any flag is set.
 */
import type { Emit } from "../emit.ts";
import type { Callee } from "../func.ts";
import { CPU } from "../layout.ts";
import { i32, i64, select, type I32, type I64 } from "../wasm.ts";
import { all, BIAS, clear, deliver, empty, exponentOf, get, helper, INDEFINITE, K, L, MOST, pop, push, raise, RESULT, setCodes, setIndefinite, setNumber, setResult, significand, signExponent, signOf, SOURCE, st, SW, TOP, turn, underflow, waiting, ZERO } from "./x87.ts";
import { isNan, isSignalling, normalized, parts, rc, round, roundsUp, shiftRight, unsupported } from "./x87round.ts";

/** The kinds of floating numbers in memory: bits of the fraction, greatest exponent. */
const FLOAT = { 4: { fraction: 23, most: 0xff }, 8: { fraction: 52, most: 0x7ff } } as const;
type Size = 4 | 8;

/** A number of 32 or 64 bits as 80 in SOURCE; gives 1 for a denormal. */
function widen(size: Size): Callee<"i32"> {
  const { fraction, most } = FLOAT[size];
  return helper(`widen${size}`, ["i64"], "i32", (f) => {
    const bits = f.param(0, "i64").get;
    const sign = f.let(i32.shl(i32.wrap(i64.shrU(bits, L(size * 8 - 1))), K(15)));
    const e = f.let(i32.and(i32.wrap(i64.shrU(bits, L(fraction))), K(most)));
    const m = f.let(i64.shl(bits, L(64 - fraction)));
    const give = (significant: I64, exponent: I32): void => setNumber(f, K(SOURCE), significant, i32.or(sign, exponent));
    f.if(i32.eqz(e), () => {
      f.if(i64.eqz(m), () => {
        give(ZERO, K(0));
        f.return(K(0));
      });
      const zeros = f.let(i64.clz(m));
      give(i64.shl(m, zeros), i32.sub(K(BIAS - (most >> 1)), i32.wrap(zeros)));
      f.return(K(1));
    });
    give(i64.or(TOP, i64.shrU(m, L(1))), select(i32.eq(e, K(most)), K(MOST), i32.add(e, K(BIAS - (most >> 1)))));
    f.return(K(0));
  });
}
const WIDEN = { 4: widen(4), 8: widen(8) } as const;

/** An integer as 80 bits in SOURCE. */
const integer: Callee<"i32"> = helper("integer", ["i64"], "i32", (f) => {
  const v = f.param(0, "i64").get;
  const sign = f.let(i64.ltS(v, ZERO));
  const m = f.let(select(sign, i64.sub(ZERO, v), v));
  const zeros = f.let(i64.clz(m));
  setNumber(f, K(SOURCE), i64.shl(m, zeros), select(i64.eqz(v), K(0), i32.or(i32.shl(sign, K(15)), i32.sub(K(BIAS + 63), i32.wrap(zeros)))));
  f.return(K(0));
});

/** Reads the memory operand into SOURCE; gives 1 for a denormal. */
export function source(e: Emit, isInteger: boolean): I32 {
  const bits = e.read(0, e.size, isInteger);
  return e.f.let(e.call(isInteger ? integer : WIDEN[e.size as Size], bits));
}

/** Pushes SOURCE as it is. */
const pushSource = (e: Emit): void => {
  setResult(e.f, significand(K(SOURCE)), signExponent(K(SOURCE)));
  e.f.let(e.call(push));
};

waiting("x87", "fld", [4, 8], "m", (e) => {
  const { f } = e;
  const denormal = source(e, false);
  const s = parts(f, K(SOURCE));
  const flags = f.let(i32.mul(empty(K(7)), i32.or(isSignalling(s.m, s.se), i32.shl(denormal, K(1)))));
  f.if(flags, () => clear(f, SW.C1));
  f.if(i32.eqz(i32.and(e.call(raise, flags), K(SW.IE))), () => {
    f.put(i64.store(K(SOURCE), select(isNan(s.m, s.se), i64.or(s.m, INDEFINITE), s.m)));
    pushSource(e);
  });
});
waiting("x87", "fild", [2, 4, 8], "m", (e) => {
  source(e, true);
  pushSource(e);
});
waiting("x87", "fld", [10], "m", (e) => {
  const { f } = e;
  const at = f.let(e.address());
  const low = e.load(at, 8);
  setResult(f, low, i32.wrap(e.load(i64.add(at, L(8)), 2)));
  e.f.let(e.call(push));
});
waiting("x87", "fld", [0], "t", (e) => {
  const { f } = e;
  const from = st(f, e.field(0));
  f.if(empty(e.field(0)), () => {
    clear(f, SW.C1);
    f.if(i32.eqz(e.call(raise, K(SW.IE | SW.SF))), () => {
      setIndefinite(f);
      turn(f, -1);
      deliver(f, st(f, K(0)));
    });
  }, () => {
    setResult(f, significand(from), signExponent(from));
    f.let(e.call(push));
  });
});

/** The constants: exponent, significand rounded to nearest, and truncated. */
const CONSTANTS: Readonly<Record<string, readonly [number, bigint, bigint]>> = {
  fld1: [BIAS, 2n ** 63n, 2n ** 63n],
  fldl2t: [0x4000, 0xd49a784bcd1b8afen, 0xd49a784bcd1b8afen],
  fldl2e: [BIAS, 0xb8aa3b295c17f0bcn, 0xb8aa3b295c17f0bbn],
  fldpi: [0x4000, 0xc90fdaa22168c235n, 0xc90fdaa22168c234n],
  fldlg2: [0x3ffd, 0x9a209a84fbcff799n, 0x9a209a84fbcff798n],
  fldln2: [0x3ffe, 0xb17217f7d1cf79acn, 0xb17217f7d1cf79abn],
  fldz: [0, 0n, 0n],
};
for (const [name, [exponent, nearest, low]] of Object.entries(CONSTANTS)) {
  const constant = (v: bigint): I64 => L(BigInt.asIntN(64, v));
  waiting("x87", name, [0], "-", (e) => {
    const high = /^fld[1z]$/.test(name) ? low : low + 1n;
    const m = select(i32.eqz(rc()), constant(nearest), select(i32.eq(rc(), K(2)), constant(high), constant(low)));
    setResult(e.f, m, K(exponent));
    e.f.let(e.call(push));
  });
}

/** What is at a place as 32 or 64 bits, left in RESULT; gives the exceptions. */
function narrow(size: Size): Callee<"i32"> {
  const { fraction, most } = FLOAT[size];
  return helper(`narrow${size}`, ["i32"], "i32", (f) => {
    const a = parts(f, f.param(0, "i32").get);
    const sign = f.let(i64.shl(i64.extendU(signOf(a.se)), L(size * 8 - 1)));
    const give = (e: I64, m: I64): void => f.put(i64.store(K(RESULT), i64.or(i64.or(sign, i64.shl(e, L(fraction))), i64.shrU(i64.shl(m, L(1)), L(64 - fraction)))));
    f.if(unsupported(a.m, a.se), () => {
      f.put(i64.store(K(RESULT), L(-(2n ** BigInt(fraction - 1)))));
      f.return(K(SW.IE));
    });
    f.if(isNan(a.m, a.se), () => {
      give(L(most), i64.or(a.m, INDEFINITE));
      f.return(isSignalling(a.m, a.se));
    });
    f.if(i32.or(i64.eqz(a.m), i32.eq(exponentOf(a.se), K(MOST))), () => {
      give(select(i64.eqz(a.m), ZERO, L(most)), a.m);
      f.return(K(0));
    });
    const n = normalized(f, a.m, a.se);
    const flags = f.let(f.call(round, signOf(a.se), i32.sub(n.e, K(BIAS - (most >> 1))), n.m, ZERO, K(63 - fraction), K(most)));
    give(i64.and(i64.extendU(signExponent(K(RESULT))), L(most)), significand(K(RESULT)));
    // What is not stored is not inexact.
    const kept = i32.and(i32.and(flags, i32.xor(get(CPU.fcw), K(-1))), K(SW.OE | SW.UE));
    f.return(select(kept, i32.and(flags, K(SW.OE | SW.UE)), flags));
  });
}
const NARROW = { 4: narrow(4), 8: narrow(8) } as const;

/** What is at a place as an integer of so many bits, left in RESULT, rounded by RC or truncated; gives the exceptions. */
const toInteger: Callee<"i32"> = helper("tointeger", ["i32", "i32", "i32"], "i32", (f) => {
  const a = parts(f, f.param(0, "i32").get);
  const [bits, truncate] = [f.param(1, "i32").get, f.param(2, "i32").get];
  const least = f.let(i64.shl(L(1), i64.extendU(i32.sub(bits, K(1)))));
  const sign = f.let(signOf(a.se));
  const hi = f.local("i64"), up = f.local("i32"), inexact = f.local("i32");
  const shift = f.let(i32.sub(K(BIAS + 63), exponentOf(a.se)));
  f.set(hi, a.m);
  f.if(i32.gtS(shift, K(0)), () => {
    const s = shiftRight(f, a.m, ZERO, shift);
    f.set(inexact, i64.ne(s.lo, ZERO));
    f.set(up, i32.and(roundsUp(sign, i32.wrap(i64.and(s.hi, L(1))), s.lo), i32.eqz(truncate)));
    f.set(hi, i64.add(s.hi, i64.extendU(up.get)));
  });
  const valid = all(i32.eqz(unsupported(a.m, a.se)), i32.geS(shift, K(0)), i64.leU(hi.get, i64.sub(least, i64.extendU(i32.xor(sign, K(1))))));
  f.if(i32.eqz(valid), () => {
    f.put(i64.store(K(RESULT), i64.sub(ZERO, least)));
    f.return(K(SW.IE));
  });
  f.put(i64.store(K(RESULT), select(sign, i64.sub(ZERO, hi.get), hi.get)));
  f.return(select(inexact.get, i32.or(K(SW.PE), select(up.get, K(SW.C1), K(0))), K(0)));
});

/** Stores what `convert` makes of st(0), or the indefinite value; unless an exception that keeps the old value is not masked. */
function storing(e: Emit, popping: boolean, indefinite: bigint, convert: (at: I32) => I32): void {
  const { f } = e;
  const to = e.target();
  const flags = f.local("i32");
  clear(f, SW.C1);
  f.if(empty(K(0)), () => {
    f.put(i64.store(K(RESULT), L(indefinite)));
    f.set(flags, K(SW.IE | SW.SF));
  }, () => f.set(flags, convert(st(f, K(0)))));
  f.if(i32.eqz(i32.and(e.call(raise, flags.get), K(SW.IE | SW.OE | SW.UE))), () => {
    e.store(to, i64.load(K(RESULT)));
    if (popping) pop(f);
  });
}
for (const name of ["fst", "fstp"]) {
  waiting("x87", name, [4, 8], "m", (e) =>
    storing(e, name === "fstp", -(2n ** BigInt(FLOAT[e.size as Size].fraction - 1)), (at) => e.call(NARROW[e.size as Size], at)));
}
for (const [name, sizes] of [["fist", [2, 4]], ["fistp", [2, 4, 8]], ["fisttp", [2, 4, 8]]] as const) {
  waiting("x87", name, sizes, "m", (e) =>
    storing(e, name !== "fist", -(2n ** BigInt(e.size * 8 - 1)), (at) => e.call(toInteger, at, K(e.size * 8), K(name === "fisttp" ? 1 : 0))));
}
waiting("x87", "fstp", [10], "m", (e) => {
  const { f } = e;
  e.place(e.address(), 8, true);
  const to = e.target(10);
  const at = st(f, K(0));
  clear(f, SW.C1);
  const none = f.let(empty(K(0)));
  setResult(f, significand(at), signExponent(at));
  f.if(none, () => setIndefinite(f));
  f.if(i32.eqz(e.call(raise, i32.mul(none, K(SW.IE | SW.SF)))), () => {
    setNumber(f, to, significand(K(RESULT)), signExponent(K(RESULT)));
    pop(f);
  });
});
for (const name of ["fst", "fstp"]) {
  waiting("x87", name, [0], "t", (e) => {
    const { f } = e;
    const to = st(f, e.field(0)), from = st(f, K(0));
    const ok = f.local("i32");
    clear(f, SW.C1);
    f.if(empty(K(0)), () => f.set(ok, e.call(underflow, to)), () => {
      setResult(f, significand(from), signExponent(from));
      deliver(f, to);
      f.set(ok, K(1));
    });
    if (name === "fstp") f.if(ok.get, () => pop(f));
  });
}
// The same without an exception: an empty register is not stored.
waiting("x87", "fstpnce", [0], "t", (e) => {
  const { f } = e;
  const to = st(f, e.field(0)), from = st(f, K(0));
  clear(f, SW.C1);
  f.if(empty(K(0)), () => turn(f, 1), () => {
    setResult(f, significand(from), signExponent(from));
    deliver(f, to);
    pop(f);
  });
});

waiting("x87", "fxch", [0], "0t", (e) => {
  const { f } = e;
  const a = st(f, K(0)), b = st(f, e.field(1));
  const ok = f.local("i32");
  clear(f, SW.C1);
  f.set(ok, K(1));
  const [aEmpty, bEmpty] = [f.let(empty(K(0))), f.let(empty(e.field(1)))];
  f.if(aEmpty, () => f.set(ok, e.call(underflow, a)));
  f.if(bEmpty, () => f.set(ok, e.call(underflow, b)));
  f.if(ok.get, () => {
    const x = parts(f, a), y = parts(f, b);
    setNumber(f, a, y.m, y.se);
    setNumber(f, b, x.m, x.se);
  });
});

for (const [name, cc] of [["b", 2], ["nb", 3], ["e", 4], ["ne", 5], ["be", 6], ["nbe", 7], ["u", 10], ["nu", 11]] as const) {
  waiting("x87", `fcmov${name}`, [0], "0t", (e) => {
    const { f } = e;
    const to = st(f, K(0)), from = st(f, e.field(1));
    f.if(i32.or(empty(K(0)), empty(e.field(1))), () => void f.let(e.call(underflow, to)), () => {
      f.if(e.cond(cc), () => setNumber(f, to, significand(from), signExponent(from)));
    });
  });
}

// The sign is a bit like others, also of a NaN.
for (const [name, change] of [["fabs", (se) => exponentOf(se)], ["fchs", (se) => i32.xor(se, K(0x8000))]] as readonly (readonly [string, (se: I32) => I32])[]) {
  waiting("x87", name, [0], "-", (e) => {
    const { f } = e;
    const at = st(f, K(0));
    clear(f, SW.C1);
    f.if(empty(K(0)), () => void f.let(e.call(underflow, at)), () => f.put(i32.store16(at, change(signExponent(at)), 8)));
  });
}

// What is in st(0): C1 its sign; C3 C2 C0 its kind.
waiting("x87", "fxam", [0], "-", (e) => {
  const { f } = e;
  const a = parts(f, st(f, K(0)));
  const kind = f.local("i32");
  const { C0, C2, C3, C1 } = SW;
  f.set(kind, select(i32.eq(exponentOf(a.se), K(MOST)), select(isNan(a.m, a.se), K(C0), K(C2 | C0)), K(C2)));
  f.if(i32.eqz(exponentOf(a.se)), () => f.set(kind, select(i64.eqz(a.m), K(C3), K(C3 | C2))));
  f.if(unsupported(a.m, a.se), () => f.set(kind, K(0)));
  f.if(empty(K(0)), () => f.set(kind, K(C3 | C0)));
  setCodes(f, i32.or(kind.get, i32.shl(signOf(a.se), K(Math.log2(C1)))));
});
