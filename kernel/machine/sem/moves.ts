/**
 * Meanings: data movement between general registers, memory and the stack (SDM vol. 2).
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CC } from "../rows.ts";
import { Trap } from "../trap.ts";
import { i32, i64, type I64 } from "../wasm.ts";

const RSP = 4;

define("moves", "mov", [1, 2, 4, 8], "rr rm mr ri mi", (e) => e.write(0, e.kinds === "ri" && e.size === 8 ? e.imm64() : e.read(1)));
// mov r/m64, imm32 is mi, or ri of its own: C7 has a sign-extended immediate, B8 a whole one; both have all 64 bits in the record.
define("moves", "movnti", [4, 8], "mr", (e) => e.write(0, e.read(1)));
define("moves", "lea", [2, 4, 8], "rm", (e) => e.write(0, e.f.let(e.address())));
define("moves", "movzxb", [2, 4, 8], "rr rm", (e) => e.write(0, e.read(1, 1, false)));
define("moves", "movzxw", [2, 4, 8], "rr rm", (e) => e.write(0, e.read(1, 2, false)));
define("moves", "movsxb", [2, 4, 8], "rr rm", (e) => e.write(0, e.read(1, 1)));
define("moves", "movsxw", [2, 4, 8], "rr rm", (e) => e.write(0, e.read(1, 2)));
define("moves", "movsxd", [2, 4, 8], "rr rm", (e) => e.write(0, e.read(1, Math.min(e.size, 4))));

// A line is flushed only if it can be read.
define("moves", "clflush", [1], "m", (e) => void e.read(0));

define("moves", "xchg", [1, 2, 4, 8], "rr mr", (e) => {
  const a = e.modify(0);
  const b = e.read(1);
  e.write(0, b);
  e.write(1, a);
});

define("moves", "bswap", [2, 4, 8], "r", (e) => {
  const a = e.read(0, e.size, false);
  if (e.size === 2) return e.write(0, i64.const(0)); // undefined; what processors do
  const bytes = (v: I64, mask: bigint, by: number): I64 => i64.or(i64.and(i64.shrU(v, i64.const(by)), i64.const(mask)), i64.shl(i64.and(v, i64.const(mask)), i64.const(by)));
  const whole = i64.rotl(e.f.let(bytes(e.f.let(bytes(a, 0x00ff00ff00ff00ffn, 8)), 0x0000ffff0000ffffn, 16)), i64.const(32));
  e.write(0, e.size === 8 ? whole : i64.shrU(whole, i64.const(32)));
});

define("moves", "extend", [2, 4, 8], "-", (e) => e.setGpr(0, e.gpr(0, e.size / 2), e.size));
define("moves", "spread", [2, 4, 8], "-", (e) => e.setGpr(2, i64.shrS(e.gpr(0, e.size), i64.const(63)), e.size));
define("moves", "xlat", [0], "-", (e) => {
  const at = e.wrapped(i64.add(e.gpr(3), e.gpr(0, 1, false)));
  e.setGpr(0, e.load(i64.add(at, e.segmentBase()), 1), 1);
});

/** Stores below rsp, then moves rsp. */
export function push(e: Emit, value: I64, size: number = e.size): void {
  const sp = e.f.let(i64.sub(e.gpr(RSP), i64.const(size)));
  e.store(e.place(sp, size, true), value, size);
  e.setGpr(RSP, sp);
}

define("moves", "push", [2, 8], "r m", (e) => push(e, e.read(0)));
define("moves", "pushi", [2, 8], "i", (e) => push(e, e.imm()));
define("moves", "pushseg", [2, 8], "-", (e) => push(e, i64.const(0)));
define("moves", "pop", [2, 8], "r", (e) => {
  const sp = e.gpr(RSP);
  const value = e.load(sp, e.size);
  e.setGpr(RSP, i64.add(sp, i64.const(e.size)));
  e.write(0, value);
});
// The address of the operand counts rsp as it is after the pop; a fault leaves rsp as it was.
define("moves", "pop", [2, 8], "m", (e) => {
  const { f } = e;
  const sp = e.gpr(RSP);
  const value = e.load(sp, e.size);
  const to = f.let(i64.add(e.address(), e.pick(e.baseIs(RSP), i64.const(e.size), i64.const(0))));
  e.store(e.place(to, e.size, true), value);
  e.setGpr(RSP, i64.add(sp, i64.const(e.size)));
});
define("moves", "popseg", [2, 8], "-", (e) => {
  const sp = e.gpr(RSP);
  e.trapIf(i64.ne(i64.and(e.load(sp, e.size), i64.const(0xfffc)), i64.const(0)), Trap.GP);
  e.setGpr(RSP, i64.add(sp, i64.const(e.size)));
});
define("moves", "leave", [2, 8], "-", (e) => {
  const bp = e.gpr(5);
  const value = e.load(bp, e.size);
  e.setGpr(RSP, i64.add(bp, i64.const(e.size)));
  e.setGpr(5, value, e.size);
});
define("moves", "enter", [2, 8], "ii", (e) => {
  const { f } = e;
  const sp = f.local("i64");
  const level = f.let(i64.and(i64.shrU(e.imm(), i64.const(16)), i64.const(31)));
  const size = i64.const(e.size);
  const bp = e.gpr(5);
  const start = e.gpr(RSP);
  const frame = f.let(i64.sub(start, size));
  f.set(sp, frame);
  e.store(e.place(frame, e.size, true), bp);
  const k = f.local("i64");
  f.set(k, i64.const(1));
  f.if(i64.ne(level, i64.const(0)), () => {
    f.loop((again) => {
      f.set(sp, i64.sub(sp.get, size));
      f.if(i64.ltU(k.get, level), () => {
        const link = e.load(i64.sub(bp, i64.mul(k.get, size)), e.size);
        e.store(e.place(sp.get, e.size, true), link);
        f.set(k, i64.add(k.get, i64.const(1)));
        f.br(again);
      });
    });
    e.store(e.place(sp.get, e.size, true), frame);
  });
  const bottom = f.let(i64.sub(sp.get, i64.and(e.imm(), i64.const(0xffff))));
  // The new top must be writable, or nothing has happened.
  e.place(bottom, 1, true);
  e.setGpr(5, frame, e.size);
  e.setGpr(RSP, bottom);
});

for (let cc = 0; cc < 16; cc++) {
  const name = CC[cc] as string;
  define("moves", `cmov${name}`, [2, 4, 8], "rr rm", (e) => {
    const from = e.read(1);
    e.write(0, e.pick(e.cond(cc), from, e.read(0)));
  });
  define("moves", `set${name}`, [1], "r m", (e) => e.write(0, e.bool(e.cond(cc))));
}

// Selectors: flat user mode has one of each; loading a null one is allowed, any other is not there.
define("moves", "movfromseg", [2, 4, 8], "rs ms", (e) => e.write(0, e.selector(), e.kinds === "ms" ? 2 : e.size));
define("moves", "movtoseg", [2, 4, 8], "sr sm", (e) => e.trapIf(i32.wrap(i64.and(e.read(1, 2), i64.const(0xfffc))), Trap.GP));
