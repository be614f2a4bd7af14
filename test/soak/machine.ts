/**
 * The machine against the host's processor: cases by chance over every form of the semantic table, run
 * by both and compared. Differences are printed with the code, what is wrong, and a line that
 * `--replay` runs again.
 */
import { writeFileSync } from "node:fs";
import { allForms, type Form } from "../../kernel/machine/forms.ts";
import { Board } from "../support/oracle/board.ts";
import { pieceOf } from "../support/oracle/cases.ts";
import { compared, pristine, type Tally } from "../support/oracle/compared.ts";
import { differences, ending, fromLine, listing } from "../support/oracle/compare.ts";
import { Host } from "../support/oracle/host.ts";
import { names, record } from "../support/oracle/record.ts";
import { FILES, vectorFile } from "../support/oracle/vectors.ts";
import { coverage } from "../support/formtable.ts";

/** What the options of `npm run soak machine N` are; see main.ts. */
export const options = "--coverage: forms that there are, and those that are missing; --forms RE: only those; --replay LINE: that case; --record: test/vectors anew";

/** The figures; an error when anything differs. */
export async function machine(n: number, args: readonly string[]): Promise<string> {
  const [option, value] = args;
  if (option === "--coverage") return table();
  if (option === "--record") return recorded();
  if (option === "--replay") return replay(value ?? "");
  const which = new RegExp(option === "--forms" ? (value ?? "") : "");
  const begun = Date.now();
  const seconds = (): number => (Date.now() - begun) / 1000;
  let told = 0;
  const shown = new Set<string>();
  const t = await compared(n, (form) => which.test(form.key), 2, (now) => {
    for (const [key, all] of now.differences) {
      for (const d of all) {
        if (d === "" || shown.has(d)) continue;
        shown.add(d);
        process.stderr.write(`${key}: ${d}\n`);
      }
    }
    if (seconds() - told < 10) return;
    told = seconds();
    process.stderr.write(`${String(now.cases).padStart(9)} cases, ${Math.round(now.cases / told)}/s, ${now.done.size} of ${now.forms.length} forms, ${count(now)} differences\n`);
  });
  const text = `${t.cases} cases of ${t.forms.length} forms, ${Math.round(t.cases / seconds())}/s; ${t.done.size} forms have run to their end; `
    + `${[...t.traps].map(([trap, times]) => `${times} ended with ${trap}`).join(", ")}; ${t.left.size} forms left out: ${[...new Set(t.left.values())].join("; ")}`;
  if (t.differences.size > 0) throw new Error(`${text}; ${count(t)} differences, of ${[...t.differences].map(([key, all]) => `${key}: ${all.length}`).join(", ")}`);
  return `${text}; 0 differences`;
}

const count = (t: Tally): number => [...t.differences.values()].reduce((n, all) => n + all.length, 0);

function table(): string {
  return coverage().map(({ part, total, missing }) => `\n${part.padEnd(20)} ${String(total - missing.length).padStart(5)} of ${total}${missing.map((key) => `\n  missing: ${key}`).join("")}`).join("");
}

/** Writes test/vectors. */
async function recorded(): Promise<string> {
  const text = [];
  for (const name of names(allForms())) {
    const { file, vectors } = await record(FILES[name] as (form: Form) => boolean);
    writeFileSync(vectorFile(name), file);
    text.push(`${name}: ${vectors} vectors, ${file.length} bytes`);
  }
  return text.join("; ");
}

/** One case, by the line it was printed as. */
async function replay(text: string): Promise<string> {
  const c = fromLine(text);
  const piece = pieceOf(c.code.slice(), c.offset);
  const data = pristine();
  const host = new Host(data);
  try {
    const [expected] = await host.run([c]);
    const got = new Board(data).run(c);
    if (!expected) throw new Error("no outcome");
    return `${listing(piece)}\n  the processor: ${ending(piece, expected)}\n  the machine:   ${ending(piece, got)}\n  ${differences(piece, expected, got).join("\n  ") || "0 differences"}`;
  } finally {
    host.close();
  }
}
