/**
 * command: what every bench of rows shares: its options, its table, its exit status. Missing a target
 * is no error: the bench reports.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { stopAll } from "../support/children.ts";
import { HEADER, measure, print, type Row } from "./row.ts";

/** What is measured, and what has to be given back after it. */
export interface Bench {
  readonly rows: readonly Row[];
  close(): void;
}

const usage = (name: string, seconds: number): string => `usage: npm run bench ${name} -- [OPTIONS]

  --only TEXT     rows whose name has TEXT in it
  --rounds N      rounds of each row, of which the median is taken (5)
  --seconds S     seconds of a round (${seconds})
  --json          one JSON object a row
  -h, --help      this

A ratio is the median of the rounds' ratios to the last line of the row. Exit status 0 also when a
target is missed.
`;

/** `npm run bench NAME`, whose rounds take so many seconds. */
export async function command(name: string, seconds: number, make: () => Promise<Bench>): Promise<void> {
  let o;
  try {
    ({ values: o } = parseArgs({
      options: {
        only: { type: "string", default: "" }, rounds: { type: "string", default: "5" }, seconds: { type: "string", default: String(seconds) },
        json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (e) {
    process.stderr.write(`bench: ${e instanceof Error ? e.message : String(e)}\n`);
  }
  if (o?.help) {
    process.stdout.write(usage(name, seconds));
    return;
  }
  if (!o || !(Number(o.rounds) >= 1) || !(Number(o.seconds) > 0)) {
    process.stderr.write(usage(name, seconds));
    process.exitCode = 2;
    return;
  }
  process.once("SIGINT", () => void stopAll());
  try {
    await table(make, o.only, Number(o.rounds), Number(o.seconds), o.json);
  } catch (e) {
    process.stderr.write(`bench: ${e instanceof Error ? e.message : String(e)}\n`);
    process.exitCode = 1;
  }
}

async function table(make: () => Promise<Bench>, only: string, rounds: number, seconds: number, json: boolean): Promise<void> {
  const bench = await make();
  try {
    const rows = bench.rows.filter((row) => row.name.includes(only));
    if (rows.length === 0) throw new Error(`no row has ${only} in its name`);
    if (!json) process.stdout.write(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}. Medians of ${rounds} rounds of ${seconds} s, taken in turns.\n\n${HEADER}\n`);
    for (const row of rows) {
      const measured = await measure(row, rounds, seconds);
      process.stdout.write(json ? `${JSON.stringify({ row: row.name, unit: row.unit, measured })}\n` : `${print(row, measured)}\n`);
    }
  } finally {
    bench.close();
  }
}
