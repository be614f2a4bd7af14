/**
 * Cases: scripts and what a real Plan 9 rc prints for them (stdout, then `[exit 0]` or `[exit 1]`).
 * Here they run on the kernel in this process; test/interop/rccases.test.ts runs `nineplex NNN.rc`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RcBench } from "../../support/rcbench.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const dir = join(root, "test/rc-cases");
const cases = readdirSync(dir).filter((name) => name.endsWith(".rc")).toSorted();

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
