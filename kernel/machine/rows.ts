/**
 * Row: one line of the opcode tables, read. `find` gives the row of an opcode, as mandatory prefix,
 * modrm and the opcode itself say. Invariant: no row means #UD. Only the decoder calls this.
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
}

/** Condition names by number. */
export const CC: readonly string[] = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];
const PREFIXES = ["np", "66", "f3", "f2"];
/** Rows of an opcode by prefix, and by modrm: 8 with memory by reg, 64 with registers by reg and rm. */
const CELL = 72;
const rows: (Row | undefined)[] = [undefined];
const cells: (Uint16Array | undefined)[] = Array.from({ length: 1024 });

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

function read(line: string): void {
  const words = line.split(" ");
  const prefix = PREFIXES.indexOf(words[0] as string);
  if (prefix >= 0) words.shift();
  const [place = "", name = "", codes = "-", ...attributes] = words;
  const [, hex = "", plus, reg, at, rm] = /^([0-9a-f]+)(\+r|\+cc)?(?:\/(\d)?([rm])?(?:\/(\d))?)?$/.exec(place) ?? [];
  if (!hex) throw new Error(`opcode table: ${line}`);
  const map = hex.startsWith("0f38") ? 2 : hex.startsWith("0f3a") ? 3 : hex.startsWith("0f") && hex.length > 2 ? 1 : 0;
  const first = map * 256 + parseInt(hex.slice(-2), 16);
  const [mnemonic = "", meaning = mnemonic] = name.split("=");
  const operands = codes === "-" ? [] : codes.split(",").map(operand);
  // With a vector operand only Ey and Gy change what is done; x87 and integer instructions have a size.
  const vector = operands.some((o) => "VWPQUN".includes(o.what));
  const widths = operands.filter((o) => (vector ? o.width === "y" : "EGMOZAR".includes(o.what) || o.what === "AL" || o.what === "AX")).map((o) => o.width);
  const count = plus === "+cc" ? 16 : plus === "+r" ? 8 : 1;
  const memoryOnly = at === "m" || operands.some((o) => o.what === "M");
  const registerOnly = at === "r" || rm !== undefined || operands.some((o) => o.what === "U" || o.what === "N");
  const modrm = place.includes("/") || operands.some((o) => "EGMVWPQRUNSCD".includes(o.what) || o.what === "STi");
  for (let k = 0; k < count; k++) {
    const cc = plus === "+cc" ? k : -1;
    const row: Row = {
      mnemonic: cc >= 0 ? mnemonic + CC[cc] : mnemonic,
      meaning: cc >= 0 ? meaning + CC[cc] : meaning,
      operands,
      kindsReg: operands.map((o) => kind(o, false)).join(""),
      kindsMem: operands.map((o) => kind(o, true)).join(""),
      modrm,
      lock: attributes.includes("lock"),
      sized: widths.find((w) => "vyz".includes(w) && w) ?? widths.find((w) => "bwdqt".includes(w[0] ?? "-")) ?? (attributes.includes("b") ? "b" : attributes.includes("v") || attributes.includes("d64") || attributes.includes("f64") ? "v" : ""),
      string: /^(movs|stos|lods|cmps|scas)$/.test(meaning),
      stack: attributes.includes("f64") ? 65 : attributes.includes("d64") ? 64 : 0,
      cc,
      imm: operands.filter((o) => "IJO".includes(o.what)).map((o) => o.what + o.width).join(""),
    };
    const id = rows.push(row) - 1;
    const cell = (cells[first + k] ??= new Uint16Array(4 * CELL));
    for (let p = 0; p < 4; p++) {
      if (prefix >= 0 && prefix !== p) continue;
      for (let m = 0; m < CELL; m++) {
        const r = m < 8 ? m : (m - 8) >> 3;
        if (modrm && ((m < 8 ? registerOnly : memoryOnly) || (reg !== undefined && Number(reg) !== r) || (rm !== undefined && Number(rm) !== ((m - 8) & 7)))) continue;
        cell[p * CELL + m] = id;
      }
    }
  }
}
for (const line of [ONE_BYTE, TWO_BYTE, X87, SSE].join("\n").split("\n")) if (line) read(line);

/** All rows, for tables about the tables. */
export function allRows(): readonly Row[] {
  return rows.slice(1) as Row[];
}

/** Whether a row of the opcode takes a modrm byte; undefined: there is none at all. */
export function hasModrm(opcode: number): boolean | undefined {
  const cell = cells[opcode];
  return cell && rows[cell.find((id) => id !== 0) as number]?.modrm;
}

/** The row; prefix 0 none, 1 66, 2 f3, 3 f2. */
export function find(opcode: number, prefix: number, modrm: number): Row | undefined {
  const at = modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7;
  return rows[cells[opcode]?.[prefix * CELL + at] ?? 0];
}
