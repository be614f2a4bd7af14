/**
 * Cases by chance: a Piece is code, one instruction or up to eight, and any number of cases are made of
 * it, each with a state in which its addresses lead somewhere. What the architecture leaves undefined on
 * the way is known for each place where the code may end.
 */
import { Decoder, DecoderOptions, Instruction } from "iced-x86";
import { decode, Decoded, insn, type Insn } from "../../../kernel/machine/decode.ts";
import { formOf, type Form } from "../../../kernel/machine/forms.ts";
import { CPU } from "../../../kernel/machine/layout.ts";
import { PAGE, R } from "../../../kernel/machine/index.ts";
import { CODE, CODE_BYTES, DATA, HIGH, MOST_CODE, STACK, type Case } from "./case.ts";
import { encodable, encode, put32, type Encodable, type Encoded } from "./encode.ts";
import { FLAGS, flagUse, MAY_KEEP_FLAGS, never, nobodyHas, notThis } from "./undefined.ts";
import { FSBASE, GSBASE, start, vector, word, type Chance } from "./values.ts";

interface Step {
  readonly insn: Insn;
  readonly form: Form;
  /** Where in the code it is. */
  readonly at: number;
}

export interface Piece {
  readonly code: Uint8Array;
  readonly offset: number;
  readonly steps: readonly Step[];
  /** Flags that are undefined before the instruction at each place, and at the end. */
  readonly undefined: ReadonlyMap<number, number>;
}

/** Registers that sequences keep addresses in, and do not write on purpose. */
const HELD = [R.rbx, R.rbp, R.rsi, R.rdi, R.r12, R.r13, R.rsp];
const STACKED = /^(push|pushi|pushseg|pushf|pop|popf|popseg|call|calli|ret|retn|enter|leave)$/;
/** Counts in cl beyond 16 have undefined results: alone, states see to it. */
const DOUBLE_SHIFT = /^sh[lr]d\.2 .*c$/;
/** Not in sequences: what they take must be as states make it, where they lead, the call's number; the last x87 instruction, which only processors keep. */
const ALONE = /^sh[lr]d\.2 .*c$|^(popf|maskmov|jmpi|calli|ret|syscall|fxsave|fnsave|fnstenv)/;
const PREFIXES = [0x66, 0xf2, 0xf3, 0xf0, 0x64, 0x65, 0x67, 0x2e, 0x36, 0x3e, 0x26];
const BIT_STRING = /^bt[src]?$/;

export class Maker {
  /** Forms that are compared, and those that are not with the reason. */
  readonly forms: readonly Encodable[];
  readonly left: ReadonlyMap<string, string>;
  private readonly n: Chance;
  private readonly filler: readonly Encodable[];
  /** Forms that sequences are made of. */
  private readonly mixed: readonly Encodable[];
  private readonly known: ReadonlySet<Form>;
  private next = 0;

  /** Of all forms there are, those that `which` says. */
  constructor(n: Chance, which: (form: Form) => boolean = () => true) {
    const all = encodable().filter((e) => which(e.form));
    this.n = n;
    this.left = new Map(all.flatMap((e) => {
      const why = never(e.form);
      return why === undefined ? [] : [[e.form.key, why]];
    }));
    this.forms = all.filter((e) => !this.left.has(e.form.key));
    this.known = new Set(this.forms.map((e) => e.form));
    this.filler = encodable().filter((e) => /^(inc|add|mov)\.[48] (r|ri)$/.test(e.form.key));
    const mixed = this.forms.filter((e) => !ALONE.test(e.form.key));
    this.mixed = mixed.length > 0 ? mixed : this.filler;
  }

  /** The next piece: each form in turn alone, and now and then several by chance. */
  piece(): Piece {
    if (this.n(4) === 0) return this.sequence();
    if (this.n(10) === 0) return this.bytes();
    const what = this.forms[this.next++ % this.forms.length] as Encodable;
    return this.assemble([this.one(what, true)]);
  }

