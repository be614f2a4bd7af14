/** The README's commands for plug-ins, run as they stand, in a directory that looks like the checkout. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { run } from "../support/children.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const top = mkdtempSync(join(tmpdir(), "nineplex-readme-"));
const web = createServer((q, r) => r.setHeader("content-type", "text/html").end(q.method === "HEAD" ? "" : '<a href="index.txt">index</a>'));
afterAll(() => {
  web.close();
  rmSync(top, { recursive: true });
});

it("plug-ins", { timeout: 120_000 }, async () => {
  for (const name of ["clients", "kernel", "proto", "servers", "node_modules", "tsconfig.json"]) symlinkSync(join(ROOT, name), join(top, name));
  copyFileSync(join(ROOT, "package.json"), join(top, "package.json"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
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
    "/n/kv/colour\n", "nineplex\ntsx clients/main.ts\n", "/n/web/index.txt\n", "green\n", expect.stringMatching(/^\d{13}\n$/),
  ]);
  expect(JSON.parse(readFileSync(join(top, "store.json"), "utf8"))).toEqual({ colour: "green\n" });
});
