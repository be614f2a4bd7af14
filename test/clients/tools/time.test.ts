/** time, mtime: what they print; commands found as rc finds them; interrupts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { rc } from "../../../clients/rc/index.ts";
import { tools } from "../../../clients/tools/index.ts";
import type { Program } from "../../../kernel/sys.ts";
import { testKernel, type TestKernel } from "../../support/kernel.ts";
import { make, run } from "../../support/toolbench.ts";

const sleeper: Program = async (sys, argv) => {
  await sys.sleep(Number(argv[1]));
  return argv[2];
};

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel(Object.fromEntries([...tools, ["rc", rc({})], ["sleeper", sleeper]]));
});
afterEach(() => k.shutdown());

test("time: the real time and the command", async () => {
  expect(await run(k.sys, ["time", "sleeper", "1239"])).toMatchObject({ out: "", err: "0.00u 0.00s 1.23r \t sleeper 1239\n", status: "" });
  expect(await run(k.sys, ["time", "/bin/sleeper", "61000", "not today"])).toMatchObject({ err: "0.00u 0.00s 61.00r \t /bin/sleeper 61000 not today # status=not today\n", status: "not today" });
  expect((await run(k.sys, ["time", "echo", "-n", "1", "2", "3"])).err).toMatch(/r \t echo -n 1 2 3\n$/);
  expect(await run(k.sys, ["time", "echo", "-n", "1", "2", "3", "4"])).toMatchObject({ out: "1 2 3 4", err: expect.stringMatching(/r \t echo -n 1 2 3 \.\.\.\n$/), status: "" });
  expect(await run(k.sys, ["time", "cat"], "standard input")).toMatchObject({ out: "standard input" });
});

test("time: where commands are looked for, and those that are not there", async () => {
  await k.put("/tmp/script", "#!/bin/rc\necho from the script $*\n");
  await k.sys.wstat("/tmp/script", { mode: 0o755 });
  await k.sys.chdir("/tmp");
  expect((await run(k.sys, ["time", "script", "a"])).out).toBe("from the script a\n");
  k.sys.setenv("path", ["/a", "/bin"]);
  expect(await run(k.sys, ["time", "script"])).toMatchObject({ err: "time: script: file does not exist\n", status: "script: file does not exist" });
  expect((await run(k.sys, ["time", "./script", "b"])).out).toBe("from the script b\n");
  await k.sys.wstat("/tmp/script", { mode: 0o644 });
  expect((await run(k.sys, ["time", "./script"])).err).toBe("time: ./script: permission denied\n");
  expect(await run(k.sys, ["time"])).toMatchObject({ err: "usage: time command [arg ...]\n", status: "usage" });
});

test("time: an interrupt ends the command, not its time", async () => {
  const [r, w] = await k.sys.pipe();
  const pid = await k.sys.spawn({ argv: ["time", "sleeper", "7200000"], path: "/bin/time", fds: new Map([[2, w]]), noteGroup: "new" });
  await k.sys.close(w);
  for (let i = 0; i < 20; i++) await k.sys.stat("/tmp");
  k.sys.postNote(pid, "interrupt", true);
  expect((await k.sys.wait(pid)).status).toBe("interrupt");
  expect(new TextDecoder().decode(await k.sys.read(r))).toBe("0.00u 0.00s 0.00r \t sleeper 7200000 # status=interrupt\n");
});

test("mtime", async () => {
  const sys = await make();
  await sys.mkdir("/d", 0o777);
  for (const [path, mtime] of [["/d/a", 0], ["/d/b c", 1795288476]] as const) {
    await sys.writeFile(path, new Uint8Array(1));
    await sys.wstat(path, { mtime });
  }
  expect(await run(sys, ["mtime", "/d/a", "/none", "/d/b c"])).toMatchObject({
    out: "          0 /d/a\n 1795288476 /d/b c\n", err: "mtime: /none: file does not exist\n", status: "errors",
  });
  expect(await run(sys, ["mtime"])).toMatchObject({ err: "usage: mtime file ...\n", status: "usage" });
});
