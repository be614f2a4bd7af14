/** The cases of test/rc-cases by the command line, as their README says: a process each, in an empty directory. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dir = join(root, "test/rc-cases");
const cli = join(root, "clients/main.ts");

/** What a script says on stdout, with its exit status as the cases write it. */
function byCommandLine(name: string): Promise<{ said: string; err: string }> {
  const cwd = mkdtempSync(join(tmpdir(), "rc-case-"));
  const loader = join(root, "node_modules/tsx/dist/loader.mjs");
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], HOME: cwd };
    execFile(process.execPath, ["--import", loader, cli, join(dir, name)], { cwd, encoding: "utf8", env }, (e, out, err) => {
      rmSync(cwd, { recursive: true, force: true });
      resolve({ said: `${out}[exit ${e === null ? 0 : 1}]\n`, err });
    }).stdin?.end();
  });
}

describe("rc cases by the command line", () => {
  for (const name of readdirSync(dir).filter((file) => file.endsWith(".rc")).toSorted()) {
    it.concurrent(name, async ({ expect }) => {
      const { said, err } = await byCommandLine(name);
      expect(said, err).toBe(readFileSync(join(dir, name.replace(/rc$/, "out")), "utf8"));
    });
  }
});
