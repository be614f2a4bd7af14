/**
 * What the meanings of x87 instructions share: the register stack, exceptions, and the frame of an
 * instruction that waits for them. Invariants: the tag word has a bit for each physical register in use;
 * ES (and B) is set exactly while an exception that is not masked is pending. Numbers pass between
 * helpers in the working space of the CPU block. Called by the other x87 files.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import type { Callee, Func } from "../func.ts";
import { CPU, CPU_BASE } from "../layout.ts";
import { Native } from "../natives.ts";
import { Trap } from "../trap.ts";
import { i32, i64, select, type I32, type I64, type Ty, type Void } from "../wasm.ts";

/** Bits of the status word; SF says that IE is a fault of the stack, C1 then that it was an overflow. */
export const SW = { IE: 1, DE: 2, ZE: 4, OE: 8, UE: 16, PE: 32, SF: 64, ES: 0x80, C0: 0x100, C1: 0x200, C2: 0x400, C3: 0x4000, B: 0x8000 } as const;
/** Where helpers leave a number (significand, then sign and exponent), and where operands from memory are. */
export const RESULT: number = CPU_BASE + CPU.work;
export const SOURCE: number = CPU_BASE + CPU.work + 16;
/** Sign and exponent of special numbers. */
export const BIAS = 0x3fff;
export const MOST = 0x7fff;
/** The integer bit, the quiet bit, and the NaN that invalid operations give. */
export const TOP: I64 = i64.const(-(2n ** 63n));
export const INDEFINITE: I64 = i64.const(-(2n ** 62n));

export const K = (n: number): I32 => i32.const(n);
export const L = (n: number | bigint): I64 => i64.const(n);
export const ZERO: I64 = L(0);
export const get = (offset: number): I32 => i32.load(K(0), CPU_BASE + offset);
export const put = (offset: number, value: I32): Void => i32.store(K(0), value, CPU_BASE + offset);
/** All of these hold. */
export const all = (...conditions: I32[]): I32 => conditions.reduce((a, b) => i32.and(a, b));
export const any = (...conditions: I32[]): I32 => conditions.reduce((a, b) => i32.or(a, b));

/** A helper, shared by all modules: `write` puts its body. */
export function helper<R extends Ty>(name: string, params: readonly Ty[], result: R, write: (f: Func) => void): Callee<R> {
  return {
    name: `x87${name}`, params, result, shared: true,
    write(f) {
      write(f);
      f.unreachable();
    },
  };
}

/** Significand, and sign with exponent, of the number at a place. */
export const significand = (at: I32): I64 => i64.load(at);
export const signExponent = (at: I32): I32 => i32.load16U(at, 8);
export const exponentOf = (se: I32): I32 => i32.and(se, K(MOST));
export const signOf = (se: I32): I32 => i32.shrU(se, K(15));

/** Writes a number at a place. */
export function setNumber(f: Func, at: I32, m: I64, se: I32): void {
  f.put(i64.store(at, m));
  f.put(i32.store16(at, se, 8));
}
export const setResult = (f: Func, m: I64, se: I32): void => setNumber(f, K(RESULT), m, se);

/** The number of the physical register st(i) is in. */
export const physical = (i: I32): I32 => i32.and(i32.add(i32.shrU(get(CPU.fsw), K(11)), i), K(7));
/** Where a physical register lies. */
export const placeOf = (n: I32): I32 => i32.add(i32.shl(n, K(4)), K(CPU_BASE + CPU.x87));
/** Where st(i) lies. */
export const st = (f: Func, i: I32): I32 => f.let(placeOf(physical(i)));
/** 1 when st(i) is empty. */
export const empty = (i: I32): I32 => i32.and(i32.xor(i32.shrU(get(CPU.ftw), physical(i)), K(1)), K(1));

/** Whether flags have one that is not masked. */
const unmasked = (flags: I32): I32 => i32.and(i32.and(flags, i32.xor(get(CPU.fcw), K(0x3f))), K(0x3f));

