/**
 * Meanings: x87 comparisons, into C3 C2 C0 or into the flags. A NaN is unordered with everything: an
 * invalid operation, of the "u" kinds only a signalling one. The codes are set also when
 * an exception is not masked; nothing is popped then.
 */
import type { Emit } from "../emit.ts";
import type { Callee } from "../func.ts";
import { i32, i64, select, type I32, type I64 } from "../wasm.ts";
import { any, clear, empty, exponentOf, helper, K, pop, raise, setCodes, setNumber, signOf, SOURCE, st, SW, waiting, ZERO } from "./x87.ts";
import { source } from "./x87load.ts";
import { isDenormal, isNan, isSignalling, parts, unsupported } from "./x87round.ts";

const LESS = SW.C0;
const EQUAL = SW.C3;
const UNORDERED: number = SW.C3 | SW.C2 | SW.C0;

/**
 * Condition codes of the numbers at two places; negative when an exception is not masked, and nothing is to be
 * popped. quiet: the u kinds; notes: 1 an empty register, 2 a denormal in memory.
 */
const compare: Callee<"i32"> = helper("compare", ["i32", "i32", "i32", "i32"], "i32", (f) => {
  const [x, y, quiet, notes] = [0, 1, 2, 3].map((k) => f.param(k, "i32").get) as [I32, I32, I32, I32];
  const a = parts(f, x), b = parts(f, y);
  const give = (flags: I32, codes: I32): void => {
    f.return(i32.or(codes, select(f.call(raise, flags), K(-0x80000000), K(0))));
  };
  f.if(i32.and(notes, K(1)), () => {
    clear(f, SW.C1);
    give(K(SW.IE | SW.SF), K(UNORDERED));
  });
  f.if(any(unsupported(a.m, a.se), unsupported(b.m, b.se)), () => give(K(SW.IE), K(UNORDERED)));
  f.if(any(isNan(a.m, a.se), isNan(b.m, b.se)), () =>
    give(any(i32.eqz(quiet), isSignalling(a.m, a.se), isSignalling(b.m, b.se)), K(UNORDERED)));
  const denormal = i32.shl(any(isDenormal(a.m, a.se), isDenormal(b.m, b.se), i32.shrU(notes, K(1))), K(1));
  const codes = f.local("i32");
  const exponent = (n: { m: I64; se: I32 }): I32 => f.let(i32.add(exponentOf(n.se), i32.and(i64.ltS(n.m, ZERO), i32.eqz(exponentOf(n.se)))));
  const ae = exponent(a), be = exponent(b);
  const same = i32.and(i32.eq(ae, be), i64.eq(a.m, b.m));
  const smaller = any(i32.ltU(ae, be), i32.and(i32.eq(ae, be), i64.ltU(a.m, b.m)));
  f.if(i64.eqz(i64.or(a.m, b.m)), () => f.set(codes, K(EQUAL)), () => {
    f.if(i32.ne(signOf(a.se), signOf(b.se)), () => f.set(codes, i32.mul(signOf(a.se), K(LESS))), () => {
      f.if(same, () => f.set(codes, K(EQUAL)), () => f.set(codes, i32.mul(i32.xor(smaller, signOf(a.se)), K(LESS))));
    });
  });
  give(denormal, codes.get);
});

/** Compares st(0) with the number at a place; then pops. */
function comparison(e: Emit, y: I32, quiet: boolean, notes: I32, pops: number, codes: (codes: I32) => void = (c) => setCodes(e.f, c)): void {
  const { f } = e;
  const c = f.let(e.call(compare, st(f, K(0)), y, K(quiet ? 1 : 0), notes));
  codes(i32.and(c, K(UNORDERED)));
  if (pops > 0) {
    f.if(i32.geS(c, K(0)), () => {
      for (let k = 0; k < pops; k++) pop(f);
    });
  }
}

for (const [suffix, pops] of [["", 0], ["p", 1]] as const) {
  for (const integer of [false, true]) {
    waiting("x87", `f${integer ? "i" : ""}com${suffix}`, integer ? [2, 4] : [4, 8], "m", (e) => {
      const denormal = source(e, integer);
      comparison(e, K(SOURCE), false, i32.or(empty(K(0)), i32.shl(denormal, K(1))), pops);
    });
  }
  for (const quiet of [false, true]) {
    const name = quiet ? "fucom" : "fcom";
    waiting("x87", name + suffix, [0], "0t", (e) =>
      comparison(e, st(e.f, e.field(1)), quiet, i32.or(empty(K(0)), empty(e.field(1))), pops));
    // CF PF ZF are C0 C2 C3; OF, SF and AF are clear.
    waiting("x87", `${name}i${suffix}`, [0], "0t", (e) =>
      comparison(e, st(e.f, e.field(1)), quiet, i32.or(empty(K(0)), empty(e.field(1))), pops, (c) => e.setRflags(i64.extendU(i32.shrU(c, K(8))))));
  }
}
for (const quiet of [false, true]) {
  waiting("x87", quiet ? "fucompp" : "fcompp", [0], "-", (e) =>
    comparison(e, st(e.f, K(1)), quiet, i32.or(empty(K(0)), empty(K(1))), 2));
}
waiting("x87", "ftst", [0], "-", (e) => {
  setNumber(e.f, K(SOURCE), ZERO, K(0));
  comparison(e, K(SOURCE), false, empty(K(0)), 0);
});
