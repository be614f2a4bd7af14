/**
 * Meanings: jumps, calls, traps, and the records that are half an instruction: those that compute an
 * address for the next record, and those that join blocks.
 */
import { define } from "../forms.ts";
import { CPU } from "../layout.ts";
import { CC } from "../rows.ts";
import { Stop, Trap } from "../trap.ts";
import { i32, i64 } from "../wasm.ts";
import { bitOffset } from "./bit.ts";
import { push } from "./moves.ts";

const RSP = 4;

for (let cc = 0; cc < 16; cc++) {
  define("control", `j${CC[cc]}`, [8], "j", (e) => {
    e.f.if(e.cond(cc), () => e.jump("taken"));
    e.jump("fall");
  }, true);
}
define("control", "jmp", [8], "j", (e) => e.jump("taken"), true);
define("control", "jmpi", [8], "r m", (e) => e.jumpTo(e.read(0)), true);
define("control", "call", [8], "j", (e) => {
  push(e, e.nextRip());
  e.jump("taken");
}, true);
define("control", "calli", [8], "r m", (e) => {
  const to = e.read(0);
  const sp = e.f.let(i64.sub(e.gpr(RSP), i64.const(8)));
  const place = e.place(sp, 8, true);
  // Before anything is stored; for jumps that store nothing the machine sees to it.
  e.trapIf(i64.ne(i64.shrS(i64.shl(to, i64.const(16)), i64.const(16)), to), Trap.GP);
  e.store(place, e.nextRip());
  e.setGpr(RSP, sp);
  e.jumpTo(to);
}, true);
define("control", "ret", [8], "-", (e) => {
  const sp = e.gpr(RSP);
  const to = e.load(sp, 8);
  e.setGpr(RSP, i64.add(sp, i64.const(8)));
  e.jumpTo(to);
}, true);
define("control", "retn", [8], "i", (e) => {
  const sp = e.gpr(RSP);
  const to = e.load(sp, 8);
  e.setGpr(RSP, i64.add(i64.add(sp, i64.const(8)), e.imm()));
  e.jumpTo(to);
}, true);

for (const [name, cc] of [["loop", -1], ["loope", 4], ["loopne", 5]] as const) {
  define("control", name, [8], "j", (e) => {
    const { f } = e;
    const mask = f.let(e.addressMask());
    const n = f.let(i64.and(i64.sub(e.gpr(1), i64.const(1)), mask));
    e.setGpr(1, n);
    const more = i64.ne(n, i64.const(0));
    f.if(cc < 0 ? more : i32.and(more, e.cond(cc)), () => e.jump("taken"));
    e.jump("fall");
  }, true);
}
define("control", "jrcxz", [8], "j", (e) => {
  e.f.if(i64.eqz(e.wrapped(e.gpr(1))), () => e.jump("taken"));
  e.jump("fall");
}, true);

// A block that was cut goes on in the next; across a page it asks the jump cache, which a change of mappings empties.
define("control", "goto", [0], "-", (e) => e.jump("taken"), true);
define("control", "far", [0], "-", (e) => e.jumpTo(e.targetRip()), true);
define("control", "stale", [0], "-", (e) => e.trap(Stop.Stale), true);
define("control", "bad", [0], "-", (e) => e.trap(Trap.UD), true);
// More than 15 bytes.
define("control", "toolong", [0], "-", (e) => e.trap(Trap.GP), true);

// The next record's operand lies at CPU.temp: with a segment, with 32-bit addresses, or too far for a displacement.
define("control", "ea", [8], "m", (e) => e.setTemp(i64.add(e.address(), e.segmentOf())));
define("control", "ea", [4], "m", (e) => e.setTemp(i64.add(i64.and(e.address(), i64.const(0xffffffff)), e.segmentOf())));
// bt and its kin by register, with 32-bit addresses: the number of the bit wraps with the rest. Field d is the segment.
define("control", "ea", [2, 4, 8], "mr", (e) => e.setTemp(i64.add(i64.and(i64.add(e.address(), bitOffset(e)), i64.const(0xffffffff)), e.segmentOf(0))));
define("control", "ea", [0], "i", (e) => e.setTemp(e.imm64()));

define("control", "nop", [0, 1, 2, 4, 8], "- r m", () => {});
define("control", "nop", [2, 4, 8], "rr rm", () => {});

define("control", "syscall", [8], "-", (e) => {
  e.setGpr(11, i64.or(e.rflags(), i64.extendU(i32.or(e.state(CPU.system), i32.const(0x202)))));
  e.setGpr(1, e.nextRip());
  e.trap(Trap.Syscall);
}, true);
define("control", "int3", [0], "-", (e) => e.trap(Trap.BP), true);
define("control", "int1", [0], "-", (e) => e.trap(Trap.DB), true);
define("control", "ud2", [0], "-", (e) => e.trap(Trap.UD), true);
define("control", "ud2", [2, 4, 8], "rr rm", (e) => e.trap(Trap.UD), true);
// int n: no gate of the table is open to user mode but that of int3.
define("control", "int", [0], "i", (e) => {
  const n = e.f.let(i32.wrap(i64.and(e.imm(), i64.const(255))));
  e.f.if(i32.eq(n, i32.const(3)), () => e.trap(Trap.BP));
  e.setState(CPU.code, i32.add(i32.shl(n, i32.const(3)), i32.const(2)));
  e.trapCode(Trap.GP);
}, true);
for (const [name, sizes, kinds] of [
  ["privileged", [0, 1, 2, 4, 8], "- r m ri ir rd dr rk kr i"], ["descriptor", [0, 2, 4, 8], "r m"], ["farimm", [0, 2, 4, 8], "i"],
  ["farreturn", [0], "-"], ["farmem", [0, 2, 4, 8], "m rm"], ["sysenter", [0], "-"],
] as const) define("control", name, sizes, kinds, (e) => e.trap(Trap.GP), true);
// No descriptor can be looked at: ZF is clear.
define("control", "verify", [2, 4, 8], "r m rr rm", (e) => e.setRflags(i64.and(e.rflags(), i64.const(~64))));