/** Sets flags; gives those that are not masked. C1, when it is to be cleared, has been. */
export const raise: Callee<"i32"> = helper("raise", ["i32"], "i32", (f) => {
  const flags = f.param(0, "i32").get;
  const loud = f.let(unmasked(flags));
  f.put(put(CPU.fsw, i32.or(i32.or(get(CPU.fsw), flags), select(loud, K(SW.ES | SW.B), K(0)))));
  f.return(loud);
});

/** Clears condition codes. */
export const clear = (f: Func, bits: number): void => f.put(put(CPU.fsw, i32.and(get(CPU.fsw), K(~bits))));
/** Sets C3, C2, C0 and C1 as given, all four. */
export const setCodes = (f: Func, codes: I32): void =>
  f.put(put(CPU.fsw, i32.or(i32.and(get(CPU.fsw), K(~(SW.C0 | SW.C1 | SW.C2 | SW.C3))), codes)));

/** Marks the register at a place as in use. */
export const used = (f: Func, at: I32): void => f.put(put(CPU.ftw, i32.or(get(CPU.ftw), i32.shl(K(1), i32.shrU(i32.sub(at, K(CPU_BASE + CPU.x87)), K(4))))));

/** Marks st(i) as empty. */
export const release = (f: Func, i: I32): void => f.put(put(CPU.ftw, i32.and(get(CPU.ftw), i32.xor(i32.shl(K(1), physical(i)), K(-1)))));

/** Adds to TOP. */
export function turn(f: Func, by: number): void {
  const sw = f.let(get(CPU.fsw));
  f.put(put(CPU.fsw, i32.or(i32.and(sw, K(~0x3800)), i32.and(i32.add(sw, K(by << 11)), K(0x3800)))));
}

/** Takes st(0) off the stack. */
export function pop(f: Func): void {
  release(f, K(0));
  turn(f, 1);
}

/** Writes the result to a register (a place). */
export function deliver(f: Func, at: I32): void {
  setNumber(f, at, significand(K(RESULT)), signExponent(K(RESULT)));
  used(f, at);
}

/** The result of an invalid operation. */
export const setIndefinite = (f: Func): void => setResult(f, INDEFINITE, K(0xffff));

/** A register that is empty was to be read: 1, and the indefinite number is at the place, unless that is not masked. */
export const underflow: Callee<"i32"> = helper("stackunder", ["i32"], "i32", (f) => {
  clear(f, SW.C1);
  f.if(f.call(raise, K(SW.IE | SW.SF)), () => f.return(K(0)));
  setIndefinite(f);
  deliver(f, f.param(0, "i32").get);
  f.return(K(1));
});

/** Pushes the result; when the register is in use the indefinite number instead, or nothing if that is not masked. */
export const push: Callee<"i32"> = helper("push", [], "i32", (f) => {
  clear(f, SW.C1);
  f.if(i32.eqz(empty(K(7))), () => {
    f.if(f.call(raise, K(SW.IE | SW.SF | SW.C1)), () => f.return(K(0)));
    setIndefinite(f);
  });
  turn(f, -1);
  deliver(f, st(f, K(0)));
  f.return(K(1));
});

/**
 * Defines an instruction that waits: a pending exception is #MF before anything else, and one that it
 * raises itself, for the next to find, has its place kept.
 */
export function waiting(group: string, meaning: string, sizes: readonly number[], kinds: string, write: (e: Emit) => void): void {
  define(group, meaning, sizes, kinds, (e) => {
    e.trapIf(i32.and(get(CPU.fsw), K(SW.ES)), Trap.MF);
    write(e);
    e.f.if(i32.and(get(CPU.fsw), K(SW.ES)), () => {
      e.setTemp(e.kinds.includes("m") ? e.address() : ZERO);
      e.host(Native.Pointers);
    });
  });
}
