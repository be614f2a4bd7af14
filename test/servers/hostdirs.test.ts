/** The host server's directories: large ones in constant memory, cookies that outlast changes, the kinds of what is in them. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import { type Dirent, unpackDirents } from "../../proto/dir.ts";
import * as p from "../../proto/index.ts";
import { cleanup, FAST, linux, make, nine, root, undo } from "../support/hosttree.ts";
import type { Nine } from "../support/nine.ts";

afterEach(cleanup);

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  if (typeof gc !== "function") expect.fail("no gc");
  return () => void gc();
}

/** All entries behind a cookie, but "." and "..". */
async function rest(n: Nine, fid: number, cookie: p.Cookie, count: number): Promise<Dirent[]> {
  const all: Dirent[] = [];
  for (let at = cookie; ; ) {
    const some = await n.readdir(fid, at, count);
    const last = some.at(-1);
    if (!last) return all.filter((d) => d.name !== "." && d.name !== "..");
    all.push(...some);
    at = last.offset;
  }
}

describe("host: a directory of 100,000 entries", () => {
  const COUNT = 100_000;

  it("is read in constant memory, each entry once, by Treaddir and with attributes", async () => {
    const { server, dir } = make({}, {}, FAST);
    const first = path.join(dir, "000000");
    fs.writeFileSync(first, "");
    // Names are what there is much of; links are made fast.
    for (let i = 1; i < COUNT; i++) fs.linkSync(first, path.join(dir, String(i).padStart(6, "0")));
    const gc = collector();
    const n = await nine(server);
    const heap = (): number => {
      gc();
      return process.memoryUsage().heapUsed;
    };
    for (const form of [p.Treaddir, p.Tread] as const) {
      const fid = form === p.Tread ? await n.open("") : await n.lopen("", p.L_O_DIRECTORY);
      const seen = new Uint8Array(COUNT);
      let most = 0;
      let offset: p.Cookie = 0;
      const before = heap();
      for (let replies = 0; ; replies++) {
        let names: string[];
        if (form === p.Treaddir) {
          const some = unpackDirents((await n.rpc({ type: form, fid, offset, count: 65536 })).data);
          names = some.map((d) => d.name);
          offset = some.at(-1)?.offset ?? offset;
        } else {
          const { dirs, bytes } = await n.dirread(fid, Number(offset), 65536);
          names = dirs.map((d) => d.name);
          offset = Number(offset) + bytes;
        }
        if (names.length === 0) break;
        for (const name of names) if (name !== "." && name !== "..") seen[Number(name)]!++;
        if (replies % 20 === 0) most = Math.max(most, heap() - before);
      }
      expect(seen.every((times) => times === 1)).toBe(true);
      // Far less than the names alone.
      expect(most).toBeLessThan(1.5 * 2 ** 20);
      await n.clunk(fid);
    }
  });
});

