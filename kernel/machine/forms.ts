/**
 * Form: one meaning at one operand size with one set of operand kinds, "add.4 rm"; the unit that the
 * interpreter has a handler for. The semantic table is what sem/*.ts define here. Invariant: a key is
 * defined once. A decoded instruction without a form is #UD.
 */
import type { Insn } from "./decode.ts";
import type { Emit } from "./emit.ts";
import type { Row } from "./rows.ts";

export interface Form {
  /** In the order of definition, from 0. */
  readonly id: number;
  readonly key: string;
  /** The file of sem/ that defines it. */
  readonly group: string;
  readonly meaning: string;
  readonly size: number;
  readonly kinds: string;
  /** The last of its block: it jumps, traps, or may change what the next instruction is. */
  readonly ends: boolean;
}

/** Writes what a form does; what comes after it is the caller's, unless it ends a block. */
export type Meaning = (e: Emit) => void;

const table = new Map<string, Form>();
const meanings = new Map<Form, Meaning>();

/** The key of a meaning at a size with kinds. */
export function keyOf(meaning: string, size: number, kinds: string): string {
  return `${meaning}${size ? `.${size}` : ""}${kinds ? ` ${kinds}` : ""}`;
}

/**
 * Defines a meaning at all these sizes (0: it has none) with all these kinds, separated by spaces
 * ("-": no operands). `ends`: see Form.
 */
export function define(group: string, meaning: string, sizes: readonly number[], kinds: string, write: Meaning, ends = false): void {
  for (const size of sizes) {
    for (const k of kinds.split(" ")) {
      meanings.set(declare(group, meaning, size, k === "-" ? "" : k, ends), write);
    }
  }
}

/** Makes a form known whose code is already emitted. */
export function declare(group: string, meaning: string, size: number, kinds: string, ends: boolean): Form {
  const form: Form = { id: table.size, group, meaning, size, kinds, key: keyOf(meaning, size, kinds), ends };
  if (table.has(form.key)) throw new Error(`${form.key} is defined twice`);
  table.set(form.key, form);
  return form;
}

/** What a form does. */
export function meaningOf(form: Form): Meaning {
  const meaning = meanings.get(form);
  if (!meaning) throw new Error(`${form.key} is only declared`);
  return meaning;
}

/** Every form, in order of definition. */
export function allForms(): readonly Form[] {
  return [...table.values()];
}

export function formNamed(key: string): Form | undefined {
  return table.get(key);
}

/** What a repeat prefix puts before the meaning of a string instruction. */
const REPEAT = ["", "rep ", "repne "];
/** By the row's number, then by size, repeat prefix and whether there is a memory operand; null: none. */
const known: (Form | null | undefined)[][] = [];

/** The form of a decoded instruction. */
export function formOf(i: Insn): Form | undefined {
  const of = (known[i.row.id] ??= []);
  const repeat = i.row.string ? (i.repeat === 0xf3 ? 1 : i.repeat === 0xf2 ? 2 : 0) : 0;
  const at = i.size * 6 + repeat * 2 + Number(i.memory);
  let form = of[at];
  if (form === undefined) of[at] = form = table.get(keyOf((REPEAT[repeat] as string) + i.row.meaning, i.size, i.kinds)) ?? null;
  return form ?? undefined;
}

/** The keys an opcode row can come to, for the table of coverage. */
export function keysOf(row: Row): string[] {
  const sizes = row.sized === "" ? [0] : row.sized === "v" ? (row.stack === 65 ? [8] : row.stack === 64 ? [2, 8] : [2, 4, 8]) : row.sized === "y" ? [4, 8] : row.sized === "z" ? [2, 4]
    : [{ b: 1, w: 2, d: 4, q: 8, t: 10 }[row.sized[0] as string] ?? 0];
  const kinds = row.operands.some((o) => o.what === "M" || o.what === "O") ? [row.kindsMem] : row.operands.some((o) => o.what === "U" || o.what === "N") ? [row.kindsReg] : [...new Set([row.kindsReg, row.kindsMem])];
  return sizes.flatMap((size) => kinds.flatMap((k) => (row.string ? REPEAT : [""]).map((repeat) => keyOf(repeat + row.meaning, size, k))));
}
