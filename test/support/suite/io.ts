/** The part of the server suite on create, open, read and write: open(5), read(5), design/9p.md 18 to 24. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { pattern, refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function ioTests(test: Test, _caps: Caps): void {
  test("create: the fid becomes the new file, open", ["write"], async ({ n }) => {
    const f = await n.create("f", 0o644);
    expect(await n.fstat(f)).toMatchObject({ name: "f", length: 0 });
    await n.write(f, 0, "hello");
    expect(await n.readText(f)).toBe("hello");
    await refused(n.rpc({ type: p.Topen, fid: f, mode: p.OREAD }), errno.EBADF);
    await n.clunk(f);
    expect(await n.get("f")).toBe("hello");
  });

  test("create: what exists is not made again, what is no directory has no files", ["write", "subdirs"], async ({ n }) => {
    await n.put("f", "kept");
    await n.mkdir("d");
    await refused(n.create("f"), errno.EEXIST);
    await refused(n.create("d"), errno.EEXIST);
    await refused(n.mkdir("f"), errno.EEXIST);
    await refused(n.mkdir("d"), errno.EEXIST);
    await refused(n.create("f/g"), errno.ENOTDIR);
    await refused(n.create("d/x", (p.DMDIR | 0o777) >>> 0, p.OWRITE), errno.EINVAL, errno.EISDIR);
    expect(await n.get("f")).toBe("kept");
    expect(await n.names("d")).toEqual([]);
  });

  test("create: illegal names", ["write", "subdirs"], async ({ n }) => {
    for (const name of ["", ".", "..", "a/b", "a\0b"]) {
      const fid = await n.walk("");
      await refused(n.rpc({ type: p.Tcreate, fid, name, perm: 0o666, mode: 0, extension: "" }), errno.EINVAL);
      await refused(n.rpc({ type: p.Tmkdir, dfid: fid, name, mode: 0o777, gid: p.NOU32 }), errno.EINVAL);
      await n.clunk(fid);
    }
    await refused(n.create("x".repeat(256)), errno.ENAMETOOLONG);
    await refused(n.create("é".repeat(128)), errno.ENAMETOOLONG);
    expect(await n.names("")).toEqual([]);
  });

  test("create: with read access only, a file can still be filled later by another fid", ["write"], async ({ n }) => {
    const f = await n.create("f", 0o666, p.OREAD);
    await refused(n.write(f, 0, "x"), errno.EBADF);
    const w = await n.open("f", p.OWRITE);
    await refused(n.read(w, 0, 1), errno.EBADF);
    await n.write(w, 0, "seen");
    expect(await n.readText(f)).toBe("seen");
  });

  test("create of .L: opens what exists unless O_EXCL, truncates with O_TRUNC", ["write", "subdirs"], async ({ n }) => {
    const f = await n.lcreate("f", p.L_O_RDWR | p.L_O_CREAT);
    await n.write(f, 0, "first");
    await refused(n.lcreate("f", p.L_O_RDWR | p.L_O_CREAT | p.L_O_EXCL), errno.EEXIST);
    const g = await n.lcreate("f", p.L_O_RDWR | p.L_O_CREAT);
    expect(await n.readText(g)).toBe("first");
    const h = await n.lcreate("f", p.L_O_RDWR | p.L_O_CREAT | p.L_O_TRUNC);
    expect((await n.fstat(h)).length).toBe(0);
    await n.mkdir("d");
    await refused(n.lcreate("d", p.L_O_RDWR), errno.EISDIR, errno.EEXIST);
  });

  test("read and write at offsets", ["write"], async ({ n }) => {
    const f = await n.create("f");
    await n.write(f, 0, "0123456789");
    expect(await n.readText(f, 3, 4)).toBe("3456");
    expect(await n.readText(f, 8, 100)).toBe("89");
    expect(await n.read(f, 10, 100)).toHaveLength(0);
    expect(await n.read(f, 1e6, 100)).toHaveLength(0);
    expect(await n.read(f, 0, 0)).toHaveLength(0);
    await n.write(f, 4, "xy");
    await n.write(f, 12, "end");
    expect(await n.readText(f)).toBe("0123xy6789\0\0end");
    expect((await n.fstat(f)).length).toBe(15);
    expect((await n.rpc({ type: p.Twrite, fid: f, offset: 100, data: new Uint8Array(0) })).count).toBe(0);
    expect((await n.fstat(f)).length).toBe(15);
  });

  test("read: `into` may be used, and the data is right either way", ["write"], async ({ n }) => {
    const data = pattern(200_000);
    const f = await n.create("f");
    await n.write(f, 0, data);
    for (const [offset, count] of [[0, 10], [65530, 20], [0, 200_000], [131_000, 69_000], [199_999, 5]] as const) {
      const r = await n.rpc({ type: p.Tread, fid: f, offset, count, into: new Uint8Array(count).fill(0xee) });
      expect(Buffer.from(r.data).equals(Buffer.from(data.subarray(offset, offset + count)))).toBe(true);
    }
  });

  test("large files, written and read in pieces that fit no block", ["write"], async ({ n }) => {
    const data = pattern(700_001);
    const f = await n.create("f");
    for (let at = 0; at < data.length; at += 12_345) await n.write(f, at, data.subarray(at, at + 12_345));
    expect((await n.fstat(f)).length).toBe(data.length);
    for (const piece of [9_999, 65_536, 300_000]) {
      for (let at = 0; at < data.length; ) {
        const got = await n.read(f, at, piece);
        expect(got.length).toBeGreaterThan(0);
        if (!Buffer.from(got).equals(Buffer.from(data.subarray(at, at + got.length)))) expect.fail(`differs in the piece at ${at}`);
        at += got.length;
      }
    }
  });

  test("counts are clamped to what fits a message", ["write"], async ({ n }) => {
    const f = await n.create("f");
    await n.write(f, 0, pattern(n.portal.msize + 1000));
    const got = await n.read(f, 0, 0xffffffff);
    expect(got.length).toBeLessThanOrEqual(n.portal.msize - p.IOHDRSZ);
    expect(got.length).toBeGreaterThan(0);
  });

  test("sparse files of more than 4 GiB", ["write", "sparse"], async ({ n }) => {
    const far = 5 * 2 ** 30 + 7;
    const f = await n.create("f");
    await n.write(f, far, "far");
    await n.write(f, 2, "near");
    expect((await n.fstat(f)).length).toBe(far + 3);
    expect((await n.fgetattr(f)).size).toBe(far + 3);
    expect(await n.readText(f, 0, 8)).toBe("\0\0near\0\0");
    expect(await n.readText(f, far - 2, 100)).toBe("\0\0far");
    expect((await n.read(f, 2 ** 32 - 5, 10)).every((b) => b === 0)).toBe(true);
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 2 ** 32 + 1 });
    expect((await n.fstat(f)).length).toBe(2 ** 32 + 1);
    await n.fsetattr(f, p.SETATTR_SIZE, { size: far + 3 });
    expect(await n.readText(f, far - 2, 100)).toBe("\0\0\0\0\0");
  });

  test("two fids, and two clients, see each other's writes at once", ["write"], async (c) => {
    const { n } = c;
    const f = await n.create("f");
    const g = await n.open("f", p.ORDWR);
    const m = await c.connect();
    const h = await m.open("f");
    await n.write(f, 0, "one");
    expect(await n.readText(g)).toBe("one");
    expect(await m.readText(h)).toBe("one");
    await n.write(g, 1, "XX");
    expect(await m.readText(h)).toBe("oXX");
    expect((await m.fstat(h)).length).toBe(3);
  });

  test("open: OTRUNC empties, and later what was there is zeros", ["write"], async ({ n }) => {
    await n.put("f", pattern(100_000));
    const f = await n.open("f", p.ORDWR | p.OTRUNC);
    expect((await n.fstat(f)).length).toBe(0);
    await n.write(f, 70_000, "x");
    expect((await n.readAll(f)).subarray(0, 70_000).every((b) => b === 0)).toBe(true);
    const l = await n.lopen("f", p.L_O_WRONLY | p.L_O_TRUNC);
    expect((await n.fstat(l)).length).toBe(0);
  });

  test("truncate: by wstat and by setattr, up and down", ["write"], async ({ n }) => {
    await n.put("f", "abcdefgh");
    await n.wstat("f", { length: 3 });
    expect(await n.get("f")).toBe("abc");
    await n.wstat("f", { length: 6 });
    expect(await n.get("f")).toBe("abc\0\0\0");
    await n.setattr("f", p.SETATTR_SIZE, { size: 2 });
    await n.setattr("f", p.SETATTR_SIZE, { size: 70_000 });
    expect((await n.stat("f")).length).toBe(70_000);
    expect((await n.get("f")).slice(0, 5)).toBe("ab\0\0\0");
    await n.setattr("f", p.SETATTR_SIZE, { size: 0 });
    expect(await n.get("f")).toBe("");
  });

  test("append: O_APPEND of .L writes at the end, wherever it is", ["write"], async ({ n }) => {
    await n.put("f", "log:");
    const f = await n.lopen("f", p.L_O_RDWR | p.L_O_APPEND);
    const g = await n.lopen("f", p.L_O_WRONLY | p.L_O_APPEND);
    await n.write(f, 0, "a");
    await n.write(g, 0, "b");
    await n.write(f, 99, "c");
    expect(await n.readText(f)).toBe("log:abc");
    const plain = await n.lopen("f", p.L_O_RDWR);
    await n.write(plain, 0, "L");
    expect(await n.get("f")).toBe("Log:abc");
  });

  test("append: a DMAPPEND file ignores offsets and OTRUNC", ["write", "append"], async ({ n }) => {
    const f = await n.create("f", (p.DMAPPEND | 0o666) >>> 0);
    expect((await n.fstat(f)).qid.type).toBe(p.QTAPPEND);
    await n.write(f, 100, "a");
    await n.write(f, 0, "b");
    await n.clunk(f);
    const g = await n.open("f", p.OWRITE | p.OTRUNC);
    await n.write(g, 0, "c");
    expect(await n.get("f")).toBe("abc");
    expect((await n.stat("f")).mode & p.DMAPPEND).not.toBe(0);
  });

  test("open: ORCLOSE removes the file at the clunk", ["write"], async ({ n }) => {
    const f = await n.create("f", 0o666, p.ORDWR | p.ORCLOSE);
    await n.write(f, 0, "short life");
    expect(await n.names("")).toEqual(["f"]);
    await n.clunk(f);
    expect(await n.names("")).toEqual([]);
    await n.put("g");
    const g = await n.open("g", p.OREAD | p.ORCLOSE);
    n.portal.flush({ type: p.Tclunk, fid: g });
    await n.clunk(g);
    expect(await n.names("")).toEqual([]);
  });

  test("open: directories for reading only", ["write", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    for (const mode of [p.OWRITE, p.ORDWR, p.OREAD | p.OTRUNC]) await refused(n.open("d", mode), errno.EISDIR, errno.EACCES);
    await refused(n.lopen("d", p.L_O_RDWR), errno.EISDIR);
    await n.put("f");
    await refused(n.lopen("f", p.L_O_DIRECTORY), errno.ENOTDIR);
    const d = await n.open("d");
    await refused(n.write(d, 0, "x"), errno.EBADF, errno.EISDIR);
  });
}
