/**
 * rc against 9base's rc over generated scripts (test/support/rcgen.ts): stdout, stderr and status must be
 * the same, but for what EXPLAINED lists. SCRIPTS=n for another number, SEED=n for others.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { decode, encode, join } from "../../clients/tools/lib/bytes.ts";
import { tools } from "../../clients/tools/index.ts";
import type { Program, Sys } from "../../kernel/sys.ts";
import { OREAD } from "../../proto/index.ts";
import { describeWith } from "../support/need.ts";
import { seed } from "../support/random.ts";
import { RcBench } from "../support/rcbench.ts";
import { type Block, PRELUDE, print, script, shrinks } from "../support/rcgen.ts";

const PLAN9 = "/usr/lib/plan9/bin";
const SCRIPTS = Number(process.env["SCRIPTS"] ?? 2000);
/** Scripts to one process that runs them all. */
const BATCH = 100;
/** Files the scripts' patterns find, in each script's directory. */
const FILES: Readonly<Record<string, string>> = {
  "g/a.c": "in a\n", "g/b.c": "in b\nand more\n", "g/a": "", "g/.dot": "", "g/sub/x": "",
  "g/b d.c": "", "g/[x]": "", "g/*": "", "g/é.c": "", "g/-n": "", "g/#h": "", "g/'q": "", "g/~": "", "g/a?": "", "g/two\nlines": "", "g/世.c": "", "g/\\": "",
};

/** note PID NOTE, which 9base has not got. */
const NOTE = `#!/bin/sh
case $2 in interrupt) s=INT;; hangup) s=HUP;; alarm) s=ALRM;; esac
kill -$s $1
`;

interface Said {
  readonly out: string;
  readonly err: string;
  readonly status: string;
}

interface Explained {
  readonly why: string;
  /** A script that the two differ by, if this were not here. */
  readonly example: string;
  /** The script as 9base's rc understands it. */
  readonly script?: (text: string) => string;
  /** What either says, without the difference. */
  readonly said?: (text: string) => string;
}

