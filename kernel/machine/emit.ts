/**
 * Emit: what a meaning is written with. The meaning says what is computed; Emit knows where operands
 * are: in the decoded record (interp.ts), or, in a translator, in constants and locals. Rules for
 * meanings:
 *  - integers are i64, sign-extended from their size: what `read` gives, and what flags are made of;
 *  - what `read`, `modify`, `load` give is computed there and then, and may be used many times;
 *  - everything that can fault (read, modify, load, place, trapIf) stands before the first write of a
 *    register or of the flags; a memory operand that is written is got with `modify` or `place` before.
 *    Then a fault leaves the state as it was before the instruction, at no cost.
 */
import type { Callee, Func } from "./func.ts";
import { CPU } from "./layout.ts";
import { v128 } from "./simd.ts";
import { Trap } from "./trap.ts";
import { i32, i64, select, type Expr, type I32, type I64, type Ty, type V128, type Void } from "./wasm.ts";

/** The lazy flags: see CPU.x in layout.ts. */
export interface Flags {
  readonly x?: I64;
  readonly y?: I64;
  readonly z?: I64;
  readonly r?: I64;
  readonly s?: I64;
}

export abstract class Emit {
  readonly f: Func;
  /** Operand size in bytes, and a letter for each operand; see forms.ts. */
  size = 0;
  kinds = "";
  /** Where the memory operand is in linear memory, once translated. */
  private at: I32 | undefined;
  /** The last comparison, while nothing has changed the flags since. */
  private compared: { a: I64; b: I64 } | undefined;

  constructor(f: Func) {
    this.f = f;
  }

  /** Begins another instruction. */
  begin(size: number, kinds: string): void {
    this.size = size;
    this.kinds = kinds;
    this.at = this.compared = undefined;
  }

  // Where operands are: what each tier has its own way for.

  /** The place of register operand k (0 or 1) in linear memory is `offset` past this. */
  abstract field(k: number): I32;
  /** Offset of the CPU block from address 0. */
  abstract readonly cpu: number;
  /** The immediate, sign-extended. */
  abstract imm(): I64;
  /** The 64-bit immediate of mov. */
  abstract imm64(): I64;
  /** The effective address of the memory operand. */
  abstract address(): I64;
  abstract flag(which: "x" | "y" | "z" | "r" | "s"): I64;
  protected abstract setFlag(which: "x" | "y" | "z" | "r" | "s", value: I64): void;
  /** The address in linear memory of `size` bytes at `va`, leaving the instruction if they cannot be had. */
  protected abstract translate(va: I64, size: number, write: boolean): I32;
  /** Leaves the instruction with the state as it is, CPU.exit saying why. */
  protected abstract leave(): void;
  /** The host computes the instruction (natives.ts), with all state in memory. */
  abstract host(what: number): void;
  /** Whether the memory operand's base is general register n. */
  abstract baseIs(n: number): I32;
  /** The base address of the segment of a string instruction's source. */
  abstract segmentBase(): I64;
  /** rip of the next instruction, and of the target; only in forms that end a block. */
  abstract nextRip(): I64;
  abstract targetRip(): I64;
  /** Goes on at the target of a direct jump, or behind the instruction. */
  abstract jump(where: "taken" | "fall"): void;
  /** Goes on at an address. */
  abstract jumpTo(rip: I64): void;
  /** Does this instruction again, unless the slice is over; `done` is what it has cost. */
  abstract again(done: I32): void;

  // Registers

  /** A general register by number. */
  gpr(n: number, size = 8, signed = true): I64 {
    return this.f.let(this.loadHost(i32.const(0), size, signed, this.cpu + n * 8));
  }

  setGpr(n: number, value: I64, size = 8): void {
    this.storeRegister(i32.const(0), value, size, this.cpu + n * 8);
  }

  /** An address as wide as the instruction's address size; operand field s says so where there is no other use for it. */
  wrapped(address: I64): I64 {
    return this.f.let(i64.and(address, this.addressMask()));
  }

