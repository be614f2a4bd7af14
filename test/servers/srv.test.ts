/** srv(3), and devsrv.c where the page is silent. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { dial, open, ORDWR, OREAD, OTRUNC, OWRITE, serve } from "../../proto/index.ts";
import { ram, srv } from "../../servers/index.ts";
import { deviceUsers, madeDevice } from "../support/device.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("srv", () => madeDevice(srv, (k) => k.sys.post("f", () => open(ram({ now: () => 0 })))), { users: deviceUsers, write: false, sample: { file: "f" } });

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel({}, { srv });
  await k.sys.bind("#s", "/a", MREPL | MCREATE);
  await k.sys.stat("#pipe");
});
afterEach(() => k.shutdown());

/** create("/srv/name") and write the fd into it, as the page has it. */
async function post(name: string, fd: number | string, perm = 0o666): Promise<void> {
  const f = await k.sys.create(`/a/${name}`, OWRITE, perm);
  try {
    await k.sys.write(f, bytes(String(fd)));
  } finally {
    await k.sys.close(f);
  }
}

test("what is posted has a name that a file may have", async () => {
  for (const name of ["", ".", "..", "a/b", "a\0b"]) expect(() => k.sys.post(name, () => open(ram({ now: () => 0 })))).toThrow("illegal name");
  expect(await k.sys.readDir("/a")).toEqual([]);
});

test("the page's example: one end of a pipe is dropped into /srv and is a named pipe", async () => {
  const before = k.stats();
  const [p0, p1] = await k.sys.pipe();
  await post("namedpipe", p0);
  await k.sys.close(p0);
  await k.sys.write(p1, bytes("hello"));
  expect(await k.sys.readDir("/a")).toMatchObject([{ name: "namedpipe", mode: 0o666, uid: "glenda", length: 0 }]);
  const fd = await k.sys.open("/a/namedpipe", ORDWR);
  expect(text(await k.sys.read(fd))).toBe("hello");
  await k.sys.write(fd, bytes("back"));
  expect(text(await k.sys.read(p1))).toBe("back");
  // The post's reference goes with the file; what was opened stays.
  await k.sys.remove("/a/namedpipe");
  expect(await k.ls("/a")).toEqual([]);
  await k.sys.write(fd, bytes("still"));
  expect(text(await k.sys.read(p1))).toBe("still");
  await k.sys.close(fd);
  expect(await k.sys.read(p1)).toHaveLength(0);
  await k.sys.close(p1);
  for (let i = 0; i < 20; i++) await k.sys.stat("/tmp");
  expect(k.stats()).toEqual(before);
});

test("what is posted wrongly: a second number, no number, no fd, a taken name, other modes", async () => {
  const [p0] = await k.sys.pipe();
  expect(await failure(k.sys.create("/a/x", OREAD, 0o666))).toBe("permission denied");
  expect(await failure(k.sys.mkdir("/a/d", 0o777))).toBe("permission denied");
  const f = await k.sys.create("/a/x", OWRITE, 0o600);
  expect(await failure(k.sys.open("/a/x", ORDWR))).toBe("i/o on hungup channel");
  expect(await failure(k.sys.write(f, bytes("99")))).toBe("fd out of range or not open");
  expect(await failure(k.sys.write(f, bytes("fd")))).toBe("fd out of range or not open");
  expect(await failure(k.sys.write(f, bytes("0".repeat(40))))).toBe("file too big");
  await k.sys.write(f, bytes(`${p0}\n`));
  expect(await failure(k.sys.write(f, bytes(`${p0}`)))).toBe("inappropriate use of fd");
  await k.sys.close(f);
  expect(await failure(k.sys.open("/a/x", ORDWR | OTRUNC))).toBe("file already exists");
  expect(await failure(k.sys.create("/a/x", OWRITE, 0o666))).toBe("file already exists");
  const gone = await k.sys.create("/a/gone", OWRITE, 0o600);
  await k.sys.remove("/a/gone");
  expect(await failure(k.sys.write(gone, bytes(`${p0}`)))).toBe("file does not exist");
});

test("a post is open for what the file is, and the offset is shared", async () => {
  await k.put("/tmp/f", "0123456789");
  await post("f", await k.sys.open("/tmp/f", OREAD));
  expect(await failure(k.sys.open("/a/f", OWRITE))).toBe("permission denied");
  expect(await failure(k.sys.open("/a/f", ORDWR))).toBe("permission denied");
  const [a, b] = [await k.sys.open("/a/f", OREAD), await k.sys.open("/a/f", OREAD)];
  expect(text(await k.sys.read(a, 4))).toBe("0123");
  expect(text(await k.sys.read(b, 4))).toBe("4567");
});

test("mode, owner and name can be changed; not onto a name that is taken", async () => {
  const [p0] = await k.sys.pipe();
  await post("a", p0, 0o600);
  await post("b", p0, 0o600);
  const path = (await k.sys.stat("/a/a")).qid.pathlo;
  await k.sys.wstat("/a/a", { mode: 0o640 });
  await k.sys.wstat("/a/a", { name: "c" });
  expect(await k.sys.stat("/a/c")).toMatchObject({ name: "c", mode: 0o640, qid: { pathlo: path } });
  expect(await failure(k.sys.wstat("/a/c", { name: "b" }))).toBe("file already exists");
  await k.sys.wstat("/a/c", { mode: 0o400 });
  expect(await failure(k.sys.open("/a/c", ORDWR))).toBe("permission denied");
  expect((await k.ls("/a")).toSorted()).toEqual(["b", "c"]);
});

test("mounting a post: a file that 9P is spoken on, and a listener, which gives each his own session", async () => {
  const [ours, theirs] = await k.sys.pipe();
  const files = ram({ now: () => 0 });
  serve(k.sys.transport(ours), (s) => open(files, s));
  await post("wire", theirs);
  await k.sys.mount("/a/wire", "/n/x", MREPL | MCREATE, "");
  await k.put("/n/x/f", "over the pipe");
  let sessions = 0;
  k.sys.post("listener", () => {
    sessions++;
    return open(files);
  });
  await k.sys.mount("/a/listener", "/n/y", MREPL | MCREATE, "");
  await k.sys.mount("/a/listener", "/n/z", MREPL | MCREATE, "");
  expect(await k.cat("/n/y/f")).toBe("over the pipe");
  expect(sessions).toBe(2);
  await k.sys.wstat("/a/listener", { mode: 0o400 });
  expect(await failure(k.sys.mount("/a/listener", "/n/no", MREPL, ""))).toBe("/a/listener: permission denied");
  await k.sys.remove("/a/listener");
  expect(await k.cat("/n/z/f")).toBe("over the pipe");
});

test("opening a listener is a stream on which 9P is spoken; closing it ends the session", async () => {
  let ended = 0;
  k.sys.post("l", () => {
    const portal = open(ram({ now: () => 0 }));
    return { dialect: portal.dialect, msize: portal.msize, ordered: true, call: (t) => portal.call(t), flush: (t) => portal.flush(t), hangup: () => void ended++ };
  });
  const fd = await k.sys.open("/a/l", ORDWR);
  const portal = await dial(k.sys.transport(fd));
  await k.sys.close(fd);
  await k.sys.mount(portal, "/n/l", MREPL | MCREATE, "");
  await k.put("/n/l/f", "x".repeat(100_000));
  expect(await k.cat("/n/l/f")).toHaveLength(100_000);
  await k.sys.unmount(undefined, "/n/l");
  for (let i = 0; i < 50; i++) await k.sys.stat("/tmp");
  expect(ended).toBeGreaterThan(0);
});
