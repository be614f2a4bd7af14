/** The part of the server suite on remove, clunk and files without a name: remove(5), clunk(5), design/9p.md 30. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function removeTests(test: Test, _caps: Caps): void {
  test("remove: files and empty directories", ["write", "subdirs"], async ({ n }) => {
    await n.put("f");
    await n.mkdir("d");
    await n.put("d/g");
    await n.remove("f");
    await refused(n.stat("f"), errno.ENOENT);
    await n.remove("d/g");
    await n.remove("d");
    expect(await n.names("")).toEqual([]);
  });

  test("remove: the fid is free even when it fails", ["write", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("d/f");
    const d = await n.walk("d");
    await refused(n.rpc({ type: p.Tremove, fid: d }), errno.ENOTEMPTY);
    await refused(n.fstat(d), errno.EBADF);
    expect(await n.names("d")).toEqual(["f"]);
  });

  test("remove: the root stays", [], async ({ n }) => {
    const root = await n.walk("");
    await refused(n.rpc({ type: p.Tremove, fid: root }), errno.EPERM, errno.EACCES, errno.EBUSY, errno.EINVAL);
    await refused(n.fstat(root), errno.EBADF);
    expect((await n.fstat(n.root)).name).toBe("/");
  });

  test("remove: not another file that has the name by now", ["write"], async ({ n }) => {
    await n.put("f", "old");
    const old = await n.walk("f");
    await n.remove("f");
    await n.put("f", "new");
    await refused(n.rpc({ type: p.Tremove, fid: old }), errno.ENOENT);
    expect(await n.get("f")).toBe("new");
    const twice = await n.walk("f");
    await n.remove("f");
    await refused(n.rpc({ type: p.Tremove, fid: twice }), errno.ENOENT);
  });

  test("unlinkat: directories with AT_REMOVEDIR, others without", ["write", "subdirs"], async ({ n }) => {
    await n.put("f");
    await n.mkdir("d");
    await n.put("d/g");
    await refused(n.unlink("f", p.AT_REMOVEDIR), errno.ENOTDIR);
    await refused(n.unlink("d"), errno.EISDIR, errno.EPERM);
    await refused(n.unlink("d", p.AT_REMOVEDIR), errno.ENOTEMPTY);
    await refused(n.unlink("missing"), errno.ENOENT);
    await refused(n.unlink("."), errno.EINVAL);
    await n.unlink("f");
    await n.unlink("d/g");
    await n.unlink("d", p.AT_REMOVEDIR);
    expect(await n.names("")).toEqual([]);
  });

  test("an open file without a name can be read, written, truncated and asked about", ["write", "orphans"], async (c) => {
    const { n } = c;
    const m = await c.connect();
    await n.put("f", "still here");
    const f = await n.open("f", p.ORDWR);
    const other = await m.open("f");
    const { qid } = await n.fstat(f);
    await n.remove("f");
    await n.put("f", "another");
    expect(await n.readText(f)).toBe("still here");
    await n.write(f, 0, "STILL");
    expect(await m.readText(other)).toBe("STILL here");
    await n.clunk(f);
    expect(await m.readText(other)).toBe("STILL here");
    const a = await m.fgetattr(other);
    expect([a.size, a.nlink, a.qid.pathlo]).toEqual([10, 0, qid.pathlo]);
    expect(await n.get("f")).toBe("another");
    await m.clunk(other);
  });

  test("an open file without a name can be cut and grown", ["write", "orphans"], async ({ n }) => {
    const f = await n.create("f");
    await n.write(f, 0, "0123456789");
    await n.unlink("f");
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 4 });
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 6 });
    expect(await n.readText(f)).toBe("0123\0\0");
    expect((await n.fgetattr(f)).nlink).toBe(0);
    const copy = n.fid();
    await n.qids(f, copy, []);
    expect((await n.fgetattr(copy)).size).toBe(6);
  });

  test("a removed directory is empty and takes nothing", ["write", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    const d = await n.walk("d");
    const reader = await n.open("d");
    await n.remove("d");
    await refused(n.rpc({ type: p.Tmkdir, dfid: d, name: "x", mode: 0o777, gid: p.NOU32 }), errno.ENOENT);
    expect((await n.dirread(reader, 0)).dirs).toEqual([]);
    await n.mkdir("d");
    await refused(n.rpc({ type: p.Tmkdir, dfid: d, name: "x", mode: 0o777, gid: p.NOU32 }), errno.ENOENT);
    expect(await n.names("d")).toEqual([]);
  });

  test("clunk: the fid is free, a second time is an error, the root's fid is like others", ["write"], async ({ n }) => {
    const f = await n.create("f");
    await n.clunk(f);
    await refused(n.clunk(f), errno.EBADF);
    await n.clunk(n.root);
    await refused(n.walk("f"), errno.EBADF);
  });
}
