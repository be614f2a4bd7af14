/** The package as npm packs it: installed beside its dependencies, it runs, with its manual. */
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "../support/children.ts";
import { describeWith, programPath } from "../support/need.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What a build is made of. */
const SOURCES = ["clients", "kernel", "proto", "servers", "package.json", "tsconfig.json", "tsconfig.build.json", "test/support/clean.mjs", "test/support/machinecode.ts", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"];
const top = mkdtempSync(join(tmpdir(), "nineplex-packed-"));
const main = join(top, "package/dist/clients/main.js");

beforeAll(async () => {
  const built = join(top, "built");
  for (const path of SOURCES) cpSync(join(ROOT, path), join(built, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(built, "node_modules"));
  const packed = await run("npm", ["pack", "-s", "--pack-destination", top], { cwd: built, timeoutMs: 120_000 });
  expect(packed.status, packed.stderr).toBe(0);
  const tarball = readdirSync(top).find((name) => name.endsWith(".tgz")) ?? "";
  expect((await run("tar", ["xzf", tarball], { cwd: top })).status).toBe(0);
  symlinkSync(join(ROOT, "node_modules"), join(top, "package/node_modules"));
}, 180_000);
afterAll(() => rmSync(top, { recursive: true }));

it("runs, and has every page of the manual", { timeout: 60_000 }, async () => {
  const r = await run(process.execPath, [main, "-c", "ls /lib/man/* | wc -l; man -w ls 9p; man rc | sed 1q; help pwd | sed 1q"], { cwd: top });
  const pages = readdirSync(join(ROOT, "clients/man")).flatMap((section) => readdirSync(join(ROOT, "clients/man", section)));
  expect({ status: r.status, err: r.stderr }).toEqual({ status: 0, err: "" });
  const [count, ...rest] = r.stdout.toString().split("\n");
  expect(Number(count)).toBe(pages.length);
  expect(rest).toEqual(expect.arrayContaining(["/lib/man/1/ls", "/lib/man/5/9p", "/lib/man/8/9p", "rc(1)", "pwd - the current directory"]));
});

describeWith(["busybox"], "the packed machine", () => {
  it("runs a Linux program, with the machine's code as it was packed", { timeout: 60_000 }, async () => {
    const r = await run(process.execPath, [main, "run", programPath("busybox") ?? "busybox", "echo", "hi"], { cwd: top });
    expect({ status: r.status, out: r.stdout.toString(), err: r.stderr }).toEqual({ status: 0, out: "hi\n", err: "" });
  });
});
