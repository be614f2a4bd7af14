/**
 * Cases: scripts and what a real Plan 9 rc prints for them (stdout, then `[exit 0]` or `[exit 1]`).
 * They run on the kernel in this process, and as `nineplex NNN.rc` once there is a command line.
 */
import { spawnSync } from "node:child_process";
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

describe("rc cases by the command line", () => {
  if (!existsSync(cli)) {
    it.todo("clients/main.ts does not exist yet");
    return;
  }
  const wanted = ["sed", "tr", "test", "cmp", "sleep", "touch", "date", "rc", "true", "false"];
  const missing = wanted.filter((tool) => !shipped.has(tool) && !["rc", "true", "false"].includes(tool));
  for (const name of cases) {
    const script = readFileSync(join(dir, name), "utf8");
    const lacks = missing.filter((tool) => new RegExp(`(^|[;|{}&(\`\\s])${tool}\\s`).test(script));
    if (lacks.length > 0) {
      it.todo(`${name} needs ${lacks.join(", ")}`);
      continue;
    }
    it(name, () => {
      const cwd = mkdtempSync(join(tmpdir(), "rc-case-"));
      try {
        const loader = join(root, "node_modules/tsx/dist/loader.mjs");
        const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", loader, cli, join(dir, name)], {
          cwd, encoding: "utf8", input: "", env: { PATH: process.env["PATH"], HOME: cwd },
        });
        expect(`${stdout}[exit ${status === 0 ? 0 : 1}]\n`, stderr).toBe(expected(name));
      } finally {
        rmSync(cwd, { recursive: true, force: true });
      }
    });
  }
});
