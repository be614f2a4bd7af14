/** The host server's files: flags of open, changes behind its back, files beyond 4 GiB, locks, fsync, several devices. */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { host, type HostFiles, type HostStat } from "../../servers/host.ts";
import { cleanup, FAST, linux, make, nine, root, undo } from "../support/hosttree.ts";
import { type Nine, pattern, refused } from "../support/nine.ts";

afterEach(cleanup);

const GIB = 2 ** 30;

describe("host: flags of open", () => {
  it("O_APPEND: clients and local programs write one behind the other, wherever they say", async () => {
    const { server, dir } = make();
    const [n, m] = [await nine(server), await nine(server)];
    await n.put("log", "");
    const a = await n.lopen("log", p.L_O_WRONLY | p.L_O_APPEND);
    const b = await m.lopen("log", p.L_O_RDWR | p.L_O_APPEND);
    let wanted = "";
    for (let i = 0; i < 50; i++) {
      await n.write(a, 0, `a${i} `);
      await m.write(b, 3, `b${i} `);
      fs.appendFileSync(path.join(dir, "log"), `c${i} `);
      wanted += `a${i} b${i} c${i} `;
    }
    expect(fs.readFileSync(path.join(dir, "log"), "utf8")).toBe(wanted);
    expect(await m.readText(b)).toBe(wanted);
  });

  it("O_EXCL: of two clients and a local program one makes the file", async () => {
    const COUNT = 300;
    const { server, dir } = make({}, {}, FAST);
    const clients = [await nine(server), await nine(server)];
    const local = spawn(process.execPath, ["-e", `
      const fs = require("node:fs");
      let won = 0;
      fs.writeSync(1, "ready ");
      for (let i = 0; i < ${COUNT}; i++) try { fs.closeSync(fs.openSync(process.argv[1] + "/f" + i, "wx")); won++; } catch (e) { if (e.code !== "EEXIST") throw e; }
      fs.writeSync(1, String(won));
    `, dir], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    const ended = new Promise((resolve) => local.once("close", resolve));
    await new Promise<void>((resolve) => local.stdout.on("data", (x: Buffer) => {
      said += x.toString();
      resolve();
    }));
    const won = await Promise.all(clients.map(async (n) => {
      let mine = 0;
      for (let i = 0; i < COUNT; i++) {
        try {
          await n.clunk(await n.lcreate(`f${i}`, p.L_O_CREAT | p.L_O_EXCL | p.L_O_WRONLY));
          mine++;
        } catch (e) {
          expect(e).toMatchObject({ errno: errno.EEXIST });
        }
      }
      return mine;
    }));
    await ended;
    expect((won[0] ?? 0) + (won[1] ?? 0) + Number(said.replace("ready ", ""))).toBe(COUNT);
    expect(fs.readdirSync(dir).length).toBe(COUNT);
  });

  it("O_CREAT without O_EXCL opens what somebody else was faster with", async () => {
    const { server, dir } = make({}, {}, FAST);
    const clients = await Promise.all([1, 2, 3].map(() => nine(server)));
    for (let i = 0; i < 100; i++) {
      const fids = await Promise.all(clients.map((n) => n.lcreate(`f${i}`, p.L_O_CREAT | p.L_O_RDWR)));
      const qids = await Promise.all(clients.map(async (n, k) => (await n.fgetattr(fids[k] ?? 0)).qid));
      expect(new Set(qids.map((q) => `${q.pathhi}.${q.pathlo}`)).size).toBe(1);
    }
    expect(fs.readdirSync(dir).length).toBe(100);
  });

  it("O_TRUNC: the old content is gone for everybody at once, and the times change, also of an empty file", async () => {
    const { server, dir } = make();
    const [n, m] = [await nine(server), await nine(server)];
    await n.put("f", "old content");
    const f = await m.open("f");
    expect(await m.readText(f)).toBe("old content");
    for (const content of ["old content", ""]) {
      fs.writeFileSync(path.join(dir, "f"), content);
      fs.utimesSync(path.join(dir, "f"), 1000, 1000);
      await n.clunk(await n.lopen("f", p.L_O_WRONLY | p.L_O_TRUNC));
      expect(await m.readText(f)).toBe("");
      expect((await m.fstat(f)).length).toBe(0);
      expect((await m.fstat(f)).mtime).toBeGreaterThan(1000);
    }
  });
});

describe("host: rename onto what exists", () => {
  for (const dialect of ["9P2000", "9P2000.u", "9P2000.L"] as const) {
    const plain = dialect === "9P2000";
    it(`${plain ? "is refused" : "is rename(2)"} in ${dialect}`, async () => {
      const { server, dir } = make();
      const n = await nine(server, "root", dialect);
      for (const x of ["a", "b"]) await n.put(x, `content of ${x}`);
      for (const x of ["empty", "full", "other"]) await n.mkdir(x);
      await n.put("full/f", "x");
      const replaced = await n.open("b");
      const wstat = (from: string, to: string): Promise<void> => n.wstat(from, { name: to });
      if (plain) {
        for (const [from, to] of [["a", "b"], ["other", "empty"], ["other", "full"], ["a", "empty"], ["empty", "b"]] as const) {
          await refused(wstat(from, to), errno.EEXIST);
        }
        expect(fs.readdirSync(dir).toSorted()).toEqual(["a", "b", "empty", "full", "other"]);
        expect(fs.readFileSync(path.join(dir, "b"), "utf8")).toBe("content of b");
        return;
      }
      await wstat("a", "b");
      expect(fs.readFileSync(path.join(dir, "b"), "utf8")).toBe("content of a");
      expect(await n.readText(replaced)).toBe("content of b");
      await wstat("other", "empty");
      await refused(wstat("empty", "full"), errno.ENOTEMPTY, errno.EEXIST);
      await refused(wstat("b", "full"), errno.EISDIR);
      await refused(wstat("full", "b"), errno.ENOTDIR);
      expect(fs.readdirSync(dir).toSorted()).toEqual(["b", "empty", "full"]);
      if (dialect === "9P2000.u") return;
      await n.put("full/g", "old");
      await n.rename("b", "full/g");
      expect(await n.get("full/g")).toBe("content of a");
    });
  }
});

describe("host: changes behind its back", () => {
  it("are seen at once, by name, by fid and by open file", async () => {
    const { server, dir } = make();
    const at = path.join(dir, "f");
    fs.writeFileSync(at, "one");
    const n = await nine(server);
    const walked = await n.walk("f");
    const open = await n.open("f", p.ORDWR);
    const all = async (look: (fid: number) => Promise<unknown>): Promise<unknown[]> => [await look(walked), await look(open), await n.at("f", look)];
    const lengths = (): Promise<unknown[]> => all(async (fid) => (await n.fstat(fid)).length);
    const modes = (): Promise<unknown[]> => all(async (fid) => (await n.fgetattr(fid)).mode & 0o7777);
    expect(await lengths()).toEqual([3, 3, 3]);
    fs.appendFileSync(at, " two");
    expect(await lengths()).toEqual([7, 7, 7]);
    expect(await n.readText(open)).toBe("one two");
    fs.truncateSync(at, 2);
    expect(await lengths()).toEqual([2, 2, 2]);
    expect(await n.readText(open)).toBe("on");
    fs.chmodSync(at, 0o612);
    expect(await modes()).toEqual([0o612, 0o612, 0o612]);
    fs.utimesSync(at, 7, 9);
    expect(await all(async (fid) => (await n.fstat(fid)).mtime)).toEqual([9, 9, 9]);
    fs.linkSync(at, path.join(dir, "g"));
    expect(await all(async (fid) => (await n.fgetattr(fid)).nlink)).toEqual([2, 2, 2]);
    // Without a name, and while another file has it.
    fs.unlinkSync(path.join(dir, "g"));
    fs.unlinkSync(at);
    await refused(n.stat("f"), errno.ENOENT);
    expect((await n.fgetattr(open)).nlink).toBe(0);
    expect((await n.fgetattr(walked)).nlink).toBe(0);
    fs.writeFileSync(at, "another file");
    expect((await n.fstat(open)).length).toBe(2);
    expect((await n.stat("f")).length).toBe(12);
    await n.write(open, 2, "e!");
    expect(await n.readText(open)).toBe("one!");
    await n.fsetattr(open, p.SETATTR_SIZE, { size: 3 });
    expect(await n.readText(open)).toBe("one");
    expect(fs.readFileSync(at, "utf8")).toBe("another file");
    await n.clunk(open);
    await refused(n.fstat(walked), errno.ENOENT);
  });

  it("of a symbolic link that is asked about often: its target is never another link's", async () => {
    const { dir, files } = make();
    const server = host(files, { writable: true, now: () => Date.now(), sleep: () => new Promise(() => undefined) });
    const n = await nine(server);
    fs.symlinkSync("here", path.join(dir, "l"));
    const fid = await n.walk("l");
    for (let i = 0; i < 5; i++) await n.fgetattr(fid);
    expect((await n.rpc({ type: p.Treadlink, fid })).target).toBe("here");
    fs.renameSync(path.join(dir, "l"), path.join(dir, "moved"));
    fs.symlinkSync("elsewhere", path.join(dir, "l"));
    await refused(n.rpc({ type: p.Treadlink, fid }), errno.ENOENT);
    expect((await n.at("l", (x) => n.rpc({ type: p.Treadlink, fid: x }))).target).toBe("elsewhere");
  });

  it("in a directory are seen by the next reading, also when it was read often before", async () => {
    const { server, dir } = make();
    const n = await nine(server);
    let wanted: string[] = [];
    const names = async (): Promise<string[]> => (await n.dirents("")).map((d) => d.name).toSorted();
    for (let i = 0; i < 12; i++) {
      fs.writeFileSync(path.join(dir, `f${i}`), "");
      wanted.push(`f${i}`);
      if (i % 3 === 2) {
        fs.unlinkSync(path.join(dir, `f${i - 1}`));
        wanted = wanted.filter((x) => x !== `f${i - 1}`);
      }
      if (i % 3 === 0) fs.renameSync(path.join(dir, `f${i}`), path.join(dir, `f${i}x`));
      if (i % 3 === 0) wanted[wanted.length - 1] += "x";
      expect(await names()).toEqual(wanted.toSorted());
      // Long enough for a listing to be kept.
      if (i % 4 === 3) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        for (let k = 0; k < 3; k++) expect(await names()).toEqual(wanted.toSorted());
      }
    }
    // A file that another takes the place of, in a directory that was listed before.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const before = (await n.dirents("")).find((d) => d.name === "f0x")?.qid;
    fs.writeFileSync(path.join(dir, "new"), "");
    fs.renameSync(path.join(dir, "new"), path.join(dir, "f0x"));
    const again = (await n.dirents("")).find((d) => d.name === "f0x")?.qid;
    expect(again?.pathlo).toBe((await n.stat("f0x")).qid.pathlo);
    expect(again).not.toEqual(before);
  });
});

