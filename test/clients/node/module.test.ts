/** Whose bug it is that nobody caught; loading itself is tested in test/clients/plugins.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { connect } from "../../../clients/node/connect.ts";
import { attach } from "../../../proto/index.ts";
import { culprit, loadServer } from "../../../clients/node/module.ts";

const here = mkdtempSync(join(tmpdir(), "nineplex-module-"));
const root = join(import.meta.dirname, "../../..");
afterAll(() => rmSync(here, { recursive: true }));

function thrown(...frames: string[]): Error {
  const e = new Error("x");
  e.stack = ["Error: x", ...frames.map((f) => `    at ${f}`), "    at listOnTimeout (node:internal/timers:581:17)"].join("\n");
  return e;
}

it("a module's, if it has a frame in the stack; nineplex's, if only that has; a module's, if nobody has", async () => {
  const ours = `Mux.message (${root}/proto/mux.ts:180:11)`;
  expect(culprit(thrown())).toBeUndefined();
  expect(culprit(new Error("here"))).toBeUndefined();
  writeFileSync(join(here, "m.mjs"), "export default { name: 'm', attach() {} };\n");
  await loadServer("./m.mjs", here);
  const url = pathToFileURL(join(here, "m.mjs")).href;
  expect(culprit(thrown(`Timeout._onTimeout (${url}?t=17:2:26)`))).toBe("./m.mjs");
  expect(culprit(thrown(`${here}/m.mjs:2:26`))).toBe("./m.mjs");
  expect(culprit(thrown(ours, `async ${url}?t=1:2:26`))).toBe("./m.mjs");
  expect(culprit(thrown(ours))).toBeUndefined();
  expect(culprit(thrown(ours, `Object.<anonymous> (${here}/other.mjs:1:1)`))).toBeUndefined();
  expect(culprit(thrown(`parse (${here}/node_modules/yaml/index.js:1:1)`))).toBe("./m.mjs");
  expect(culprit(thrown())).toBe("./m.mjs");
  expect(culprit("a string")).toBe("./m.mjs");
});

it("file names in an address are relative to the directory that connect is told", async () => {
  writeFileSync(join(here, "says.sh"), "echo what is said here\n");
  await expect(connect("exec:sh ./says.sh", { cwd: here })).rejects.toThrow("what came is text, not 9P: what is said here");
  await expect(connect("exec:sh ./says.sh")).rejects.toThrow("hungup");
  const portal = await connect("module:m.mjs?x=1", { cwd: here });
  portal.hangup();
  await expect(connect("module:m.mjs")).rejects.toThrow("file does not exist: m.mjs");
  await expect(connect("unix:no.sock", { cwd: here })).rejects.toThrow("file does not exist");
});

it("only the attach must come in time: a read may wait as long as it likes", async () => {
  // Loading counts too, and takes what it takes: what is loaded already comes at once.
  const loaded = async (name: string): Promise<string> => {
    await loadServer(name, here);
    return `module:${name}`;
  };
  writeFileSync(join(here, "slow.mjs"), `export default { name: "slow", attach: () => ({ list: () => [], walk: (name) => ({ open: () => ({
    read: (at) => at > 0 ? new Uint8Array(0) : new Promise((resolve) => setTimeout(() => resolve(new TextEncoder().encode("late")), 150)) }) }) }) };\n`);
  const fs = await attach(await connect(await loaded("slow.mjs"), { cwd: here, timeoutMs: 50 }));
  expect(new TextDecoder().decode(await fs.readFile("/f"))).toBe("late");
  writeFileSync(join(here, "never.mjs"), "export default { name: 'never', attach: () => new Promise(() => {}) };\n");
  await expect(attach(await connect(await loaded("never.mjs"), { cwd: here, timeoutMs: 50 }))).rejects.toThrow("no 9P answer in 0.05 s");
  writeFileSync(join(here, "load.mjs"), "await new Promise(() => {});\n");
  await expect(connect("module:load.mjs", { cwd: here, timeoutMs: 50 })).rejects.toThrow("load.mjs: not loaded in 0.05 s");
});
