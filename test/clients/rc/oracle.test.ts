/**
 * Quirks: small scripts with what 9base's rc printed for each, run with the arguments a1 a2 (stdout,
 * then [exit 0] or [exit 1]; `false` is a command with status 1). oracle.txt was written by that rc.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { RcBench } from "../../support/rcbench.ts";

const text = readFileSync(new URL("oracle.txt", import.meta.url), "utf8");

for (const [i, section] of text.split("\n%%\n").filter((s) => s !== "").entries()) {
  const cut = section.lastIndexOf("\n---\n");
  const script = section.slice(0, cut + 1);
  it(`${i + 1}: ${script.split("\n")[0]?.slice(0, 60)}`, async () => {
    const bench = await RcBench.boot({ false: () => Promise.resolve("1") }, new Map([["home", ["/"]]]));
    try {
      const { out, err, status } = await bench.run(script, { args: ["a1", "a2"] });
      expect(`${out}[exit ${status === "" ? 0 : 1}]`, `${script}\n${err}`).toBe(section.slice(cut + 5));
    } finally {
      bench.booted.shutdown();
    }
  });
}
