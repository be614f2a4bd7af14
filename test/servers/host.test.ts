import fs from "node:fs";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import { hostFiles, type HostFilesOptions } from "../../clients/node/hostfiles.ts";
import * as p from "../../proto/index.ts";
import { errno, isDir, isLink, type DirNode, type Server } from "../../proto/index.ts";
import { host } from "../../servers/host.ts";
import { attempt, call, child, cleanup, descriptors, file, linux, make, nine, people, portal, root, sub, text, top, undo } from "../support/hosttree.ts";
import { refused } from "../support/nine.ts";
import { type Caps, serverSuite } from "../support/serversuite.ts";

afterEach(cleanup);

const caps: Caps = { mknod: false, xattr: false, perms: root, times: 1000, entries: 2000, versioned: true, portal, ...(root ? {} : { users: [{ uname: "me" }, { uname: "you" }] }) };

/** For the suite: the first user's own. */
function own(how: HostFilesOptions): Server {
  const made = make({}, how);
  if (root) fs.chownSync(made.dir, 2001, 2001);
  return made.server;
}

serverSuite("host", () => own({}), caps);
if (linux) serverSuite("host by paths", () => own({ proc: false }), caps);
serverSuite("host on a file system that is slow at times", () => {
  let t = 0;
  return own({ now: () => (t += 50) });
}, caps);

