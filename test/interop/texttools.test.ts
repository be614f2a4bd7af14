/** Filters and small tools beside 9base's and coreutils', over texts made from a seed, where their flags agree. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { system } from "../../clients/node/index.ts";
import { decode } from "../../clients/tools/lib/bytes.ts";
import type { Sys } from "../../kernel/sys.ts";
import { describeWith } from "../support/need.ts";
import { chance, seed as seedOf } from "../support/random.ts";
import { make, run } from "../support/toolbench.ts";

const seed = seedOf();
const next = chance(seed);
const top = mkdtempSync(join(tmpdir(), "nineplex-text-"));
afterAll(() => rmSync(top, { recursive: true }));

function there(argv: readonly string[], stdin: string | Uint8Array = ""): string {
  const r = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: top, input: stdin, env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] }, timeout: 10_000, maxBuffer: 1 << 28 });
  if (r.error && !("code" in r.error && r.error.code === "EPIPE")) throw r.error;
  return decode(r.stdout);
}

const pick = <T>(all: readonly T[]): T => all[next(all.length)]!;

/** Lines of words, most of them short, the last one now and then without its newline. */
function text(lines: number): string {
  const word = (): string => pick(["a", "b", "ab", "abc", "10", "9", "2.5", "-3", "é", "x€y", "A", "Zed", "the", "foo", ""]);
  const all = Array.from({ length: next(lines) }, () => Array.from({ length: next(6) }, word).join(pick([" ", " ", "  ", "\t"])));
  return all.map((line) => `${line}\n`).join("") + (next(6) === 0 ? "end" : "");
}

/** Plan 9's sort knows letters that are not ASCII, and a missing newline is nobody's alike. Lines that are equal by their keys 9base leaves in any order. */
const plain = (s: string): string => s.replace(/end$/, "").replace(/[^\n\t -~]/g, "e");

/** The same words, ours and theirs, on the same input. */
async function alike(sys: Sys, times: number, each: () => { argv: readonly string[]; theirs?: readonly string[]; input: string }): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { argv, theirs = argv, input } = each();
    const what = { seed, i, argv, input };
    const blanks = (s: string): string => (argv[0] === "wc" ? s.replace(/[ \t]+/g, " ").trim() : s);
    expect({ ...what, out: blanks((await run(sys, argv, input)).out) }).toEqual({ ...what, out: blanks(there(theirs, input)) });
  }
}

