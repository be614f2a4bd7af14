/**
 * The table of coverage: which forms of the opcode tables have a meaning, by part of x86-64-v2.
 * `npm run soak machine -- --coverage` prints it, with the names of what is missing.
 */
import { formNamed, keysOf } from "../../kernel/machine/forms.ts";
import { allRows, type Row } from "../../kernel/machine/rows.ts";
import "../../kernel/machine/sem/all.ts";

/** Of which part of x86-64-v2 a row is. */
function part(row: Row): string {
  const codes = row.operands.map((o) => o.what).join("");
  if (/[VWU]/.test(codes)) return "SSE to SSE4.2";
  if (/[PQN]/.test(codes) || row.meaning === "emms") return "MMX";
  if (row.meaning[0] === "f" && !row.meaning.startsWith("far")) return "x87 and FXSAVE";
  return "integer and system";
}

export interface Coverage {
  readonly part: string;
  readonly total: number;
  readonly missing: readonly string[];
}

/** By part: how many forms there are, and the keys of those without a meaning. */
export function coverage(): readonly Coverage[] {
  const parts = new Map<string, Set<string>>();
  for (const row of allRows()) {
    const keys = parts.get(part(row)) ?? new Set<string>();
    parts.set(part(row), keys);
    for (const key of keysOf(row)) keys.add(key);
  }
  return [...parts].map(([name, keys]) => ({ part: name, total: keys.size, missing: [...keys].filter((k) => !formNamed(k)).toSorted() }));
}
