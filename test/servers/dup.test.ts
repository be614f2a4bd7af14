/** dup(3), and devdup.c where the page is silent. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MREPL } from "../../kernel/index.ts";
import { ORCLOSE, ORDWR, OREAD, OTRUNC, OWRITE } from "../../proto/index.ts";
import { dup } from "../../servers/index.ts";
import { deviceUsers, madeDevice } from "../support/device.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("dup", () => madeDevice(dup, (k) => k.sys.create("/tmp/f", OWRITE, 0o666)), { users: deviceUsers, write: false, sample: { file: "0ctl" } });

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel({}, { dup });
  await k.sys.bind("#d", "/a", MREPL);
  await k.put("/tmp/f", "0123456789");
});
afterEach(() => k.shutdown());

test("names are the open fds, each with its ctl; modes tell how each is open, lengths nothing", async () => {
  await k.sys.open("/tmp/f", OREAD);
  await k.sys.open("/tmp/f", OWRITE);
  await k.sys.open("/tmp/f", ORDWR);
  const dirs = await k.sys.readDir("/a");
  expect(dirs.map((d) => [d.name, d.mode, d.length])).toEqual([
    ["0", 0o400, 0], ["0ctl", 0o400, 0], ["1", 0o200, 0], ["1ctl", 0o400, 0], ["2", 0o600, 0], ["2ctl", 0o400, 0],
  ]);
  expect(dirs.map((d) => d.qid.pathlo)).toEqual([1, 2, 3, 4, 5, 6]);
  await k.sys.close(1);
  expect(await k.ls("/a")).toEqual(["0", "0ctl", "2", "2ctl"]);
  expect(await failure(k.sys.open("/a/1", OREAD))).toBe("file does not exist");
  for (const name of ["00", "01", "-1", "2ctlx", "99"]) expect(await failure(k.sys.stat(`/a/${name}`))).toBe("file does not exist");
});

test("open is one more open of the fd: the offset is shared, and given offsets are not looked at", async () => {
  const fd = await k.sys.open("/tmp/f", ORDWR);
  const again = await k.sys.open(`/a/${fd}`, ORDWR);
  expect(text(await k.sys.read(again, 3))).toBe("012");
  expect(text(await k.sys.read(fd, 2))).toBe("34");
  expect(text(await k.sys.read(again, 1, 0))).toBe("5");
  await k.sys.write(again, bytes("X"), 0);
  expect(await k.cat("/tmp/f")).toBe("012345X789");
  await k.sys.close(fd);
  expect(text(await k.sys.read(again))).toBe("789");
});

test("only for the modes the fd is open for; nothing is made, removed or cut", async () => {
  const r = await k.sys.open("/tmp/f", OREAD);
  const w = await k.sys.open("/tmp/f", OWRITE);
  expect(await failure(k.sys.open(`/a/${r}`, OWRITE))).toBe("inappropriate use of fd");
  expect(await failure(k.sys.open(`/a/${r}`, ORDWR))).toBe("inappropriate use of fd");
  expect(await failure(k.sys.open(`/a/${r}`, OREAD | OTRUNC))).toBe("no error");
  expect(await failure(k.sys.open(`/a/${w}`, OREAD))).toBe("inappropriate use of fd");
  expect(await failure(k.sys.open(`/a/${r}`, OREAD | ORCLOSE))).toBe("permission denied");
  expect(await failure(k.sys.remove(`/a/${r}`))).toBe("permission denied");
  expect(await failure(k.sys.open(`/a/${r}ctl`, OWRITE))).toBe("permission denied");
  // As `> /fd/1` does it.
  await k.sys.writeFile(`/a/${w}`, bytes("ab"));
  expect(await k.cat("/tmp/f")).toBe("ab23456789");
});

test("Nctl is the line of proc(3)'s fd", async () => {
  const fd = await k.sys.open("/tmp/f", ORDWR);
  await k.sys.read(fd, 4);
  const line = /^ {2}(\d) (..) M {1,4}(\d+) \(([0-9a-f]{16}) (\d+) ([0-9a-f]{2})\) +(\d+) +(\d+) (.*)\n$/.exec(await k.cat(`/a/${fd}ctl`));
  const d = await k.sys.fstat(fd);
  expect(line?.slice(1)).toEqual([
    `${fd}`, "rw", `${d.dev}`, d.qid.pathlo.toString(16).padStart(16, "0"), `${d.qid.vers}`, "00", expect.stringMatching(/^\d+$/), "4", "/tmp/f",
  ]);
});

test("each process has its own; a read that waits does not hold up a write, and ends by a note", async () => {
  const [r, w] = await k.sys.pipe();
  const pid = await k.sys.spawn({
    argv: ["reader"], noteGroup: "new", fds: new Map([[7, r]]), main: async (sys) => {
      sys.notify(() => true);
      const fd = await sys.open("/a/7", ORDWR);
      const reads = sys.read(fd);
      await sys.write(fd, bytes("to us"));
      return [await failure(reads), ...await k.ls("/a", sys)].join();
    },
  });
  expect(text(await k.sys.read(w))).toBe("to us");
  k.sys.postNote(pid, "interrupt");
  expect((await k.sys.wait(pid)).status).toBe("interrupted,0,0ctl,7,7ctl");
});
