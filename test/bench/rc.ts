/**
 * `npm run bench rc`: loops, commands and pipelines of rc, beside 9base's rc where it is installed, each
 * running the same script as a whole; and how long it is to the first command. An operation is a round
 * of the script's loop, or a start.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { system, type System } from "../../clients/node/system.ts";
import { rc } from "../../clients/rc/index.ts";
import { encode } from "../../clients/tools/lib/bytes.ts";
import { ram } from "../../servers/index.ts";
import { command } from "./command.ts";
import { repeated, type Row } from "./row.ts";

const PLAN9 = "/usr/lib/plan9/bin";
/** 100,000 rounds of a command, without a list as long. */
const LOOP = "n=(0 1 2 3 4 5 6 7 8 9); for(a in $n) for(b in $n) for(c in $n) for(d in $n) for(e in $n) ";

interface Job {
  readonly name: string;
  readonly script: string;
  readonly rounds: number;
  /** At least so many times what 9base's rc does. */
  readonly times: number;
}

const JOBS: readonly Job[] = [
  { name: "for: x=$a", script: `${LOOP}x=$a`, rounds: 100_000, times: 1 },
  { name: "for over `{seq 100000}", script: "for(i in `{seq 100000}) x=$i", rounds: 100_000, times: 1 },
  { name: "while and ~: k=$k(2-)", script: "n=(0 1 2 3 4 5 6 7 8 9); for(a in $n) for(b in $n) for(c in $n) for(d in $n) {k=$n; while(! ~ $#k 0) k=$k(2-)}", rounds: 100_000, times: 1 },
  { name: "function calls", script: `fn f {x=$1}; ${LOOP}f $a $b`, rounds: 100_000, times: 1 },
  { name: "if, if not, switch", script: `${LOOP}{if(~ $e 3 4) x=a; if not x=b; switch($e){case 1 2; y=x; case [3-5]; y=3; case *; y=z}}`, rounds: 100_000, times: 1 },
  { name: "a^b, lists", script: `${LOOP}x=($a$b-$c^.o $d^(1 2 3))`, rounds: 100_000, times: 1 },
  { name: "/bin/true", script: "for(i in `{seq 1000}) /bin/true", rounds: 1000, times: 3 },
  { name: "/bin/echo", script: "for(i in `{seq 1000}) /bin/echo $i >/dev/null", rounds: 1000, times: 3 },
  { name: "x=`{/bin/echo a}", script: "for(i in `{seq 1000}) x=`{/bin/echo a}", rounds: 1000, times: 3 },
  { name: "/bin/echo a | /bin/cat", script: "for(i in `{seq 500}) /bin/echo a | /bin/cat >/dev/null", rounds: 500, times: 3 },
  { name: "@{x=1}", script: "for(i in `{seq 1000}) @{x=1}", rounds: 1000, times: 1 },
];

await command("rc", 4, async () => {
  const kernel = await system({ trace: false, servers: { tmp: ram({ now: Date.now, mode: 0o777 }) } });
  const dir = mkdtempSync(join(tmpdir(), "nineplex-bench-"));
  const theirs = existsSync(join(PLAN9, "rc"));
  if (!theirs) process.stderr.write(`bench: nothing to compare with: ${PLAN9}/rc (Debian: 9base) is not installed\n`);
  return {
    rows: [...JOBS.map((job) => row(kernel, dir, job, theirs)), ...starts()],
    close: () => {
      kernel.shutdown();
      rmSync(dir, { recursive: true });
    },
  };
});

function row({ sys }: System, dir: string, { name, script, rounds, times }: Job, theirs: boolean): Row {
  const text = `${script}\n~ 1 1\n`;
  const ours = async (): Promise<void> => {
    await sys.writeFile("/tmp/script", encode(text));
    const pid = await sys.spawn({ argv: ["rc", "/tmp/script"], main: rc({}), env: "copy", noteGroup: "new" });
    const { status } = await sys.wait(pid);
    if (status !== "") throw new Error(`rc: ${status}`);
  };
  const native = async (): Promise<void> => {
    writeFileSync(join(dir, "script"), text);
    await ended(join(PLAN9, "rc"), [join(dir, "script")]);
  };
  return {
    name, unit: "/s", scale: 1, compared: theirs, profiled: false,
    runners: [repeated("nineplex, rc", rounds, ours, { times }), ...(theirs ? [repeated("9base, rc", rounds, native)] : [])],
  };
}

/** To the end of `true`: a prompt comes before it. */
function starts(): Row[] {
  const dist = fileURLToPath(new URL("../../clients/main.js", import.meta.url));
  return [{
    name: "nineplex -c true", unit: "/min", scale: 60, compared: false, profiled: false,
    runners: [repeated("built", 1, () => ended(process.execPath, [dist, "-c", "true"]), { rate: 150 })],
  }];
}

async function ended(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, PATH: `${PLAN9}:/bin:/usr/bin` } });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program}: status ${code}`);
}

