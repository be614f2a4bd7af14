/**
 * Cases: scripts and what a real Plan 9 rc prints for them (stdout, then `[exit 0]` or `[exit 1]`).
 * They run on the kernel in this process, and as `nineplex NNN.rc` once there is a command line.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RcBench, shipped } from "../../support/rcbench.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const dir = join(root, "test/rc-cases");
const cases = readdirSync(dir).filter((name) => name.endsWith(".rc")).toSorted();
const cli = join(root, "clients/main.ts");

function expected(name: string): string {
  return readFileSync(join(dir, name.replace(/rc$/, "out")), "utf8");
}

describe("rc cases on the kernel", () => {
  for (const name of cases) {
    it(name, async () => {
      const bench = await RcBench.boot();
      try {
        await bench.sys.mkdir("/empty", 0o777);
        await bench.sys.writeFile(`/tmp/${name}`, readFileSync(join(dir, name)));
        await bench.sys.chdir("/empty");
        const { out, err, status } = await bench.run("", { argv: ["rc", `/tmp/${name}`] });
        expect(`${out}[exit ${status === "" ? 0 : 1}]\n`, err).toBe(expected(name));
      } finally {
        bench.booted.shutdown();
      }
    });
  }
});

/** As the cases were made: an empty directory, a clean environment, the script by its path. */
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

describe("rc cases by the command line", async () => {
  if (!existsSync(cli)) {
    it.todo("clients/main.ts does not exist yet");
    return;
  }
  const { err } = await byCommandLine("001.rc");
  if (err.includes("001.rc: file does not exist")) {
    it.todo("clients/main.ts does not take a script outside the current directory yet");
    return;
  }
  const wanted = ["sed", "tr", "test", "cmp", "sleep", "touch", "date"];
  const missing = wanted.filter((tool) => !shipped.has(tool));
  for (const name of cases) {
    const script = readFileSync(join(dir, name), "utf8");
    const lacks = missing.filter((tool) => new RegExp(`(^|[;|{}&(\`\\s])${tool}\\s`).test(script));
    if (lacks.length > 0) {
      it.todo(`${name} needs ${lacks.join(", ")}`);
      continue;
    }
    it.concurrent(name, async ({ expect }) => {
      const { said, err } = await byCommandLine(name);
      expect(said, err).toBe(expected(name));
    });
  }
});