describeWith(["sha256sum"], "coreutils", () => {
  it("wc head tail sort uniq comm tee", async () => {
    const sys = await make();
    await alike(sys, 150, () => ({ argv: ["wc", pick(["-l", "-w", "-c", "-lwc", "-lw"])], input: text(30) }));
    await alike(sys, 150, () => ({ argv: ["head", pick(["-n", "-c"]), String(next(40))], input: text(30) }));
    await alike(sys, 150, () => ({ argv: ["tail", pick(["-n", "-c"]), pick(["", "+"]) + String(next(40))], input: text(30) }));
    await alike(sys, 200, () => {
      const flags = pick([[], ["-r"], ["-u"], ["-n"], ["-nr"], ["-f"], ["-k2"], ["-k2,2"], ["-k", "1,1n"], ["-t", "b", "-k2"], ["-bk2"], ["-k2nr", "-k1"]]);
      return { argv: ["sort", ...flags], theirs: ["env", "LC_ALL=C", "sort", ...flags], input: plain(text(30)) };
    });
    await alike(sys, 100, () => ({ argv: ["tee"], input: text(30) }));
    for (let i = 0; i < 80; i++) {
      const sorted = (): string => text(20).replace(/end$/, "").split("\n").slice(0, -1).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((line) => `${line}\n`).join("");
      const [a, b] = [sorted(), sorted()];
      for (const [name, body] of [["a", a], ["b", b]] as const) {
        writeFileSync(join(top, name), body);
        await sys.writeFile(`/${name}`, new TextEncoder().encode(body));
      }
      await sys.chdir("/");
      const argv = ["comm", ...pick([[], ["-1"], ["-2"], ["-3"], ["-12"], ["-23"], ["-13"]]), "a", "b"];
      expect({ seed, i, argv, a, b, out: (await run(sys, argv)).out }).toEqual({ seed, i, argv, a, b, out: there(["env", "LC_ALL=C", ...argv]) });
    }
  }, 120_000);

  it("cmp as GNU's -l tells it, basename, dirname", async () => {
    const sys = await make();
    await sys.chdir("/");
    for (let i = 0; i < 80; i++) {
      const a = Uint8Array.from({ length: next(40) }, () => next(4)), b = next(4) === 0 ? a.slice(0, next(40)) : a.map((c) => (next(10) === 0 ? next(256) : c));
      for (const [name, body] of [["a", a], ["b", b]] as const) {
        writeFileSync(join(top, name), body);
        await sys.writeFile(`/${name}`, body);
      }
      const theirs = there(["cmp", "-l", "a", "b"]).trim().split("\n").filter((line) => line !== "").map((line) => line.trim().split(/\s+/).map((n, k) => (k === 0 ? Number(n) : Number.parseInt(n, 8))));
      const ours = (await run(sys, ["cmp", "-l", "a", "b"])).out.split("\n").filter((line) => /^ *\d/.test(line)).map((line) => line.trim().split(/\s+/).map((n, k) => (k === 0 ? Number(n) : Number.parseInt(n, 16))));
      expect({ seed, i, a, b, ours }).toEqual({ seed, i, a, b, ours: theirs });
    }
    for (const path of ["a", "a/b", "/a/b.c", "x/y.tar.gz"]) {
      expect((await run(sys, ["basename", path])).out).toBe(there(["basename", path]));
      expect((await run(sys, ["basename", path, ".gz"])).out).toBe(there(["basename", path, ".gz"]));
      expect((await run(sys, ["basename", "-d", path])).out).toBe(there(["dirname", path]));
    }
  }, 60_000);

  it("walk as find, xargs as xargs, on the same tree", async () => {
    const grow = (dir: string, depth: number): void => {
      for (let i = 2 + next(5); i > 0; i--) {
        const path = join(dir, `${pick(["a", "b c", "ü", ".h"])}${i}`);
        if (depth < 4 && next(3) === 0) {
          mkdirSync(path);
          grow(path, depth + 1);
        } else if (next(8) === 0) symlinkSync("..", path);
        else writeFileSync(path, "x".repeat(next(2000)), { mode: next(3) === 0 ? 0o755 : 0o644 });
      }
    };
    mkdirSync(join(top, "t"));
    grow(join(top, "t"), 0);
    using k = await system({ host: top });
    const lines = (out: string): string[] => out.split("\n").toSorted();
    for (const [ours, theirs] of [
      [[], []], [["-d"], ["-type", "d"]], [["-f"], ["!", "-type", "d"]], [["-n1"], ["-maxdepth", "1"]], [["-n", "2,3"], ["-mindepth", "2", "-maxdepth", "3"]], [["-fn2,"], ["-mindepth", "2", "!", "-type", "d"]],
      [["-fe", "sp"], ["!", "-type", "d", "-printf", "%s %p\\n"]], [["-fe", "n"], ["!", "-type", "d", "-printf", "%f\\n"]], [["-dx"], ["-type", "d", "-perm", "/111"]],
    ] as const) {
      expect({ seed, ours, out: lines((await k.run(["walk", ...ours, "t"])).out) }).toEqual({ seed, ours, out: lines(there(["find", "t", ...theirs])) });
    }
    for (const n of [1, 3, 10, 1000]) {
      expect((await k.run(`walk t | sort | xargs -n ${n} echo`)).out).toBe(there(["sh", "-c", `find t | LC_ALL=C sort | xargs -d '\\n' -n ${n} echo`]));
    }
  }, 60_000);
});

describeWith(["/usr/lib/plan9/bin/sed"], "9base", () => {
  const plan9 = (argv: readonly string[]): string[] => [`/usr/lib/plan9/bin/${argv[0] ?? ""}`, ...argv.slice(1)];

  it("grep sort tail seq date", async () => {
    const sys = await make();
    await alike(sys, 200, () => {
      const argv = ["grep", ...pick([[], ["-v"], ["-c"], ["-n"], ["-i"], ["-vc"]]), pick(["a", "^a", "b$", "a.*b", "[ab]+c?", "(foo|the) ", "^$", "x.y", "[^ -~]", "z|9"])];
      return { argv, theirs: plan9(argv), input: text(30).replace(/end$/, "") };
    });
    await alike(sys, 150, () => {
      const argv = ["sort", ...pick([[], ["-r"], ["-u"]])];
      return { argv, theirs: plan9(argv), input: plain(text(25)).replaceAll("\t", " ") };
    });
    await alike(sys, 150, () => {
      const argv = ["tail", pick(["-", "+"]) + String(1 + next(12)) + pick(["", "l", "c"])];
      return { argv, theirs: plan9(argv), input: text(25).replace(/end$/, "") };
    });
    await alike(sys, 60, () => {
      const argv = ["seq", ...pick([[], ["-w"], ["-f", "%g"], ["-f", "%.2f"], ["-f", "%06.1f"]]), ...pick([["5"], ["2", "9"], ["1", "0.5", "4"], ["-3", "3"], ["8", "12"]])];
      return { argv, theirs: plan9(argv), input: "" };
    });
    await alike(sys, 60, () => {
      const argv = ["date", "-u", String(next(2 ** 31))];
      return { argv, theirs: plan9(argv), input: "" };
    });
  }, 120_000);
});
