/** srv: a server posted under a name, and mounted from there; srv(4). */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL } from "../../../kernel/index.ts";
import { NineError, open } from "../../../proto/index.ts";
import { ram, srv } from "../../../servers/index.ts";
import { bytes, testKernel, type TestKernel } from "../../support/kernel.ts";
import { run } from "../../support/toolbench.ts";

let k: TestKernel;
let dialled: string[];
const files = ram({ now: () => 0 });
beforeEach(async () => {
  dialled = [];
  k = await testKernel({}, { srv }, {
    dial: (addr) => {
      dialled.push(addr);
      return addr === "tcp!good!564" ? Promise.resolve(open(files)) : Promise.reject(new NineError("connection refused"));
    },
  });
  await k.sys.bind("#s", "/a", MREPL | MCREATE);
});
afterEach(() => k.shutdown());

test("posts and mounts; what cannot be reached is not posted", async () => {
  expect(await run(k.sys, ["srv", "tcp!good!564", "good"])).toMatchObject({ err: "", status: "" });
  expect(await k.sys.readDir("/a")).toMatchObject([{ name: "good", mode: 0o600, uid: "glenda" }]);
  await k.sys.mount("#s/good", "/n/x", MREPL | MCREATE, "");
  await k.sys.writeFile("/n/x/f", bytes("x"));
  expect(dialled).toEqual(["tcp!good!564", "tcp!good!564"]);
  expect(await run(k.sys, ["srv", "tcp!bad!564", "bad"])).toMatchObject({ err: "srv: tcp!bad!564: connection refused\n" });
  expect(await run(k.sys, ["srv", "tcp!good!564", "good"])).toMatchObject({ err: "srv: /srv/good: file already exists\n", status: "errors" });
  expect(await run(k.sys, ["srv", "-q", "tcp!good!564", "good"])).toMatchObject({ err: "", status: "" });
  expect(await run(k.sys, ["srv"])).toMatchObject({ status: "usage" });
  expect(await k.ls("/a")).toEqual(["good"]);
});
