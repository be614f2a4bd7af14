/** rc(1) sentence by sentence, on the kernel; test/interop/rcmanual.test.ts asks 9base's rc the same. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { RcBench } from "../../support/rcbench.ts";
import { casesOf, parts } from "../../support/rcmanual.ts";

describe.each(parts)("%s", (part) => {
  let bench: RcBench;
  beforeAll(async () => {
    bench = await RcBench.boot({ false: () => Promise.resolve("1") }, new Map([["home", ["/"]]]));
  });
  afterAll(() => bench.booted.shutdown());

  it.each(casesOf(part).map((c, i) => [`${i + 1}: ${c.fact}`, c, i] as const))("%s", async (_, { script, said }, i) => {
    const { sys } = bench;
    await sys.mkdir(`/w/${i}`, 0o777);
    await sys.chdir(`/w/${i}`);
    await sys.writeFile("/tmp/case", encode(script));
    const { out, err, status } = await bench.run("", { argv: ["rc", "/tmp/case", "a1", "a2"] });
    expect(`${out}[exit ${status === "" ? 0 : 1}]`, `${script}\n${err}`).toBe(said);
  });
});
