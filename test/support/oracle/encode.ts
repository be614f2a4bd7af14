/**
 * Encode: instructions of a form, in every way they can be written: opcodes, prefixes, registers, kinds
 * of address, immediates, by chance. The opcode tables say how; what comes out decodes to the form.
 */
import { Decoded, decode, insn, type Insn } from "../../../kernel/machine/decode.ts";
import { formNamed, formOf, keysOf, type Form } from "../../../kernel/machine/forms.ts";
import { allRows, find, hasModrm, type Row } from "../../../kernel/machine/rows.ts";
import "../../../kernel/machine/sem/all.ts";
import type { Chance } from "./values.ts";

/** One opcode of a row: with a prefix (0 none, 1 66, 2 f3, 3 f2), its modrm bytes with memory and without. */
interface Encoding {
  readonly row: Row;
  readonly opcode: number;
  readonly prefix: number;
  readonly memory: readonly number[];
  readonly register: readonly number[];
}

/** What a key of the semantic table can be encoded as. */
export interface Encodable {
  readonly form: Form;
  readonly memory: boolean;
  readonly repeat: number;
  readonly encodings: readonly Encoding[];
}

const PREFIX = [[], [0x66], [0xf3], [0xf2]];

function encodings(): Map<Row, Encoding[]> {
  const all = new Map<Row, Encoding[]>();
  for (let opcode = 0; opcode < 1024; opcode++) {
    const takes = hasModrm(opcode);
    if (takes === undefined) continue;
    for (let prefix = 0; prefix < 4; prefix++) {
      const of = new Map<Row, { memory: number[]; register: number[] }>();
      for (let modrm = 0; modrm < (takes ? 256 : 1); modrm++) {
        const row = find(opcode, prefix, modrm);
        if (!row) continue;
        const e = of.get(row) ?? { memory: [], register: [] };
        of.set(row, e);
        (takes && modrm >= 0xc0 ? e.register : e.memory).push(modrm);
      }
      for (const [row, e] of of) all.set(row, [...(all.get(row) ?? []), { row, opcode, prefix, ...e }]);
    }
  }
  return all;
}

/** Every form there is a meaning of, with its encodings; the order is that of the opcode tables. */
export function encodable(): readonly Encodable[] {
  const by = encodings();
  const all = new Map<string, Encodable>();
  for (const row of allRows()) {
    for (const key of keysOf(row)) {
      const form = formNamed(key);
      const of = by.get(row);
      if (!form || !of) continue;
      const memory = form.kinds === row.kindsMem && form.kinds.includes("m");
      const repeat = key.startsWith("rep ") ? 0xf3 : key.startsWith("repne ") ? 0xf2 : 0;
      const before = all.get(key);
      all.set(key, { form, memory, repeat, encodings: [...(before?.encodings ?? []), ...of.filter((e) => !row.modrm || (memory ? e.memory : e.register).length > 0)] });
    }
  }
  return [...all.values()];
}

/** Code of one instruction, and what it decodes to; `insn` is the caller's until the next call. */
export interface Encoded {
  readonly code: Uint8Array;
  readonly insn: Insn;
  readonly form: Form;
}

const bytes = new Uint8Array(32);

/** Immediates: edges, small ones, any. */
function immediate(n: Chance, at: number): void {
  for (let k = 0; k < 8; k++) bytes[at + k] = n(256);
  if (n(2)) bytes.fill([0, 0xff, 0, 0x80][n(4)] as number, at + 1, at + 8);
  if (n(3) === 0) bytes[at] = [0, 1, 0x7f, 0x80, 0xff, 8, 16, 31, 32, 33, 63, 64][n(12)] as number;
}

/** An instruction of the form, or undefined when what chance chose is another one. */
export function encode(what: Encodable, n: Chance, odd = true): Encoded | undefined {
  const e = what.encodings[n(what.encodings.length)] as Encoding;
  const { row } = e;
  let p = 0;
  const legacy: number[] = [...(PREFIX[e.prefix] as readonly number[])];
  if (what.form.size === 2 && row.sized !== "w" && !legacy.includes(0x66)) legacy.push(0x66);
  if (what.repeat) legacy.push(what.repeat);
  if (odd && what.memory && n(6) === 0) legacy.push(0x64 + n(2));
  if (odd && (what.memory || row.string) && n(12) === 0) legacy.push(0x67);
  if (row.lock && what.memory && n(5) === 0) legacy.push(0xf0);
  if (odd && n(40) === 0) legacy.push([0xf0, 0xf2, 0xf3, 0x66, 0x2e, 0x3e, 0x67][n(7)] as number);
  while (legacy.length > 0) bytes[p++] = legacy.splice(n(legacy.length), 1)[0] as number;
  const wide = what.form.size === 8 && row.stack === 0 ? 8 : 0;
  if (wide || n(2)) bytes[p++] = 0x40 | wide | (row.sized === "" && n(4) === 0 ? 8 : 0) | n(8);
  if (e.opcode >= 256) bytes[p++] = 0x0f;
  if (e.opcode >= 512) bytes[p++] = e.opcode < 768 ? 0x38 : 0x3a;
  bytes[p++] = e.opcode & 255;
  if (row.modrm) {
    const modrms = what.memory ? e.memory : e.register;
    let modrm = modrms[n(modrms.length)] as number;
    // Absolute and rip-relative addresses have no register to aim with: not too many of them.
    if (what.memory && (modrm & 0xc7) === 5 && n(3)) modrm += 0x40;
    bytes[p++] = modrm;
    if (what.memory && (modrm & 7) === 4) bytes[p++] = n(256);
    const small = n(8);
    for (let k = 0; k < 4; k++) bytes[p + k] = small === 0 || k === 0 ? n(256) : 0;
    if (what.memory && modrm >= 0x80) {
      p += 4;
      immediate(n, p);
    } else if (what.memory && modrm >= 0x40) immediate(n, p + 1);
    else immediate(n, p + (what.memory && (modrm & 7) === 5 ? 4 : 0));
  } else immediate(n, p);
  const i = ENCODED;
  if (decode(bytes, 0, 32, i) !== Decoded.Ok) return undefined;
  if (formOf(i) !== what.form) return undefined;
  return { code: bytes.slice(0, i.length), insn: i, form: what.form };
}
const ENCODED = insn();

/** A 32-bit number into code, little-endian. */
export function put32(code: Uint8Array, at: number, value: number): void {
  for (let k = 0; k < 4; k++) code[at + k] = (value >> (8 * k)) & 255;
}
