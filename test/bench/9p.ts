/**
 * `npm run bench 9p`: our server beside diod, in the same run, by the same client; WebSockets beside a
 * bare echo; portal calls in process. Every row says what it should reach; missing it is no error.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "../support/children.ts";
import { programPath } from "../support/need.ts";
import { HEADER, measure, print, type Row } from "./row.ts";
import { FLAGS, Profiler } from "./profile.ts";
import { type Cast, rows } from "./rows.ts";
import { diod, helper, msizeOf, ours, oursOnRam } from "./sides.ts";
import { makeTree } from "./work.ts";

const USAGE = `usage: npm run bench 9p -- [OPTIONS]

  --only TEXT     rows whose name has TEXT in it
  --rounds N      rounds of each row, of which the median is taken (5)
  --seconds S     seconds of a round (1)
  --dir DIR       where the files are, in a directory of their own (the system's for temporary files); in
                  /dev/shm creating costs what the servers do, elsewhere also what the disk's journal does
  --profile       instead of the table: where our server's time goes in each row
  --json          one JSON object a row
  -h, --help      this

A ratio is the median of the rounds' ratios to the last line of the row. CPU/op is what the server's
process used for an operation, all its threads, client not included. Exit status 0 also when a target
is missed.
`;

let options;
try {
  ({ values: options } = parseArgs({
    options: {
      only: { type: "string", default: "" }, rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "1" },
      dir: { type: "string", default: tmpdir() }, profile: { type: "boolean", default: false }, json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
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
  process.once("SIGINT", () => void stopAll());
  try {
    await bench(options.only, options.dir, options.profile);
  } catch (e) {
    process.stderr.write(`bench: ${e instanceof Error ? e.message : String(e)}\n`);
    process.exitCode = 1;
  }
}

async function bench(only: string, where: string, profile: boolean): Promise<void> {
  const dir = mkdtempSync(join(where, "nineplex-bench-"));
  try {
    makeTree(dir);
    const us = await ours(dir);
    const them = profile || programPath("diod") === undefined ? undefined : await diod(dir);
    const cast: Cast = {
      dir, us, them, msize: them && await msizeOf(them), onRam: await oursOnRam(),
      limit: await helper("Node's limit: constant answers", "./limit.js"), echo: await helper("bare ws echo", "./echo.js"),
    };
    const names = rows(cast).map((row) => row.name).filter((name) => name.includes(only));
    if (names.length === 0) throw new Error(`no row has ${only} in its name`);
    say(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}, files in ${where}. nineplex: the command line, built, serve --rw.`);
    if (profile) {
      say(`Our server alone, samples of 200 us, ${seconds} s after as much to warm up.`);
      for (const name of names) await profiled(name, cast, dir);
      return;
    }
    if (them) say(`diod: -f -n -S, msize at most ${cast.msize}.`);
    else say("Skipped: diod is not installed (Debian: apt-get install diod), and so no row is compared with it.");
    say(`Medians of ${rounds} rounds of ${seconds} s, taken in turns; ratios to the last line of a row.\n\n${HEADER}`);
    for (const row of rows(cast)) if (names.includes(row.name)) await line(row);
  } finally {
    await stopAll();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function line(row: Row): Promise<void> {
  const measured = await measure(row, rounds, seconds);
  if (table) say(print(row, measured));
  else process.stdout.write(`${JSON.stringify({ row: row.name, unit: row.unit, measured })}\n`);
}

/** A row's first runner, on a server of its own that is looked at from its start. */
async function profiled(name: string, cast: Cast, dir: string): Promise<void> {
  const us = await ours(dir, ...FLAGS);
  try {
    const row = rows({ ...cast, us }).find((r) => r.name === name);
    if (!row?.profiled) return;
    const profiler = await Profiler.of(us.server);
    const runner = await row.runners[0]!();
    await runner.run(seconds);
    const text = await profiler.during(() => runner.run(seconds));
    runner.close();
    process.stdout.write(table ? `\n${name}: ${runner.name}\n${text}\n` : `${JSON.stringify({ row: name, profile: text })}\n`);
  } finally {
    await us.server.stop();
  }
}

function say(text: string): void {
  if (table) process.stdout.write(`${text}\n`);
}