describe("host: beyond 4 GiB", () => {
  it("offsets, lengths and truncation", async () => {
    const { server, dir } = make();
    const at = path.join(dir, "big");
    fs.writeFileSync(at, "");
    for (const dialect of ["9P2000", "9P2000.u", "9P2000.L"] as const) {
      const n = await nine(server, "root", dialect);
      const f = await n.open("big", p.ORDWR | p.OTRUNC);
      const edge = 4 * GIB;
      const data = pattern(100_000, 3);
      await n.write(f, edge - 50_000, data);
      expect(await n.read(f, edge - 1, 2)).toEqual(data.slice(49_999, 50_001));
      expect(Buffer.compare(Buffer.from(await n.readAll(f, edge - 50_000)), Buffer.from(data))).toBe(0);
      expect((await n.fstat(f)).length).toBe(edge + 50_000);
      await n.fwstat(f, { length: 40 * GIB + 1 });
      expect(fs.statSync(at).size).toBe(40 * GIB + 1);
      expect(await n.read(f, 40 * GIB - 3, 10)).toEqual(new Uint8Array(4));
      await n.fwstat(f, { length: edge + 1 });
      expect(await n.read(f, edge - 1, 10)).toEqual(data.slice(49_999, 50_001));
      expect(fs.statSync(at).blocks * 512).toBeLessThan(2 ** 20);
      // What no file system takes is an error, and nothing happens.
      await refused(n.fwstat(f, { length: Number.MAX_SAFE_INTEGER }), errno.EFBIG, errno.EINVAL);
      await refused(n.write(f, Number.MAX_SAFE_INTEGER - 10, "x"), errno.EFBIG, errno.EINVAL);
      expect((await n.read(f, Number.MAX_SAFE_INTEGER - 10, 10)).length).toBe(0);
      expect((await n.fstat(f)).length).toBe(edge + 1);
      await n.clunk(f);
    }
  });
});

