/**
 * `npm run bench machine`: programs on the machine beside the same under qemu-user, in turns. Both are
 * charged the CPU they use, all threads and their own start included, so that what else runs here counts
 * for neither; MIPS are the machine's own count of instructions by that time. What is printed must be the
 * same. Kernels are compiled with gcc, programs are Debian's busybox; what is missing is said and left out.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { system, type System } from "../../clients/node/system.ts";
import { missing, programPath } from "../support/need.ts";
import { chance } from "../support/random.ts";
import { median } from "./row.ts";

interface Job {
  readonly name: string;
  readonly argv: readonly string[];
  /** MIPS it should reach. */
  readonly target?: number;
  /** Calls it makes, told by the call. */
  readonly calls?: number;
}

const KERNELS: Readonly<Record<string, number>> = { crc: 800, quicksort: 20, fib: 2500, matrix: 70, doubles: 200, sieve: 120, strings: 50, hash: 4000 };
const CALLS: Readonly<Record<string, number>> = { getpid: 200_000, read: 50_000 };
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  wc: ["wc", "text"], sort: ["sort", "lines"], sha256sum: ["sha256sum", "text"], md5sum: ["md5sum", "text"], gzip: ["gzip", "-c", "lines"], "od -x": ["od", "-x", "lines"],
  "awk, fields": ["awk", "{ n[$2 % 10] += $1 } END { for (k = 0; k < 10; k++) print n[k] }", "lines"], "grep -c": ["grep", "-c", "12.*34", "text"], "sed s///": ["sed", "s/1/one/g", "lines"],
};
const KERNELMIPS = 450;
const PROGRAMMIPS = 120;

interface Run {
  readonly seconds: number;
  readonly out: string;
}

const { values: o } = parseArgs({ options: { only: { type: "string", default: "" }, rounds: { type: "string", default: "3" }, help: { type: "boolean", short: "h", default: false } } });
if (o.help) process.stdout.write("usage: npm run bench machine -- [--only TEXT] [--rounds N]\n");
else await table(o.only, Number(o.rounds));