  /** All ones, or 32 ones with the address size prefix. */
  addressMask(): I64 {
    return select(this.field(1), i64.const(0xffffffff), i64.const(-1));
  }

  /** The selector in segment register operand 1: flat user mode has a code and a stack segment. */
  selector(): I64 {
    return i64.and(i64.shrU(i64.const(0x2b3300), i64.extendU(i32.shl(this.field(1), i32.const(3)))), i64.const(255));
  }

  /** A word of the CPU block. */
  state(offset: number): I32 {
    return i32.load(i32.const(0), this.cpu + offset);
  }

  setState(offset: number, value: I32): void {
    this.f.put(i32.store(i32.const(0), value, this.cpu + offset));
  }

  /** Leaves an address for the next record. */
  setTemp(address: I64): void {
    this.f.put(i64.store(i32.const(0), address, this.cpu + CPU.temp));
  }

  /** The base of the segment that operand field k names. */
  segmentOf(k = 1): I64 {
    return i64.load(this.field(k), this.cpu);
  }

  // Operands

  /** An integer operand: register, memory or immediate. */
  read(k: number, size: number = this.size, signed = true): I64 {
    switch (this.kinds[k]) {
      case "r": return this.f.let(this.loadHost(this.field(k), size, signed, this.cpu));
      case "m": return this.f.let(this.loadHost(this.place(this.address(), size, false), size, signed));
      case "i": return this.f.let(signed || size === 8 ? this.imm() : i64.and(this.imm(), i64.const(2 ** (size * 8) - 1)));
      case "c": return this.gpr(1, 1, false);
      default: throw new Error(`operand ${k} of ${this.kinds} is no integer`);
    }
  }

  /** The same, for an operand that is written afterwards: memory is checked for writing first. */
  modify(k: number, size: number = this.size, signed = true): I64 {
    if (this.kinds[k] !== "m") return this.read(k, size, signed);
    this.at = this.place(this.address(), size, true);
    return this.f.let(this.loadHost(this.at, size, signed));
  }

  /** Writes operand k; a 32-bit register clears the upper half. */
  write(k: number, value: I64, size: number = this.size): void {
    if (this.kinds[k] === "m") this.store(this.target(size), value, size);
    else this.storeRegister(this.field(k), value, size, this.cpu);
  }

  /** The memory operand's place for writing, once. */
  target(size: number = this.size): I32 {
    return (this.at ??= this.place(this.address(), size, true));
  }

  /** The place in linear memory of an address; `aligned`: #GP unless it is a multiple of the size. */
  place(va: I64, size: number, write: boolean, aligned = false): I32 {
    const at = this.f.let(va);
    if (aligned) this.trapIf(i64.ne(i64.and(at, i64.const(size - 1)), i64.const(0)), Trap.GP);
    return this.translate(at, size, write);
  }

  /** An integer at an address. */
  load(va: I64, size: number, signed = true): I64 {
    return this.f.let(this.loadHost(this.place(va, size, false), size, signed));
  }

  /** Stores at a place that was got for writing. */
  store(place: I32, value: I64, size: number = this.size): void {
    this.f.put(size === 1 ? i64.store8(place, value) : size === 2 ? i64.store16(place, value) : size === 4 ? i64.store32(place, value) : i64.store(place, value));
  }

  private loadHost(at: I32, size: number, signed: boolean, offset = 0): I64 {
    switch (size) {
      case 1: return signed ? i64.load8S(at, offset) : i64.load8U(at, offset);
      case 2: return signed ? i64.load16S(at, offset) : i64.load16U(at, offset);
      case 4: return signed ? i64.load32S(at, offset) : i64.load32U(at, offset);
      default: return i64.load(at, offset);
    }
  }

