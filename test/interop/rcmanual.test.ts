/**
 * The cases of rc(1) in test/clients/rc/manual by 9base's rc: what they expect is what it says, but where
 * a case tells why not; there it must differ.
 */
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWith } from "../support/need.ts";
import { casesOf, parts } from "../support/rcmanual.ts";

const PLAN9 = "/usr/lib/plan9/bin";
/** note PID NOTE, which 9base has not got. */
const NOTE = `#!/bin/sh
case $2 in interrupt) s=INT;; hangup) s=HUP;; alarm) s=ALRM;; *) s=KILL;; esac
kill -$s $1
`;

describeWith([`${PLAN9}/rc`], "rc(1) by 9base's rc", () => {
  let root = "";
  let bin = "";

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "rcmanual-"));
    bin = join(root, "bin");
    mkdirSync(bin);
    for (const name of ["rc", "echo", "cat", "sed", "tr", "ls", "tee", "grep"]) symlinkSync(join(PLAN9, name), join(bin, name));
    for (const name of ["wc", "true", "false", "mkdir", "chmod", "sort", "cmp", "sleep", "pwd", "test"]) symlinkSync(`/bin/${name}`, join(bin, name));
    writeFileSync(join(bin, "note"), NOTE);
    chmodSync(join(bin, "note"), 0o755);
  });

  afterAll(() => rmSync(root, { recursive: true }));

  function run(script: string): Promise<string> {
    const dir = mkdtempSync(join(root, "case-"));
    const cwd = join(dir, "empty");
    mkdirSync(cwd);
    writeFileSync(join(dir, "case"), script.replaceAll("#!/bin/rc", `#!${bin}/rc`));
    return new Promise((resolve) => {
      const child = execFile(join(PLAN9, "rc"), ["../case", "a1", "a2"], { cwd, env: { PATH: bin, HOME: "/" }, timeout: 20_000 }, (e, out) => {
        resolve(`${out}[exit ${e ? 1 : 0}]`);
      });
      child.stdin?.end();
    });
  }

  describe.each(parts)("%s", (part) => {
    it.each(casesOf(part).map((c, i) => [`${i + 1}: ${c.fact}`, c] as const))("%s", async (_, { script, said, ours }) => {
      const real = await run(script);
      if (ours) expect(real, script).not.toBe(said);
      else expect(real, script).toBe(said);
    });
  });
});
