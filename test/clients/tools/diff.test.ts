/** diff: the forms of its output, directories, statuses; smallest differences, against a table of all subsequences. */
import { describe, expect, test } from "vitest";
import { align } from "../../../clients/tools/lib/align.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { chance, seed } from "../../support/random.ts";
import { make, run } from "../../support/toolbench.ts";

async function planted(files: Readonly<Record<string, string>>): Promise<Sys> {
  const sys = await make();
  for (const [path, text] of Object.entries(files)) {
    if (path.endsWith("/")) await sys.mkdir(path.slice(0, -1), 0o777);
    else await sys.writeFile(path, encode(text));
  }
  return sys;
}

const numbers = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");

describe("diff", () => {
  test("adds, deletes and changes, in each form", async () => {
    const sys = await planted({ "/a": "one\ntwo\nthree\nfour\nfive\n", "/b": "zero\none\nTWO\nTwo\nthree\nfive\n" });
    const out = async (...flags: string[]): Promise<string> => (await run(sys, ["diff", ...flags, "/a", "/b"])).out;
    expect(await out()).toBe("0a1\n> zero\n2c3,4\n< two\n---\n> TWO\n> Two\n4d5\n< four\n");
    expect(await out("-n")).toBe("/a:0 a /b:1\n> zero\n/a:2 c /b:3,4\n< two\n---\n> TWO\n> Two\n/a:4 d /b:5\n< four\n");
    expect(await out("-e")).toBe("4d\n2c\nTWO\nTwo\n.\n0a\nzero\n.\n");
    expect(await out("-f")).toBe("a0\nzero\n.\nc2\nTWO\nTwo\n.\nd4\n");
    expect(await out("-c")).toBe("/a:1,5 - /b:1,6\n+ zero\n  one\n- two\n+ TWO\n+ Two\n  three\n- four\n  five\n");
    expect(await out("-u")).toBe("--- /a\n+++ /b\n@@ -1,5 +1,6 @@\n+zero\n one\n-two\n+TWO\n+Two\n three\n-four\n five\n");
    expect(await out("-mu")).toMatch(/^diff -u \/a \/b\n--- /);
    expect(await run(sys, ["diff", "/a", "/b"])).toMatchObject({ err: "", status: "some" });
    expect(await run(sys, ["diff", "/a", "/a"])).toMatchObject({ out: "", err: "", status: "" });
  });

  test("context is merged where it meets, and -a is all", async () => {
    const sys = await planted({ "/a": numbers(1, 40), "/b": numbers(1, 40).replace("\n10\n", "\nten\n").replace("\n15\n", "\n15\nmore\n").replace("\n30\n", "\n") });
    expect((await run(sys, ["diff", "-u", "/a", "/b"])).out).toBe(
      "--- /a\n+++ /b\n@@ -7,12 +7,13 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n 14\n 15\n+more\n 16\n 17\n 18\n@@ -27,7 +28,6 @@\n 27\n 28\n 29\n-30\n 31\n 32\n 33\n");
    const all = (await run(sys, ["diff", "-a", "/a", "/b"])).out.split("\n");
    expect(all[0]).toBe("/a:1,40 - /b:1,40");
    expect(all).toHaveLength(1 + 40 + 2 + 1);
  });

  test("-b -w; a missing last newline counts with -u alone", async () => {
    const sys = await planted({ "/a": "a b\n c\nd \n", "/b": "a  \tb\n\tc\nd\n", "/c": "ab\nc\nd\n", "/d": "a b\n c\nd " });
    expect(await run(sys, ["diff", "-b", "/a", "/b"])).toMatchObject({ out: "", status: "" });
    expect(await run(sys, ["diff", "-w", "/a", "/c"])).toMatchObject({ out: "", status: "" });
    expect((await run(sys, ["diff", "-b", "/a", "/c"])).out).toBe("1,2c1,2\n< a b\n<  c\n---\n> ab\n> c\n");
    expect(await run(sys, ["diff", "/a", "/d"])).toMatchObject({ out: "", status: "" });
    expect(await run(sys, ["diff", "-u", "/a", "/d"])).toMatchObject({
      out: "--- /a\n+++ /d\n@@ -1,3 +1,3 @@\n a b\n  c\n-d \n+d \n\\ No newline at end of file\n", status: "some",
    });
  });

  test("directories, files in them, standard input", async () => {
    const sys = await planted({
      "/x/": "", "/y/": "", "/x/f": "1\n", "/y/f": "2\n", "/x/only": "", "/y/new": "", "/x/same": "s", "/y/same": "s", "/x/d/": "", "/y/d/": "", "/x/d/g": "q\n", "/y/d/g": "r\n",
      "/x/bin": "a\0", "/y/bin": "b\0", "/x/mixed": "", "/y/mixed/": "",
    });
    expect(await run(sys, ["diff", "/x", "/y"])).toMatchObject({
      out: "binary files /x/bin /y/bin differ\nCommon subdirectories: /x/d and /y/d\ndiff /x/f /y/f\n1c1\n< 1\n---\n> 2\n"
        + "/y/mixed is a directory, /x/mixed is not\nOnly in /y: new\nOnly in /x: only\n", err: "", status: "some",
    });
    expect((await run(sys, ["diff", "-re", "/x", "/y"])).out).toBe(
      "binary files /x/bin /y/bin differ\ndiff -e /x/d/g /y/d/g\n1c\nr\n.\ndiff -e /x/f /y/f\n1c\n2\n.\n/y/mixed is a directory, /x/mixed is not\n");
    expect((await run(sys, ["diff", "/x/f", "/y"])).out).toBe("1c1\n< 1\n---\n> 2\n");
    expect((await run(sys, ["diff", "-n", "/x", "/y/f"])).out).toBe("/x/f:1 c /y/f:1\n< 1\n---\n> 2\n");
    expect((await run(sys, ["diff", "/x/f", "/x/same", "/y"])).out).toBe("diff /x/f /y/f\n1c1\n< 1\n---\n> 2\n");
    expect((await run(sys, ["diff", "-", "/y/f"], "1\n2\n")).out).toBe("1d0\n< 1\n");
  });

  test("what cannot be read is told, the rest compared", async () => {
    const sys = await planted({ "/x/": "", "/x/f": "1\n", "/g": "1\n", "/f": "2\n" });
    expect(await run(sys, ["diff", "/none", "/g"])).toMatchObject({ out: "", err: "diff: /none: file does not exist\n", status: "error" });
    expect(await run(sys, ["diff", "/g", "/x"])).toMatchObject({ err: "diff: /x/g: file does not exist\n", status: "error" });
    expect(await run(sys, ["diff", "/g", "/f", "/x"])).toMatchObject({ out: "diff /f /x/f\n1c1\n< 2\n---\n> 1\n", err: "diff: /x/g: file does not exist\n", status: "error" });
    expect(await run(sys, ["diff", "/g", "/x", "/f"])).toMatchObject({ err: "diff: /f: not a directory\n", status: "error" });
    for (const words of [["/g"], [], ["-h", "/g", "/f"]]) expect(await run(sys, ["diff", ...words])).toMatchObject({ err: "usage: diff [-abcefmnruw] file1 ... file2\n", status: "usage" });
  });
});

