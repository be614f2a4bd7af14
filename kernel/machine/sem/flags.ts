/**
 * Meanings: the flags themselves. CPU.system has those that are not lazy: TF DF NT RF AC ID.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CPU } from "../layout.ts";
import { Stop } from "../trap.ts";
import { i32, i64, type I64 } from "../wasm.ts";
import { push } from "./moves.ts";

const TF = 0x100;
const DF = 0x400;
/** What popf may change in user mode: TF, DF, NT, AC, ID. */
const POPF = 0x244500;

const carryTo = (e: Emit, change: (now: I64) => I64): void => e.setRflags(change(e.rflags()));
define("flags", "clc", [0], "-", (e) => carryTo(e, (v) => i64.and(v, i64.const(-2))));
define("flags", "stc", [0], "-", (e) => carryTo(e, (v) => i64.or(v, i64.const(1))));
define("flags", "cmc", [0], "-", (e) => carryTo(e, (v) => i64.xor(v, i64.const(1))));
define("flags", "cld", [0], "-", (e) => e.setState(CPU.system, i32.and(e.state(CPU.system), i32.const(~DF))));
define("flags", "std", [0], "-", (e) => e.setState(CPU.system, i32.or(e.state(CPU.system), i32.const(DF))));

define("flags", "lahf", [0], "-", (e) => {
  const now = i64.or(i64.and(e.rflags(), i64.const(0xd5)), i64.const(2));
  e.setGpr(0, e.f.let(i64.or(i64.and(e.gpr(0), i64.const(-0xff01)), i64.shl(now, i64.const(8)))));
});
define("flags", "sahf", [0], "-", (e) => {
  const ah = i64.and(i64.shrU(e.gpr(0), i64.const(8)), i64.const(0xd5));
  e.setRflags(i64.or(i64.and(e.rflags(), i64.const(0x800)), ah));
});

/** All of RFLAGS: bit 1 and IF are always there. RF is never stored. */
define("flags", "pushf", [2, 8], "-", (e) => {
  const system = i32.or(i32.and(e.state(CPU.system), i32.const(~0x10000)), i32.const(0x202));
  push(e, e.f.let(i64.or(e.rflags(), i64.extendU(system))));
});
define("flags", "popf", [2, 8], "-", (e) => {
  const sp = e.gpr(4);
  const v = e.load(sp, e.size, false);
  e.setGpr(4, i64.add(sp, i64.const(e.size)));
  const mask = e.size === 2 ? POPF & 0xffff : POPF;
  e.setState(CPU.system, i32.or(i32.and(e.state(CPU.system), i32.const(~mask)), i32.and(i32.wrap(v), i32.const(mask))));
  e.setRflags(v);
  // The machine goes on by single steps.
  e.f.if(i32.and(e.state(CPU.system), i32.const(TF)), () => e.trap(Stop.Fall));
  e.jump("fall");
}, true);