describe("host: confinement", () => {
  it("symbolic links are nodes, never followed", async () => {
    const { server, dir, outside } = make();
    fs.symlinkSync(outside, path.join(dir, "abs"));
    fs.symlinkSync("../outside", path.join(dir, "rel"));
    fs.symlinkSync(path.join(outside, "secret"), path.join(dir, "file"));
    const d = await top(server);
    for (const name of ["abs", "rel", "file"]) {
      const node = await child(d, name);
      expect(isLink(node)).toBe(true);
      expect(isDir(node)).toBe(false);
    }
    const n = await nine(server);
    expect((await n.at("abs", (fid) => n.rpc({ type: p.Treadlink, fid }))).target).toBe(outside);
    for (const name of ["abs", "rel"]) await refused(n.walk(`${name}/secret`), errno.ENOENT, errno.ENOTDIR);
    await refused(n.lopen("file"), errno.ELOOP);
    if (root) await n.setattr("file", p.SETATTR_UID | p.SETATTR_GID, { uid: 0, gid: 0 });
    expect(fs.readFileSync(path.join(outside, "secret"), "utf8")).toBe("secret");
    // Plain 9P2000 follows inside the tree only: / is the export's root.
    const plain = await nine(server, "root", "9P2000");
    await refused(plain.walk("abs/secret"), errno.ENOENT, errno.ENOTDIR);
  });

  it("names that are no names are refused below the server too", async () => {
    const { files } = make();
    for (const name of ["", ".", "..", "a/b", "../outside", "a\0b"]) {
      expect(() => files.lstat(files.root, name), name).toThrow(p.NineError);
      expect(() => files.mkdir(files.root, name, 0o777), name).toThrow(p.NineError);
    }
  });

  for (const proc of linux ? [true, false] : [false]) {
    it(`a directory replaced by a symbolic link is not entered (${proc ? "descriptors" : "paths"})`, async () => {
      const { server, dir, outside } = make({}, { proc });
      const d = await top(server);
      fs.mkdirSync(path.join(dir, "a/b"), { recursive: true });
      fs.writeFileSync(path.join(dir, "a/b/f"), "inside");
      const held = await sub(d, "a");
      const deep = await sub(d, "a", "b");
      const f = await file(d, "a", "b", "f");
      fs.renameSync(path.join(dir, "a"), path.join(dir, "moved"));
      fs.symlinkSync(outside, path.join(dir, "a"));
      fs.mkdirSync(path.join(outside, "b"));
      fs.writeFileSync(path.join(outside, "b/f"), "outside");
      for (const x of [held, deep]) await attempt(() => x.create?.("new", 0o666, p.OWRITE, call()));
      await attempt(() => held.create?.("newdir", (p.DMDIR | 0o777) >>> 0, undefined, call()));
      await attempt(() => held.symlink?.("newlink", "x", call()));
      await attempt(async () => {
        const open = await f.open(p.ORDWR | p.OTRUNC, call());
        await open.write?.(0, new TextEncoder().encode("written"), call());
        await open.close?.();
      });
      await attempt(() => f.setattr?.({ length: 1 }, call()));
      expect(fs.readdirSync(outside).toSorted()).toEqual(["b", "secret"]);
      expect(fs.readdirSync(path.join(outside, "b"))).toEqual(["f"]);
      expect(fs.readFileSync(path.join(outside, "b/f"), "utf8")).toBe("outside");
      if (proc) expect(fs.readdirSync(path.join(dir, "moved")).toSorted()).toEqual(["b", "new", "newdir", "newlink"]);
    });
  }

  it.runIf(linux)("holds while another process swaps directories and links", async () => {
    const { server, dir, outside } = make({ held: 2 });
    fs.mkdirSync(path.join(dir, "d/e"), { recursive: true });
    fs.writeFileSync(path.join(dir, "d/e/secret"), "inside");
    fs.mkdirSync(path.join(outside, "e"));
    fs.writeFileSync(path.join(outside, "e/secret"), "outside");
    const { spawn } = await import("node:child_process");
    const swapper = spawn(process.execPath, ["-e", `
      const fs = require("node:fs");
      const [dir, outside] = process.argv.slice(1);
      const d = dir + "/d", x = dir + "/x";
      console.log("ready");
      for (const end = Date.now() + 5000; Date.now() < end; ) {
        fs.renameSync(d, x); fs.symlinkSync(outside, d); fs.unlinkSync(d); fs.renameSync(x, d);
        fs.renameSync(d + "/e", d + "/y"); fs.symlinkSync(outside + "/e", d + "/e"); fs.unlinkSync(d + "/e"); fs.renameSync(d + "/y", d + "/e");
      }
    `, dir, outside], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await new Promise((resolve) => swapper.stdout.once("data", resolve));
      const d = await top(server);
      let reached = 0;
      for (let i = 0; i < 3000; i++) {
        try {
          const e = await sub(d, "d", "e");
          if (i % 3 === 0) await sub(d, "d");
          await e.create?.(`n${i}`, 0o666, undefined, call());
          const f = await file(e, "secret");
          const open = await f.open(p.OREAD, call());
          expect(text(await open.read?.(0, 100, call()))).toBe("inside");
          await open.close?.();
          reached++;
        } catch (e) {
          if (!(e instanceof p.NineError) && !/is no directory|no directory above|is no file/.test(String(e))) throw e;
        }
      }
      expect(reached).toBeGreaterThan(0);
      expect(fs.readdirSync(outside).toSorted()).toEqual(["e", "secret"]);
      expect(fs.readdirSync(path.join(outside, "e"))).toEqual(["secret"]);
    } finally {
      swapper.kill();
      await new Promise((resolve) => swapper.once("exit", resolve));
    }
  });

  it("without descriptors a writable export wants unsafe", () => {
    const { files } = make({}, { proc: false });
    expect(() => host(files, { writable: true, now: () => 0 })).toThrow(p.NineError);
    expect(host(files, { now: () => 0 }).name).toBe("host");
  });

  it("only the root can be attached to", () => {
    const { server } = make();
    expect(() => server.attach(call(), "sub")).toThrow(p.Enonexist);
  });
});

describe("host: special files", () => {
  it.runIf(linux)("a FIFO has a stat and cannot be opened", async () => {
    const { execFileSync } = await import("node:child_process");
    const { server, dir, files } = make();
    execFileSync("mkfifo", [path.join(dir, "fifo")]);
    const n = await nine(server);
    expect((await n.getattr("fifo")).mode & p.S_IFMT).toBe(p.S_IFIFO);
    for (const mode of [p.OREAD, p.OWRITE, p.ORDWR]) await refused(n.open("fifo", mode), errno.ENXIO);
    await refused(n.wstat("fifo", { length: 0 }), errno.EINVAL).catch(() => undefined);
    // A file that becomes one between the look and the open does not block either.
    fs.writeFileSync(path.join(dir, "f"), "x");
    const f = await file(await top(server), "f");
    fs.unlinkSync(path.join(dir, "f"));
    execFileSync("mkfifo", [path.join(dir, "f")]);
    await expect((async () => f.open(p.OREAD, call()))()).rejects.toThrow(p.NineError);
    expect(() => files.open(files.root, "f", p.OWRITE)).toThrow(p.NineError);
    await n.remove("fifo");
    expect(fs.existsSync(path.join(dir, "fifo"))).toBe(false);
  });

  it.runIf(root)("a device has its number and cannot be opened", async () => {
    const { execFileSync } = await import("node:child_process");
    const { server, dir } = make();
    try {
      execFileSync("mknod", [path.join(dir, "null"), "c", "1", "3"], { stdio: "ignore" });
    } catch {
      return;
    }
    const n = await nine(server);
    const a = await n.getattr("null");
    expect([a.mode & p.S_IFMT, a.rdev]).toEqual([p.S_IFCHR, 0x103]);
    await refused(n.open("null"), errno.ENXIO);
  });
});