describe.each([["on disk", os.tmpdir()], ["in memory", FAST]])("host: cookies of a directory %s", (_where, under) => {
  const COUNT = 1500;
  const name = (i: number): string => `entry-${i}`;

  /** A directory with COUNT files, read to its end in small pieces. */
  async function filled(): Promise<{ n: Nine; dir: string; fid: number; all: Dirent[] }> {
    const { server, dir } = make({}, {}, under);
    for (let i = 0; i < COUNT; i++) fs.writeFileSync(path.join(dir, name(i)), "");
    const n = await nine(server);
    const fid = await n.lopen("", p.L_O_DIRECTORY);
    const all = await rest(n, fid, 0, 700);
    expect(all.length).toBe(COUNT);
    expect(new Set(all.map((d) => String(d.offset))).size).toBe(COUNT);
    return { n, dir, fid, all };
  }

  for (const gone of [false, true]) {
    it(`go on where they were after others came and went${gone ? ", and their own entry" : ""}`, async () => {
      const { n, dir, fid, all } = await filled();
      const at = 700;
      const later = 1299;
      const removed = new Set(all.filter((_d, i) => i % 3 === 1 && i !== at && i !== later).map((d) => d.name));
      // A whole stretch, to both sides.
      for (let i = at - 40; i < at + 40; i++) if (i !== at) removed.add(all[i]?.name ?? "");
      if (gone) removed.add(all[at]?.name ?? "");
      for (const x of removed) fs.unlinkSync(path.join(dir, x));
      for (let i = 0; i < 500; i++) fs.writeFileSync(path.join(dir, `new-${i}`), "");
      for (const reader of [fid, ...(gone ? [] : [await n.lopen("", p.L_O_DIRECTORY)])]) {
        const again = (await rest(n, reader, all[at]?.offset ?? 0, 900)).map((d) => d.name);
        expect(new Set(again).size).toBe(again.length);
        const stayed = (from: number): string[] => all.slice(from + 1).map((d) => d.name).filter((x) => !removed.has(x));
        expect(again.filter((x) => !x.startsWith("new-"))).toEqual(stayed(at));
        // And from elsewhere, and then from there again.
        const further = (await rest(n, reader, all[later]?.offset ?? 0, 5000)).map((d) => d.name);
        expect(further.filter((x) => !x.startsWith("new-"))).toEqual(stayed(later));
        expect((await rest(n, reader, all[at]?.offset ?? 0, 4000)).map((d) => d.name)).toEqual(again);
      }
    });
  }

  it("a rewind sees what there is now", async () => {
    const { n, dir, fid, all } = await filled();
    for (const d of all.slice(0, 1000)) fs.unlinkSync(path.join(dir, d.name));
    fs.writeFileSync(path.join(dir, "new"), "");
    const names = (await rest(n, fid, 0, 8192)).map((d) => d.name);
    expect(names.toSorted()).toEqual([...all.slice(1000).map((d) => d.name), "new"].toSorted());
  });

  it("everything is removed by a reader who asks for one reply after the other", async () => {
    const { n, dir, fid } = await filled();
    let removed = 0;
    for (let cookie: p.Cookie = 0; ; ) {
      const some = await n.readdir(fid, cookie, 2000);
      const last = some.at(-1);
      if (!last) break;
      for (const d of some) {
        if (d.name === "." || d.name === "..") continue;
        await n.rpc({ type: p.Tunlinkat, dirfid: n.root, name: d.name, flags: 0 });
        removed++;
      }
      cookie = last.offset;
    }
    expect(removed).toBe(COUNT);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});

describe.runIf(linux)("host: kinds of files", () => {
  it("are told by Treaddir and by the mode", async () => {
    const { server, dir } = make();
    const at = (x: string): string => path.join(dir, x);
    fs.writeFileSync(at("file"), "");
    fs.mkdirSync(at("dir"));
    fs.symlinkSync("nowhere", at("link"));
    execFileSync("mkfifo", [at("fifo")]);
    const socket = net.createServer();
    await new Promise<void>((resolve) => socket.listen(at("socket"), resolve));
    undo(() => socket.close());
    const kinds: Record<string, number> = { file: p.DT_REG, dir: p.DT_DIR, link: p.DT_LNK, fifo: p.DT_FIFO, socket: p.DT_SOCK };
    if (root) {
      for (const [x, type, kind] of [["tty", "c", p.DT_CHR], ["disk", "b", p.DT_BLK]] as const) {
        try {
          execFileSync("mknod", [at(x), type, "5", "7"], { stdio: "ignore" });
          kinds[x] = kind;
        } catch {
          // Not allowed here.
        }
      }
    }
    const n = await nine(server);
    const entries = await n.dirents("");
    expect(Object.fromEntries(entries.map((d) => [d.name, d.type]))).toEqual(kinds);
    for (const d of entries) {
      const a = await n.getattr(d.name);
      expect((a.mode & p.S_IFMT) >>> 12, d.name).toBe(d.type);
      expect({ ...a.qid, vers: 0 }, d.name).toEqual(d.qid);
    }
  });
});
