/**
 * `npm run bench 9p`: our server beside diod, in the same run, by the same client; portal calls in
 * process; WebSockets beside a bare echo. Every row says what it should reach; missing it is no error.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GETATTR_BASIC, packMessage, Rgetattr, Tgetattr } from "../../proto/index.ts";
import { stopAll } from "../support/children.ts";
import { programPath } from "../support/need.ts";
import type { Slot } from "./flood.ts";
import { HEADER, measure, print, type Row, type Runner } from "./row.ts";
import { bare, diod, type How, helper, ours, runner, type Side } from "./sides.ts";
import * as work from "./work.ts";

const USAGE = `usage: npm run bench 9p -- [OPTIONS]

  --only TEXT     rows whose name has TEXT in it
  --rounds N      rounds of each row, of which the median is taken (5)
  --seconds S     seconds of a round (1)
  --json          one JSON object a row
  -h, --help      this
`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" }, rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "1" },
    json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

if (options.help) process.stdout.write(USAGE);
else if (!(rounds >= 1) || !(seconds > 0)) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else await bench();

async function bench(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-bench-"));
  try {
    work.makeTree(dir);
    const us = await ours(dir);
    const them = programPath("diod") === undefined ? undefined : await diod(dir);
    say(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}; ${rounds} interleaved rounds of ${seconds} s, medians.`);
    say(`nineplex: the command line, built, serve --rw. ${them ? "diod: -f -n -S." : "diod is not installed (Debian: apt-get install diod): what is compared with it has no ratio."}`);
    say(`\n${HEADER}`);
    const limit = await helper("Node's limit (constant answer)", "./constant.js");
    for (const row of rows(us, them, limit)) {
      if (options.only !== undefined && !row.name.includes(options.only)) continue;
      const measured = await measure(row, rounds, seconds);
      if (options.json) process.stdout.write(`${JSON.stringify({ row: row.name, unit: row.unit, measured })}\n`);
      else say(print(row, measured));
    }
  } finally {
    await stopAll();
    rmSync(dir, { recursive: true });
  }
}

function say(line: string): void {
  if (!options.json) process.stdout.write(`${line}\n`);
}

function rows(us: Side, them: Side | undefined, limit: Side): Row[] {
  const all: Row[] = [];
  /** The same on both sides; `more` stands between them. */
  const beside = (name: string, job: work.Work, times: number | undefined, how: How, unit = "/s", scale = 1, more: (() => Promise<Runner>)[] = []): void => {
    all.push({
      name, unit, scale,
      runners: [
        runner(us, job, { ...how, ...(times !== undefined && { target: { times } }) }),
        ...more,
        ...(them ? [runner({ ...them }, job, how)] : []),
      ],
    });
  };
  for (const [window, times] of [[1, 1], [16, 2], [64, 3]] as const) {
    beside(`getattr, window ${window}`, work.getattr, times, { window }, "/s", 1, [bare(limit, () => constant(window), { window })]);
  }
  for (const window of [1, 16]) {
    beside(`walk-open-read-clunk of 4 KiB, window ${window}`, work.walkOpenReadClunk(), 1.5, { window }, "/s", 1, [
      runner(us, work.walkOpenReadClunk(true), { window, version: "9P2000.L.x", name: "nineplex, .x, in one write" }),
    ]);
  }
  for (const window of [1, 16]) {
    beside(`create-write-clunk-remove of 4 KiB, window ${window}`, work.createWriteClunkRemove(), 2, { window }, "/s", 1, [
      runner(us, work.createWriteClunkRemove(true), { window, version: "9P2000.L.x", name: "nineplex, .x, in one write" }),
    ]);
  }
  for (const window of [1, 16]) beside(`read 4 KiB of an open file, window ${window}`, work.readSmall, undefined, { window });
  return all;
}

/** Tgetattrs for the server that looks at nothing. */
function constant(window: number): Slot[] {
  return Array.from({ length: window }, () => ({
    steps: [{ send: Buffer.from(packMessage({ type: Tgetattr, fid: 1, request_mask: GETATTR_BASIC }, 0, "9P2000.L")), expect: [Rgetattr], size: [160] }],
  }));
}
