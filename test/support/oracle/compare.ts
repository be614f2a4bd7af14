/**
 * Compare: what differs between two outcomes of a case, as text, apart from what is undefined; and a
 * case as one line of text, which replays it.
 */
import { PAGE, print } from "../../../kernel/machine/index.ts";
import { Trap } from "../../../kernel/machine/trap.ts";
import { CASE, Case, CODE, End, FXSAVE, type Outcome, type Run } from "./case.ts";
import type { Piece } from "./cases.ts";
import { ALL_FLAGS } from "./undefined.ts";

const REGS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const hex = (n: number): string => n.toString(16);
const bytes = (b: Uint8Array): string => Buffer.from(b).toString("hex");
const NAMES = new Map<number, string>([...Object.entries(Trap).map(([name, n]) => [n, `#${name}`] as const), ...Object.entries(End).map(([name, n]) => [n, name] as const)]);

/** Bits of RFLAGS that are not defined where the code ended. */
function undefinedAt(piece: Piece, o: Outcome): number {
  const at = o.rip - CODE - piece.offset;
  const known = piece.undefined.get(at);
  if (known !== undefined) return known;
  // A trap behind its instruction, or a jump that could not be fetched: everything on the way.
  return [...piece.undefined.values()].reduce((a, b) => a | b, 0);
}

/** The parts of the image that differ; an exception the x87 keeps to itself has no pointers. */
function images(expected: Uint8Array, got: Uint8Array): string[] {
  if (Buffer.compare(expected, got) === 0) return [];
  const out: string[] = [];
  const part = (name: string, at: number, n: number): void => {
    const [a, b] = [expected.subarray(at, at + n), got.subarray(at, at + n)];
    if (Buffer.compare(a, b)) out.push(`${name} ${bytes(b)}, not ${bytes(a)}`);
  };
  part("fcw", FXSAVE.fcw, 2);
  part("fsw", FXSAVE.fsw, 2);
  part("ftw", FXSAVE.ftw, 1);
  part("mxcsr", FXSAVE.mxcsr, 4);
  for (let k = 0; k < 8; k++) part(`st${k}`, FXSAVE.st + k * 16, 10);
  for (let k = 0; k < 16; k++) part(`xmm${k}`, FXSAVE.xmm + k * 16, 16);
  return out;
}

/** The same without AMD's bit of MXCSR in the mask that fxsave stores. */
function plainMask(run: Run): Run {
  const { bytes } = run;
  const out = bytes.slice();
  for (let k = 4; k < out.length; k += 8) if (bytes[k] === 255 && bytes[k + 1] === 255 && bytes[k + 2] === 2 && bytes[k + 3] === 0) out[k + 2] = 0;
  return { ...run, bytes: out };
}

function memory(expected: readonly Run[], got: readonly Run[]): string[] {
  const text = (runs: readonly Run[]): string => runs.map((r) => `${r.page}:${hex(r.offset)} ${bytes(r.bytes.subarray(0, 64))}${r.bytes.length > 64 ? `... ${r.bytes.length} bytes` : ""}`).join(" ") || "as it was";
  const same = expected.length === got.length && expected.every((r, k) => {
    const o = got[k] as Run;
    return r.page === o.page && r.offset === o.offset && Buffer.compare(r.bytes, o.bytes) === 0;
  });
  return same ? [] : [`memory ${text(got)}, not ${text(expected)}`];
}

/** How and where it ended. */
export function ending(piece: Piece, o: Outcome): string {
  return `${NAMES.get(o.trap) ?? o.trap}${o.trap === Trap.PF ? ` ${hex(o.address)} code ${o.error}` : o.error ? ` code ${o.error}` : ""} at ${hex(o.rip - CODE - piece.offset)}`;
}