describe("host: identity", () => {
  it("a path never comes back, though inodes do", async () => {
    const { server, dir } = make();
    const d = await top(server);
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const made = await d.create?.("f", 0o666, undefined, call());
      const q = made?.node.qid?.();
      seen.add(`${q?.pathhi}.${q?.pathlo}`);
      if (!made) expect.fail("no create");
      if (i % 2) await d.remove?.("f", made.node, call());
      else fs.unlinkSync(path.join(dir, "f"));
    }
    expect(seen.size).toBe(500);
  });

  it("hard links are one file; a replaced file is another", async () => {
    const { server, dir } = make();
    fs.writeFileSync(path.join(dir, "a"), "old");
    fs.linkSync(path.join(dir, "a"), path.join(dir, "b"));
    const n = await nine(server);
    const [a, b] = [await n.stat("a"), await n.stat("b")];
    expect(p.sameFile(a.qid, b.qid)).toBe(true);
    const fid = await n.walk("a");
    fs.writeFileSync(path.join(dir, "new"), "new");
    fs.renameSync(path.join(dir, "new"), path.join(dir, "a"));
    expect(p.sameFile((await n.stat("a")).qid, a.qid)).toBe(false);
    await refused(n.fstat(fid), errno.ENOENT);
    expect(await n.get("a")).toBe("new");
  });

  it("vers changes with every change, also behind the server's back", async () => {
    const { server, dir } = make();
    const n = await nine(server);
    const name = path.join(dir, "f");
    fs.writeFileSync(name, "0");
    const seen = new Set<number>();
    const changes: (() => unknown)[] = [
      () => fs.writeFileSync(name, "1"), () => fs.writeFileSync(name, "2"), () => fs.appendFileSync(name, "3"), () => fs.chmodSync(name, 0o600),
      () => n.wstat("f", { mode: 0o644 }), async () => n.clunk(await n.open("f", p.OWRITE | p.OTRUNC)), () => fs.writeFileSync(name, "4"),
    ];
    seen.add((await n.stat("f")).qid.vers);
    for (const change of changes) {
      await change();
      seen.add((await n.stat("f")).qid.vers);
    }
    expect(seen.size).toBe(changes.length + 1);
    expect(seen.has(0)).toBe(false);
    fs.utimesSync(name, 5, 5);
    await new Promise((resolve) => setTimeout(resolve, 40));
    const still = (await n.stat("f")).qid.vers;
    await n.get("f");
    expect((await n.stat("f")).qid.vers).toBe(still);
  });

  it("nodes follow what is renamed through the server, and directories whatever renames them", async () => {
    const { server, dir } = make({ held: 2 });
    const n = await nine(server);
    await n.mkdir("a");
    await n.mkdir("a/b");
    await n.put("a/b/f", "x");
    const f = await n.walk("a/b/f");
    const other = await n.walk("a/b/f");
    const b = await n.walk("a/b");
    await n.rename("a/b/f", "a/g");
    await n.rename("a", "z");
    expect((await n.fstat(other)).length).toBe(1);
    await n.rpc({ type: p.Topen, fid: f, mode: p.OREAD });
    expect(await n.readText(f)).toBe("x");
    for (const x of ["p", "q", "r"]) {
      await n.mkdir(x);
      await n.names(x);
    }
    // b is not held any more: it is found by the place a was moved to.
    expect(await n.qids(b, n.fid(), [])).toEqual([]);
    await n.rpc({ type: p.Tmkdir, dfid: b, name: "deep", mode: 0o777, gid: p.NOU32 });
    expect(fs.existsSync(path.join(dir, "z/b/deep"))).toBe(true);
    fs.renameSync(path.join(dir, "z/b"), path.join(dir, "elsewhere"));
    if (linux) {
      await n.rpc({ type: p.Tmkdir, dfid: b, name: "deeper", mode: 0o777, gid: p.NOU32 });
      expect(fs.existsSync(path.join(dir, "elsewhere/deeper"))).toBe(true);
    }
  });

  it.runIf(fs.existsSync("/dev/shm") && linux)("two devices below one root do not collide", async () => {
    const shm = fs.mkdtempSync("/dev/shm/nineplex-");
    const files = hostFiles("/", { users: people });
    undo(() => {
      files.close();
      fs.rmSync(shm, { recursive: true });
    });
    const d = await top(host(files, { now: () => Date.now() }));
    const paths = new Set<string>();
    for (const names of [["dev", "shm"], ["dev"], ["proc"], ["sys"], []]) {
      const q = (await child(d, ...names)).qid?.();
      paths.add(`${q?.pathhi}.${q?.pathlo}`);
    }
    expect(paths.size).toBe(5);
  });
});