async function table(only: string, rounds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-bench-"));
  const kernel = await system({ trace: false, host: dir });
  try {
    const all = jobs(dir).filter((j) => j.name.includes(only));
    await first(kernel, dir);
    await kernel.run("dd -if /dev/zero -of /tmp/block -bs 4096 -count 1");
    const qemu = programPath("qemu-x86_64");
    process.stdout.write(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}, load ${loadavg()[0]?.toFixed(1)}; medians of ${rounds} rounds of CPU time.${qemu ? "" : " No qemu-x86_64 (apt-get install qemu-user)."}\n\n`);
    process.stdout.write(["".padEnd(16), "instructions", "nineplex", "MIPS", "qemu-user", "ratio", "target"].map((s, k) => (k ? s.padStart(14) : s)).join("") + "\n");
    for (const job of all) await row(kernel, job, dir, rounds, qemu);
  } finally {
    kernel.shutdown();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The first program of a process, which makes the machine, and the ones after it: when nothing of ours is warm. */
async function first(kernel: System, dir: string): Promise<void> {
  if (!existsSync(join(dir, "busybox"))) return;
  const told: string[] = [];
  for (let k = 0; k < 3; k++) {
    const since = performance.now();
    const { seconds } = await guest(kernel, { name: "echo", argv: ["busybox", "echo", "hi"] });
    told.push(`${(seconds * 1000).toFixed(0)} ms of CPU, ${(performance.now() - since).toFixed(0)} ms`);
  }
  process.stdout.write(`busybox echo hi after boot: ${told.join("; again: ")}\n\n`);
}

/** What can be run here; files and programs are put into `dir`. */
function jobs(dir: string): Job[] {
  const next = chance(1);
  writeFileSync(join(dir, "text"), Array.from({ length: 200_000 }, () => `${next(1 << 20)} ${next(10)} the name space of a process\n`).join(""));
  writeFileSync(join(dir, "lines"), Array.from({ length: 30_000 }, () => `${next(1 << 20)} ${next(1 << 20)}\n`).join(""));
  const all: Job[] = [];
  const without = (why: string | undefined): boolean => {
    if (why) process.stderr.write(`${why}\n`);
    return why !== undefined;
  };
  if (!without(missing(["gcc"]))) {
    // The sources are not where this was built.
    const source = readFileSync(join(process.cwd(), "test/bench/kernels.c"));
    execFileSync("gcc", ["-O2", "-static", "-w", "-x", "c", "-o", join(dir, "kernels"), "-"], { input: source });
    for (const [name, n] of Object.entries(KERNELS)) all.push({ name, argv: ["kernels", name, String(n)], target: KERNELMIPS });
    for (const [name, n] of Object.entries(CALLS)) all.push({ name, argv: ["kernels", name, String(n), name === "read" ? "/tmp/block" : "-"], calls: n });
  }
  if (!without(missing(["busybox"]))) {
    writeFileSync(join(dir, "busybox"), readFileSync(programPath("busybox") as string), { mode: 0o755 });
    for (const [name, argv] of Object.entries(PROGRAMS)) all.push({ name, argv: ["busybox", ...argv], target: PROGRAMMIPS });
  }
  return all;
}

async function row(kernel: System, job: Job, dir: string, rounds: number, qemu: string | undefined): Promise<void> {
  const ours: Run[] = [];
  const theirs: Run[] = [];
  let instructions = 0;
  // Calls are another's work under qemu: the host's.
  const beside = job.calls ? undefined : qemu;
  for (let k = 0; k < rounds; k++) {
    const before = kernel.instructions();
    ours.push(await guest(kernel, job));
    instructions = kernel.instructions() - before;
    if (beside) theirs.push(emulated(beside, job, dir));
  }
  const different = theirs.find((t) => t.out !== ours[0]?.out);
  if (different) throw new Error(`${job.name}: prints\n${ours[0]?.out.slice(0, 300)}\nand under qemu\n${different.out.slice(0, 300)}`);
  const seconds = median(ours.map((r) => r.seconds));
  const mips = instructions / seconds / 1e6;
  const ratio = theirs.length > 0 ? median(ours.map((r, k) => r.seconds / (theirs[k]?.seconds ?? 1))) : undefined;
  process.stdout.write([
    job.name.padEnd(16), instructions.toLocaleString("en-US"), `${(seconds * 1000).toFixed(0)} ms`, mips.toFixed(0), theirs.length > 0 ? `${(median(theirs.map((r) => r.seconds)) * 1000).toFixed(0)} ms` : "",
    ratio === undefined ? "" : `${ratio.toFixed(1)} x`, job.target ? `${job.target} MIPS` : job.calls ? `${((seconds / job.calls) * 1e6).toFixed(2)} us a call` : "",
  ].map((s, k) => (k ? s.padStart(14) : s)).join("") + (job.target ? (mips >= job.target ? "  reached" : "  not reached") : "") + "\n");
}

async function guest(kernel: System, job: Job): Promise<Run> {
  const before = process.cpuUsage();
  const { status, out, err } = await kernel.run([`/host/${job.argv[0]}`, ...job.argv.slice(1)]);
  const { user, system: sys } = process.cpuUsage(before);
  if (status !== "") throw new Error(`${job.name}: ${status} ${err}`);
  return { seconds: (user + sys) / 1e6, out };
}

function emulated(qemu: string, job: Job, dir: string): Run {
  const { stdout, stderr, status } = spawnSync("bash", ["-c", 'TIMEFORMAT="%U %S"; time "$@"', "bash", qemu, ...job.argv.map((a, k) => (k === 0 ? join(dir, a) : a))], { cwd: dir, encoding: "utf8", maxBuffer: 1 << 28 });
  const [user, kernel] = stderr.trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  if (status !== 0 || user === undefined || kernel === undefined) throw new Error(`${job.name}: under qemu: ${stderr}`);
  return { seconds: user + kernel, out: stdout };
}
