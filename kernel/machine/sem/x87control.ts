/**
 * Meanings: x87 control and status words, images of the state in memory, and what the host computes:
 * decimal numbers and transcendental functions. Instructions named fn... do not wait.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CPU, CPU_BASE } from "../layout.ts";
import { Native } from "../natives.ts";
import { Trap } from "../trap.ts";
import { i32, i64, select, type I32 } from "../wasm.ts";
import { clear, get, K, L, pop, put, release, RESULT, setNumber, setResult, signExponent, significand, SOURCE, SW, turn, waiting, ZERO } from "./x87.ts";

/** Bits of the control word that are there; bit 6 is always set. */
const CONTROL = 0x1f3f;

define("x87", "fninit", [0], "-", ({ f }) => {
  f.put(put(CPU.fcw, K(0x37f)));
  for (const word of [CPU.fsw, CPU.ftw, CPU.fop]) f.put(put(word, K(0)));
  for (const pointer of [CPU.fip, CPU.fdp]) f.put(i64.store(K(0), ZERO, CPU_BASE + pointer));
});
define("x87", "fnclex", [0], "-", ({ f }) => clear(f, 0xff | SW.B));
define("x87", "fnstcw", [2], "m", (e) => e.write(0, i64.extendU(get(CPU.fcw))));
define("x87", "fnstsw", [2], "m", (e) => e.write(0, i64.extendU(get(CPU.fsw))));
define("x87", "fnstswax", [2], "r", (e) => e.setGpr(0, i64.extendU(get(CPU.fsw)), 2));
define("x87", "fldcw", [2], "m", (e) => {
  pending(e);
  const cw = e.f.let(i32.wrap(e.read(0, 2, false)));
  e.setState(CPU.fcw, i32.or(i32.and(cw, K(CONTROL)), K(0x40)));
  const loud: I32 = i32.and(i32.and(get(CPU.fsw), i32.xor(cw, K(0x3f))), K(0x3f));
  e.setState(CPU.fsw, i32.or(i32.and(get(CPU.fsw), K(~(SW.ES | SW.B))), select(loud, K(SW.ES | SW.B), K(0))));
});
define("x87", "fwait", [0], "-", pending);
define("x87", "fnop", [0], "-", pending);
waiting("x87", "ffree", [0], "t", (e) => {
  clear(e.f, SW.C1);
  release(e.f, e.field(0));
});
waiting("x87", "ffreep", [0], "t", (e) => {
  clear(e.f, SW.C1);
  release(e.f, e.field(0));
  pop(e.f);
});
for (const [name, by] of [["fincstp", 1], ["fdecstp", -1]] as const) {
  waiting("x87", name, [0], "-", ({ f }) => {
    clear(f, SW.C1);
    turn(f, by);
  });
}

/** #MF when an exception is pending. */
function pending(e: Emit): void {
  e.trapIf(i32.and(get(CPU.fsw), K(SW.ES)), Trap.MF);
}

// Images in memory: written by the host, whole or not at all.
const image = (name: string, native: number, waits: boolean, aligned: boolean): void => define("x87", name, [0], "m", (e) => {
  if (waits) pending(e);
  const at = e.f.let(e.address());
  if (aligned) e.trapIf(i64.ne(i64.and(at, L(15)), ZERO), Trap.GP);
  e.setTemp(at);
  e.host(native);
});
image("fnstenv", Native.Fnstenv, false, false);
image("fldenv", Native.Fldenv, true, false);
image("fnsave", Native.Fnsave, false, false);
image("frstor", Native.Frstor, true, false);
image("fxsave", Native.Fxsave, false, true);
image("fxrstor", Native.Fxrstor, false, true);

// Decimal numbers pass through the working space; the host says whether there is one to be stored.
waiting("x87", "fbld", [10], "m", (e) => {
  const at = e.f.let(e.address());
  const low = e.load(at, 8), high = e.load(i64.add(at, L(8)), 2);
  setResult(e.f, low, i32.wrap(high));
  e.host(Native.Fbld);
});
waiting("x87", "fbstp", [10], "m", (e) => {
  e.place(e.address(), 8, true);
  const to = e.target(10);
  e.host(Native.Fbstp);
  e.f.if(i32.load(K(SOURCE)), () => setNumber(e.f, to, significand(K(RESULT)), signExponent(K(RESULT))));
});
for (const [name, native] of [
  ["fsin", Native.Fsin], ["fcos", Native.Fcos], ["fsincos", Native.Fsincos], ["fptan", Native.Fptan], ["fpatan", Native.Fpatan],
  ["f2xm1", Native.F2xm1], ["fyl2x", Native.Fyl2x], ["fyl2xp1", Native.Fyl2xp1],
] as const) waiting("x87", name, [0], "-", (e) => e.host(native));