describe("host: open files", () => {
  it("live on without a name", async () => {
    const { server, dir } = make();
    const n = await nine(server);
    const f = await n.create("f");
    await n.write(f, 0, "hello");
    const walked = await n.walk("f");
    await n.unlink("f");
    expect(fs.readdirSync(dir)).toEqual([]);
    expect(await n.readText(f)).toBe("hello");
    await n.write(f, 5, " world");
    expect((await n.fstat(f)).length).toBe(11);
    expect((await n.fgetattr(walked)).nlink).toBe(0);
    await n.fsetattr(f, p.SETATTR_SIZE | p.SETATTR_MODE, { size: 4, mode: 0o600 });
    expect(await n.readText(f)).toBe("hell");
    await n.rpc({ type: p.Tfsync, fid: f, datasync: 0 });
    await n.rpc({ type: p.Topen, fid: walked, mode: p.OREAD });
    expect(await n.readText(walked)).toBe("hell");
    await n.clunk(f);
    await n.clunk(walked);
  });

  it("offsets above 4 GiB in a sparse file", async () => {
    const { server } = make();
    const n = await nine(server);
    const f = await n.create("big");
    const at = 6 * 2 ** 30 + 3;
    await n.write(f, at, "end");
    expect(await n.readText(f, at, 10)).toBe("end");
    const a = await n.fgetattr(f);
    expect(a.size).toBe(at + 3);
    expect(a.blocks * 512).toBeLessThan(2 ** 20);
  });

  it("reads into the buffer given, and into one of their own", async () => {
    const { server, dir } = make();
    const data = new Uint8Array(600_000).map((_, i) => i * 7);
    fs.writeFileSync(path.join(dir, "f"), data);
    const open = await (await file(await top(server), "f")).open(p.OREAD, call());
    const into = new Uint8Array(1000);
    const got = await open.read?.(5, 1000, call(), into);
    expect(got?.buffer).toBe(into.buffer);
    const first = open.read?.(0, 100, call());
    expect(first instanceof Promise).toBe(false);
    const second = await open.read?.(100, 100, call());
    expect(await first).toEqual(data.slice(0, 100));
    expect(second).toEqual(data.slice(100, 200));
    expect(Buffer.compare(await open.read?.(0, 600_000, call()) ?? new Uint8Array(0), data)).toBe(0);
    expect((await open.read?.(600_000, 10, call()))?.length).toBe(0);
    await open.close?.();
  });

  it.runIf(linux)("no descriptor is left behind", async () => {
    const { server, dir } = make({ held: 4 });
    const n = await nine(server);
    for (let i = 0; i < 20; i++) fs.mkdirSync(path.join(dir, `d${i}`));
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      await n.put(`d${i}/f`, "x");
      await n.wstat(`d${i}/f`, { mode: 0o600, mtime: 7 });
      await n.names(`d${i}`);
      await refused(n.create(`d${i}/f`), errno.EEXIST);
      await refused(n.open(`d${i}/none`), errno.ENOENT);
      const half = await n.lopen(`d${i}`);
      await n.readdir(half, 0, 40);
      await n.clunk(half);
    }
    expect(descriptors()).toBeLessThanOrEqual(before + 4);
  });

  it("descriptors are not closed under a call that still runs", async () => {
    let t = 0;
    const { server, dir } = make({ held: 2 }, { now: () => (t += 100) });
    for (const x of ["a", "b", "c", "d"]) {
      fs.mkdirSync(path.join(dir, x));
      fs.writeFileSync(path.join(dir, x, "f"), x.repeat(1000));
    }
    const n = await nine(server);
    const all = await Promise.all(Array.from({ length: 200 }, async (_, i) => {
      const x = "abcd"[i % 4] ?? "a";
      const r = await n.get(`${x}/f`);
      return r === x.repeat(1000);
    }));
    expect(all.every(Boolean)).toBe(true);
    const open = await (await file(await top(server), "a", "f")).open(p.OREAD, call());
    const pending = open.read?.(0, 1000, call());
    const closed = open.close?.();
    expect((await pending)?.length).toBe(1000);
    await closed;
  });
});

