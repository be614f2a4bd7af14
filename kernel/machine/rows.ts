/**
 * Row: one line of the opcode tables, read. `find` gives the row of an opcode, as mandatory prefix,
 * modrm and the opcode itself say. Invariant: no row means #UD. A line is read when its opcode is first
 * met, as most programs meet few. Only the decoder calls this.
 */
import { ONE_BYTE, TWO_BYTE } from "./opcodes.ts";
import { SSE } from "./opcodessse.ts";
import { X87 } from "./opcodesx87.ts";

/** An operand code: E and b of Eb; a fixed register has its name as `what` and no width. */
export interface Operand {
  readonly what: string;
  readonly width: string;
}

export interface Row {
  /** A small number of its own, from 1 on. */
  readonly id: number;
  readonly mnemonic: string;
  /** What the semantic table calls it. */
  readonly meaning: string;
  readonly operands: readonly Operand[];
  /** How it is parameterised: a letter an operand, with a register or with memory as modrm's operand. */
  readonly kindsReg: string;
  readonly kindsMem: string;
  readonly modrm: boolean;
  readonly lock: boolean;
  /** A string instruction: a repeat prefix makes it another meaning. */
  readonly string: boolean;
  /** Where the operand size comes from: a width letter, or none. */
  readonly sized: string;
  /** 64: operand size 64 by default; 65: always. */
  readonly stack: 0 | 64 | 65;
  /** The condition of j, set and cmov; otherwise -1. */
  readonly cc: number;
  readonly imm: string;
  /** The same for the decoder: where operands 0 and 1 are (Place), the size in bytes or a Sized, the immediate (Imm). */
  readonly d: number;
  readonly s: number;
  readonly size: number;
  readonly immediate: number;
  /** A shift by the opcode's own 1. */
  readonly one: boolean;
  /** Operand kinds with registers that may not exist: s, k. */
  readonly selects: "" | "s" | "k";
}

/** Where an operand's register number comes from; `byte`: it may be ah. */
export const Place = { none: 0, rm: 1, reg: 2, opcode: 3, vectorReg: 4, vectorRm: 5, mmxReg: 6, mmxRm: 7, stack: 8, special: 9, byte: 16 } as const;
/** Sizes that prefixes decide. */
export const Sized = { v: -1, y: -2, z: -3 } as const;
/** Immediates by how they are read. */
export const Imm = { none: 0, byte: 1, z: 2, word: 3, wordByte: 4, v: 5, offset: 6 } as const;

/** Condition names by number. */
export const CC: readonly string[] = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];
const PREFIXES = ["np", "66", "f3", "f2"];
/** Rows of an opcode by prefix, and by modrm: 8 with memory by reg, 64 with registers by reg and rm; null: none. */
const CELL = 72;

/** A row and what it asks of prefix and modrm, -1 for anything. */
interface Line {
  readonly row: Row;
  readonly prefix: number;
  readonly reg: number;
  readonly rm: number;
  readonly memoryOnly: boolean;
  readonly registerOnly: boolean;
}

/** Letters of the semantic table's keys: register, memory, immediate, vector, MMX, x87, jump ... */
function kind(o: Operand, memory: boolean): string {
  if ("EWQ".includes(o.what) || (o.what === "R" && o.width !== "q")) return memory ? "m" : o.what === "W" ? "x" : o.what === "Q" ? "n" : "r";
  const letter = { M: "m", O: "m", G: "r", Z: "r", A: "r", R: "r", AL: "r", AX: "r", I: "i", "1": "i", J: "j", V: "x", U: "x", P: "n", N: "n", CL: "c", DX: "d", S: "s", C: "k", D: "k", ST0: "0", STi: "t" }[o.what];
  if (!letter) throw new Error(`operand code ${o.what}${o.width}`);
  return letter;
}

function operand(code: string): Operand {
  return /^(AL|AX|CL|DX|ST0|STi|1)$/.test(code) ? { what: code, width: code === "AL" ? "b" : code === "AX" ? "w" : "" } : { what: code[0] as string, width: code.slice(1) };
}

const places: Readonly<Record<string, number>> = {
  E: Place.rm, R: Place.rm, G: Place.reg, Z: Place.opcode, V: Place.vectorReg, W: Place.vectorRm, U: Place.vectorRm, P: Place.mmxReg, Q: Place.mmxRm, N: Place.mmxRm,
  STi: Place.stack, S: Place.special, C: Place.special, D: Place.special,
};
const place = (o: Operand | undefined): number => (o ? (places[o.what] ?? Place.none) | (o.width === "b" ? Place.byte : 0) : Place.none);
const IMMEDIATES: Readonly<Record<string, number>> = { "": Imm.none, Ib: Imm.byte, Ibs: Imm.byte, Jb: Imm.byte, Iz: Imm.z, Jz: Imm.z, Iw: Imm.word, IwIb: Imm.wordByte, Iv: Imm.v };

