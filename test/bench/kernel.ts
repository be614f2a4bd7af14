/**
 * `npm run bench kernel`: what a host process's call costs over the T messages it makes, on servers in
 * the same process, and what a pipeline moves. Every row says what it should reach; missing it is no error.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { tools } from "../../clients/tools/index.ts";
import { calls, type CallRow, TARGET_US } from "./calls.ts";
import { pipelines } from "./pipelines.ts";
import { HEADER, measure, median, print } from "./row.ts";

const USAGE = `usage: npm run bench kernel -- [OPTIONS]

  --only TEXT     rows whose name has TEXT in it
  --rounds N      rounds of each row, of which the median is taken (5)
  --seconds S     seconds of a round (0.5)
  --json          one JSON object a row
  -h, --help      this

Of a call: its CPU time, that of the same messages given to the servers' portals in the same rounds, and
the difference. Exit status 0 also when a target is missed.
`;

let options;
try {
  ({ values: options } = parseArgs({
    options: {
      only: { type: "string", default: "" }, rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "0.5" },
      json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false },
    },
  }));
} catch (e) {
  process.stderr.write(`bench: ${e instanceof Error ? e.message : String(e)}\n`);
}
const rounds = Number(options?.rounds);
const seconds = Number(options?.seconds);
const table = options?.json !== true;

if (options?.help) process.stdout.write(USAGE);
else if (!options || !(rounds >= 1) || !(seconds > 0)) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    await bench(options.only);
  } catch (e) {
    process.stderr.write(`bench: ${e instanceof Error ? e.message : String(e)}\n`);
    process.exitCode = 1;
  }
}

async function bench(only: string): Promise<void> {
  const { kernel, rows } = await calls(new Map(tools));
  const moving = pipelines(kernel).filter((row) => row.name.includes(only));
  const calling = rows.filter((row) => row.name.includes(only));
  if (moving.length + calling.length === 0) throw new Error(`no row has ${only} in its name`);
  say(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}. Medians of ${rounds} rounds of ${seconds} s, taken in turns.`);
  if (calling.length > 0) say(`\n${["".padEnd(30), "messages", "call", "its messages", "over", "target"].map((x, i) => (i ? x.padStart(13) : x)).join("")}`);
  for (const row of calling) await line(row);
  if (moving.length > 0) say(`\n${HEADER}`);
  for (const row of moving) {
    const measured = await measure(row, rounds, seconds);
    if (table) say(print(row, measured));
    else process.stdout.write(`${JSON.stringify({ row: row.name, unit: row.unit, measured })}\n`);
  }
  kernel.shutdown();
}

async function line(row: CallRow): Promise<void> {
  const [call, its] = await measure(row, rounds, seconds);
  if (!call || !its) return;
  const us = (rate: number): number => 1e6 / rate;
  const over = median(call.rates.map((rate, i) => us(rate) - us(its.rates[i] ?? 0)));
  const reached = over <= TARGET_US;
  if (!table) process.stdout.write(`${JSON.stringify({ row: row.name, messages: row.messages, us: us(call.rate), messagesUs: us(its.rate), over, reached })}\n`);
  else say(`${row.name.padEnd(30)}${String(row.messages).padStart(13)}${[us(call.rate), us(its.rate), over].map((x) => `${x.toFixed(2)} us`.padStart(13)).join("")}${`${TARGET_US} us`.padStart(13)}  ${reached ? "reached" : "not reached"}`);
}

function say(text: string): void {
  if (table) process.stdout.write(`${text}\n`);
}