describe("host: directories", () => {
  it("5,000 entries, one at a time", async () => {
    const { server, dir } = make();
    for (let i = 0; i < 5000; i++) fs.mkdirSync(path.join(dir, `d${i}`));
    const d = await top(server);
    setFlagsFromString("--expose-gc");
    const gc: unknown = runInNewContext("gc");
    if (typeof gc !== "function") expect.fail("no gc");
    let live = 0;
    let most = 0;
    const registry = new FinalizationRegistry(() => {
      live--;
    });
    let count = 0;
    const list = await d.list(call());
    if (!(Symbol.iterator in list)) expect.fail("a fast file system is listed at once");
    const fds = linux ? descriptors() : 0;
    for (const entry of list) {
      registry.register(entry, 0);
      live++;
      if (++count % 1000 === 0) {
        gc();
        await new Promise((resolve) => setImmediate(resolve));
        most = Math.max(most, live);
      }
    }
    expect(count).toBe(5000);
    expect(most).toBeLessThan(3000);
    if (linux) expect(descriptors()).toBeLessThan(fds);
    const n = await nine(server);
    expect((await n.dirents("", 65536)).length).toBe(5000);
  });

  it("names of any bytes", async () => {
    const { server, dir } = make();
    const raw = Buffer.from([0x66, 0xff, 0xc3, 0xa9, 0xe2, 0x28]);
    const name = p.decodeUtf8(raw, 0, raw.length);
    const n = await nine(server);
    await n.put(name, "bytes");
    await n.symlink(name, "link");
    expect(fs.readFileSync(Buffer.concat([Buffer.from(`${dir}/`), raw]), "utf8")).toBe("bytes");
    expect(await n.names("")).toEqual([name, "link"].toSorted());
    expect(await n.get(name)).toBe("bytes");
    const { target } = await n.at("link", (fid) => n.rpc({ type: p.Treadlink, fid }));
    expect(target).toBe(name);
    await n.mkdir("\u{1F600}");
    await n.rename(name, `\u{1F600}/${name}x`);
    expect(await n.names("\u{1F600}")).toEqual([`${name}x`]);
    await refused(n.put("x".repeat(256)), errno.ENAMETOOLONG);
  });

  it("directories deeper than any path", async () => {
    const { server } = make({ held: 2 });
    let d = await top(server);
    const all: DirNode[] = [d];
    for (let i = 0; i < 300; i++) {
      const made = await d.create?.("a-name-of-twenty-byt", (p.DMDIR | 0o777) >>> 0, undefined, call());
      if (!made || !isDir(made.node)) expect.fail("no directory was made");
      d = made.node;
      all.push(d);
    }
    await all[1]?.walk("x", call());
    await all[2]?.walk("x", call());
    const made = await d.create?.("f", 0o666, undefined, call());
    expect(made?.node).toBeDefined();
    for (let i = 299; i >= 0; i--) {
      if (i === 299) await d.remove?.("f", await child(d, "f"), call());
      const below = all[i + 1];
      if (below) await all[i]?.remove?.("a-name-of-twenty-byt", below, call());
    }
  });

  it("rename without replace never overwrites", async () => {
    const { server, dir } = make();
    const n = await nine(server, "root", "9P2000");
    await n.put("a", "a");
    await n.put("b", "b");
    await n.mkdir("d");
    await n.mkdir("e");
    await refused(n.wstat("a", { name: "b" }), errno.EEXIST);
    await refused(n.wstat("d", { name: "e" }), errno.EEXIST);
    await n.wstat("a", { name: "c" });
    expect(fs.readdirSync(dir).toSorted()).toEqual(["b", "c", "d", "e"]);
    expect(fs.statSync(path.join(dir, "c")).nlink).toBe(1);
  });
});

