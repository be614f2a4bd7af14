/** The part of the server suite on reading directories: read(5), Treaddir, design/9p.md 23. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { refused } from "../nine.ts";
import type { Nine } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function dirTests(test: Test, caps: Caps): void {
  const some = Array.from({ length: 40 }, (_, i) => `${"entry".repeat(1 + (i % 7))}${i}`).toSorted();
  /** The directory with those in it: the root where no others can be made. */
  const where = caps.subdirs === false ? "" : "d";
  const fill = async (n: Nine): Promise<void> => {
    if (where) await n.mkdir(where);
    for (const [i, name] of some.entries()) await (where && i % 5 === 0 ? n.mkdir(`d/${name}`) : n.put(`${where}/${name}`, name));
  };

  test("read: a directory gives the same by Tread and Treaddir, and its children's stat", [], async ({ n }) => {
    if (caps.write !== false) await fill(n);
    const dir = caps.write === false ? (caps.sample?.dir ?? "") : where;
    const records = await n.list(dir);
    const entries = await n.dirents(dir);
    const names = records.map((d) => d.name).toSorted();
    expect(entries.map((d) => d.name).toSorted()).toEqual(names);
    if (caps.write !== false) expect(names).toEqual(some);
    const qids = new Map(entries.map((d) => [d.name, d.qid]));
    for (const d of records) {
      expect(qids.get(d.name)).toEqual(caps.versioned ? { ...d.qid, vers: 0 } : d.qid);
      const { atime: _a, ...own } = await n.stat(`${dir}/${d.name}`);
      expect(d).toMatchObject(own);
    }
    const plain = await n.list(dir, 65536);
    expect(plain.map((d) => d.name).toSorted()).toEqual(names);
  });

  test("read: whole records whatever the count; each entry once", ["write"], async ({ n }) => {
    await fill(n);
    for (const count of [150, 200, 333, 1000, 4096]) {
      expect((await n.list(where, count)).map((d) => d.name).toSorted()).toEqual(some);
      expect((await n.dirents(where, count)).map((d) => d.name).toSorted()).toEqual(some);
    }
  });

  test("read: a count below one record is an error, the entry is not lost", ["write", "subdirs"], async ({ n }) => {
    await n.mkdir("d");
    await n.put("d/file");
    const f = await n.open(where);
    await refused(n.read(f, 0, 20), errno.EINVAL);
    expect((await n.dirread(f, 0)).dirs.map((d) => d.name)).toEqual(["file"]);
    const g = await n.open(where);
    await refused(n.readdir(g, 0, 10), errno.EINVAL);
    expect((await n.readdir(g, 0)).map((d) => d.name).toSorted()).toEqual([".", "..", "file"]);
  });

  test("read: offset 0 rewinds and sees what is new, another offset than the next is an error", ["write", "subdirs"], async ({ n }) => {
    await fill(n);
    const f = await n.open(where);
    const first = await n.dirread(f, 0, 500);
    expect(first.dirs.length).toBeGreaterThan(1);
    await refused(n.read(f, first.bytes + 1, 500), errno.ESPIPE, errno.EINVAL);
    await refused(n.read(f, 1, 500), errno.ESPIPE, errno.EINVAL);
    const second = await n.dirread(f, first.bytes, 500);
    expect(second.dirs[0]?.name).not.toBe(first.dirs[0]?.name);
    await n.put("d/new");
    const seen: string[] = [];
    for (let at = 0; ; ) {
      const { dirs, bytes } = await n.dirread(f, at, 500);
      if (bytes === 0) break;
      seen.push(...dirs.map((d) => d.name));
      at += bytes;
    }
    expect(seen.toSorted()).toEqual([...some, "new"].toSorted());
  });

  test("readdir: . and .. come first, and reading goes on from any cookie", ["write"], async ({ n }) => {
    await fill(n);
    const f = await n.lopen(where, p.L_O_DIRECTORY);
    const all = await n.readdir(f, 0, 65536);
    expect(all.slice(0, 2).map((d) => d.name)).toEqual([".", ".."]);
    expect(all[0]?.qid).toMatchObject({ type: p.QTDIR, pathlo: (await n.stat(where)).qid.pathlo });
    expect(all[1]?.qid.pathlo).toBe((await n.stat("")).qid.pathlo);
    for (const i of [0, 1, 2, 20, all.length - 1]) {
      const rest = await n.readdir(f, all[i]?.offset ?? 0, 65536);
      expect(rest.map((d) => d.name)).toEqual(all.slice(i + 1).map((d) => d.name));
    }
    expect((await n.readdir(f, 0, 65536)).length).toBe(all.length);
    for (const d of all) expect([4, 8]).toContain(d.type);
  });

  test("readdir needs an open directory", ["write"], async ({ n }) => {
    await n.put("f");
    const f = await n.lopen("f");
    await refused(n.readdir(f, 0), errno.ENOTDIR);
    await refused(n.readdir(n.root, 0), errno.EBADF);
  });

  test("read: what stays is seen once while other entries come and go", ["write"], async ({ n }) => {
    await fill(n);
    const f = await n.open(where);
    const seen: string[] = [];
    for (let at = 0, round = 0; ; round++) {
      const { dirs, bytes } = await n.dirread(f, at, 400);
      if (bytes === 0) break;
      seen.push(...dirs.map((d) => d.name));
      at += bytes;
      await n.put(`${where}/new${round}`);
      if (round > 0) await n.remove(`${where}/new${round - 1}`);
      expect(round).toBeLessThan(1000);
    }
    expect(seen.filter((name) => !name.startsWith("new")).toSorted()).toEqual(some);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("10,000 entries: listed both ways, then removed in one pass of reading and removing", ["write", "subdirs"], async ({ n, caps }) => {
    const count = caps.entries ?? 10_000;
    await n.mkdir("big");
    const dir = await n.walk("big");
    for (let i = 0; i < count; i++) await n.rpc({ type: p.Tmkdir, dfid: dir, name: `n${i}`, mode: 0o755, gid: p.NOU32 });
    expect(new Set((await n.list("big", 8192)).map((d) => d.name)).size).toBe(count);
    const entries = await n.dirents("big", 8192);
    expect(entries).toHaveLength(count);
    expect(new Set(entries.map((d) => `${d.qid.pathhi}.${d.qid.pathlo}`)).size).toBe(count);
    const f = await n.open("big");
    let removed = 0;
    for (let at = 0; ; ) {
      const { dirs, bytes } = await n.dirread(f, at, 8192);
      if (bytes === 0) break;
      at += bytes;
      for (const d of dirs) {
        await n.rpc({ type: p.Tunlinkat, dirfid: dir, name: d.name, flags: p.AT_REMOVEDIR });
        removed++;
      }
    }
    expect(removed).toBe(count);
    expect(await n.names("big")).toEqual([]);
    await n.remove("big");
  });

  test("names of any characters", ["write"], async ({ n }) => {
    const names = [" ", "-rf", "a b", "ünïcödé", "日本語", "😀", "new\nline", "'q\"", "*", "\\", "x".repeat(255), "é".repeat(127)];
    for (const name of names) await n.put(name, `in ${name}`);
    expect(await n.names("")).toEqual(names.toSorted());
    for (const name of names) expect(await n.get(name)).toBe(`in ${name}`);
    expect((await n.dirents("")).map((d) => d.name).toSorted()).toEqual(names.toSorted());
    for (const name of names) await n.remove(name);
    expect(await n.names("")).toEqual([]);
  });

  test("names of bytes that are no UTF-8", ["write", "bytes"], async ({ n }) => {
    const names = ["\udc80", "a\udcff\udcfeb", "\udcc3", "é\udce9", "\udc80".repeat(255)];
    for (const [i, name] of names.entries()) await n.put(name, String(i));
    expect(await n.names("")).toEqual(names.toSorted());
    for (const [i, name] of names.entries()) {
      expect(await n.get(name)).toBe(String(i));
      expect((await n.stat(name)).name).toBe(name);
    }
    await n.rename("\udc80", "\udc81");
    await refused(n.get("\udc80"), errno.ENOENT);
    expect(await n.get("\udc81")).toBe("0");
    await refused(n.create("\udc80".repeat(256)), errno.ENAMETOOLONG);
  });
}