let made = 0;
/** The k-th row of a line that stands for several opcodes. */
function read(line: string, k: number): Line {
  const words = line.split(" ");
  const prefix = PREFIXES.indexOf(words[0] as string);
  if (prefix >= 0) words.shift();
  const [where = "", name = "", codes = "-", ...attributes] = words;
  const [, plus, reg, at, rm] = /^[0-9a-f]+(\+r|\+cc)?(?:\/(\d)?([rm])?(?:\/(\d))?)?$/.exec(where) ?? [];
  const [mnemonic = "", meaning = mnemonic] = name.split("=");
  const operands = codes === "-" ? [] : codes.split(",").map(operand);
  // With a vector operand only Ey and Gy change what is done; x87 and integer instructions have a size.
  const vector = operands.some((o) => "VWPQUN".includes(o.what));
  const widths = operands.filter((o) => (vector ? o.width === "y" : "EGMOZAR".includes(o.what) || o.what === "AL" || o.what === "AX")).map((o) => o.width);
  const cc = plus === "+cc" ? k : -1;
  const kindsReg = operands.map((o) => kind(o, false)).join("");
  const sized = widths.find((w) => "vyz".includes(w) && w) ?? widths.find((w) => "bwdqt".includes(w[0] ?? "-")) ?? (attributes.includes("b") ? "b" : attributes.includes("v") || attributes.includes("d64") || attributes.includes("f64") ? "v" : "");
  const imm = operands.filter((o) => "IJO".includes(o.what)).map((o) => o.what + o.width).join("");
  const row: Row = {
    id: ++made,
    mnemonic: cc >= 0 ? mnemonic + CC[cc] : mnemonic,
    meaning: cc >= 0 ? meaning + CC[cc] : meaning,
    operands,
    kindsReg,
    kindsMem: operands.map((o) => kind(o, true)).join(""),
    modrm: where.includes("/") || operands.some((o) => "EGMVWPQRUNSCD".includes(o.what) || o.what === "STi"),
    lock: attributes.includes("lock"),
    sized,
    string: /^(movs|stos|lods|cmps|scas)$/.test(meaning),
    stack: attributes.includes("f64") ? 65 : attributes.includes("d64") ? 64 : 0,
    cc,
    imm,
    d: place(operands[0]),
    s: place(operands[1]),
    size: sized === "" ? 0 : (Sized[sized as keyof typeof Sized] ?? { b: 1, w: 2, d: 4, t: 10 }[sized[0] as string] ?? 8),
    immediate: IMMEDIATES[imm] ?? Imm.offset,
    one: operands.some((o) => o.what === "1"),
    selects: kindsReg.includes("s") ? "s" : kindsReg.includes("k") ? "k" : "",
  };
  return {
    row, prefix, reg: reg === undefined ? -1 : Number(reg), rm: rm === undefined ? -1 : Number(rm),
    memoryOnly: at === "m" || operands.some((o) => o.what === "M"),
    registerOnly: at === "r" || rm !== undefined || operands.some((o) => o.what === "U" || o.what === "N"),
  };
}

/** What is to be read, by opcode: a line and which of its rows. */
const unread: ({ readonly line: string; readonly k: number }[] | undefined)[] = Array.from({ length: 1024 });
for (const line of [ONE_BYTE, TWO_BYTE, X87, SSE].join("\n").split("\n")) {
  if (!line) continue;
  const [, hex = "", plus] = /^(?:(?:np|66|f3|f2) )?([0-9a-f]+)(\+r|\+cc)?[ /]/.exec(line) ?? [];
  if (!hex) throw new Error(`opcode table: ${line}`);
  const map = hex.startsWith("0f38") ? 2 : hex.startsWith("0f3a") ? 3 : hex.startsWith("0f") && hex.length > 2 ? 1 : 0;
  const first = map * 256 + parseInt(hex.slice(-2), 16);
  const count = plus === "+cc" ? 16 : plus === "+r" ? 8 : 1;
  for (let k = 0; k < count; k++) (unread[first + k] ??= []).push({ line, k });
}

/** The lines of an opcode that have been read; what comes later goes before. */
const lines: (readonly Line[] | undefined)[] = Array.from({ length: 1024 });
function linesOf(opcode: number): readonly Line[] {
  return (lines[opcode] ??= (unread[opcode] ?? []).map(({ line, k }) => read(line, k)));
}

/** All rows, for tables about the tables. */
export function allRows(): readonly Row[] {
  return lines.flatMap((_, opcode) => linesOf(opcode).map((l) => l.row));
}

/** Whether a row of the opcode takes a modrm byte; undefined: there is none at all. */
export function hasModrm(opcode: number): boolean | undefined {
  return (lines[opcode] ?? linesOf(opcode))[0]?.row.modrm;
}

const cells: (Row | null | undefined)[][] = Array.from({ length: 1024 });

/** The row; prefix 0 none, 1 66, 2 f3, 3 f2. */
export function find(opcode: number, prefix: number, modrm: number): Row | undefined {
  const at = prefix * CELL + (modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7);
  const cell = (cells[opcode] ??= []);
  let row = cell[at];
  if (row === undefined) cell[at] = row = search(opcode, prefix, modrm) ?? null;
  return row ?? undefined;
}

function search(opcode: number, prefix: number, modrm: number): Row | undefined {
  const memory = modrm < 0xc0;
  return linesOf(opcode).findLast((l) => {
    if (l.prefix >= 0 && l.prefix !== prefix) return false;
    if (!l.row.modrm) return true;
    return !(memory ? l.registerOnly : l.memoryOnly) && (l.reg < 0 || l.reg === ((modrm >> 3) & 7)) && (l.rm < 0 || l.rm === (modrm & 7));
  })?.row;
}