describe("align", () => {
  /** The length of a longest common subsequence, by the table. */
  function longest(a: Int32Array, b: Int32Array): number {
    let row = new Int32Array(b.length + 1);
    for (const x of a) {
      const next = new Int32Array(b.length + 1);
      for (let k = 0; k < b.length; k++) next[k + 1] = x === b[k] ? row[k]! + 1 : Math.max(row[k + 1]!, next[k]!);
      row = next;
    }
    return row[b.length]!;
  }

  test("what is kept is a common subsequence, and none is longer", () => {
    const next = chance(seed());
    for (let i = 0; i < 3000; i++) {
      const kinds = 1 + next(12);
      const some = (): Int32Array => Int32Array.from({ length: next(40) }, () => next(kinds));
      const a = some(), b = next(2) === 0 ? some() : a.filter(() => next(5) > 0);
      const mates = align(a, b);
      let before = -1, kept = 0;
      for (const [at, mate] of mates.entries()) {
        if (mate < 0) continue;
        expect(mate, `SEED=${seed()} ${i}`).toBeGreaterThan(before);
        expect(b[mate]).toBe(a[at]);
        before = mate;
        kept++;
      }
      expect(kept, `SEED=${seed()} ${i}`).toBe(longest(a, b));
    }
  });

  test("long sequences without likeness end", () => {
    const next = chance(1);
    const some = (): Int32Array => Int32Array.from({ length: 30_000 }, () => next(50));
    const a = some(), b = some();
    const kept = align(a, b).filter((mate) => mate >= 0).length;
    // A walk with heuristics finds most of what there is, which is about a quarter.
    expect(kept).toBeGreaterThan(5000);
  }, 30_000);
});
