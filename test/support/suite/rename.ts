/** The part of the server suite on Trename and Trenameat: every case of rename(2). */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function renameTests(test: Test, _caps: Caps): void {
  test("rename: within a directory and across, by name and by fid", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("a", "content");
    const { qid } = await n.stat("a");
    await n.rename("a", "b");
    await n.rename("b", "d/c");
    expect(await n.names("")).toEqual(["d"]);
    expect(await n.get("d/c")).toBe("content");
    expect((await n.stat("d/c")).qid.pathlo).toBe(qid.pathlo);
    const f = await n.walk("d/c");
    await n.rpc({ type: p.Trename, fid: f, dfid: n.root, name: "e" });
    expect((await n.fstat(f)).name).toBe("e");
    expect(await n.get("e")).toBe("content");
    expect(await n.names("d")).toEqual([]);
  });

  test("rename: errors leave everything as it was", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("f", "f");
    await refused(n.rename("missing", "x"), errno.ENOENT);
    await refused(n.rename("f", "x".repeat(256)), errno.ENAMETOOLONG);
    for (const name of ["", ".", "..", "a/b"]) {
      await refused(n.rpc({ type: p.Trenameat, olddirfid: n.root, oldname: "f", newdirfid: n.root, newname: name }), errno.EINVAL);
      await refused(n.rpc({ type: p.Trenameat, olddirfid: n.root, oldname: name, newdirfid: n.root, newname: "x" }), errno.EINVAL, errno.ENOENT);
    }
    await n.at("f", (fid) => refused(n.rpc({ type: p.Trenameat, olddirfid: n.root, oldname: "d", newdirfid: fid, newname: "x" }), errno.ENOTDIR));
    expect(await n.names("")).toEqual(["d", "f"]);
    expect(await n.get("f")).toBe("f");
  });

  test("rename: onto itself is nothing", ["write", "rename"], async ({ n }) => {
    await n.put("f", "f");
    await n.rename("f", "f");
    expect(await n.get("f")).toBe("f");
  });

  test("rename: a file onto a file replaces it; who has it open keeps it", ["write", "rename"], async ({ n }) => {
    await n.put("a", "new");
    await n.put("b", "old");
    const old = await n.open("b", p.ORDWR);
    await n.rename("a", "b");
    expect(await n.names("")).toEqual(["b"]);
    expect(await n.get("b")).toBe("new");
    expect(await n.readText(old)).toBe("old");
    expect((await n.fgetattr(old)).nlink).toBe(0);
    await n.write(old, 0, "OLD");
    expect(await n.get("b")).toBe("new");
  });

  test("rename: a directory onto an empty directory replaces it", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("a");
    await n.put("a/f", "inside");
    await n.mkdir("b");
    const old = await n.walk("b");
    await n.rename("a", "b");
    expect(await n.names("")).toEqual(["b"]);
    expect(await n.get("b/f")).toBe("inside");
    await refused(n.rpc({ type: p.Tmkdir, dfid: old, name: "x", mode: 0o777, gid: p.NOU32 }), errno.ENOENT);
  });

  test("rename: not onto what is full or of another kind", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("a");
    await n.mkdir("full");
    await n.put("full/x");
    await n.put("f", "f");
    await refused(n.rename("a", "full"), errno.ENOTEMPTY, errno.EEXIST);
    await refused(n.rename("a", "f"), errno.ENOTDIR);
    await refused(n.rename("f", "a"), errno.EISDIR);
    await refused(n.rename("full/x", "full"), errno.EISDIR, errno.ENOTEMPTY, errno.EINVAL);
    expect(await n.names("")).toEqual(["a", "f", "full"]);
    expect(await n.names("full")).toEqual(["x"]);
  });

  test("rename: a directory never goes below itself", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("a");
    await n.mkdir("a/b");
    await n.mkdir("a/b/c");
    await refused(n.rename("a", "a/x"), errno.EINVAL);
    await refused(n.rename("a", "a/b/c/x"), errno.EINVAL);
    await refused(n.rename("a", "a/b"), errno.EINVAL, errno.ENOTEMPTY);
    const inner = await n.walk("a/b/c");
    await n.rename("a/b", "b");
    await n.at("a", (fid) => n.rpc({ type: p.Trename, fid, dfid: inner, name: "a" }));
    expect(await n.names("b/c")).toEqual(["a"]);
    const a = await n.walk("b/c/a");
    await n.at("b", (fid) => refused(n.rpc({ type: p.Trename, fid, dfid: a, name: "b" }), errno.EINVAL));
    expect(await n.names("")).toEqual(["b"]);
  });

  test("rename: fids below a directory that moved go on, and .. leads to its new place", ["write", "rename", "subdirs"], async ({ n }) => {
    await n.mkdir("a");
    await n.mkdir("a/sub");
    await n.put("a/sub/f", "deep");
    await n.mkdir("to");
    const sub = await n.walk("a/sub");
    const f = await n.open("a/sub/f", p.ORDWR);
    await n.rename("a", "to/b");
    expect(await n.readText(f)).toBe("deep");
    const there = await n.walk("f", sub);
    expect((await n.fstat(there)).length).toBe(4);
    const up = await n.qids(sub, n.fid(), ["..", ".."]);
    expect(up.map((q) => q.pathlo)).toEqual([(await n.stat("to/b")).qid.pathlo, (await n.stat("to")).qid.pathlo]);
    await n.create("to/b/sub/g").then((fid) => n.clunk(fid));
    const g = await n.walk("g", sub);
    await n.rpc({ type: p.Tremove, fid: g });
    expect(await n.names("to/b/sub")).toEqual(["f"]);
  });

  test("rename: nlink of directories counts their subdirectories", ["write", "rename", "link", "subdirs"], async ({ n }) => {
    const links = async (path: string): Promise<number> => (await n.getattr(path)).nlink;
    await n.mkdir("a");
    await n.mkdir("b");
    const base = await links("a");
    await n.mkdir("a/x");
    expect([await links("a"), await links("b")]).toEqual([base + 1, base]);
    await n.rename("a/x", "b/x");
    expect([await links("a"), await links("b")]).toEqual([base, base + 1]);
    await n.mkdir("a/x");
    await n.rename("a/x", "b/x");
    expect([await links("a"), await links("b")]).toEqual([base, base + 1]);
    await n.unlink("b/x", p.AT_REMOVEDIR);
    expect(await links("b")).toBe(base);
  });
}
