/** diff beside Plan 9's of 9base; its scripts applied by ed, its unified form by patch. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { encode } from "../../clients/tools/lib/bytes.ts";
import type { Sys } from "../../kernel/sys.ts";
import { describeWith } from "../support/need.ts";
import { chance, seed as seedOf } from "../support/random.ts";
import { make, run } from "../support/toolbench.ts";

const DIFF = "/usr/lib/plan9/bin/diff";
const seed = seedOf();
const top = mkdtempSync(join(tmpdir(), "nineplex-diff-"));
afterAll(() => rmSync(top, { recursive: true }));

function there(argv: readonly string[], stdin = ""): { out: string; status: number | null } {
  const r = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: top, input: stdin, encoding: "latin1", timeout: 10_000 });
  if (r.error) throw r.error;
  return { out: r.stdout, status: r.status };
}

async function both(sys: Sys, path: string, text: string): Promise<void> {
  writeFileSync(join(top, path), text);
  await sys.writeFile(`/${path}`, encode(text));
}

/** One file and what became of it; with distinct lines there is one smallest difference only. */
function pair(next: (n: number) => number, distinct: boolean): [string[], string[]] {
  let made = 0;
  const line = (): string => (distinct ? `line ${made++}` : ["", " ", "a", "b", "a b", "a  b", "\ta b ", "}"][next(8)] ?? "");
  const one = Array.from({ length: next(30) }, line), two: string[] = [];
  for (const x of one) {
    const what = next(8);
    if (what > 0) two.push(what === 1 ? line() : x);
    if (what === 2) for (let i = next(4); i > 0; i--) two.push(line());
  }
  if (next(5) === 0) two.push(line());
  return [one, two];
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

describeWith([DIFF], "diff and 9base's", () => {
  it("print the same where only one difference is the smallest", async () => {
    const next = chance(seed);
    const sys = await make();
    await sys.chdir("/");
    for (let i = 0; i < 400; i++) {
      const [one, two] = pair(next, true);
      // Blanks are to be ignored with -b and -w.
      const flag = ["", "-b", "-w", "-e", "-f", "-n", "-c", "-a", "-m"][next(9)] ?? "";
      const blanks = (lines: readonly string[]): readonly string[] => (flag === "-b" ? lines.map((line) => line.replace(" ", " ".repeat(1 + next(3))) + " ".repeat(next(2))) : flag === "-w" ? lines.map((line) => " ".repeat(next(2)) + line.replace(" ", "")) : lines);
      await both(sys, "one", text(one));
      await both(sys, "two", text(blanks(two)));
      const argv = ["diff", ...(flag === "" ? [] : [flag]), "one", "two"];
      const ours = await run(sys, argv), theirs = there([DIFF, ...argv.slice(1)]);
      const what = { seed, i, argv, one, two };
      expect({ ...what, out: ours.out, some: ours.status === "some" }).toEqual({ ...what, out: theirs.out, some: theirs.status === 1 });
    }
  }, 60_000);

  it("and of trees, but that ours says what a file beside a directory is", async () => {
    const next = chance(seed);
    for (let i = 0; i < 40; i++) {
      const sys = await make();
      for (const dir of ["x", "x/sub", "y", "y/sub"]) {
        rmSync(join(top, dir), { recursive: true, force: true });
        mkdirSync(join(top, dir));
        await sys.mkdir(`/${dir}`, 0o777);
      }
      for (const name of ["a", "b", "it's", "sub/c", "sub/ü", "z"]) for (const dir of ["x", "y"]) if (next(4) > 0) await both(sys, `${dir}/${name}`, `${next(2)}\n`);
      await sys.chdir("/");
      for (const flags of [[], ["-r"], ["-rn"], ["-rc"], ["-re"]]) {
        const theirs = there([DIFF, ...flags, "x", "y"]).out;
        expect({ seed, i, flags, out: (await run(sys, ["diff", ...flags, "x", "y"])).out }).toEqual({ seed, i, flags, out: Buffer.from(theirs, "latin1").toString() });
      }
    }
  }, 60_000);
});

describeWith(["/usr/lib/plan9/bin/ed", "patch"], "what diff prints, applied", () => {
  it("by ed (-e) and patch (-u) gives the second file", async () => {
    const next = chance(seed);
    const sys = await make();
    await sys.chdir("/");
    for (let i = 0; i < 150; i++) {
      const [one, two] = pair(next, false);
      // Ed has no empty file, and knows no missing newline.
      if (one.length === 0 || two.length === 0) continue;
      await both(sys, "one", text(one));
      await both(sys, "two", text(two));
      const script = (await run(sys, ["diff", "-e", "one", "two"])).out;
      there(["/usr/lib/plan9/bin/ed", "one"], `${script}w\nq\n`);
      expect(readFileSync(join(top, "one"), "utf8"), `seed ${seed}, ${i}: ${JSON.stringify([one, two, script])}`).toBe(text(two));
      const ends = ["\n", ""] as const;
      await both(sys, "one", one.join("\n") + ends[next(2)]);
      await both(sys, "two", two.join("\n") + ends[next(2)]);
      const unified = (await run(sys, ["diff", "-u", "one", "two"])).out;
      if (unified !== "") there(["patch", "-s", "one"], unified);
      expect(readFileSync(join(top, "one"), "utf8"), `seed ${seed}, ${i}: ${unified}`).toBe(readFileSync(join(top, "two"), "utf8"));
    }
  }, 60_000);
});