describe("host: locks", () => {
  it("are a file's, whatever name it is opened by, and follow it", async () => {
    const { server } = make();
    const [n, m] = [await nine(server), await nine(server)];
    await n.put("f", "x");
    await n.link("f", "g");
    const a = await n.open("f", p.ORDWR);
    const b = await m.open("g", p.ORDWR);
    expect(await n.lock(a, p.LOCK_TYPE_WRLCK)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_BLOCKED);
    await n.rename("f", "h");
    await n.unlink("g");
    const c = await m.open("h", p.ORDWR);
    expect(await m.lock(c, p.LOCK_TYPE_WRLCK)).toBe(p.LOCK_BLOCKED);
    await n.unlink("h");
    await m.put("h", "another");
    const d = await m.open("h", p.ORDWR);
    expect(await m.lock(d, p.LOCK_TYPE_WRLCK)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_BLOCKED);
    await n.clunk(a);
    expect(await m.lock(b, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_SUCCESS);
  });
});

describe("host: fsync", () => {
  it("reaches files and directories, open or not; of a link there is nothing to do", async () => {
    const { server, files } = make();
    const synced: [kind: string, datasync: boolean][] = [];
    const sync = files.sync.bind(files);
    files.sync = (fd, datasync) => {
      synced.push([fs.fstatSync(fd).isDirectory() ? "directory" : "file", datasync]);
      return sync(fd, datasync);
    };
    const n = await nine(server);
    await n.mkdir("d");
    await n.put("d/f", "content");
    await n.symlink("f", "d/l");
    const fsync = (fid: number, datasync = 0): Promise<unknown> => n.rpc({ type: p.Tfsync, fid, datasync });
    await n.at("d/f", (fid) => fsync(fid));
    await n.at("d", (fid) => fsync(fid, 1));
    await n.at("d/l", (fid) => fsync(fid));
    await fsync(n.root);
    const f = await n.open("d/f", p.OWRITE);
    await fsync(f, 1);
    await n.unlink("d/f");
    await fsync(f);
    // In 9P2000 it is a wstat that touches nothing.
    await n.fwstat(f, {});
    expect(synced).toEqual([["file", false], ["directory", true], ["directory", false], ["file", true], ["file", false], ["file", false]]);
  });
});

/** The same files, but for the device of what is below names that say so. */
function onDevices(files: HostFiles, deviceOf: (name: string) => number): HostFiles {
  const names = new Map<number, string>();
  return new Proxy(files, {
    get(target, key) {
      if (key === "lstat") {
        return (dir: number, name: string): unknown => {
          const st = target.lstat(dir, name);
          if (st instanceof Promise || !st) return st;
          const dev = deviceOf(name) || deviceOf(names.get(dir) ?? "");
          return dev ? { ...st, dev, ino: 7n } satisfies HostStat : st;
        };
      }
      if (key === "hold") {
        return (dir: number, name: string): unknown => {
          const h = target.hold(dir, name);
          if (typeof h === "number") names.set(h, name);
          return h;
        };
      }
      if (key === "stat") {
        return (h: number): unknown => {
          const st = target.stat(h);
          const dev = deviceOf(names.get(h) ?? "");
          return dev && !(st instanceof Promise) ? { ...st, dev, ino: 7n } : st;
        };
      }
      const v: unknown = Reflect.get(target, key);
      return typeof v === "function" ? (...args: unknown[]): unknown => Reflect.apply(v, target, args) : v;
    },
  });
}

describe("host: several devices", () => {
  it("files of one inode number on two are two files", async () => {
    const { dir, files } = make();
    for (const x of ["disk1", "disk2"]) fs.mkdirSync(path.join(dir, x));
    const server = host(onDevices(files, (name) => Number(/^disk(\d)$/.exec(name)?.[1] ?? 0)), { writable: true, unsafe: true, now: () => Date.now() });
    const n = await nine(server);
    const qids = [(await n.stat("disk1")).qid, (await n.stat("disk2")).qid];
    const entries = await n.dirents("");
    for (const [i, x] of ["disk1", "disk2"].entries()) expect(entries.find((d) => d.name === x)?.qid.pathhi).toBe(qids[i]?.pathhi);
    expect(qids[0]).not.toEqual(qids[1]);
    expect(p.sameFile(qids[0] ?? expect.fail(), qids[1] ?? expect.fail())).toBe(false);
  });

  it.runIf(root && linux)("a file system mounted in the tree is entered, and nothing is moved or linked across", async () => {
    const { server, dir } = make();
    const mount = path.join(dir, "m");
    fs.mkdirSync(mount);
    try {
      execFileSync("mount", ["-t", "tmpfs", "none", mount], { stdio: "ignore" });
    } catch {
      return;
    }
    undo(() => execFileSync("umount", ["-l", mount]));
    const n = await nine(server);
    await n.put("f", "outer");
    await n.put("m/f", "inner");
    await n.mkdir("m/d");
    const [a, b] = [await n.stat("f"), await n.stat("m/f")];
    expect(p.sameFile(a.qid, b.qid)).toBe(false);
    const paths = new Set<string>();
    for (const x of ["", "f", "m", "m/f", "m/d"]) {
      const { qid } = await n.stat(x);
      paths.add(`${qid.pathhi}.${qid.pathlo}`);
    }
    expect(paths.size).toBe(5);
    const listed = (await n.dirents("")).find((d) => d.name === "m");
    expect(listed?.qid.pathlo).toBe((await n.stat("m")).qid.pathlo);
    await refused(n.rename("f", "m/g"), errno.EXDEV);
    await refused(n.link("f", "m/g"), errno.EXDEV);
    const spaces = await Promise.all(["f", "m/f"].map((x) => n.at(x, (fid) => n.rpc({ type: p.Tstatfs, fid }))));
    expect(spaces[0]?.fstype).not.toBe(spaces[1]?.fstype);
    await refused(n.remove("m"), errno.EBUSY);
    // What is mounted over a directory in use is another directory.
    const d: Nine = await nine(server);
    const inner = await d.walk("m/d");
    execFileSync("mount", ["-t", "tmpfs", "none", path.join(mount, "d")]);
    undo(() => execFileSync("umount", ["-l", path.join(mount, "d")]));
    expect(p.sameFile((await d.stat("m/d")).qid, (await d.fstat(inner)).qid)).toBe(false);
  });
});
