/**
 * `npm run bench tools`: what programs of /bin do to bytes, beside the system's own on the same bytes
 * in a file of memory. An operation is a megabyte.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { system, type System } from "../../clients/node/system.ts";
import { rc } from "../../clients/rc/index.ts";
import { OWRITE } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { chance } from "../support/random.ts";
import { command } from "./command.ts";
import { repeated, type Row } from "./row.ts";

const MB = 1e6;
/** Bytes of the text that is filtered, and how often it stands in the large file. */
const TEXT = 1_000_000;
const TIMES = 1000;
const MEMORY = 2e9;
const LINES = 1_000_000;
const WORDS = "the name space of a process mount bind union kernel server portal message fid walk clunk open read".split(" ");

interface Job {
  readonly name: string;
  /** Command line of rc. */
  readonly ours: string;
  /** Of sh; FILE is the file. */
  readonly theirs: string;
  readonly file: string;
  readonly target?: { readonly times: number } | { readonly rate: number };
}

const JOBS: readonly Job[] = [
  { name: "cat, 1 GB of ram to /dev/null", ours: "cat /tmp/text > /dev/null", theirs: "cat FILE | cat > /dev/null", file: "text", target: { rate: 2000 } },
  { name: "cat | grep, a word that is in no line", ours: "cat /tmp/text | grep zebra > /dev/null", theirs: "cat FILE | grep zebra > /dev/null", file: "text", target: { rate: 200 } },
  { name: "cat | grep, an expression that is in many", ours: "cat /tmp/text | grep 'portal.*fid' > /dev/null", theirs: "cat FILE | grep 'portal.*fid' > /dev/null", file: "text", target: { rate: 200 } },
  { name: "wc", ours: "wc /tmp/text > /dev/null", theirs: "wc FILE > /dev/null", file: "text" },
  { name: "sed s/fid/tag/", ours: "sed s/fid/tag/ /tmp/part > /dev/null", theirs: "sed s/fid/tag/ FILE > /dev/null", file: "part" },
  { name: "sort of 1,000,000 lines", ours: "sort /tmp/lines > /dev/null", theirs: "sort FILE > /dev/null", file: "lines", target: { times: 1 / 3 } },
  { name: "sort of lines that begin alike", ours: "sort /tmp/alike > /dev/null", theirs: "sort FILE > /dev/null", file: "alike", target: { times: 1 / 3 } },
  { name: "sort -n", ours: "sort -n /tmp/lines > /dev/null", theirs: "sort -n FILE > /dev/null", file: "lines", target: { times: 1 / 3 } },
  { name: "gzip", ours: "gzip -c /tmp/part > /dev/null", theirs: "gzip -c FILE > /dev/null", file: "part" },
  { name: "md5sum", ours: "md5sum /tmp/part > /dev/null", theirs: "md5sum FILE > /dev/null", file: "part" },
];

await command("tools", 4, async () => {
  const kernel = await system({ trace: false, servers: { tmp: ram({ now: Date.now, mode: 0o777, limit: MEMORY }) } });
  const dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "nineplex-bench-"));
  const next = chance(1);
  const word = (): string => WORDS[next(WORDS.length)]!;
  const text = lines(TEXT, () => Array.from({ length: 3 + next(10) }, word).join(" "));
  const number = (): string => String(next(1 << 30)).padStart(10, "0");
  const unsorted = Array.from({ length: LINES }, () => `${next(1 << 30).toString(36)} ${word()} ${number()}\n`).join("");
  const alike = Array.from({ length: LINES }, () => `2026-01-01 12:00 host ${word()}: ${number()}\n`).join("");
  const sizes = new Map<string, number>();
  for (const [name, data, times] of [["text", text, TIMES], ["part", text, 64], ["lines", unsorted, 1], ["alike", alike, 1]] as const) {
    const bytes = Buffer.from(data);
    const fd = await kernel.sys.create(`/tmp/${name}`, OWRITE, 0o666);
    for (let i = 0; i < times; i++) await kernel.sys.write(fd, bytes);
    await kernel.sys.close(fd);
    writeFileSync(join(dir, name), bytes);
    for (let i = 1; i < times; i++) writeFileSync(join(dir, name), bytes, { flag: "a" });
    sizes.set(name, bytes.length * times);
  }
  return {
    rows: JOBS.map((job) => row(kernel, job, join(dir, job.file), sizes.get(job.file)!)),
    close() {
      kernel.shutdown();
      rmSync(dir, { recursive: true, force: true });
    },
  };
});

/** So many bytes of whole lines. */
function lines(bytes: number, line: () => string): string {
  let text = "";
  for (;;) {
    const more = `${line()}\n`;
    if (text.length + more.length > bytes) return text + "\n".repeat(bytes - text.length);
    text += more;
  }
}

function row(kernel: System, job: Job, file: string, size: number): Row {
  const theirs = job.theirs.replace("FILE", file);
  return {
    name: job.name, unit: "MB/s", scale: 1, compared: true, profiled: false,
    runners: [
      repeated("nineplex, rc", size / MB, () => ours(kernel, job.ours), job.target),
      repeated("system", size / MB, () => native(theirs)),
    ],
  };
}

/** A word that is nowhere is status 1 of grep. */
function fine(status: string | number): boolean {
  return ["", "0", "1", "|1"].includes(String(status));
}

async function ours({ sys }: System, line: string): Promise<void> {
  const pid = await sys.spawn({ argv: ["rc", "-c", line], main: rc({}), noteGroup: "new" });
  const { status } = await sys.wait(pid);
  if (!fine(status)) throw new Error(`${line}: ${status}`);
}

async function native(line: string): Promise<void> {
  const child = spawn("sh", ["-c", line], { stdio: "ignore", env: { ...process.env, LC_ALL: "C" } });
  const [status] = (await once(child, "exit")) as [number | null];
  if (!fine(status ?? "killed")) throw new Error(`${line}: ${String(status)}`);
}
