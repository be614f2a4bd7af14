/** The live trace: lines as --trace prints them, to each reader, and nothing while nobody reads. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MREPL } from "../../kernel/index.ts";
import { attach, OREAD, OWRITE, type Portal } from "../../proto/index.ts";
import { LiveTrace } from "../../servers/index.ts";
import { deviceUsers, madeDevice } from "../support/device.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("trace", () => madeDevice((k) => new LiveTrace().device(k)), { users: deviceUsers, write: false, sample: { file: "trace" } });

let k: TestKernel;
let live: LiveTrace;
beforeEach(async () => {
  live = new LiveTrace();
  k = await testKernel({}, { trace: (kernel) => live.device(kernel) }, { wrap: (portal, spec) => live.wrap(portal, spec) });
  await k.sys.bind("#trace", "/a", MREPL);
});
afterEach(() => k.shutdown());

async function other(work: Parameters<TestKernel["sys"]["spawn"]>[0]["main"]): Promise<void> {
  await k.sys.wait(await k.sys.spawn({ argv: ["x"], ...(work && { main: work }) }));
}

test("each reader gets what others do from his open on, and nothing of his own", async () => {
  await other((sys) => sys.writeFile("/tmp/before", bytes("x")));
  const first = await k.sys.open("/a/trace", OREAD);
  await k.put("/tmp/mine", "x");
  await other((sys) => sys.writeFile("/tmp/one", bytes("abc")));
  const lines = text(await k.sys.read(first));
  expect(lines).toMatch(/^-> Tl?create .*one.* # #tmp$/m);
  expect(lines).toMatch(/^<- Rwrite .* # #tmp$/m);
  for (const line of lines.trimEnd().split("\n")) expect(line).toMatch(/^(->|<-|#) /);
  expect(lines).not.toMatch(/before|mine/);
  const second = await k.sys.open("/a/trace", OREAD);
  await other((sys) => sys.writeFile("/tmp/two", bytes("abc")));
  expect(text(await k.sys.read(first))).toBe(text(await k.sys.read(second)));
  expect(await failure(k.sys.open("/a/trace", OWRITE))).toBe("permission denied");
});

test("a client of an export gets what others do, and not his reading of it", async () => {
  const fs = await attach(k.sys.export("/"), { uname: "eve" });
  const trace = await fs.open("/a/trace");
  let all = "";
  for (const name of ["one", "two", "three"]) {
    await other((sys) => sys.writeFile(`/tmp/${name}`, bytes("abc")));
    const lines = text(await trace.read());
    expect(lines).toContain(name);
    all += lines;
  }
  expect(all).not.toMatch(/(Tread|Rread) .*# #trace/);
  await trace.close();
  expect(live.on).toBe(false);
});

test("a slow reader loses lines and is told how many", async () => {
  const fd = await k.sys.open("/a/trace", OREAD);
  await other(async (sys) => {
    for (let i = 0; i < 6000; i++) await sys.stat(`/tmp/${"n".repeat(200)}`).catch(() => undefined);
  });
  let all = "";
  while (!all.includes("lines lost")) all += text(await k.sys.read(fd));
  expect(all.length).toBeLessThan(1_200_000);
  const lost = Number(/^# (\d+) lines lost$/m.exec(all)?.[1]);
  expect(lost).toBeGreaterThan(0);
  await other((sys) => sys.writeFile("/tmp/after", bytes("x")));
  expect(text(await k.sys.read(fd))).toContain("after");
});

test("while nobody reads, calls are the portal's own, answered as it answers", () => {
  let calls = 0;
  const reply = { type: 121 } as const;
  const portal: Portal = { dialect: "9P2000", msize: 8192, ordered: true, call: () => (calls++, reply), flush: () => undefined, hangup: () => undefined };
  const watched = live.wrap(portal, "x");
  expect(watched.call({ type: 120, fid: 1 })).toBe(reply);
  expect(calls).toBe(1);
  expect(live.on).toBe(false);
});

test("closing ends it", async () => {
  const fd = await k.sys.open("/a/trace", OREAD);
  expect(live.on).toBe(true);
  await k.sys.close(fd);
  expect(live.on).toBe(false);
});