  private storeRegister(at: I32, value: I64, size: number, offset: number): void {
    switch (size) {
      case 1: return this.f.put(i64.store8(at, value, offset));
      case 2: return this.f.put(i64.store16(at, value, offset));
      case 4: return this.f.put(i64.store(at, i64.extendU(i32.wrap(value)), offset));
      default: return this.f.put(i64.store(at, value, offset));
    }
  }

  // Vectors

  /** A vector operand: an xmm register, or `size` bytes of memory with zeros above them. */
  vector(k: number, size = 16, aligned: boolean = size === 16): V128 {
    if (this.kinds[k] !== "m") return this.f.let(v128.load(this.field(k), this.cpu + CPU.xmm));
    const at = this.place(this.address(), size, false, aligned);
    return this.f.let(size === 16 ? v128.load(at) : size === 8 ? v128.load64(at) : size === 4 ? v128.load32(at) : simdLoadSmall(at, size));
  }

  /** Writes an xmm register operand, whole. */
  setVector(k: number, value: V128): void {
    this.f.put(v128.store(this.field(k), value, this.cpu + CPU.xmm));
  }

  // Flags

  /** Sets the parts given. */
  flags(flags: Flags): void {
    this.compared = undefined;
    for (const which of ["x", "y", "z", "r", "s"] as const) {
      const value = flags[which];
      if (value) this.setFlag(which, value);
    }
  }

  /** Flags of r = a + b. */
  flagsAdd(a: I64, b: I64, r: I64): void {
    this.flags({ x: r, y: a, z: b, r, s: r });
  }

  /** Flags of r = a - b. */
  flagsSub(a: I64, b: I64, r: I64): void {
    this.flags({ x: a, y: b, z: r, r, s: r });
    this.compared = { a, b };
  }

  /** Flags of a logical operation: CF, OF and AF clear. */
  flagsLogic(r: I64): void {
    this.flags({ x: i64.const(0), y: i64.const(0), z: i64.const(0), r, s: r });
    this.compared = { a: r, b: i64.const(0) };
  }

  /** CF, OF and AF as given, each 0 or 1; ZF, SF and PF of r, or unchanged. */
  flagsExplicit(c: I64, o: I64, a: I64 | undefined, r?: I64): void {
    const { f } = this;
    const carry = f.let(c);
    const x = f.let(i64.sub(carry, i64.const(1)));
    const sign = i64.xor(i64.sub(i64.const(0), o), x);
    const z = f.let(a ? i64.or(i64.and(sign, i64.const(-17)), i64.shl(i64.xor(a, i64.const(1)), i64.const(4))) : sign);
    this.flags({ x, y: i64.sub(i64.const(0), carry), z, ...(r ? { r, s: r } : {}) });
  }

  /** CF as 0 or 1. */
  carry(): I64 {
    return i64.extendU(i64.ltU(this.flag("x"), this.flag("y")));
  }

  /** Whether a condition holds (numbers as in opcodes: 0 o, 2 b, 4 e, 6 be, 8 s, 10 p, 12 l, 14 le; odd: not). */
  cond(cc: number): I32 {
    const x = this.flag("x"), y = this.flag("y"), r = this.flag("r"), s = this.flag("s");
    const not = (cc & 1) !== 0;
    const zero = i64.const(0);
    const c = this.compared;
    const direct = c && { 2: i64.ltU, 3: i64.geU, 4: i64.eq, 5: i64.ne, 6: i64.leU, 7: i64.gtU, 12: i64.ltS, 13: i64.geS, 14: i64.leS, 15: i64.gtS }[cc];
    if (c && direct) return direct(c.a, c.b);
    const overflow = (): I64 => i64.and(i64.xor(x, y), i64.xor(x, this.flag("z")));
    const less = (): I64 => i64.xor(overflow(), s);
    const negative = (v: I64): I32 => (not ? i64.geS(v, zero) : i64.ltS(v, zero));
    switch (cc & 14) {
      case 0: return negative(overflow());
      case 2: return not ? i64.geU(x, y) : i64.ltU(x, y);
      case 4: return not ? i64.ne(r, zero) : i64.eqz(r);
      case 6: return not ? i32.and(i64.geU(x, y), i64.ne(r, zero)) : i32.or(i64.ltU(x, y), i64.eqz(r));
      case 8: return negative(s);
      case 10: {
        const odd = i32.and(i32.popcnt(i32.and(i32.wrap(s), i32.const(255))), i32.const(1));
        return not ? odd : i32.eqz(odd);
      }
      case 12: return negative(less());
      default: return not ? i32.and(i64.geS(less(), zero), i64.ne(r, zero)) : i32.or(i64.ltS(less(), zero), i64.eqz(r));
    }
  }