  /** Bytes by chance that are one instruction, or none: the decoder against the processor's. */
  bytes(): Piece {
    const { n } = this;
    const code = new Uint8Array(32);
    for (;;) {
      for (let k = 0; k < 15; k++) code[k] = n(256);
      let at = 0;
      for (let k = n(4); k > 0; k--) code[at++] = PREFIXES[n(PREFIXES.length)] as number;
      if (n(2)) code[at++] = 0x40 | n(16);
      if (n(3)) code[at++] = 0x0f;
      if (code[at - 1] === 0x0f && n(3) === 0) code[at] = n(2) ? 0x38 : 0x3a;
      const i = insn();
      const status = decode(code, 0, 15, i);
      const form = status === Decoded.Ok ? formOf(i) : undefined;
      if (form && !form.ends && this.known.has(form) && notThis(form, i, code) === undefined) return this.assemble([{ code: code.slice(0, i.length), insn: i, form }]);
      if (status === Decoded.Undefined && nobodyHas(code)) return pieceOf(code.slice(0, 15), n(CODE_BYTES - 2 * MOST_CODE));
    }
  }

  /** Two to eight instructions. */
  sequence(): Piece {
    const { n } = this;
    return this.assemble(Array.from({ length: 2 + n(7) }, () => this.one(this.mixed[n(this.mixed.length)] as Encodable, false)));
  }

  /** An instruction of the form, its own copy. */
  one(what: Encodable, odd: boolean): Encoded {
    for (let tries = 0; ; tries++) {
      const e = encode(what, this.n, odd);
      if (e && notThis(e.form, e.insn, e.code) === undefined && (odd || tries > 8 || this.suits(e))) return { ...e, insn: { ...e.insn } };
      if (tries > 1000) throw new Error(`${what.form.key} cannot be encoded`);
    }
  }

  /** Whether it keeps to what sequences keep registers for. */
  private suits({ insn: i, form }: Encoded): boolean {
    const held = (place: number): boolean => HELD.includes((place >> 3) as (typeof HELD)[number]);
    return (!i.memory || (held(i.base * 8) && (i.index < 0 || !held(i.index * 8)))) && !(form.kinds[0] === "r" && held(i.d)) && !/^(xchg|xadd)/.test(form.meaning);
  }

  /** Puts instructions together: jumps lead over the next one. */
  assemble(all: Encoded[]): Piece {
    const { n } = this;
    let room = MOST_CODE;
    const list = all.filter((e) => (room -= e.code.length) > 12);
    const last = list.at(-1);
    if (last && jumps(last)) list.push(this.one(this.filler[n(this.filler.length)] as Encodable, false));
    const length = list.reduce((sum, e) => sum + e.code.length, 0);
    const offset = [n(CODE_BYTES - 2 * MOST_CODE), n(16) * 16, PAGE - 1 - n(length), CODE_BYTES - length + (n(4) ? 0 : n(Math.max(1, length - 1)))][n(12) < 9 ? 0 : 1 + n(3)] as number;
    let at = 0;
    const steps: Step[] = [];
    list.forEach((e, k) => {
      const over = list[k + 1]?.code.length ?? 0;
      if (e.insn.row.imm === "Jb") e.code[e.code.length - 1] = over;
      else if (e.insn.row.imm === "Jz") put32(e.code, e.code.length - 4, n(10) ? over : word(n));
      this.settle(e, offset + at);
      steps.push({ insn: e.insn, form: e.form, at });
      at += e.code.length;
    });
    const code = new Uint8Array(length);
    list.forEach((e, k) => code.set(e.code, (steps[k] as Step).at));
    return { code, offset, steps, undefined: undefinedAlong(code, steps) };
  }

