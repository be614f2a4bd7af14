/** The README's examples, run as they stand in a directory that looks like the checkout: the walk, plug-ins, a name space. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listen } from "../../clients/node/index.ts";
import { dir, open, textFile } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import { nineplex, run } from "../support/children.ts";
import { shown, startedSession, turns } from "../support/session.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const top = mkdtempSync(join(tmpdir(), "nineplex-readme-"));
const web = createServer((q, r) => r.setHeader("content-type", "text/html").end(q.method === "HEAD" ? "" : '<a href="index.txt">index</a>'));
afterAll(() => {
  web.close();
  rmSync(top, { recursive: true });
});

beforeAll(() => {
  for (const name of ["clients", "kernel", "proto", "servers", "node_modules", "tsconfig.json"]) symlinkSync(join(ROOT, name), join(top, name));
  copyFileSync(join(ROOT, "package.json"), join(top, "package.json"));
});

it("a walk", { timeout: 120_000 }, async () => {
  const all = turns(/<!-- example: a walk -->\s*```rc\n(.*?)```/s.exec(readme)?.[1] ?? "");
  expect(all.length).toBeGreaterThan(15);
  const got = await startedSession(["npm", "start", "-s", "--"], top, all.map((t) => t.typed));
  expect(shown(all, got)).toBe(shown(all, all.map((t) => t.expected)));
});

it("plug-ins", { timeout: 120_000 }, async () => {
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const block = /<!-- example: plug-ins -->\s*```sh\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const commands = block.trim().split("\n");
  const said: string[] = [];
  for (const command of commands) {
    // Whoever reads it has a web server at another port.
    const r = await run("sh", ["-c", command.replace("127.0.0.1:8000", `127.0.0.1:${(web.address() as AddressInfo).port}`)], { cwd: top });
    expect(r.stderr.replace(/^npm warn.*\n/gm, "")).toBe("");
    expect(r.status).toBe(0);
    said.push(r.stdout.toString());
  }
  expect(said).toEqual([
    "/n/kv/colour\n", "nineplex\nnode --import tsx clients/main.ts\n", "/n/web/index.txt\n", "green\n", expect.stringMatching(/^\d{13}\n$/),
  ]);
  expect(JSON.parse(readFileSync(join(top, "store.json"), "utf8"))).toEqual({ colour: "green\n" });
});

it("a name space", { timeout: 60_000 }, async () => {
  const block = /<!-- example: name space -->\s*```\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const far = tree("far", dir({ bin: dir({ tool: textFile(() => "") }) }));
  const listener = await listen("tcp://127.0.0.1:0", (session) => open(far, session));
  try {
    writeFileSync(join(top, "ns"), block.replace("tcp://127.0.0.1:5640", listener.address));
    const r = await nineplex(["--ns", "ns", "-c", "pwd; ls; ls /bin/tool"], { cwd: top });
    expect({ status: r.status, out: r.stdout.toString(), err: r.stderr }).toEqual({ status: 0, out: "/n/x\nbin\n/bin/tool\n", err: "" });
  } finally {
    await listener.close();
  }
});
