/** The part of the server suite on links, symbolic links, devices and extended attributes: what .u and .L add. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { pattern, refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function linkTests(test: Test, caps: Caps): void {
  test("link: two names of one file", ["write", "link", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("a", "one");
    await n.link("a", "d/b");
    expect((await n.stat("d/b")).qid).toEqual((await n.stat("a")).qid);
    expect((await n.getattr("a")).nlink).toBe(2);
    const f = await n.open("d/b", p.ORDWR);
    await n.write(f, 0, "two");
    expect(await n.get("a")).toBe("two");
    await n.remove("a");
    expect(await n.get("d/b")).toBe("two");
    expect((await n.getattr("d/b")).nlink).toBe(1);
  });

  test("link: not of directories, not onto an existing name, not of a file that is gone", ["write", "link", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("f");
    await n.put("g", "g");
    await refused(n.link("d", "e"), errno.EPERM);
    await refused(n.link("f", "g"), errno.EEXIST);
    await refused(n.link("f", "d"), errno.EEXIST);
    const gone = await n.walk("f");
    await n.remove("f");
    await refused(n.rpc({ type: p.Tlink, dfid: n.root, fid: gone, name: "back" }), errno.ENOENT);
    expect(await n.get("g")).toBe("g");
  });

  test("link: renaming one name onto the other leaves both", ["write", "link"], async ({ n }) => {
    await n.put("a", "same");
    await n.link("a", "b");
    await n.rename("a", "b");
    expect(await n.names("")).toEqual(["a", "b"]);
    expect((await n.getattr("a")).nlink).toBe(2);
  });

  test("symlink: made, read, told by its type, removed without its target", ["write", "symlink"], async ({ n }) => {
    await n.put("f", "target");
    await n.symlink("f", "s");
    const fid = await n.walk("s");
    expect((await n.rpc({ type: p.Treadlink, fid })).target).toBe("f");
    const a = await n.fgetattr(fid);
    expect(a.qid.type).toBe(p.QTSYMLINK);
    expect(a.mode & p.S_IFMT).toBe(p.S_IFLNK);
    expect(a.size).toBe(1);
    expect((await n.dirents("")).find((d) => d.name === "s")?.type).toBe(10);
    await refused(n.lopen("s"), errno.ELOOP);
    await refused(n.symlink("f", "f"), errno.EEXIST);
    await refused(n.at("f", (file) => n.rpc({ type: p.Treadlink, fid: file })), errno.EINVAL);
    await n.rename("s", "t");
    await n.remove("t");
    expect(await n.get("f")).toBe("target");
  });

  test("symlink: targets of any kind are kept as they are", ["write", "symlink"], async ({ n }) => {
    for (const [i, target] of ["/abs/olute", "../up", "dang ling", "ü/日本", ".", "x".repeat(1000)].entries()) {
      await n.symlink(target, `s${i}`);
      expect((await n.at(`s${i}`, (fid) => n.rpc({ type: p.Treadlink, fid }))).target).toBe(target);
    }
    await refused(n.symlink("x".repeat(5000), "long"), errno.ENAMETOOLONG);
    await refused(n.symlink("a\0b", "nul"), errno.EINVAL);
    const long = new Set(await n.names(""));
    expect(long.has("long")).toBe(false);
  });

  test("symlink: 9P2000 clients see what it leads to, inside the tree", ["write", "symlink", "subdirs"], async (c) => {
    const { n } = c;
    await n.mkdir("d");
    await n.put("d/f", "followed");
    await n.symlink("d", "dir");
    await n.symlink("/d/f", "abs");
    await n.symlink("../../../d/../d/f", "up");
    await n.symlink("nowhere", "dangling");
    await n.symlink("loop", "loop");
    const plain = await c.connect(0, "9P2000");
    expect(await plain.get("abs")).toBe("followed");
    expect(await plain.get("dir/f")).toBe("followed");
    expect((await plain.stat("dir")).mode & p.DMDIR).not.toBe(0);
    expect((await plain.stat("dir")).name).toBe("dir");
    expect(await plain.get("up")).toBe("followed");
    await refused(plain.get("dangling"), errno.ENOENT);
    await refused(plain.get("loop"), errno.ENOENT, errno.ELOOP);
    expect((await plain.names("")).length).toBe(6);
    await plain.remove("dir");
    expect(await n.get("d/f")).toBe("followed");
  });

  test("mknod: pipes, sockets and devices are names", ["write", "mknod"], async ({ n }) => {
    const mknod = (name: string, mode: number, major = 0, minor = 0): Promise<unknown> =>
      n.rpc({ type: p.Tmknod, dfid: n.root, name, mode, major, minor, gid: p.NOU32 });
    await mknod("fifo", p.S_IFIFO | 0o644);
    await mknod("sock", p.S_IFSOCK | 0o600);
    await mknod("chr", p.S_IFCHR | 0o666, 1, 3);
    await mknod("blk", p.S_IFBLK | 0o660, 8, 300);
    await mknod("file", p.S_IFREG | 0o640);
    expect((await n.getattr("fifo")).mode).toBe(p.S_IFIFO | 0o644);
    expect((await n.getattr("sock")).mode).toBe(p.S_IFSOCK | 0o600);
    expect(await n.getattr("chr")).toMatchObject({ mode: p.S_IFCHR | 0o666, rdev: 0x103 });
    expect((await n.getattr("blk")).mode).toBe(p.S_IFBLK | 0o660);
    expect((await n.getattr("file")).mode).toBe(p.S_IFREG | 0o640);
    await n.setattr("fifo", p.SETATTR_MODE, { mode: 0o600 });
    expect((await n.getattr("fifo")).mode).toBe(p.S_IFIFO | 0o600);
    await refused(mknod("chr", p.S_IFIFO), errno.EEXIST);
    await n.remove("fifo");
  });

  const user = ["write", "xattr"] as const;

  test("xattr: set, got, listed, removed", user, async ({ n }) => {
    await n.put("f");
    await n.mkdir("d");
    for (const path of ["f", "d"]) {
      expect(await n.xattrGet(path, "")).toHaveLength(0);
      await refused(n.xattrGet(path, "user.a"), errno.ENODATA);
      await n.xattrSet(path, "user.a", "value");
      await n.xattrSet(path, "user.empty", "");
      expect(Buffer.from(await n.xattrGet(path, "user.a")).toString()).toBe("value");
      expect(await n.xattrGet(path, "user.empty")).toHaveLength(0);
      expect(Buffer.from(await n.xattrGet(path, "")).toString()).toBe("user.a\0user.empty\0");
      await n.xattrSet(path, "user.a", "", p.XATTR_REPLACE);
      await refused(n.xattrGet(path, "user.a"), errno.ENODATA);
    }
  });

  test("xattr: XATTR_CREATE and XATTR_REPLACE, and sizes up to 64 KiB", user, async ({ n }) => {
    await n.put("f");
    await refused(n.xattrSet("f", "user.a", "x", p.XATTR_REPLACE), errno.ENODATA);
    await n.xattrSet("f", "user.a", "x", p.XATTR_CREATE);
    await refused(n.xattrSet("f", "user.a", "y", p.XATTR_CREATE), errno.EEXIST);
    const big = pattern(65536);
    await n.xattrSet("f", "user.a", big, p.XATTR_REPLACE);
    expect(Buffer.from(await n.xattrGet("f", "user.a")).equals(Buffer.from(big))).toBe(true);
    await refused(n.xattrSet("f", "user.b", new Uint8Array(65537)), errno.ERANGE, errno.E2BIG, errno.ENOSPC);
    await refused(n.xattrSet("f", `user.${"n".repeat(300)}`, "x"), errno.ERANGE, errno.ENAMETOOLONG);
    await refused(n.xattrSet("f", "system.posix_acl_access", "x"), errno.EOPNOTSUPP);
    expect(Buffer.from(await n.xattrGet("f", "")).toString()).toBe("user.a\0");
  });

  test("xattr: nothing is set when not all of it was written", user, async ({ n }) => {
    await n.put("f");
    const fid = await n.walk("f");
    await n.rpc({ type: p.Txattrcreate, fid, name: "user.a", attr_size: 10, flags: 0 });
    await n.write(fid, 0, "12345");
    await refused(n.clunk(fid), errno.EINVAL, errno.EIO);
    await refused(n.fstat(fid), errno.EBADF);
    await refused(n.xattrGet("f", "user.a"), errno.ENODATA);
  });

  if (caps.xattr === false) {
    test("xattr: not supported is said so", ["write"], async ({ n }) => {
      await n.put("f");
      await refused(n.xattrGet("f", "user.a"), errno.EOPNOTSUPP);
    });
  }
}
