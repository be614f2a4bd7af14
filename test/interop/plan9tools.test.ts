/** Tools beside Plan 9's own of 9base, over generated inputs, where their flags and their manuals agree. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { decode } from "../../clients/tools/lib/bytes.ts";
import { describeWith } from "../support/need.ts";
import { chance, seed as seedOf } from "../support/random.ts";
import { sedCase } from "../support/sedgen.ts";
import { make, run } from "../support/toolbench.ts";

const seed = seedOf();
const BIN = "/usr/lib/plan9/bin/";

function plan9(argv: readonly string[], stdin: string | Uint8Array): { out: string; err: string } {
  const [name = "", ...args] = argv;
  const r = spawnSync(BIN + name, args, { input: stdin, env: { LC_ALL: "C.UTF-8" }, timeout: 10_000 });
  if (r.error && !("code" in r.error && r.error.code === "EPIPE")) throw r.error;
  return { out: decode(r.stdout), err: r.stderr.toString() };
}

describeWith(["/usr/lib/plan9/bin/sed"], "sed", () => {
  it("does what Plan 9's does", async () => {
    const next = chance(seed);
    const sys = await make();
    let skipped = 0;
    for (let i = 0; i < 1500; i++) {
      const { flags, script, text } = sedCase(next);
      const theirs = plan9(["sed", ...flags, script], text);
      // A group that took no part is an error there; here it is empty.
      if (theirs.err.includes("Invalid back reference")) {
        skipped++;
        continue;
      }
      const ours = await run(sys, ["sed", ...flags, script], text);
      const what = { seed, i, flags, script, text };
      expect({ ...what, err: ours.err, out: ours.out }).toEqual({ ...what, ...theirs });
    }
    expect(skipped).toBeLessThan(300);
  }, 120_000);
});

describeWith(["/usr/lib/plan9/bin/tr"], "tr", () => {
  it("does what Plan 9's does", async () => {
    const next = chance(seed);
    const sys = await make();
    const chars = ["a", "b", "c", "d", "e", " ", "é", "€", "\n"];
    const pick = (): string => chars[next(chars.length)] ?? "a";
    const piece = (): string => [pick(), "a-c", "b-d", "c-e", "à-ï", "\\141", "\\x62", "\\-", "\\e"][next(9)] ?? "";
    const pieces = (): string => Array.from({ length: next(4) + 1 }, piece).join("");
    for (let i = 0; i < 600; i++) {
      const text = Array.from({ length: next(60) }, pick).join("");
      const flags = ["", "-c", "-s", "-cs", "-d", "-cd", "-ds", "-cds"][next(8)] ?? "";
      const strings = flags === "-d" || flags === "-cd" ? [pieces()] : [pieces(), pieces()];
      const argv = ["tr", ...(flags === "" ? [] : [flags]), ...strings];
      const theirs = plan9(argv, text);
      const ours = await run(sys, argv, text);
      const what = { seed, i, argv, text };
      expect({ ...what, out: ours.out, fails: ours.err !== "" }).toEqual({ ...what, out: theirs.out, fails: theirs.err !== "" });
    }
  }, 60_000);
});

describeWith(["/usr/lib/plan9/bin/uniq"], "uniq", () => {
  it("does what Plan 9's does", async () => {
    const next = chance(seed);
    const sys = await make();
    for (let i = 0; i < 400; i++) {
      const line = (): string => Array.from({ length: next(4) }, () => ["a", "b", "aa", "\t", " ", " "][next(6)]).join("");
      const text = Array.from({ length: next(20) }, () => `${line()}\n`.repeat(next(3) + 1)).join("");
      const flags = [["", "-u", "-d", "-c", "-s"][next(5)] ?? "", ["", "", "-1", "-2"][next(4)] ?? "", ["", "", "+1", "+2"][next(4)] ?? ""];
      const argv = ["uniq", ...flags.filter((flag) => flag !== "")];
      const what = { seed, i, argv, text };
      expect({ ...what, out: (await run(sys, argv, text)).out }).toEqual({ ...what, out: plan9(argv, text).out });
    }
  }, 60_000);
});

describeWith(["/usr/lib/plan9/bin/strings"], "strings", () => {
  it("finds what Plan 9's finds", async () => {
    const next = chance(seed);
    const sys = await make();
    // Its offsets are wrong, and it cuts strings of 70 characters: the texts are compared, of shorter ones.
    const texts = (out: string): string[] => out.split("\n").map((line) => line.replace(/^ *\d+: /, ""));
    const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "text");
    for (let i = 0; i < 300; i++) {
      const text = Array.from({ length: next(40) }, () => Array.from({ length: next(12) }, () => "ab ~é€".charAt(next(6))).join("") + "\0\n\t\u007f\u0085".charAt(next(5))).join("");
      writeFileSync(file, text);
      const what = { seed, i, text };
      expect({ ...what, out: texts((await run(sys, ["strings"], text)).out) }).toEqual({ ...what, out: texts(plan9(["strings", file], "").out) });
    }
  }, 60_000);
});
