/** ps, kill, slay on a /proc that is a kernel's own. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { rc } from "../../../clients/rc/index.ts";
import { tools } from "../../../clients/tools/index.ts";
import { MREPL } from "../../../kernel/index.ts";
import { dir } from "../../../proto/index.ts";
import { proc, tree } from "../../../servers/index.ts";
import { testKernel, type TestKernel } from "../../support/kernel.ts";
import { run } from "../../support/toolbench.ts";

let k: TestKernel;
beforeEach(async () => {
  const root = dir(Object.fromEntries(["bin", "n", "tmp", "proc"].map((name) => [name, dir({})])));
  k = await testKernel(Object.fromEntries([...tools, ["rc", rc({})]]), { proc, root: tree("root", root) });
  await k.sys.bind("#p", "/proc", MREPL);
});
afterEach(() => k.shutdown());

test("ps: the columns of ps(1), and what its flags add", async () => {
  const pid = await k.sys.spawn({ argv: ["sleep", "7200"], path: "/bin/sleep", noteGroup: "new" });
  for (let i = 0; i < 20; i++) await k.sys.stat("/tmp");
  const line = async (...flags: string[]): Promise<string | undefined> =>
    (await run(k.sys, ["ps", ...flags])).out.split("\n").find((s) => s.includes(" sleep"));
  expect(await line()).toBe(`glenda     ${String(pid).padStart(8)}    0:00   0:00        0K Wakeme   sleep`);
  expect(await line("-a")).toMatch(/ Wakeme {3}sleep 7200$/);
  expect(await line("-n")).toMatch(new RegExp(`^glenda +${pid} {7}2 {4}0:00`));
  expect(await line("-r")).toMatch(/ +\d+:\d\d {4}0:00 {3}0:00 /);
  expect(await line("-p")).toMatch(/0:00 {2}10 10 +0K/);
  expect(await run(k.sys, ["ps", "x"])).toMatchObject({ status: "usage" });
});

test("kill and slay print what rc is to do, for the caller's processes of that name", async () => {
  const pid = await k.sys.spawn({ argv: ["sleep", "7200"], path: "/bin/sleep", noteGroup: "new" });
  expect((await run(k.sys, ["kill", "sleep", "nosuch"])).out).toBe(`@{echo kill>/proc/${pid}/note} # sleep\n`);
  const slay = (await run(k.sys, ["slay", "sleep"])).out;
  expect(slay).toBe(`@{echo kill>/proc/${pid}/ctl} # sleep\n`);
  k.sys.setenv("path", ["/bin"]);
  expect(await run(k.sys, ["rc"], slay, rc({}))).toMatchObject({ err: "", status: "" });
  expect((await k.sys.wait(pid)).status).toBe("kill");
  expect(await run(k.sys, ["kill"])).toMatchObject({ status: "usage" });
});