/** Differences that are not ours to mend. Without `script` and `said`, the generator does not make them. */
const EXPLAINED: readonly Explained[] = [
  {
    why: "A backslash and newline are a blank, rc(1); 9base takes them for a word and an end after a quoted word.",
    example: "echo 'a'\\\nb", script: (text) => text.replace(/'\\\n/g, "' \\\n"),
  },
  {
    why: "$1 is a variable with a value, which subscripts select from; 9base looks for a variable that is set by that name.",
    example: "echo $1(1)", script: (text) => text.replaceAll("$1(1)", "$1"), said: (text) => text.replaceAll("$1(1)", "$1"),
  },
  {
    why: "A program that cannot be run has a status that is not null; in 9base the last command of a child shell leaves the status before it.",
    example: "@{~ a a; nonesuch} & wait $apid; st", script: (text) => text.replace(/\bnonesuch\b/g, "{nonesuch; status=$status}"),
    said: (text) => text.replaceAll("{nonesuch;status=$status}", "nonesuch"),
  },
  {
    why: "A here document in braces begins at the next line, as in 9front; in 9base after the whole command (rcgen prints it there).",
    example: "{cat <<!\nx\n!\n}",
  },
  {
    why: "Patterns among the values of local assignments are matched like others; 9base leaves its mark in them.",
    example: "x=g/* whatis x",
  },
  {
    why: "`(` is a subscript only after a word; 9base has one after a keyword that is an argument, too. 9front has not.",
    example: "echo if(a)",
  },
  {
    why: "whatis prints what can be input: a quoted pattern stays quoted.",
    example: "x='*'; whatis x",
    said: (text) => text.split("\n").map((line) => /[*?[]/.test(line) ? line.replaceAll("'", "") : line).join("\n"),
  },
  {
    why: "whatis prints what can be input: a redirection to the left of a pipe is that command's, not the pipeline's.",
    example: "fn f { {echo} >f0 | cat }; whatis f",
  },
  {
    why: "Words are expanded from left to right; 9base begins at the right, which $status of commands in them shows.",
    example: "bad x; say `{st} `{true}",
  },
  {
    why: "A copy of a closed fd is none, as dup(2) fails; 9base's builtins then write to nothing.",
    example: "{{whatis b} >[1=2]} >[2=]",
  },
  {
    why: "The system's and the programs' words for an error are their own.",
    example: "nonesuch",
    said: (text) => text.replace(/cat: .*/g, "cat: cannot").replace(/(Can't cd [^\n:]*): .*/g, "$1: cannot").replaceAll("[nNeEsfFm]", "[nNeEsfF]")
      .replace(/(\S+): rc: \.: can't open: .*/g, "$1: cannot")
      .replace(/(?:rc: )?([^\n:]*): (?:No such file or directory|Permission denied|file does not exist|file is a directory)/g, "$1: cannot"),
  },
  {
    why: "whatis prints no words as none; 9base as an empty list.",
    example: "fn f { for(i in) {} }; whatis f", said: (text) => text.replaceAll(" in ())", " in )"),
  },
  {
    why: "Ours names the line of a syntax error; 9base the one after.",
    example: "echo a b=c", said: (text) => text.replace(/^(rc: (?:line |\S+:))\d+:/gm, "$1:"),
  },
  {
    why: "9base's rcmain ends with exit $status, whose usage is printed when $status is a list.",
    example: "status=(a b)", said: (text) => text.replaceAll("Usage: exit [status]\nExiting anyway\n", ""),
  },
  {
    why: "The directory of programs has another name.",
    example: "whatis echo", said: (text) => text.replace(/\/tmp\/rcdiff-[^/]*\/bin/g, "/bin"),
  },
  {
    why: "Ours writes the messages of builtins to the command's fd 2; 9base to the shell's, and loses those in a child's buffer.",
    example: "{whatis undefined} >[2=1]", said: (text) => text.replace(/ ?\S+: not found\n?/g, ""),
  },
];

/** Runs each script in a subshell, in a directory of its own, and leaves its stdout, stderr and status in files. */
function driver(count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += `cd w${i}; rc ../s${i} one 'two words' '' last >../o${i} >[2]../e${i}; s=$status; whatis s >../r${i}; cd ..\n`;
  return text;
}

/** Runs the scripts in one process of 9base's rc. */
async function native(scripts: readonly string[]): Promise<Said[]> {
  const dir = mkdtempSync(path(tmpdir(), "rcdiff-"));
  try {
    mkdirSync(path(dir, "bin"));
    for (const name of ["rc", "echo", "cat", "sed"]) symlinkSync(path(PLAN9, name), path(dir, "bin", name));
    writeFileSync(path(dir, "bin/note"), NOTE, { mode: 0o755 });
    for (const name of ["true", "false"]) symlinkSync(`/bin/${name}`, path(dir, "bin", name));
    for (const [i, text] of scripts.entries()) {
      mkdirSync(path(dir, `w${i}/g/sub`), { recursive: true });
      for (const [name, data] of Object.entries(FILES)) writeFileSync(path(dir, `w${i}`, name), data);
      writeFileSync(path(dir, `s${i}`), text);
    }
    writeFileSync(path(dir, "driver"), driver(scripts.length));
    const running = promisify(execFile)(`${PLAN9}/rc`, ["./driver"], { cwd: dir, env: { PATH: path(dir, "bin") }, timeout: 120_000 });
    running.child.stdin?.end();
    await running;
    const read = (name: string): string => readFileSync(path(dir, name), "utf8");
    return scripts.map((_, i) => ({ out: read(`o${i}`), err: read(`e${i}`), status: read(`r${i}`) }));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function read(sys: Sys, name: string): Promise<string> {
  const fd = await sys.open(name, OREAD);
  const chunks: Uint8Array[] = [];
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) chunks.push(data.slice());
  await sys.close(fd);
  return decode(join(chunks));
}

/** Programs whose status is a number, as it is on Unix. */
const UNIX: Readonly<Record<string, Program>> = {
  false: () => Promise.resolve("1"),
  cat: async (sys, argv) => (await tools.get("cat")!(sys, argv)) ? "1" : "",
};

/** The same in ours. */
async function ours(scripts: readonly string[]): Promise<Said[]> {
  const bench = await RcBench.boot(UNIX, new Map([["home", ["/"]]]));
  try {
    const { sys } = bench;
    for (const [i, text] of scripts.entries()) {
      for (const name of ["", "/g", "/g/sub"]) await sys.mkdir(`w${i}${name}`, 0o777);
      for (const [name, data] of Object.entries(FILES)) await sys.writeFile(`w${i}/${name}`, encode(data));
      await sys.writeFile(`s${i}`, encode(text));
    }
    const { err, status } = await bench.run(driver(scripts.length));
    expect({ err, status }).toEqual({ err: "", status: "" });
    const said: Said[] = [];
    for (let i = 0; i < scripts.length; i++) {
      said.push({ out: await read(sys, `o${i}`), err: await read(sys, `e${i}`), status: await read(sys, `r${i}`) });
    }
    return said;
  } finally {
    bench.booted.shutdown();
  }
}

/** Lines in no order: processes of a pipeline write when they can. */
function sorted(text: string): string {
  return text.split("\n").toSorted().join("\n");
}

/** Lines that rc or a program wrote to complain, or cd to tell where it went. */
const MESSAGE = /^rc: |: cannot$|: not found$|^Usage: |^g\/sub$/;

/** Where a script leads fd 2 elsewhere, messages may be in stdout, in stderr or in a file, for each of the two; all else may not. */
function same(text: string, a: Said, b: Said): boolean {
  const said = (s: string): string => EXPLAINED.reduce((so, { said: f }) => f ? f(so) : so, s);
  const redirected = text.includes("[2");
  const lines = (s: string): string => said(s).split("\n").filter((line) => !redirected || !MESSAGE.test(line)).join("\n");
  return lines(a.out) === lines(b.out) && a.status === b.status && sorted(lines(a.err)) === sorted(lines(b.err));
}

function source(block: Block, to: "ours" | "9base"): string {
  const text = `${PRELUDE}${print(block, to === "9base")}\n`;
  return to === "ours" ? text : EXPLAINED.reduce((so, { script: f }) => f ? f(so) : so, text);
}

/** Which of the scripts differ, and how. */
async function differences(blocks: readonly Block[]): Promise<{ block: Block; a: Said; b: Said }[]> {
  const [a, b] = await Promise.all([native(blocks.map((block) => source(block, "9base"))), ours(blocks.map((block) => source(block, "ours")))]);
  return blocks.map((block, i) => ({ block, a: a[i]!, b: b[i]! })).filter((d) => !same(source(d.block, "ours"), d.a, d.b));
}

/** The smallest script that differs, found by dropping commands as long as it does. */
async function shrink(block: Block): Promise<Block> {
  const [first] = await differences([...shrinks(block)]);
  return first ? shrink(first.block) : block;
}

describeWith([`${PLAN9}/rc`], "rc against 9base's rc", () => {
  it("differs as is explained, and the explanations are needed", async () => {
    const texts = EXPLAINED.map(({ example }) => `${PRELUDE}${example}\n`);
    const [a, b] = [await native(texts), await ours(texts)];
    expect(EXPLAINED.filter((_, i) => JSON.stringify(a[i]) === JSON.stringify(b[i])).map(({ why }) => why)).toEqual([]);
  });

  it(`${SCRIPTS} generated scripts`, async () => {
    const found: Block[] = [];
    for (let at = 0; at < SCRIPTS; at += BATCH) {
      const blocks = Array.from({ length: Math.min(BATCH, SCRIPTS - at) }, (_, i) => script(seed() * 1_000_003 + at + i));
      for (const { block } of await differences(blocks)) found.push(block);
    }
    const shown: string[] = [];
    for (const block of found.slice(0, 5)) {
      for (const { block: small, a, b } of await differences([await shrink(block)])) {
        shown.push(`${print(small, false)}\n9base ${JSON.stringify(a, null, 2)}\nours ${JSON.stringify(b, null, 2)}`);
      }
    }
    expect(found.length, `SEED=${seed()}: of ${SCRIPTS} scripts, shrunk:\n${shown.join("\n\n")}\n`).toBe(0);
  }, 600_000);
});