describe("host: attributes", () => {
  it("all there are", async () => {
    const { server, dir } = make();
    const name = path.join(dir, "f");
    fs.writeFileSync(name, "12345");
    fs.chmodSync(name, 0o4751);
    fs.utimesSync(name, 1_600_000_000.25, 1_500_000_000.125);
    if (root) fs.chownSync(name, 2001, 4321);
    if (root) fs.chmodSync(name, 0o4751);
    const st = fs.lstatSync(name, { bigint: true });
    const n = await nine(server);
    const a = await n.getattr("f");
    expect(a).toMatchObject({
      mode: Number(st.mode), uid: Number(st.uid), gid: Number(st.gid), nlink: 1, size: 5, blocks: Number(st.blocks), blksize: Number(st.blksize),
      atime_sec: 1_600_000_000, mtime_sec: 1_500_000_000, ctime_sec: Number(st.ctimeNs / 1_000_000_000n), ctime_nsec: Number(st.ctimeNs % 1_000_000_000n),
    });
    expect([a.atime_nsec, a.mtime_nsec]).toEqual([Number(st.atimeNs % 1_000_000_000n), Number(st.mtimeNs % 1_000_000_000n)]);
    if (root) expect(await n.stat("f")).toMatchObject({ uid: "alice", gid: "4321" });
    fs.chmodSync(dir, 0o1777);
    expect((await n.getattr("")).mode & 0o7777).toBe(0o1777);
  });

  it("times to the microsecond, before 1970 too", async () => {
    const { server, dir } = make();
    const n = await nine(server);
    await n.put("f");
    const both = p.SETATTR_ATIME | p.SETATTR_MTIME | p.SETATTR_ATIME_SET | p.SETATTR_MTIME_SET;
    for (const usec of [0, 1, 123_457, 499_999, 999_999]) {
      await n.setattr("f", both, { atime_sec: 1_763_690_000, atime_nsec: usec * 1000, mtime_sec: 1, mtime_nsec: usec * 1000 });
      const a = await n.getattr("f");
      expect([a.atime_sec, a.atime_nsec, a.mtime_sec, a.mtime_nsec]).toEqual([1_763_690_000, usec * 1000, 1, usec * 1000]);
    }
    await n.setattr("f", both, { atime_sec: 5, atime_nsec: 0, mtime_sec: -2, mtime_nsec: 500_000_000 });
    expect(fs.statSync(path.join(dir, "f"), { bigint: true }).mtimeNs).toBe(-1_500_000_000n);
    const a = await n.getattr("f");
    expect([a.mtime_sec, a.mtime_nsec]).toEqual([-2, 500_000_000]);
  });

  it("what fails half way is undone", async () => {
    const { server, dir, files } = make();
    const n = await nine(server);
    await n.put("f", "content");
    await n.setattr("f", p.SETATTR_MODE, { mode: 0o640 });
    files.truncate = () => {
      throw new p.NineError(p.Efull);
    };
    const before = await n.getattr("f");
    await refused(n.setattr("f", p.SETATTR_MODE | p.SETATTR_MTIME | p.SETATTR_MTIME_SET | p.SETATTR_SIZE | (root ? p.SETATTR_GID : 0),
      { mode: 0o777, mtime_sec: 99, size: 3, gid: 2050 }), errno.ENOSPC);
    const after = await n.getattr("f");
    expect(after).toMatchObject({ mode: before.mode, gid: before.gid, mtime_sec: before.mtime_sec, size: 7 });
    expect(fs.readFileSync(path.join(dir, "f"), "utf8")).toBe("content");
    await refused(n.wstat("f", { gid: "no such group", mode: 0o600 }), errno.EINVAL);
    expect((await n.getattr("f")).mode & 0o777).toBe(0o640);
  });

  it("statfs is the file system's", async () => {
    const { server, dir } = make();
    const n = await nine(server);
    const s = await n.rpc({ type: p.Tstatfs, fid: n.root });
    const own = fs.statfsSync(dir);
    expect([s.fstype, s.bsize, s.blocks, s.files, s.namelen]).toEqual([own.type, own.bsize, own.blocks, own.files, 255]);
  });

  it("a read-only export changes nothing", async () => {
    const { server, dir } = make({ writable: false });
    fs.writeFileSync(path.join(dir, "f"), "x");
    fs.mkdirSync(path.join(dir, "d"));
    const n = await nine(server);
    const rofs = errno.EROFS;
    await refused(n.create("g"), rofs);
    await refused(n.mkdir("e"), rofs);
    await refused(n.symlink("x", "l"), rofs);
    await refused(n.link("f", "g"), rofs);
    await refused(n.rename("f", "g"), rofs);
    await refused(n.remove("f"), rofs);
    await refused(n.unlink("d", p.AT_REMOVEDIR), rofs);
    await refused(n.wstat("f", { mode: 0o600 }), rofs);
    for (const mode of [p.OWRITE, p.ORDWR, p.OREAD | p.OTRUNC]) await refused(n.open("f", mode), rofs);
    expect(await n.get("f")).toBe("x");
    expect(fs.readdirSync(dir).toSorted()).toEqual(["d", "f"]);
  });
});

