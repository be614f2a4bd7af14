/** --ns in real processes: a name space from a file, of nothing but the file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle } from "../support/bundle.ts";
import { run as runProgram, type Ran } from "../support/children.ts";

const cwd = mkdtempSync(join(tmpdir(), "nineplex-ns-"));
let main: readonly string[] = [];
let removeBundle = (): void => undefined;

const run = async (args: readonly string[], input = ""): Promise<{ status: number | null; out: string; err: string }> => {
  const r: Ran = await runProgram(process.execPath, [...main, ...args], { cwd, input });
  return { status: r.status, out: r.stdout.toString(), err: r.stderr };
};
const file = (name: string, text: string): void => writeFileSync(join(cwd, name), text);
const worked = (out: string): object => ({ status: 0, out, err: "" });
const failed = (err: string, status = 1): object => ({ status, out: "", err: `${err}\n` });

beforeAll(async () => {
  const bundled = await bundle();
  main = bundled.main;
  removeBundle = () => bundled.remove();
  file("f", "a file of the host\n");
  file("echo.rc", "echo $* from `{pwd}\n");
});

afterAll(() => {
  removeBundle();
  rmSync(cwd, { recursive: true });
});

it("adds to the usual name space, or is all of it", { timeout: 60_000 }, async () => {
  file("adds", ". /lib/namespace\n# $user's own\nbind -b /tmp /n/x\nbind -c $home /mnt\ncd /mnt\n");
  file("all", "bind '#bin' /bin\nbind '#dev' /dev\nbind -c '#tmp' /mnt\n");
  file("serves", `. /lib/namespace\nmount -c 'exec:${[process.execPath, ...main].map((w) => `''${w}''`).join(" ")} serve --listen stdio --rw .' /n/far\ncd /n/far\n`);
  const [adds, all, serves, script] = await Promise.all([
    run(["--ns", "adds", "-c", "pwd; cat f; ls /n; ns | tail -3"]),
    run(["--ns=all", "-c", "pwd; ls -p /; cat /host/f; cat /n/x; ns; echo x > /mnt/x && cat /mnt/x"]),
    run(["--ns", "serves", "-c", "cat f; echo new > g; pwd"]),
    run(["--ns", "adds", "/mnt/echo.rc", "a", "b"]),
  ]);
  expect(adds).toEqual(worked("/mnt\na file of the host\n/n/x\nbind -b /tmp /n/x\nbind -c /host /mnt\ncd /mnt\n"));
  expect(all).toMatchObject({ status: 0, err: "cat: /host/f: file does not exist\ncat: /n/x: file does not exist\n" });
  expect(all.out).toBe("/host\nbin\ndev\nenv\nfd\nhost\nlib\nmnt\nn\nnet\nproc\nsrv\ntmp\nvol\nbind '#bin' /bin\nbind '#dev' /dev\nbind -c '#tmp' /mnt\ncd /host\nx\n");
  expect(serves).toEqual(worked("a file of the host\n/n/far\n"));
  expect(readFileSync(join(cwd, "g"), "utf8")).toBe("new\n");
  expect(script).toEqual(worked("a b from /mnt\n"));
});

it("what ns prints is such a file", { timeout: 60_000 }, async () => {
  const made = await run(["-c", "bind -bc /tmp '/n/it''s'; bind -a /host '/n/it''s'; ns"]);
  expect(made).toMatchObject({ status: 0, err: "" });
  file("again", made.out);
  expect(await run(["--ns", "again", "-c", "cat '/n/it''s/f'; ns"])).toEqual(worked(`a file of the host\n${made.out}`));
});

it("what is served is what the file says", { timeout: 60_000 }, async () => {
  file("served", "bind -c '#tmp' /srv\nbind '#dev' /dev\n");
  const served = (...more: string[]): string => `exec:${[process.execPath, ...main, "serve", "--listen", "stdio", "--ns", ...more].map((w) => `'${w}'`).join(" ")}`;
  const [root, tmp, wrong] = await Promise.all([
    run(["9p", "ls", served("served"), "/bin", "/dev/null"]), run(["9p", "write", served("served", "--rw"), "/srv/new"], "text"), run(["9p", "ls", served("none")]),
  ]);
  expect(root).toEqual(worked("/dev/null\n"));
  expect(tmp).toEqual(worked(""));
  expect(wrong.err).toMatch(/^nineplex: --ns none: file does not exist\n/);
});

it("what is wrong names file, line and command", { timeout: 60_000 }, async () => {
  file("bad", "\n# one\nbind '#nope' /bin\n");
  file("usage", "bind /a\n");
  file("empty", "");
  file("dev", "bind '#dev' /dev\n");
  file("refused", "clear\nmount tcp!127.0.0.1!1 /n\n");
  const [bad, usage, none, directory, empty, noRc, refused, serve, ninep] = await Promise.all([
    run(["--ns", "bad", "-c", "echo no"]), run(["--ns", "usage", "-c", "echo no"]), run(["--ns", "none", "-c", "echo no"]), run(["--ns", ".", "-c", "echo no"]),
    run(["--ns", "empty", "-c", "echo no"]), run(["--ns", "dev", "-c", "echo no"]), run(["--ns", "refused", "-c", "echo no"]),
    run(["serve", "--ns", "dev", "."]), run(["9p", "--ns", "dev", "ls", "tcp://h"]),
  ]);
  expect(bad).toEqual(failed("nineplex: --ns bad:3: bind '#nope' /bin: unknown device in # filename"));
  expect(usage).toEqual(failed("nineplex: --ns usage:1: bind /a: usage: bind [-abcC] new old"));
  expect(none).toEqual(failed("nineplex: --ns none: file does not exist"));
  expect(directory).toEqual(failed("nineplex: --ns .: file is a directory"));
  expect(empty).toEqual(failed("nineplex: --ns empty: a shell needs /dev: /dev/stdin: file does not exist"));
  expect(noRc).toEqual(failed("nineplex: /bin/rc: file does not exist"));
  expect(refused).toEqual(failed("nineplex: --ns refused:2: mount tcp!127.0.0.1!1 /n: connection refused: no server listens there"));
  expect(serve).toEqual(failed("nineplex: serve: --ns is for the name space; a directory has none", 2));
  expect(ninep).toEqual(failed("nineplex: --ns: not with 9p; it goes with the shell, run and serve", 2));
});
