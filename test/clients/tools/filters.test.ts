/** uniq comm strings: against the manual, and over generated inputs where the host or JavaScript knows better; more in test/interop. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { chance, seed as seedOf } from "../../support/random.ts";
import { host, make, run } from "../../support/toolbench.ts";

const sys = await make();
const seed = seedOf();

async function out(text: string | Uint8Array, ...argv: string[]): Promise<string> {
  const r = await run(sys, argv, text);
  return r.err + r.out + (r.status === "" ? "" : `[${r.status}]`);
}

test("uniq", async () => {
  const text = "a\na\nb\nc\nc\na\n";
  expect(await out(text, "uniq")).toBe("a\nb\nc\na\n");
  expect(await out(text, "uniq", "-u")).toBe("b\na\n");
  expect(await out(text, "uniq", "-d")).toBe("a\nc\n");
  expect(await out(text, "uniq", "-ud")).toBe("a\nb\nc\na\n");
  expect(await out(text, "uniq", "-c")).toBe("   2 a\n   1 b\n   2 c\n   1 a\n");
  expect(await out("/a\n/a/b\n/a/b/c\n/b\n/a\n", "uniq", "-s")).toBe("/a\n/b\n/a\n");
  expect(await out("x 1\ny 1\n z\t 1\nw 1\n", "uniq", "-1")).toBe("x 1\n z\t 1\nw 1\n");
  expect(await out("éa\nöa\nöb\n", "uniq", "+1")).toBe("éa\nöb\n");
  expect(await out("1 éa\n2 öa\n2 öb\n", "uniq", "-1", "+2")).toBe("1 éa\n2 öb\n");
  expect(await out("a\nb\nb", "uniq")).toBe("a\nb\n");
  expect(await out("", "uniq")).toBe("");
  expect(await out("\n\n", "uniq", "-c")).toBe("   2 \n");
  const long = "x".repeat(300_000);
  expect(await out(`${long}\n${long}\n${long}y\n`, "uniq")).toBe(`${long}\n${long}y\n`);
  expect((await run(sys, ["uniq"], Uint8Array.of(0xff, 10, 0xff, 10, 0, 10))).bytes).toEqual(Uint8Array.of(0xff, 10, 0, 10));
  await sys.writeFile("/f", encode("b\nb\n"));
  expect(await out(text, "uniq", "/f")).toBe("b\n");
  expect(await out(text, "uniq", "/nine")).toBe("uniq: /nine: file does not exist\n[errors]");
  for (const argv of [["-x"], ["/f", "/f"], ["-1x"]]) expect(await out(text, "uniq", ...argv)).toBe("usage: uniq [-udcs [+-num]] [file]\n[usage]");
});

test("comm", async () => {
  await sys.writeFile("/a", encode("a\nb\nb\nd"));
  await sys.writeFile("/b", encode("b\nc\nd\né\n"));
  expect(await out("", "comm", "/a", "/b")).toBe("a\n\t\tb\nb\n\tc\n\t\td\n\té\n");
  expect(await out("", "comm", "-12", "/a", "/b")).toBe("b\nd\n");
  expect(await out("", "comm", "-13", "/a", "/b")).toBe("c\né\n");
  expect(await out("", "comm", "-23", "/a", "/b")).toBe("a\nb\n");
  expect(await out("b\n", "comm", "-3", "-", "/b")).toBe("\tc\n\td\n\té\n");
  expect(await out("", "comm", "-123", "/a", "/b")).toBe("");
  expect(await out("", "comm", "/a", "/nine")).toBe("comm: /nine: file does not exist\n[/nine: file does not exist]");
  for (const argv of [["/a"], ["/a", "/a", "/a"], ["-4", "/a", "/a"]]) expect(await out("", "comm", ...argv)).toBe("usage: comm [-123] file1 file2\n[usage]");
  const next = chance(seed);
  const lines = (): string => Array.from({ length: next(30) }, () => `${Array.from({ length: next(4) }, () => "abé".charAt(next(3))).join("")}\n`).join("");
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "one");
  for (let i = 0; i < 60; i++) {
    const one = host(["sort"], lines()), two = host(["sort"], lines());
    await sys.writeFile("/one", encode(one));
    const flags = ["", "-1", "-2", "-3", "-12", "-13", "-23"][next(7)] ?? "";
    const argv = flags === "" ? [] : [flags];
    writeFileSync(file, one);
    const want = host(["comm", "--nocheck-order", ...argv, file, "-"], two);
    expect([`SEED=${seed}`, i, flags, await out(two, "comm", ...argv, "/one", "-")]).toEqual([`SEED=${seed}`, i, flags, want]);
  }
});

test("strings", async () => {
  expect(await out("abcdef\0abcde\0 ~ééab\n", "strings")).toBe("       0: abcdef\n      13:  ~ééab\n");
  expect(await out("ab\0c\0de", "strings", "-m", "2")).toBe("       0: ab\n       5: de\n");
  expect(await out(Uint8Array.of(97, 98, 0xc3, 99, 100, 0xff, 0xe2, 0x82), "strings", "-m2")).toBe("       0: ab\n       3: cd\n");
  await sys.writeFile("/a", encode("123456"));
  await sys.writeFile("/b", encode("\u00a0\ufffdabcdef"));
  expect(await out("", "strings", "/a", "/b")).toBe("/a:\n       0: 123456\n/b:\n       5: abcdef\n");
  expect(await out("", "strings", "/nine", "/a")).toBe("strings: /nine: file does not exist\n/a:\n       0: 123456\n[errors]");
  for (const argv of [["-m"], ["-m", "0"], ["-m", "x"], ["-n"]]) expect(await out("", "strings", ...argv)).toBe("usage: strings [-m min] [file ...]\n[usage]");
  // Strings cut by reads anywhere, and one longer than any read.
  const next = chance(seed);
  const text = Array.from({ length: 40_000 }, () => "aaabcé€𝄞".slice(0, next(9)).toWellFormed() + (next(3) ? "\u0001" : "")).join("") + "é".repeat(400_000);
  const want = [...text.matchAll(/[ -~\u00a1-\ufffc\u{10000}-\u{10ffff}]{6,}/gu)];
  let at = 0, bytes = 0;
  const lines = want.map((m) => {
    bytes += encode(text.slice(at, m.index)).length;
    at = m.index;
    return `${String(bytes).padStart(8)}: ${m[0]}\n`;
  });
  expect((await out(text, "strings")) === lines.join(""), `SEED=${seed}`).toBe(true);
});