describe.runIf(root)("host: other users, as root", () => {
  it("new files are the caller's, links too, in the directory's group", async () => {
    const { server, dir } = make();
    fs.chownSync(dir, 0, 2050);
    fs.chmodSync(dir, 0o777);
    const bob = await nine(server, "bob");
    await bob.put("f", "x", 0o640);
    await bob.mkdir("d");
    await bob.symlink("/etc/passwd", "l");
    for (const name of ["f", "d", "l"]) {
      const st = fs.lstatSync(path.join(dir, name));
      expect([st.uid, st.gid], name).toEqual([2002, 2050]);
    }
    expect(fs.statSync("/etc/passwd").uid).toBe(0);
    expect(fs.statSync(path.join(dir, "f")).mode & 0o777).toBe(0o640);
    // Somebody in no table is nobody.
    const who = await nine(server, "whoever");
    await who.put("w");
    expect(fs.statSync(path.join(dir, "w")).uid).toBe(65534);
    await refused(who.get("f"), errno.EACCES);
    const staff = await nine(server, "alice");
    expect(await staff.get("f")).toBe("x");
  });

  it("set-ID bits go when somebody else writes or truncates, and cannot be had for a foreign group", async () => {
    const { server, dir } = make();
    const name = path.join(dir, "f");
    const bob = await nine(server, "bob");
    const bits = (): number => fs.statSync(name).mode & 0o7777;
    fs.writeFileSync(name, "x");
    fs.chmodSync(name, 0o6777);
    const f = await bob.open("f", p.OWRITE);
    expect(bits()).toBe(0o6777);
    await bob.write(f, 0, "y");
    expect(bits()).toBe(0o777);
    fs.chmodSync(name, 0o6777);
    await bob.setattr("f", p.SETATTR_SIZE, { size: 0 });
    expect(bits()).toBe(0o777);
    fs.chmodSync(name, 0o6777);
    await bob.clunk(await bob.open("f", p.OREAD | p.OTRUNC));
    expect(bits()).toBe(0o777);
    fs.chownSync(name, 2002, 2050);
    await bob.setattr("f", p.SETATTR_MODE, { mode: 0o2755 });
    expect(bits()).toBe(0o755);
    await refused(bob.link("f", "mine"), errno.EACCES);
    fs.chmodSync(dir, 0o777);
    fs.writeFileSync(path.join(dir, "roots"), "");
    fs.chmodSync(path.join(dir, "roots"), 0o644);
    await refused(bob.link("roots", "mine"), errno.EPERM);
  });

  it("squash gives everybody the process's rights", async () => {
    const { server, dir } = make({ squash: true });
    const bob = await nine(server, "bob");
    await bob.put("f", "x", 0o600);
    expect(fs.statSync(path.join(dir, "f")).uid).toBe(0);
    await bob.wstat("f", { mode: 0o644 });
  });
});
