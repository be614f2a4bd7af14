/**
 * Decoder: bytes to Insn, from the opcode tables. Knows 64-bit mode only. Invariant: what it calls
 * valid has a row, at most 15 bytes, and LOCK only where it may stand; everything else is told as the
 * exception the processor would raise. Called by blocks.ts and print.ts.
 */
import { CPU } from "./layout.ts";
import { find, hasModrm, Imm, Place, type Row, Sized } from "./rows.ts";

/** What decoding came to: fine, an exception, or bytes needed beyond `limit`. */
export const Decoded = { Ok: 0, Undefined: 1, TooLong: 2, Short: 3 } as const;

/** One instruction, taken apart; used again by each call of `decode`. */
export interface Insn {
  row: Row;
  length: number;
  /** Operand size in bytes (1 2 4 8 10), 0 where it has none. */
  size: number;
  /** The row's kinds with this modrm. */
  kinds: string;
  memory: boolean;
  /** Fields of the record: places in the CPU block of operands 0 and 1; see layout.ts. */
  d: number;
  s: number;
  /** Register numbers, -1 for none; base 16 is rip (of the next instruction). */
  base: number;
  index: number;
  scale: number;
  disp: number;
  /** High half of an address given whole (mov moffs). */
  dispHigh: number;
  /** Immediate, sign-extended; its high half with `mov r64, imm64`. */
  imm: number;
  immHigh: number;
  /** CPU.fsbase, CPU.gsbase, or 0. */
  segment: number;
  addressSize: 4 | 8;
  /** 0xf3, 0xf2 or 0: the last repeat prefix. */
  repeat: number;
  lock: boolean;
  rex: number;
  modrm: number;
}

const NONE: Row = { id: 0, mnemonic: "(bad)", meaning: "bad", operands: [], kindsReg: "", kindsMem: "", modrm: false, lock: false, string: false, sized: "", stack: 0, cc: -1, imm: "", d: 0, s: 0, size: 0, immediate: 0, one: false, selects: "" };

/** An empty Insn to decode into. */
export function insn(): Insn {
  return { row: NONE, length: 0, size: 0, kinds: "", memory: false, d: 0, s: 0, base: -1, index: -1, scale: 0, disp: 0, dispHigh: 0, imm: 0, immHigh: 0, segment: 0, addressSize: 8, repeat: 0, lock: false, rex: 0, modrm: 0 };
}

/**
 * Decodes the instruction at `at` into `i`; bytes at `limit` and beyond are not there, but the array
 * may be read there. `i.length` is how far it came also when it did not succeed.
 */
