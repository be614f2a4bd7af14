/** The JSON document, mounted as a module. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { mounted, type MountedKernel } from "../../support/mounted.ts";
import { serverSuite } from "../../support/serversuite.ts";
import json from "../../../clients/examples/json.ts";

const top = mkdtempSync(join(tmpdir(), "nineplex-json-"));
afterAll(() => rmSync(top, { recursive: true }));
const stored = (): unknown => JSON.parse(readFileSync(file, "utf8"));
let file = "";
let documents = 0;

/** Each is a server of its own. */
function documented(doc: string): Promise<MountedKernel> {
  file = join(top, `${documents++}.json`);
  writeFileSync(file, doc);
  return mounted(`module:${join(import.meta.dirname, "../../../clients/examples/json.ts")}?file=${file}`, top);
}

it("a document is read, changed and saved", async () => {
  const k = await documented('{"name": "x", "zip": "0123", "n": 5, "on": true, "none": null, "list": [1, ["a"], {}], "deep": {"é": {"k": "v\\nw"}}}');
  expect(await k.sh("cd /n/x; cat name zip n on none list/0 list/1/0 deep/é/k; ls; ls list; ls list/2")).toBe(
    "x\n0123\n5\ntrue\nnull\n1\na\nv\nw\ndeep\nlist\nn\nname\nnone\non\nzip\nlist/0\nlist/1\nlist/2\n");
  expect(await k.sh("cd /n/x; echo y > name; echo 42 > zip; echo -1.5e3 > n; echo false > on; echo some words > none; echo 012 > list/0; cat n zip")).toBe("-1500\n42\n");
  expect(stored()).toEqual({ name: "y", zip: "42", n: -1500, on: false, none: "some words", list: ["012", ["a"], {}], deep: { é: { k: "v\nw" } } });
  expect(await k.sh("cd /n/x; mkdir config; echo 8080 > config/port; echo here > config/host; echo new > list/3; echo a > one; > none2; rm list/1/0; rm -r deep; rm on; echo '{\"a\":1}' > none")).toBe("");
  expect(stored()).toEqual({ name: "y", zip: "42", n: -1500, none: '{"a":1}', list: ["012", [null], {}, "new"], one: "a", config: { port: 8080, host: "here" } });
  expect(await k.sh("cd /n/x; rm list; @ {echo x > list/word}; mkdir __proto__; cat constructor; cat list/length")).toBe(
    "rm: list: directory is not empty\nrc: list/word: illegal name: word\nmkdir: __proto__: illegal name: __proto__\ncat: constructor: file does not exist\ncat: list/length: file does not exist\n");
  k.shutdown();
});

it("keys that are no file names are kept, and prototypes are nobody's", async () => {
  const doc = '{"": 1, "a/b": {"c": 2}, "..": 3, "__proto__": {"polluted": true}, "ok": "fine"}';
  const k = await documented(doc);
  expect(await k.sh("cd /n/x; ls; echo finer > ok; cat a/b")).toBe("ok\ncat: a/b: file does not exist\n");
  expect(readFileSync(file, "utf8")).toBe(`${JSON.stringify(JSON.parse(doc.replace("fine", "finer")), undefined, 2)}\n`);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  k.shutdown();
});

it("what is no tree says so", async () => {
  await expect(documented("3")).rejects.toThrow("neither an object nor an array");
  await expect(documented("{")).rejects.toThrow(/json\.ts: .*JSON/);
});

serverSuite("json", () => {
  writeFileSync(join(top, "suite.json"), '{"d": {"f": "text", "g": 1}, "h": "other"}');
  return json({ args: { file: "suite.json" }, cwd: top });
}, { write: false, perms: false, sample: { dir: "d", file: "f" } });
