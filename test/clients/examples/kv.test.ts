/** The key-value store, mounted as a module and as a child process that runs the same module. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { mounted } from "../../support/mounted.ts";
import { serverSuite } from "../../support/serversuite.ts";
import kv from "../../../clients/examples/kv.ts";

const top = mkdtempSync(join(tmpdir(), "nineplex-kv-"));
const examples = join(import.meta.dirname, "../../../clients/examples");
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const stored = (file: string): unknown => JSON.parse(readFileSync(join(top, file), "utf8"));
afterAll(() => rmSync(top, { recursive: true }));

describe.each([
  ["module", (file: string) => `module:${examples}/kv.ts?file=${file}`],
  ["exec", (file: string) => `exec:'${process.execPath}' --import '${tsx}' '${examples}/stdio.ts' '${examples}/kv.ts?file=${file}'`],
])("as %s:", (kind, addr) => {
  it("keys are files, and are kept", async () => {
    const file = `${kind}.json`;
    const k = await mounted(addr(file), top);
    expect(await k.sh("cd /n/x; echo green > colour; echo -n 3 > size; cat colour size; ls; echo blue > colour; echo red >> colour; cat colour; rm size; ls")).toBe("green\n3colour\nsize\nblue\nred\ncolour\n");
    expect(stored(file)).toEqual({ colour: "blue\nred\n" });
    expect(await k.sh("mkdir /n/x/d; cat /n/x/none; cp /n/x/colour /n/x/color; > /n/x/colour; wc -c /n/x/col*")).toBe(
      "      9 /n/x/color\n      0 /n/x/colour\n      9 total\nmkdir: /n/x/d: a key is a file, not a directory\ncat: /n/x/none: file does not exist\n");
    await k.sh("echo '$__proto__''s' > /n/x/__proto__; echo x > /n/x/constructor; rm /n/x/col*");
    k.shutdown();
    // What comes next finds what this one kept.
    const again = await mounted(addr(`./${file}`), top);
    expect(await again.sh("cd /n/x; cat *; ls")).toBe("$__proto__'s\nx\n__proto__\nconstructor\n");
    again.shutdown();
    expect(readdirSync(top).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});

it("bytes of any kind, and more than a message holds", async () => {
  const k = await mounted(`module:${examples}/kv.ts?file=bytes.json`, top);
  const big = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) ^ (i >> 8));
  await k.sys.writeFile("/n/x/big", big);
  expect((await k.sh("wc -c /n/x/big")).trim()).toBe("3000000 /n/x/big");
  const fd = await k.sys.open("/n/x/big", 0);
  expect((await k.sys.read(fd, 256, 1_234_567))).toEqual(big.subarray(1_234_567, 1_234_567 + 256));
  k.shutdown();
});

it("a removed key's open file is gone; a store that cannot be read or written says so", async () => {
  const k = await mounted(`module:${examples}/kv.ts?file=removed.json`, top);
  expect(await k.sh("{rm /n/x/a; echo more} > /n/x/a; ls /n/x")).toMatch(/file has been removed/);
  expect(stored("removed.json")).toEqual({});
  k.shutdown();
  writeFileSync(join(top, "bad.json"), "{");
  await expect(mounted(`module:${examples}/kv.ts?file=bad.json`, top)).rejects.toThrow(/kv\.ts: .*JSON/);
});

let stores = 0;
serverSuite("kv", () => kv({ args: { file: `suite${stores++}.json` }, cwd: top }), { write: false, perms: false, sample: {} });