  /** The low byte of RFLAGS and OF, as they lie there: CF PF AF ZF SF OF. */
  rflags(): I64 {
    const bit = (cc: number, at: number): I32 => (at ? i32.shl(this.cond(cc), i32.const(at)) : this.cond(cc));
    const af = i32.and(i32.wrap(i64.xor(i64.xor(this.flag("x"), this.flag("y")), this.flag("z"))), i32.const(16));
    return this.f.let(i64.extendU([bit(2, 0), bit(10, 2), af, bit(4, 6), bit(8, 7), bit(0, 11)].reduce((a, b) => i32.or(a, b))));
  }

  /** Sets CF PF AF ZF SF OF from their places in a value. */
  setRflags(value: I64): void {
    const { f } = this;
    const v = f.let(value);
    const bit = (at: number): I64 => i64.and(i64.shrU(v, i64.const(at)), i64.const(1));
    const r = f.let(i64.xor(bit(6), i64.const(1)));
    const s = f.let(i64.or(i64.shl(bit(7), i64.const(63)), i64.xor(bit(2), i64.const(1))));
    this.flagsExplicit(bit(0), bit(11), bit(4));
    this.flags({ r, s });
  }

  // Control

  /** Raises a trap; the instruction has then done nothing, unless the meaning has already. */
  trap(trap: number, code = 0): void {
    this.setState(CPU.exit, i32.const(trap));
    this.setState(CPU.code, i32.const(code));
    this.leave();
  }

  /** Raises a trap whose code is in CPU.code already. */
  trapCode(trap: number): void {
    this.setState(CPU.exit, i32.const(trap));
    this.leave();
  }

  trapIf(cond: I32, trap: number): void {
    this.f.if(cond, () => this.trap(trap));
  }

  /** Leaves the instruction when a helper gave 0 and has set CPU.exit. */
  leaveUnless(ok: I32): void {
    this.f.if(i32.eqz(ok), () => this.leave());
  }

  // Arithmetic that many meanings need

  /** Sign-extends from the operand size: the form integers have here. */
  narrow(value: I64, size: number = this.size): I64 {
    return size === 1 ? i64.extend8(value) : size === 2 ? i64.extend16(value) : size === 4 ? i64.extend32(value) : value;
  }

  /** The same bits, zero-extended. */
  unsigned(value: I64, size: number = this.size): I64 {
    return size === 8 ? value : i64.and(value, i64.const(size === 4 ? 0xffffffff : 2 ** (size * 8) - 1));
  }

  /** A condition as 0 or 1 in 64 bits. */
  bool(cond: I32): I64 {
    return i64.extendU(cond);
  }

  call<R extends Ty | "void">(callee: Callee<R>, ...args: Expr<Ty>[]): Expr<R> {
    return this.f.call(callee, ...args);
  }

  put(statement: Void): void {
    this.f.put(statement);
  }

  /** One of two integers. */
  pick(cond: I32, then: I64, otherwise: I64): I64 {
    return select(cond, then, otherwise);
  }
}

function simdLoadSmall(at: I32, size: number): V128 {
  return v128.fromI64(size === 2 ? i64.load16U(at) : i64.load8U(at));
}