  /** Addresses without registers are chosen now. */
  private settle(e: Encoded, at: number): void {
    const { insn: i, code } = e;
    if (i.row.imm.startsWith("O")) {
      const va = BigInt.asUintN(64, this.target(8, false));
      const bytes = i.addressSize;
      for (let k = 0; k < bytes; k++) code[code.length - bytes + k] = Number((va >> BigInt(8 * k)) & 255n);
    } else if (i.memory && i.index < 0 && (i.base === 16 || i.base < 0)) {
      const d = new Decoder(64, code, DecoderOptions.None);
      const x = new Instruction();
      d.decodeOut(x);
      const place = d.getConstantOffsets(x).displacementOffset;
      d.free();
      put32(code, place, Number(BigInt.asIntN(32, this.target(16, false) - (i.base === 16 ? BigInt(CODE + at + code.length) : 0n) - this.segment(i))));
    } else return;
    const again = insn();
    const padded = new Uint8Array(32);
    padded.set(code);
    decode(padded, 0, 32, again);
    Object.assign(i, again);
  }

  private segment(i: Insn): bigint {
    return i.segment === CPU.fsbase ? BigInt(FSBASE) : i.segment === CPU.gsbase ? BigInt(GSBASE) : 0n;
  }

  /** An address for an operand of so many bytes: most lead into the pages, some across their ends or nowhere. */
  private target(bytes: number, aligned: boolean): bigint {
    const { n } = this;
    const near = (end: number): bigint => BigInt(end - n(bytes + 2));
    const align = (va: number): bigint => BigInt(aligned && n(8) ? va - (va % 16) : va);
    switch (n(32)) {
      case 0: return near(DATA + PAGE);
      case 1: return near(DATA + 2 * PAGE);
      case 2: return near(DATA + 3 * PAGE);
      case 3: return near(DATA + 4 * PAGE);
      case 4: return near(DATA + 5 * PAGE);
      case 5: return near(HIGH + (n(2) ? PAGE : 2 * PAGE));
      case 6: return align(DATA + 2 * PAGE + n(PAGE));
      case 7: return align(DATA + 3 * PAGE + n(PAGE));
      case 8: return n(2) ? 0x800000000000n - BigInt(n(20)) : 0x4000000000000000n + BigInt(word(n));
      case 9: return n(2) ? BigInt(n(64)) : -BigInt(n(1 << 20));
      case 10: case 11: return align(HIGH + n(2 * PAGE - 16));
      case 12: return align(STACK + n(PAGE));
      case 13: return near(DATA + PAGE);
      default: return align(DATA + n(2 * PAGE - 32));
    }
  }

  /** A state for the piece: that of `number`, and what the piece needs beyond. */
  state(piece: Piece, c: Case, number: number = word(this.n)): void {
    begin(c, piece, number);
    const fixed = new Set<number>();
    for (const s of piece.steps) this.aim(s, c, fixed, piece);
  }

  /** Sets what the instruction needs of registers that nobody before needs, and of memory. */
  private aim({ insn: i, form, at }: Step, c: Case, fixed: Set<number>, piece: Piece): void {
    const { n } = this;
    const { meaning } = form;
    const give = (r: number, value: bigint): void => {
      if (fixed.has(r)) return;
      fixed.add(r);
      c.setReg(r, BigInt.asUintN(64, value));
    };
    /** With 32-bit addresses the upper half is anything. */
    const wide = (value: bigint): bigint => (i.addressSize === 4 ? BigInt.asUintN(32, value) | (BigInt(word(n)) << 32n) : value);
    let va: bigint | undefined;
    if (BIT_STRING.test(meaning) && form.kinds === "mr" && !fixed.has(i.s >> 3)) give(i.s >> 3, n(6) ? BigInt(n(8192) - 4096) : c.reg(i.s >> 3));
    if (i.memory && meaning !== "lea") va = this.address(i, c, fixed, give, wide);
    // Which bytes are asked for before a fault is each processor's own.
    if (meaning.startsWith("maskmov")) give(R.rdi, wide(BigInt(n(PAGE / 2)) + (this.segment(i) ? 0n : BigInt(n(2) ? HIGH : DATA))));
    if (i.row.string) {
      const size = Math.max(1, form.size);
      const down = (c.flags & 0x400) !== 0;
      const [from, to] = [this.target(size, false), this.target(size, false)];
      give(R.rsi, wide(from - this.segment(i)));
      give(R.rdi, wide(n(4) === 0 ? from + BigInt(n(64) - 32) * (n(2) ? 1n : BigInt(size)) : to));
      if (i.repeat) give(R.rcx, wide(BigInt([0, 1, n(10), n(40), n(300), n(3000)][n(6)] as number)));
      if (down && n(2)) give(R.rcx, wide(BigInt(n(20))));
    }
    if (meaning === "xlat") give(R.rbx, wide(this.target(1, false) - (c.reg(0) & 255n) - this.segment(i)));
    if (/^(loop|jrcxz)/.test(meaning)) give(R.rcx, n(4) ? wide(BigInt(n(3))) : c.reg(R.rcx));
    if (STACKED.test(meaning) && n(3) === 0) give(R.rsp, this.target(form.size * 2, false));
    if (meaning === "leave" || meaning === "enter") give(R.rbp, this.target(32, false));
    this.prepare(i, form, at, c, va, give, piece);
  }

