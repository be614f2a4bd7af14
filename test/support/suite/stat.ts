/** The part of the server suite on attributes: stat(5), Tgetattr, Tsetattr, design/9p.md 26 to 29, 32, 33. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function statTests(test: Test, caps: Caps): void {
  test("stat: what is there to know of a file and a directory", ["write", "subdirs"], async ({ n }) => {
    await n.put("f", "12345");
    await n.mkdir("d");
    const f = await n.stat("f");
    expect(f).toMatchObject({ name: "f", length: 5 });
    expect(f.qid.type).toBe(p.QTFILE);
    expect(f.mode >>> 24).toBe(f.qid.type);
    expect(f.uid).not.toBe("");
    expect(f.gid).not.toBe("");
    const d = await n.stat("d");
    expect(d).toMatchObject({ name: "d", length: 0 });
    expect(d.mode >>> 24).toBe(p.QTDIR);
    expect(d.qid.type).toBe(p.QTDIR);
  });

  test("getattr agrees with stat", ["write", "subdirs"], async ({ n }) => {
    await n.put("f", "12345");
    await n.mkdir("d");
    for (const path of ["f", "d"]) {
      const s = await n.stat(path);
      const a = await n.getattr(path);
      expect(a.valid & p.GETATTR_BASIC).toBe(p.GETATTR_BASIC);
      expect(a.qid).toEqual(s.qid);
      expect(a.mode & 0o777).toBe(s.mode & 0o777);
      expect(a.mode & p.S_IFMT).toBe(path === "d" ? p.S_IFDIR : p.S_IFREG);
      expect([a.mtime_sec, a.atime_sec]).toEqual([s.mtime, s.atime]);
      if (path === "f") expect([a.size, a.nlink]).toEqual([5, 1]);
      else expect(a.nlink).toBeGreaterThan(0);
    }
  });

  test("create: permissions are masked by the directory's in 9P2000, kept in .L", ["write", "mode", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.wstat("d", { mode: (p.DMDIR | 0o750) >>> 0 });
    await n.put("d/f", "", 0o666);
    await n.put("d/x", "", 0o777);
    await n.mkdir("d/e", 0o777);
    expect((await n.stat("d/f")).mode & 0o777).toBe(0o640);
    expect((await n.stat("d/x")).mode & 0o777).toBe(0o751);
    expect((await n.stat("d/e")).mode & 0o777).toBe(0o750);
    await n.at("d", (dfid) => n.rpc({ type: p.Tmkdir, dfid, name: "l", mode: 0o775, gid: p.NOU32 }));
    expect((await n.getattr("d/l")).mode & 0o7777).toBe(0o775);
  });

  test("wstat: nothing touched is success, and changes nothing", ["write"], async ({ n }) => {
    await n.put("f", "x");
    const before = await n.stat("f");
    await n.wstat("f", {});
    expect(await n.stat("f")).toEqual(before);
    await n.at("f", (fid) => n.rpc({ type: p.Tfsync, fid, datasync: 0 }));
  });

  test("wstat: the name; the fid and others of the file follow", ["write", "rename"], async ({ n }) => {
    await n.put("a", "content");
    const f = await n.walk("a");
    const g = await n.open("a");
    await n.fwstat(f, { name: "b" });
    expect(await n.names("")).toEqual(["b"]);
    expect((await n.fstat(f)).name).toBe("b");
    expect((await n.fstat(g)).name).toBe("b");
    await n.fwstat(f, { name: "b" });
    expect(await n.get("b")).toBe("content");
    for (const name of ["x/y", ".", ".."]) await refused(n.fwstat(f, { name }), errno.EINVAL);
    await refused(n.wstat("", { name: "root" }), errno.EACCES, errno.EPERM, errno.EBUSY);
  });

  test("wstat: an existing name is an error in 9P2000, replaced in .L", ["write", "rename", "norepl"], async (c) => {
    const { n } = c;
    const plain = await c.connect(0, "9P2000");
    await n.put("a", "a");
    await n.put("b", "b");
    await refused(plain.wstat("a", { name: "b" }), errno.EEXIST);
    expect([await n.get("a"), await n.get("b")]).toEqual(["a", "b"]);
    await n.wstat("a", { name: "b" });
    expect(await n.names("")).toEqual(["b"]);
    expect(await n.get("b")).toBe("a");
  });

  test("wstat: permissions, of a file and of a directory", ["write", "mode", "subdirs"], async ({ n }) => {
    await n.put("f");
    await n.mkdir("d");
    await n.wstat("f", { mode: 0o751 });
    await n.wstat("d", { mode: (p.DMDIR | 0o711) >>> 0 });
    expect((await n.stat("f")).mode & 0o777).toBe(0o751);
    expect((await n.stat("d")).mode >>> 0).toBe((p.DMDIR | 0o711) >>> 0);
    await n.setattr("f", p.SETATTR_MODE, { mode: 0o640 });
    expect((await n.getattr("f")).mode).toBe(p.S_IFREG | 0o640);
    await n.setattr("d", p.SETATTR_MODE, { mode: 0o1777 });
    expect((await n.getattr("d")).mode).toBe(p.S_IFDIR | 0o1777);
  });

  test("wstat: what cannot change is refused", ["write", "subdirs"], async (c) => {
    const { n } = c;
    await n.put("f", "x");
    await n.mkdir("d");
    await refused(n.wstat("f", { mode: (p.DMDIR | 0o777) >>> 0 }), errno.EPERM, errno.EACCES);
    await refused(n.wstat("d", { mode: 0o777 }), errno.EPERM, errno.EACCES);
    await refused(n.wstat("d", { length: 5 }), errno.EISDIR, errno.EINVAL, errno.EACCES);
    await refused(n.setattr("d", p.SETATTR_SIZE, { size: 5 }), errno.EISDIR);
    const plain = await c.connect(0, "9P2000");
    await refused(plain.wstat("f", { uid: "somebody" }), errno.EPERM, errno.EACCES);
  });

  test("wstat: all or nothing", ["write", "allOrNothing", "subdirs"], async ({ n }) => {
    await n.put("f", "12345");
    await n.mkdir("d");
    await n.put("d/full");
    await n.mkdir("e");
    const before = await n.stat("f");
    await refused(n.wstat("f", { name: "g", length: 2, mode: (p.DMDIR | 0o700) >>> 0 }), errno.EPERM, errno.EACCES);
    await refused(n.wstat("f", { length: 2, mode: 0o700, name: "d" }), errno.EISDIR, errno.EEXIST);
    expect(await n.stat("f")).toEqual(before);
    const e = await n.stat("e");
    await refused(n.wstat("e", { mode: (p.DMDIR | 0o700) >>> 0, name: "d" }), errno.ENOTEMPTY, errno.EEXIST);
    expect(await n.stat("e")).toEqual(e);
    expect(await n.names("")).toEqual(["d", "e", "f"]);
    expect(await n.get("f")).toBe("12345");
  });

  test("wstat: several things at once", ["write", "mode", "times"], async ({ n }) => {
    await n.put("f", "12345");
    await n.wstat("f", { name: "g", length: 2, mode: 0o600, mtime: 1_000_000 });
    expect(await n.stat("g")).toMatchObject({ name: "g", length: 2, mtime: 1_000_000 });
    expect((await n.stat("g")).mode & 0o777).toBe(0o600);
    expect(await n.get("g")).toBe("12");
  });

  test("setattr: times to the server's own grain, set to a value or to now", ["write", "times"], async ({ n }) => {
    await n.put("f", "x");
    const grain = caps.times ?? 1;
    const nsec = Math.floor(123_456_789 / grain) * grain;
    const set = p.SETATTR_ATIME | p.SETATTR_MTIME | p.SETATTR_ATIME_SET | p.SETATTR_MTIME_SET;
    const times = { atime_sec: 1_234_567_890, atime_nsec: nsec, mtime_sec: 1_000_000_001, mtime_nsec: nsec };
    await n.setattr("f", set, times);
    expect(await n.getattr("f")).toMatchObject(times);
    expect((await n.stat("f")).mtime).toBe(1_000_000_001);
    const ctime = (await n.getattr("f")).ctime_sec;
    await n.setattr("f", p.SETATTR_MTIME);
    const after = await n.getattr("f");
    expect(after.mtime_sec).toBeGreaterThanOrEqual(ctime - 1);
    expect(after.atime_sec).toBe(1_234_567_890);
    await n.setattr("f", 0);
  });

  test("times: writing moves mtime, of the file and of the directory of a new name", ["write", "times", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("d/f", "x");
    const old = { mtime: 1000 };
    await n.wstat("d/f", old);
    await n.wstat("d", old);
    const f = await n.open("d/f", p.OWRITE);
    await n.write(f, 0, "y");
    expect((await n.stat("d/f")).mtime).toBeGreaterThan(1000);
    expect((await n.stat("d")).mtime).toBe(1000);
    await n.put("d/g");
    expect((await n.stat("d")).mtime).toBeGreaterThan(1000);
    await n.wstat("d", old);
    await n.remove("d/g");
    expect((await n.stat("d")).mtime).toBeGreaterThan(1000);
  });

  test("qids: a path is never used again", ["write", "subdirs"], async ({ n }) => {
    const seen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const fid = i % 2 === 0 ? await n.create("same") : await n.create("same", (p.DMDIR | 0o777) >>> 0, p.OREAD);
      const { qid } = await n.fstat(fid);
      seen.add(`${qid.pathhi}.${qid.pathlo}`);
      await n.rpc({ type: p.Tremove, fid });
    }
    expect(seen.size).toBe(60);
  });

  test("qids: the version differs after each change and not after reading", ["write", "vers"], async ({ n }) => {
    const f = await n.create("f");
    const vers = async (): Promise<number> => (await n.fstat(f)).qid.vers;
    const seen = [await vers()];
    for (const change of [
      () => n.write(f, 0, "a"), () => n.write(f, 0, "a"), () => n.write(f, 1, "b"), () => n.fsetattr(f, p.SETATTR_SIZE, { size: 1 }),
    ]) {
      await change();
      seen.push(await vers());
    }
    await n.readText(f);
    expect(await vers()).toBe(seen.at(-1));
    expect(new Set(seen).size).toBe(seen.length);
    const root = (await n.stat("")).qid.vers;
    await n.put("g");
    expect((await n.stat("")).qid.vers).not.toBe(root);
  });

  test("statfs answers", [], async ({ n }) => {
    const s = await n.rpc({ type: p.Tstatfs, fid: n.root });
    expect(s.namelen).toBeGreaterThanOrEqual(255);
    expect(s.bsize).toBeGreaterThan(0);
    expect(s.bfree).toBeLessThanOrEqual(s.blocks);
  });
}
