/** env(3), and devenv.c where the page is silent. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import { DMDIR, OAPPEND, ORDWR, OREAD, OTRUNC, OWRITE } from "../../proto/index.ts";
import { env } from "../../servers/index.ts";
import { deviceUsers, madeDevice } from "../support/device.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("env", () => madeDevice(env), {
  users: deviceUsers, versioned: true, subdirs: false, rename: false, orphans: false, symlink: false, link: false, mknod: false, xattr: false,
  perms: false, exclusive: false, append: false, mode: false, times: 0, sparse: false, bytes: false,
});

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel({}, { env });
  await k.sys.bind("#e", "/a", MREPL | MCREATE);
});
afterEach(() => k.shutdown());

async function child(main: (sys: Sys) => Promise<string | void>, options: object = {}): Promise<string> {
  return (await k.sys.wait(await k.sys.spawn({ argv: ["child"], main, ...options }))).status;
}

test("a variable is a file: read, written, made, removed, cut; each element of a list ends with a NUL", async () => {
  k.sys.setenv("one", ["word"]);
  k.sys.setenv("list", ["a", "b c", ""]);
  k.sys.setenv("none", []);
  k.sys.setenv("empty", [""]);
  expect(await k.ls("/a")).toEqual(["one", "list", "none", "empty"]);
  expect(await k.cat("/a/one")).toBe("word");
  expect(await k.cat("/a/list")).toBe("a\0b c\0\0");
  expect(await k.cat("/a/none")).toBe("");
  expect(await k.cat("/a/empty")).toBe("\0");
  expect((await k.sys.stat("/a/list")).length).toBe(7);
  await k.put("/a/new", "x\0y\0");
  expect(k.sys.getenv("new")).toEqual(["x", "y"]);
  await k.put("/a/one", "other");
  expect(k.sys.getenv("one")).toEqual(["other"]);
  const fd = await k.sys.open("/a/one", OWRITE);
  await k.sys.write(fd, bytes("!!"), 3);
  expect(k.sys.getenv("one")).toEqual(["oth!!"]);
  await k.sys.close(fd);
  await k.sys.close(await k.sys.open("/a/one", OWRITE | OTRUNC));
  expect(k.sys.getenv("one")).toEqual([]);
  await k.sys.remove("/a/list");
  expect(k.sys.getenv("list")).toBeUndefined();
  expect(await failure(k.sys.stat("/a/list"))).toBe("file does not exist");
});

test("modes and owner as devenv has them; nothing else can be changed, and there are no directories", async () => {
  k.sys.setenv("v", ["x"]);
  expect(await k.sys.stat("/a")).toMatchObject({ mode: (DMDIR | 0o775) >>> 0, uid: "glenda" });
  expect(await k.sys.stat("/a/v")).toMatchObject({ mode: 0o666, uid: "glenda" });
  expect(await failure(k.sys.wstat("/a/v", { mode: 0o600 }))).toBe("permission denied");
  expect(await failure(k.sys.wstat("/a/v", { name: "w" }))).not.toBe("no error");
  expect(await failure(k.sys.mkdir("/a/d", 0o777))).toMatch(/^permission denied/);
  expect(await failure(k.sys.open("/a/v", ORDWR | OAPPEND))).toBe("no error");
});

test("qids: a variable made anew is another file, and what was open of the old one is gone; versions follow changes", async () => {
  k.sys.setenv("v", ["1"]);
  const first = (await k.sys.stat("/a/v")).qid;
  const dir = (await k.sys.stat("/a")).qid;
  const fd = await k.sys.open("/a/v", OREAD);
  k.sys.setenv("v", ["2"]);
  const second = (await k.sys.stat("/a/v")).qid;
  expect(second.pathlo).toBe(first.pathlo);
  expect(second.vers).not.toBe(first.vers);
  expect(text(await k.sys.read(fd, 10, 0))).toBe("2");
  k.sys.setenv("v", undefined);
  k.sys.setenv("v", ["3"]);
  expect((await k.sys.stat("/a/v")).qid.pathlo).not.toBe(first.pathlo);
  expect((await k.sys.stat("/a")).qid).toMatchObject({ pathlo: dir.pathlo });
  expect((await k.sys.stat("/a")).qid.vers).not.toBe(dir.vers);
  expect(await failure(k.sys.read(fd, 10, 0))).toBe("file does not exist");
});

test("each process sees its group's: shared, copied, clean; what is open stays with its group across rfork", async () => {
  k.sys.setenv("v", ["ours"]);
  expect(await child(async (sys) => {
    await sys.writeFile("/a/v", bytes("child's"));
    return k.cat("/a/v", sys);
  }, { env: "share" })).toBe("child's");
  expect(await k.cat("/a/v")).toBe("child's");
  await child(async (sys) => {
    await sys.writeFile("/a/v", bytes("copy"));
    await sys.writeFile("/a/w", bytes("more"));
  }, { env: "copy" });
  expect(await k.cat("/a/v")).toBe("child's");
  expect(await k.ls("/a")).toEqual(["v"]);
  expect(await child(async (sys) => {
    await sys.chdir("/a");
    const fd = await sys.open("v", OREAD);
    sys.rfork({ env: "clean" });
    const seen = await k.ls(".", sys);
    await sys.writeFile("mine", bytes("x"));
    return [...seen, text(await sys.read(fd)), ...await k.ls("/a", sys)].join();
  }, { env: "copy" })).toBe("child's,mine");
  expect(await k.ls("/a")).toEqual(["v"]);
});

test("a value is bounded, and what would not fit changes nothing", async () => {
  k.sys.setenv("v", ["kept"]);
  const fd = await k.sys.open("/a/v", OWRITE);
  expect(await failure(k.sys.write(fd, bytes("x"), 2 ** 50))).toBe("illegal offset");
  expect(await failure(k.sys.wstat("/a/v", { length: 17 << 20 }))).toMatch(/^file system is full/);
  expect(k.sys.getenv("v")).toEqual(["kept"]);
});