export function decode(bytes: Uint8Array, at: number, limit: number, i: Insn): number {
  let p = at;
  let rex = 0;
  let opsize = false;
  let op = 0;
  i.segment = i.repeat = i.dispHigh = i.immHigh = i.imm = i.disp = i.scale = i.d = i.s = i.modrm = 0;
  i.addressSize = 8;
  i.lock = i.memory = false;
  i.base = i.index = -1;
  i.row = NONE;
  for (;;) {
    if (p - at >= 15) {
      return done(i, at, at + 16, limit, Decoded.TooLong);
    }
    op = bytes[p++] as number;
    if (op === 0x66) opsize = true;
    else if (op === 0xf2 || op === 0xf3) i.repeat = op;
    else if (op === 0xf0) i.lock = true;
    else if (op === 0x64) i.segment = CPU.fsbase;
    else if (op === 0x65) i.segment = CPU.gsbase;
    else if (op === 0x67) i.addressSize = 4;
    else if (op >= 0x40 && op < 0x50) {
      rex = op;
      continue;
    } else if (op !== 0x2e && op !== 0x36 && op !== 0x3e && op !== 0x26) break;
    rex = 0;
  }
  i.rex = rex;
  if (op === 0x0f) {
    op = bytes[p++] as number;
    if (op === 0x38) op = 0x200 | (bytes[p++] as number);
    else if (op === 0x3a) op = 0x300 | (bytes[p++] as number);
    else op |= 0x100;
  }
  const takes = hasModrm(op);
  if (takes === undefined) return done(i, at, p, limit, Decoded.Undefined);
  const modrm = takes ? (bytes[p++] as number) : 0;
  if (p > limit || p - at > 15) return done(i, at, p, limit, Decoded.TooLong);
  const row = find(op, i.repeat === 0xf3 ? 2 : i.repeat === 0xf2 ? 3 : opsize ? 1 : 0, modrm);
  if (!row) return done(i, at, p, limit, Decoded.Undefined);
  i.modrm = modrm;
  const wide = (rex & 8) !== 0;
  const vsize = row.stack === 65 || wide ? 8 : opsize ? 2 : row.stack === 64 ? 8 : 4;
  const { size } = row;
  i.size = size >= 0 ? size : size === Sized.v ? vsize : size === Sized.y ? (wide ? 8 : 4) : Math.min(vsize, 4);
  i.memory = row.modrm && modrm < 0xc0 && row.kindsMem.includes("m");
  if (i.memory) {
    const mod = modrm >> 6;
    let rm = modrm & 7;
    i.base = rm | ((rex & 1) << 3);
    if (rm === 4) {
      const sib = bytes[p++] as number;
      i.scale = sib >> 6;
      i.index = ((sib >> 3) & 7) | ((rex & 2) << 2);
      if (i.index === 4) i.index = -1;
      rm = sib & 7;
      i.base = rm | ((rex & 1) << 3);
      if (rm === 5 && mod === 0) i.base = -1;
    } else if (rm === 5 && mod === 0) i.base = 16;
    if (mod === 1) i.disp = ((bytes[p++] as number) << 24) >> 24;
    else if (mod === 2 || (rm === 5 && mod === 0)) {
      i.disp = four(bytes, p);
      p += 4;
    }
  }
  i.kinds = i.memory ? row.kindsMem : row.kindsReg;
  if (row.d !== 0) i.d = register(row.d, modrm, rex, op, i.memory);
  if (row.s !== 0) i.s = register(row.s, modrm, rex, op, i.memory);
  switch (row.immediate) {
    case Imm.none: break;
    case Imm.byte: i.imm = ((bytes[p++] as number) << 24) >> 24; break;
    case Imm.z: case Imm.v:
      i.imm = vsize === 2 ? (two(bytes, p) << 16) >> 16 : four(bytes, p);
      p += vsize === 2 ? 2 : 4;
      if (row.immediate === Imm.z) break;
      i.immHigh = vsize === 8 ? four(bytes, p) : i.imm >> 31;
      if (vsize === 8) p += 4;
      break;
    case Imm.word:
      i.imm = two(bytes, p);
      p += 2;
      break;
    case Imm.wordByte:
      i.imm = two(bytes, p) | ((bytes[p + 2] as number) << 16);
      p += 3;
      break;
    default: // moffs
      i.memory = true;
      i.kinds = row.kindsMem;
      i.disp = four(bytes, p);
      p += 4;
      if (i.addressSize === 4) break;
      i.dispHigh = four(bytes, p);
      p += 4;
  }
  if (row.one) i.imm = 1;
  i.row = row;
  if (i.lock && !(row.lock && i.memory && i.kinds[0] === "m")) return done(i, at, p, limit, Decoded.Undefined);
  // Segment registers 6 and 7 are not there; cs cannot be loaded. Control and debug registers alike.
  if (row.selects === "s" && (((modrm >> 3) & 7) > 5 || (row.meaning === "movtoseg" && ((modrm >> 3) & 7) === 1))) return done(i, at, p, limit, Decoded.Undefined);
  if (row.selects === "k" && !controlRegister(row, ((modrm >> 3) & 7) | ((rex & 4) << 1))) return done(i, at, p, limit, Decoded.Undefined);
  return done(i, at, p, limit, Decoded.Ok);
}

/** How it ended, p being behind the last byte read. */
function done(i: Insn, at: number, p: number, limit: number, status: number): number {
  i.length = p - at;
  return i.length > 15 ? (at + 15 > limit ? Decoded.Short : Decoded.TooLong) : p > limit ? Decoded.Short : status;
}

function two(bytes: Uint8Array, p: number): number {
  return (bytes[p] as number) | ((bytes[p + 1] as number) << 8);
}

function four(bytes: Uint8Array, p: number): number {
  return (bytes[p] as number) | ((bytes[p + 1] as number) << 8) | ((bytes[p + 2] as number) << 16) | ((bytes[p + 3] as number) << 24);
}

/** Where a register operand lies: its offset in the CPU block, or in the bank of its kind. */
function register(place: number, modrm: number, rex: number, op: number, memory: boolean): number {
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const rm = (modrm & 7) | ((rex & 1) << 3);
  const high = place >= Place.byte && rex === 0;
  switch (place & 15) {
    case Place.rm: return memory ? 0 : general(rm, high);
    case Place.reg: return general(reg, high);
    case Place.opcode: return general((op & 7) | ((rex & 1) << 3), high);
    case Place.vectorReg: return reg * 16;
    case Place.vectorRm: return memory ? 0 : rm * 16;
    case Place.mmxReg: return (reg & 7) * 16;
    case Place.mmxRm: return memory ? 0 : (rm & 7) * 16;
    case Place.stack: return modrm & 7;
    case Place.special: return reg;
    default: return 0;
  }
}

/** A general register's offset; ah ch dh bh stand one byte into rax to rbx. */
function general(n: number, high: boolean): number {
  return high && n >= 4 && n < 8 ? (n - 4) * 8 + 1 : n * 8;
}

function controlRegister(row: Row, n: number): boolean {
  return row.operands.some((o) => o.what === "D") ? n < 8 : n === 0 || n === 2 || n === 3 || n === 4 || n === 8;
}