/** Nothing, or what is wrong with `got`. */
export function differences(piece: Piece, expected: Outcome, got: Outcome): string[] {
  if (misalignment(piece, expected, got)) return [];
  const out: string[] = [];
  // The host's kernel says of what is beyond user space, one page less than half, that something is there.
  const error = expected.trap === Trap.PF && (expected.address < 0 || expected.address >= 2 ** 47 - PAGE) ? expected.error & ~1 : expected.error;
  const elsewhere = expected.trap !== got.trap || error !== got.error || expected.address !== got.address || expected.rip !== got.rip;
  if (elsewhere && !inParts(piece, expected, got)) out.push(`${ending(piece, got)}, not ${ending(piece, expected)}`);
  for (let k = 0; k < 16; k++) {
    if (expected.regs[k * 2] === got.regs[k * 2] && expected.regs[k * 2 + 1] === got.regs[k * 2 + 1]) continue;
    const value = (o: Outcome): string => `${hex(o.regs[k * 2 + 1] as number)}_${hex(o.regs[k * 2] as number).padStart(8, "0")}`;
    out.push(`${REGS[k]} ${value(got)}, not ${value(expected)}`);
  }
  const mask = ALL_FLAGS & ~undefinedAt(piece, expected);
  if ((expected.flags ^ got.flags) & mask) out.push(`flags ${hex(got.flags & mask)}, not ${hex(expected.flags & mask)} (${hex((expected.flags ^ got.flags) & mask)})`);
  return [...out, ...images(expected.fx, got.fx), ...memory(piece.steps[0]?.form.meaning === "fxsave" ? expected.runs.map(plainMask) : expected.runs, got.runs)];
}

/**
 * AMD's processors have a bit 17 in MXCSR, for operands that are not aligned; ldmxcsr sets it where the
 * machine, as Intel's, gives #GP. It is seen in the end, or was there between two of them.
 */
function misalignment(piece: Piece, expected: Outcome, got: Outcome): boolean {
  const loads = piece.steps.filter((s) => s.form.meaning === "ldmxcsr");
  const refused = got.trap === Trap.GP && loads.some((s) => CODE + piece.offset + s.at === got.rip) && expected.rip !== got.rip;
  return refused && (loads.length > 1 || ((expected.fx[FXSAVE.mxcsr + 2] as number) & 2) !== 0);
}

/**
 * Whether both refused the same instruction, one that loads or stores an image of the x87 or of everything: which
 * end of it is looked at first, and whether before what is in it, is each processor's own.
 */
function inParts(piece: Piece, expected: Outcome, got: Outcome): boolean {
  const refused = (o: Outcome): boolean => o.trap === Trap.PF || o.trap === Trap.GP || o.trap === Trap.SS;
  return refused(expected) && refused(got) && expected.rip === got.rip && piece.steps.some((s) => CODE + piece.offset + s.at === got.rip && /^(fldenv|frstor|fxrstor|fnstenv|fnsave|fxsave)$/.test(s.form.meaning));
}

/** The code as text. */
export function listing(piece: Piece): string {
  const padded = new Uint8Array(piece.code.length + 16);
  padded.set(piece.code);
  if (piece.steps.length === 0) return `(bad) ${bytes(piece.code)}`;
  return piece.steps.map((s) => print(padded, s.at, CODE + piece.offset + s.at)).join("; ");
}

/** A case in a line, what is 0 left out. */
export function line(c: Case): string {
  const text: string[] = [];
  for (let at = 0; at < CASE;) {
    if (c.bytes[at] === 0) {
      at++;
      continue;
    }
    let end = at;
    while (end < CASE && (c.bytes[end] !== 0 || c.bytes[end + 1] !== 0)) end++;
    text.push(`${hex(at)}:${bytes(c.bytes.subarray(at, end))}`);
    at = end;
  }
  return text.join(",");
}

/** The case of a line. */
export function fromLine(text: string): Case {
  const c = new Case();
  for (const part of text.split(",")) {
    const [at = "", data = ""] = part.split(":");
    c.bytes.set(Buffer.from(data, "hex"), parseInt(at, 16));
  }
  return c;
}