  /** Registers such that the memory operand is somewhere; gives where, if it does. */
  private address(i: Insn, c: Case, fixed: Set<number>, give: (r: number, v: bigint) => void, wide: (v: bigint) => bigint): bigint | undefined {
    const { n } = this;
    const packed = /[VW]x|M$/.test(i.row.operands.map((o) => o.what + o.width).join(","));
    const va = this.target(i.size === 0 ? 16 : i.size, packed);
    const disp = i.base === 16 || i.dispHigh ? 0n : BigInt(i.disp);
    const scaled = (): bigint => (i.index < 0 ? 0n : c.reg(i.index) << BigInt(i.scale));
    if (i.base === 16 || (i.base < 0 && i.index < 0)) return undefined;
    let to = va;
    if (BIT_STRING.test(i.row.meaning) && i.kinds === "mr") {
      const bits = BigInt.asIntN(i.size * 8, c.reg(i.s >> 3));
      to -= (bits >> BigInt(Math.log2(i.size * 8))) * BigInt(i.size);
    }
    if (i.base >= 0 && i.base !== i.index && !fixed.has(i.base)) {
      if (i.index >= 0 && n(4)) give(i.index, BigInt(n(4) ? n(64) : -n(64)));
      give(i.base, wide(to - disp - this.segment(i) - scaled()));
    } else if (i.index >= 0 && !fixed.has(i.index)) {
      const base = i.base < 0 ? 0n : i.base === i.index ? 0n : c.reg(i.base);
      const parts = (1n << BigInt(i.scale)) + (i.base === i.index ? 1n : 0n);
      give(i.index, wide((to - disp - this.segment(i) - base) / parts));
    }
    const base = i.base < 0 ? 0n : c.reg(i.base);
    const sum = base + scaled() + disp;
    return BigInt.asUintN(64, (i.addressSize === 4 ? BigInt.asUintN(32, sum) : sum) + this.segment(i));
  }

