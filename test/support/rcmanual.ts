/**
 * Rcmanual: the cases of test/clients/rc/manual, a file for each part of rc(1): scripts, run in an empty
 * directory with the arguments a1 a2, and what is then on stdout, with [exit 0] or [exit 1] behind it.
 *
 *   #! 9base: why Plan 9 from User Space's rc says something else      (if it does)
 *   # the fact of the manual
 *   commands
 *   ---
 *   output
 *   [exit 0]
 *   %%                                                                 (between two cases)
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface ManualCase {
  readonly fact: string;
  readonly script: string;
  readonly said: string;
  /** 9base's rc differs, as its first line tells. */
  readonly ours: boolean;
}

const dir = fileURLToPath(new URL("../clients/rc/manual/", import.meta.url));

/** The parts of the manual, in the order of their names. */
export const parts: readonly string[] = readdirSync(dir).toSorted();

/** The cases of one part. */
export function casesOf(part: string): ManualCase[] {
  return readFileSync(dir + part, "utf8").trimEnd().split("\n%%\n").map((text) => {
    const cut = text.lastIndexOf("\n---\n");
    const script = text.slice(0, cut + 1);
    const fact = /^# (.*)$/m.exec(script)?.[1] ?? "";
    return { fact, script, said: text.slice(cut + 5), ours: script.startsWith("#! 9base: ") };
  });
}
