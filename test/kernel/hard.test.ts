/** Cases that are easily got wrong: links that are written through, names from dot, ended processes, unions with a dead element. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAFTER, MCREATE, MREPL } from "../../kernel/index.ts";
import { dial, dir, NineError, open, OREAD, OWRITE, pair, serve, Tattach } from "../../proto/index.ts";
import { ram, tree } from "../../servers/index.ts";
import { bytes, failure, remote, testKernel, type TestKernel, text } from "../support/kernel.ts";

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel();
  // The pipe server's Mnt stays once it was used.
  for (const fd of await k.sys.pipe()) await k.sys.close(fd);
});
afterEach(() => k.shutdown());
const now = (): number => 0;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

test("a file is written through a symbolic link, and not where the link leads nowhere", async () => {
  await k.put("/tmp/f", "old");
  await k.sys.symlink("f", "/tmp/l");
  await k.put("/tmp/l", "new");
  expect(await k.cat("/tmp/f")).toBe("new");
  await k.sys.close(await k.sys.create("/tmp/l", OWRITE, 0o666));
  expect(await k.cat("/tmp/f")).toBe("");
  await k.sys.symlink("none", "/tmp/d");
  expect(await failure(k.put("/tmp/d", "x"))).toBe("file does not exist");
  expect(await failure(k.sys.create("/tmp/d", OWRITE, 0o666))).toBe("file does not exist");
});

test("a relative name starts at the current directory, whatever is mounted over its path since", async () => {
  await k.sys.mkdir("/tmp/c", 0o777);
  await k.sys.mkdir("/tmp/c/d", 0o777);
  await k.sys.chdir("/tmp/c/d");
  await k.put("f", "old");
  await k.sys.mount((await remote(ram({ now }))).portal, "/tmp/c", MREPL | MCREATE, "");
  await k.sys.mkdir("/tmp/c/d", 0o777);
  expect(await k.cat("f")).toBe("old");
  await k.put("f", "new");
  expect(await k.cat("f")).toBe("new");
  await k.sys.mkdir("x", 0o777);
  await k.sys.rename("f", "x/g");
  await k.sys.symlink("x/g", "s");
  expect((await k.ls(".")).toSorted()).toEqual(["s", "x"]);
  expect(await k.cat("s")).toBe("new");
  expect(await k.ls("/tmp/c/d")).toEqual([]);
  await k.put("./#hash", "a name like a server's");
  expect(await k.cat("./#hash")).toBe("a name like a server's");
});

test("what an ended process was waiting for is let go: pipes break, late opens are closed", async () => {
  const before = k.stats();
  const [r, w] = await k.sys.pipe();
  const pid = await k.sys.spawn({
    argv: ["p"], fds: new Map([[0, r]]), main: async (sys) => {
      void sys.read(0).catch(() => undefined);
      void sys.open("/tmp", OREAD).catch(() => undefined);
    },
  });
  await k.sys.wait(pid);
  await k.sys.close(r);
  await turn();
  expect(await failure(k.sys.write(w, bytes("x")))).toBe("Broken pipe");
  await k.sys.close(w);
  await turn();
  expect(k.stats()).toEqual(before);
});

test("rename in a union: where the file is, and into the element that permits creation", async () => {
  for (const d of ["one", "two", "out"]) await k.sys.mkdir(`/tmp/${d}`, 0o777);
  await k.put("/tmp/two/f", "f");
  await k.sys.bind("/tmp/one", "/a", MREPL);
  await k.sys.bind("/tmp/two", "/a", MAFTER | MCREATE);
  await k.sys.rename("/a/f", "/a/g");
  expect(await k.ls("/tmp/two")).toEqual(["g"]);
  await k.sys.rename("/a/g", "/tmp/out/h");
  expect(await k.ls("/tmp/out")).toEqual(["h"]);
  await k.sys.rename("/tmp/out/h", "/a/i");
  expect([await k.ls("/tmp/one"), await k.ls("/tmp/two")]).toEqual([[], ["i"]]);
});

test("an element of a union that died is passed over", async () => {
  const dead = await remote(ram({ now }));
  await k.sys.mount(dead.portal, "/n/dead", MREPL, "");
  await k.sys.mkdir("/tmp/live", 0o777);
  await k.put("/tmp/live/f", "alive");
  await k.sys.bind("/tmp/live", "/a", MREPL);
  await k.sys.bind("/n/dead", "/a", MAFTER);
  await k.sys.bind("/tmp/live", "/a", MAFTER);
  dead.portal.hangup();
  expect(await k.ls("/a")).toEqual(["f", "f"]);
  const fd = await k.sys.open("/a", OREAD);
  const names: string[] = [];
  for (;;) {
    const dirs = await k.sys.dirread(fd);
    if (dirs.length === 0) break;
    names.push(...dirs.map((d) => d.name));
  }
  expect(names).toEqual(["f", "f"]);
  expect(await k.cat("/a/f")).toBe("alive");
  expect(await failure(k.ls("/n/dead"))).toMatch(/hungup channel/);
});

test("a seek waits for the read under way", async () => {
  await k.put("/tmp/f", "0123456789");
  const fd = await k.sys.open("/tmp/f", OREAD);
  await Promise.all([k.sys.read(fd, 2), k.sys.seek(fd, 5, 0)]);
  expect(text(await k.sys.read(fd, 2))).toBe("56");
});

test("a spawn with an fd that is not open, and a note handler that throws, harm nobody else", async () => {
  const before = k.stats();
  const [r, w] = await k.sys.pipe();
  expect(await failure(k.sys.spawn({ argv: ["x"], fds: new Map([[0, r], [1, 77]]), main: async () => "" }))).toBe("fd out of range or not open");
  await k.sys.close(r);
  await k.sys.close(w);
  expect(k.stats()).toEqual(before);
  const pid = await k.sys.spawn({
    argv: ["h"], noteGroup: "new", main: async (sys) => {
      sys.notify(() => {
        throw new TypeError("bad handler");
      });
      await sys.sleep(1e9);
    },
  });
  await turn();
  k.sys.postNote(pid, "interrupt");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "interrupt" });
  expect(k.log.join()).toContain("bad handler");
});

test("a server that throws what is no error of 9P is told from one that fails", async () => {
  const odd = tree("odd", dir({ f: { mode: 0o444, open: () => Promise.reject(new NineError("own words")) } }));
  await k.sys.mount((await remote(odd)).portal, "/n/odd", MREPL, "");
  expect(await failure(k.cat("/n/odd/f"))).toBe("own words");
});

test("a server that answers nothing, not even a Tflush, is left at the second note", async () => {
  const [a, b] = pair();
  const asked: string[] = [];
  serve(b, (s) => {
    const inner = open(ram({ now }), s);
    return {
      dialect: inner.dialect, msize: inner.msize, ordered: true,
      call: (t) => (t.type === Tattach ? inner.call(t) : new Promise(() => asked.push("call"))),
      flush: () => void asked.push("flush"), hangup: () => inner.hangup(),
    };
  });
  await k.sys.mount(await dial(a), "/n/hung", MREPL, "");
  const pid = await k.sys.spawn({ argv: ["cat"], noteGroup: "new", main: async (sys) => void (await sys.openRead("/n/hung/f")) });
  await turn();
  k.sys.postNote(pid, "interrupt");
  await turn();
  expect([...new Set(asked)]).toEqual(["call", "flush"]);
  expect(k.stats().procs).toBe(2);
  k.sys.postNote(pid, "interrupt");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "interrupt" });
});
