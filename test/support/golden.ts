/**
 * Golden: reads test/golden/*.hex, whose format the head of 9P2000.hex tells.
 */
import { readFileSync } from "node:fs";
import type { Dialect } from "../../proto/fcall.ts";

export interface Golden {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Of the "=" line, for failure messages. */
  readonly line: number;
}

/** Base messages whose bytes .u and .L have differently; their golden bytes stand in those files. */
const differ: ReadonlySet<string> = new Set(["Tauth", "Tattach", "Rerror", "Rstat", "Twstat"]);

function readGolden(name: string): Golden[] {
  const text = readFileSync(new URL(`../golden/${name}.hex`, import.meta.url), "utf8");
  const all: { text: string; bytes: number[]; line: number }[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.startsWith("= ")) all.push({ text: line.slice(2), bytes: [], line: i + 1 });
    else for (const [word, quoted] of line.replace(/#.*/, "").matchAll(/"([^"]*)"|\S+/g)) {
      const into = all.at(-1);
      if (!into || (quoted === undefined && !/^[0-9a-f]{2}$/.test(word))) throw new Error(`${name}.hex:${i + 1}: ${word}`);
      if (quoted === undefined) into.bytes.push(Number.parseInt(word, 16));
      else into.bytes.push(...Buffer.from(quoted));
    }
  }
  return all.map((g) => ({ ...g, bytes: Uint8Array.from(g.bytes) }));
}

/** The golden messages a dialect must read and write. */
export function golden(d: Dialect): Golden[] {
  const base = readGolden("9P2000");
  if (d === "9P2000") return base;
  const other = d === "9P2000.u" ? new Set([...differ, "Tcreate"]) : differ;
  return [...base.filter((g) => !other.has(g.text.split(" ")[0]!)), ...readGolden(d)];
}
