/** File calls: create(2), open(2), read(2), stat(2) and their errors, in the name space. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { DMDIR, OEXCL, OREAD, ORDWR, ORCLOSE, OTRUNC, OWRITE } from "../../proto/index.ts";
import { dev, ram, tree } from "../../servers/index.ts";
import { dir } from "../../proto/index.ts";
import { bytes, failure, remote, testHost, testKernel, type TestKernel, text } from "../support/kernel.ts";

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel({}, { dev: dev(testHost()), empty: tree("empty", dir({})) });
  await k.sys.bind("#dev", "/dev", MREPL);
});
afterEach(() => k.shutdown());

test("create: new, truncated, exclusive, through a mount that forbids creation", async () => {
  const { sys } = k;
  const fd = await sys.create("/tmp/f", OWRITE, 0o640);
  await sys.write(fd, bytes("long text"));
  await sys.close(fd);
  expect((await sys.stat("/tmp/f")).mode).toBe(0o640);
  await sys.close(await sys.create("/tmp/f", ORDWR, 0o666));
  expect((await sys.stat("/tmp/f")).length).toBe(0);
  expect((await sys.stat("/tmp/f")).mode).toBe(0o640);
  expect(await failure(sys.create("/tmp/f", OWRITE | OEXCL, 0o666))).toBe("file already exists");
  expect(await failure(sys.create("/tmp/no/f", OWRITE, 0o666))).toBe("file does not exist");
  expect(await failure(sys.create("/tmp/f/g", OWRITE, 0o666))).toBe("not a directory");
  expect(await failure(sys.create("/", OWRITE, 0o666))).toBe("create without DMDIR");
  // /dev/null exists, so it is opened; another name there cannot be made.
  await sys.writeFile("/dev/null", bytes("gone"));
  await sys.close(await sys.create("/dev/null", OWRITE, 0o666));
  expect(await failure(sys.create("/dev/other", OWRITE, 0o666))).toBe("mounted directory forbids creation");
  expect(await failure(sys.writeFile("/dev/other", bytes("x")))).toBe("mounted directory forbids creation");
});

test("an existing file in a directory that may not be written is truncated all the same", async () => {
  const server = ram({ now: () => 0, owner: "glenda" });
  await k.sys.mount((await remote(server)).portal, "/n/x", MREPL | 4, "");
  await k.put("/n/x/f", "old");
  await k.sys.wstat("/n/x", { mode: (DMDIR | 0o555) >>> 0 });
  await k.put("/n/x/f", "new");
  expect(await k.cat("/n/x/f")).toBe("new");
  expect(await failure(k.put("/n/x/g", "x"))).toBe("permission denied");
});

test("a created file that is itself mounted upon is the one opened", async () => {
  await k.put("/tmp/a", "a");
  await k.put("/tmp/b", "b");
  await k.sys.bind("/tmp/a", "/tmp/b", MREPL);
  await k.put("/tmp/b", "through");
  expect(await k.cat("/tmp/a")).toBe("through");
});

test("directories: made, read twice, not read as files, opened for reading only", async () => {
  const { sys } = k;
  const fd = await sys.create("/tmp/d", OREAD, (DMDIR | 0o755) >>> 0);
  expect(await sys.dirread(fd)).toEqual([]);
  await sys.mkdir("/tmp/d/e", 0o700);
  expect(await failure(sys.mkdir("/tmp/d/e", 0o700))).toBe("file already exists");
  expect(await failure(sys.openRead("/tmp/d"))).toBe("file is a directory");
  expect(await failure(sys.read(fd))).toBe("file is a directory");
  expect(await failure(sys.open("/tmp/d", OWRITE))).toBe("file is a directory");
  expect(await failure(sys.remove("/tmp/d"))).toBe("directory is not empty");
  await sys.remove("/tmp/d/e");
  await sys.remove("/tmp/d");
  expect(await failure(sys.stat("/tmp/d"))).toBe("file does not exist");
});

test("ORCLOSE removes with the last reference", async () => {
  const { sys } = k;
  const fd = await sys.create("/tmp/f", ORDWR | ORCLOSE, 0o600);
  const again = await sys.dup(fd);
  await sys.close(fd);
  expect((await sys.stat("/tmp/f")).name).toBe("f");
  await sys.close(again);
  expect(await failure(sys.stat("/tmp/f"))).toBe("file does not exist");
});

test("reads and writes at an offset leave the fd's own alone; a hole reads as zeros", async () => {
  const { sys } = k;
  const fd = await sys.create("/tmp/f", ORDWR, 0o600);
  await sys.write(fd, bytes("head"));
  await sys.write(fd, bytes("tail"), 1 << 20);
  expect(await sys.seek(fd, 0, 1)).toBe(4);
  expect(text(await sys.read(fd, 4, 1 << 20))).toBe("tail");
  expect([...await sys.read(fd, 3)]).toEqual([0, 0, 0]);
  expect(await failure(sys.seek(fd, -1, 0))).toBe("illegal offset");
  expect(await failure(sys.read(fd, 1, 2 ** 53))).toBe("illegal offset");
});

test("a read to where the caller says: at the offset, at an offset, of what came with the open, over a wire", async () => {
  const { sys } = k;
  const { portal } = await remote(ram({ now: () => 0 }));
  await sys.mount(portal, "/n/far", MCREATE, "");
  for (const path of ["/tmp/f", "/n/far/f"]) {
    await sys.writeFile(path, bytes("0123456789"));
    const page = new Uint8Array(16);
    const read = async (fd: number, into: Uint8Array, n?: number, at?: number): Promise<string> => {
      const got = await sys.read(fd, n, at, into);
      expect([got.buffer === page.buffer, got.byteOffset]).toEqual([true, into.byteOffset]);
      return text(got);
    };
    for (const open of [() => sys.open(path, OREAD), () => sys.openRead(path)]) {
      const fd = await open();
      expect([await read(fd, page.subarray(4, 7)), await read(fd, page, 2), await read(fd, page, 3, 1)]).toEqual(["012", "34", "123"]);
      expect([await read(fd, page), await read(fd, page), await read(fd, page.subarray(8, 8))]).toEqual(["56789", "", ""]);
      expect(text(page.subarray(0, 7))).toBe("5678912");
      await sys.close(fd);
    }
  }
});

test("more than a message at once, over a wire", async () => {
  await k.sys.mount((await remote(ram({ now: () => 0 }))).portal, "/n/x", MREPL | 4, "");
  const big = Uint8Array.from({ length: 5_000_000 }, (_, i) => i * 31);
  await k.sys.writeFile("/n/x/big", big);
  const fd = await k.sys.openRead("/n/x/big");
  let at = 0;
  for (;;) {
    const data = await k.sys.read(fd);
    if (data.length === 0) break;
    expect(Buffer.compare(data, big.subarray(at, at + data.length))).toBe(0);
    at += data.length;
  }
  expect(at).toBe(big.length);
});

test("a file that grows is read on after its end", async () => {
  await k.put("/tmp/log", "one\n");
  const fd = await k.sys.openRead("/tmp/log");
  expect(text(await k.sys.read(fd))).toBe("one\n");
  expect((await k.sys.read(fd)).length).toBe(0);
  const w = await k.sys.open("/tmp/log", OWRITE);
  await k.sys.seek(w, 0, 2);
  await k.sys.write(w, bytes("two\n"));
  expect(text(await k.sys.read(fd))).toBe("two\n");
});

test("rename: within a directory, across, over an existing file, of a directory below itself", async () => {
  const { sys } = k;
  await sys.mkdir("/tmp/d", 0o777);
  await k.put("/tmp/f", "f");
  await k.put("/tmp/d/g", "g");
  await sys.rename("/tmp/f", "/tmp/f2");
  await sys.rename("/tmp/f2", "/tmp/d/g");
  expect(await k.cat("/tmp/d/g")).toBe("f");
  expect(await failure(sys.rename("/tmp/d", "/tmp/d/sub"))).toBe("Invalid argument");
  expect(await failure(sys.rename("/tmp/d/g", "/n/g"))).toBe("Invalid cross-device link");
  expect(await failure(sys.rename("/tmp/none", "/tmp/x"))).toBe("file does not exist");
});

test("links: hard, symbolic, and their removal", async () => {
  const { sys } = k;
  await k.put("/tmp/f", "f");
  await sys.link("/tmp/f", "/tmp/g");
  await k.put("/tmp/g", "both");
  expect(await k.cat("/tmp/f")).toBe("both");
  await sys.symlink("f", "/tmp/s");
  await sys.remove("/tmp/s");
  expect(await k.ls("/tmp")).toEqual(["f", "g"]);
  expect(await failure(sys.readlink("/tmp/f"))).toMatch(/not a symbolic link/);
  expect(await failure(sys.link("/tmp/f", "/dev/x"))).not.toBe("no error");
});

test("wstat: mode, length, mtime, name, and what is refused", async () => {
  const { sys } = k;
  await k.put("/tmp/f", "0123456789");
  await sys.wstat("/tmp/f", { mode: 0o600, length: 4, mtime: 1000 });
  const d = await sys.stat("/tmp/f");
  expect([d.mode, d.length, d.mtime, d.uid]).toEqual([0o600, 4, 1000, "glenda"]);
  await sys.wstat("/tmp/f", { name: "g" });
  expect(await k.cat("/tmp/g")).toBe("0123");
  const fd = await sys.open("/tmp/g", ORDWR | OTRUNC);
  await sys.fwstat(fd, { mode: 0o640 });
  expect([(await sys.fstat(fd)).mode, (await sys.fstat(fd)).length]).toEqual([0o640, 0]);
  expect(await failure(sys.wstat("/tmp/none", { mode: 0 }))).toBe("file does not exist");
});

test("names: empty, with odd bytes, very long, '#' names", async () => {
  const { sys } = k;
  expect(await failure(sys.open("", OREAD))).toMatch(/^bad arg in system call/);
  await k.put("/tmp/\udc80\udcff", "bytes");
  expect(await k.ls("/tmp")).toEqual(["\udc80\udcff"]);
  expect(await failure(k.put(`/tmp/${"x".repeat(300)}`, ""))).toBe("File name too long");
  expect(await k.ls("#tmp")).toEqual(["\udc80\udcff"]);
  expect(await failure(sys.open("#nope/x", OREAD))).toBe("unknown device in # filename");
  const deep = Array.from({ length: 40 }, (_, i) => `d${i}`);
  let path = "/tmp";
  for (const d of deep) await sys.mkdir((path += `/${d}`), 0o777);
  await k.put(`${path}/f`, "deep");
  await sys.chdir(path);
  expect(await k.cat("f")).toBe("deep");
  expect(await k.cat(`${"../".repeat(39)}d1/../${deep.slice(1).join("/")}/f`)).toBe("deep");
});
