/**
 * An instruction as text, in Intel's syntax, from the same tables that decode it: for notes about
 * faults, /proc and traces. Not for speed.
 */
import { Decoded, decode, insn, type Insn } from "./decode.ts";
import { CPU } from "./layout.ts";
import type { Operand } from "./rows.ts";

const R64 = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];
const LOW = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs", "?", "?"];

/** The mnemonic as an assembler would have it for this operand size. */
export function mnemonic(i: Insn): string {
  const by = (names: readonly string[]): string => names[i.size === 8 ? 2 : i.size === 4 ? 1 : 0] as string;
  switch (i.row.meaning) {
    case "extend": return by(["cbw", "cwde", "cdqe"]);
    case "spread": return by(["cwd", "cdq", "cqo"]);
    case "cmpxchg8b": return i.size === 8 ? "cmpxchg16b" : "cmpxchg8b";
    case "movs": case "cmps": case "stos": case "lods": case "scas":
      return i.row.meaning + (i.size === 1 ? "b" : by(["w", "d", "q"]));
    case "movd": return i.size === 8 ? "movq" : "movd";
    case "pextr": case "pinsr": return i.row.meaning + (i.size === 8 ? "q" : "d");
    case "xchg": return i.row.mnemonic === "xchg" && i.d === 0 && i.s === 0 && i.row.operands[0]?.what === "Z" ? (i.repeat === 0xf3 ? "pause" : "nop") : "xchg";
    default: return i.row.mnemonic;
  }
}

function general(place: number, size: number): string {
  const n = place >> 3;
  if (place & 1) return ["ah", "ch", "dh", "bh"][n] as string;
  if (n >= 8) return `r${n}${size === 8 ? "" : size === 4 ? "d" : size === 2 ? "w" : "b"}`;
  const name = R64[n] as string;
  return size === 8 ? name : size === 4 ? `e${name.slice(1)}` : size === 2 ? name.slice(1) : (LOW[n] as string);
}

const hex = (n: number): string => (n < 0 ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`);

function memory(i: Insn, rip: number): string {
  const size = i.addressSize;
  if (i.base === 16) return hex(rip + i.length + i.disp);
  const terms = [];
  if (i.base >= 0) terms.push(general(i.base * 8, size));
  if (i.index >= 0) terms.push(general(i.index * 8, size) + (i.scale ? `*${1 << i.scale}` : ""));
  const disp = i.dispHigh ? i.dispHigh * 2 ** 32 + (i.disp >>> 0) : i.disp;
  const text = terms.join("+");
  return text === "" ? hex(disp) : disp === 0 ? text : `${text}${disp < 0 ? "-" : "+"}${hex(Math.abs(disp))}`;
}

const BYTES: Readonly<Record<string, string>> = { b: "byte ", w: "word ", d: "dword ", q: "qword ", t: "tbyte ", x: "xmmword ", u: "xmmword " };

function operand(i: Insn, o: Operand, k: number, rip: number): string {
  const place = k === 0 ? i.d : i.s;
  const size = o.width === "b" ? 1 : o.width === "w" ? 2 : o.width[0] === "d" ? 4 : o.width === "q" ? 8 : i.size;
  switch (i.kinds[k]) {
    case "m": {
      const width = BYTES[o.what === "W" && o.width === "y" ? "x" : (o.width.at(-1) ?? "")] ?? (o.width === "" ? "" : (["byte ", "word ", "dword ", "qword "][Math.log2(i.size)] ?? ""));
      return `${i.row.meaning === "lea" ? "" : width}${i.segment === CPU.fsbase ? "fs:" : i.segment === CPU.gsbase ? "gs:" : ""}[${memory(i, rip)}]`;
    }
    case "r": return general(place, size);
    case "x": return `xmm${place >> 4}`;
    case "n": return `mm${place >> 4}`;
    case "t": return `st(${place})`;
    case "0": return "st";
    case "c": return "cl";
    case "d": return "dx";
    case "s": return SEGMENTS[place & 7] as string;
    case "k": return `${o.what === "D" ? "dr" : "cr"}${place}`;
    case "j": return hex(rip + i.length + i.imm);
    default: return i.immHigh && i.row.imm === "Iv" && i.size === 8 ? `0x${((BigInt(i.immHigh >>> 0) << 32n) | BigInt(i.imm >>> 0)).toString(16)}` : hex(i.imm);
  }
}

/** The instruction at `at`, for one that stands at `rip`; bytes that are none are `(bad)`. */
export function print(bytes: Uint8Array, at: number, rip: number): string {
  const i = insn();
  const status = decode(bytes, at, bytes.length, i);
  if (status !== Decoded.Ok) return "(bad)";
  const repeats = /^(movs|cmps|stos|lods|scas)$/.test(i.row.meaning);
  const prefix = i.lock ? "lock " : repeats && i.repeat === 0xf3 ? (/^(cmps|scas)$/.test(i.row.meaning) ? "repe " : "rep ") : repeats && i.repeat === 0xf2 ? "repne " : "";
  const operands = i.row.operands.map((o, k) => operand(i, o, k, rip)).join(", ");
  return `${prefix}${mnemonic(i)}${operands && mnemonic(i) !== "nop" ? ` ${operands}` : ""}`;
}