  /** Operands such that more than the commonest outcome is met. */
  private prepare(i: Insn, form: Form, at: number, c: Case, va: bigint | undefined, give: (r: number, v: bigint) => void, piece: Piece): void {
    const { n } = this;
    const words = (...values: bigint[]): Uint8Array => {
      const bytes = new Uint8Array(values.length * 8);
      values.forEach((v, k) => new DataView(bytes.buffer).setBigUint64(k * 8, BigInt.asUintN(64, v), true));
      return bytes;
    };
    const memory = (bytes: Uint8Array): boolean => va !== undefined && va < 2n ** 53n && c.write(Number(va), bytes);
    switch (form.meaning) {
      case "cmpxchg":
        if (n(2)) memory(words(c.reg(R.rax)).subarray(0, form.size));
        break;
      case "cmpxchg8b":
        if (n(3)) memory(form.size === 8 ? words(c.reg(R.rax), c.reg(R.rdx)) : words((c.reg(R.rax) & 0xffffffffn) | (c.reg(R.rdx) << 32n)));
        break;
      case "div": case "idiv":
        // The quotient fits, mostly.
        if (n(3)) give(R.rdx, form.meaning === "div" ? BigInt(n(4) ? 0 : n(300)) : n(4) ? BigInt.asIntN(form.size * 8, c.reg(R.rax)) >> 63n : BigInt(n(300) - 150));
        if (form.size === 1 && n(3)) c.setReg(R.rax, BigInt(n(0x1000) - (form.meaning === "div" ? 0 : 0x800)));
        break;
      case "popf": {
        // Not TF, which is another matter, nor AC: the machine does not check alignment.
        const sp = c.reg(R.rsp);
        if (sp < 2n ** 53n) c.write(Number(sp), words(BigInt((word(n) & ~0x40100) >>> 0)));
        break;
      }
      case "jmpi": case "calli": case "ret": case "retn": {
        const over = piece.steps.findIndex((s) => s.at === at) + 2;
        const next = piece.steps[over]?.at ?? piece.code.length;
        const to = n(8) ? BigInt(CODE + piece.offset + next) : this.target(8, false);
        if (form.kinds === "r") give(i.d >> 3, to);
        else if (form.kinds === "m") memory(words(to));
        else if (c.reg(R.rsp) < 2n ** 53n) c.write(Number(c.reg(R.rsp)), words(to));
        break;
      }
      case "shld": case "shrd":
        if (DOUBLE_SHIFT.test(form.key) && (c.reg(R.rcx) & 31n) > 16n) c.setReg(R.rcx, c.reg(R.rcx) ^ 16n);
        break;
      default:
        if (va !== undefined && n(3) === 0) {
          const bytes = new Uint8Array(16);
          vector(n, bytes, 0);
          memory(bytes);
        }
    }
  }
}

const jumps = (e: Pick<Step, "insn" | "form">): boolean => e.insn.row.imm.startsWith("J") || /^(jmpi|calli|retn?)$/.test(e.form.meaning);

/** Before each instruction, what those before it have left undefined; a jump may or may not skip the next. */
function undefinedAlong(code: Uint8Array, steps: readonly Step[]): Map<number, number> {
  const along = new Map<number, number>();
  let now = 0;
  /** What a jump has brought here. */
  let joined = 0;
  for (const e of steps) {
    along.set(e.at, now);
    const use = flagUse(code.subarray(e.at, e.at + e.insn.length));
    const jump = jumps(e);
    const before = now;
    // What depends on an undefined flag is undefined altogether.
    now = ((MAY_KEEP_FLAGS.test(e.form.meaning) || use.read & now ? now : now & ~use.defined) | use.undefined | joined) & FLAGS;
    joined = jump ? before : 0;
  }
  along.set(code.length, now | joined);
  return along;
}

/** A case of the piece with the registers of `number`. */
export function begin(c: Case, piece: Piece, number: number): void {
  c.begin(piece.offset, piece.code);
  start(number, c, piece.steps.some((s) => /^(sse|mmx|x87)/.test(s.form.group)));
}

/** The piece that some code is, as far as it can be decoded. */
export function pieceOf(code: Uint8Array, offset: number): Piece {
  const padded = new Uint8Array(code.length + 32);
  padded.set(code);
  const steps: Step[] = [];
  for (let at = 0; at < code.length;) {
    const i = insn();
    const form = decode(padded, at, code.length, i) === Decoded.Ok ? formOf(i) : undefined;
    if (!form) break;
    steps.push({ insn: i, form, at });
    at += i.length;
  }
  return { code, offset, steps, undefined: undefinedAlong(code, steps) };
}

/** Whether a piece's later instructions see what earlier ones left undefined: it cannot be compared. */
export function depends(piece: Piece): boolean {
  return piece.steps.some((s) => {
    const now = piece.undefined.get(s.at) ?? 0;
    return now !== 0 && (flagUse(piece.code.subarray(s.at, s.at + s.insn.length)).read & now) !== 0;
  });
}
