/**
 * What each message costs the host server: the calls it makes on the file system, each one system
 * call of a process on Linux (clients/node/hostfiles.ts), and no promise while the file system
 * answers at once. More than these is a step back.
 */
import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import type { Tmsg } from "../../proto/index.ts";
import { host, type HostFiles } from "../../servers/host.ts";
import { cleanup, linux, make, people, root } from "../support/hosttree.ts";

afterEach(cleanup);

/** The same files, and the names of the calls made on them. */
function counting(files: HostFiles): { files: HostFiles; calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(files, {
    get(target, key) {
      const v: unknown = Reflect.get(target, key);
      if (typeof v !== "function") return v;
      return (...args: unknown[]): unknown => {
        // What is known without asking the system.
        if (key !== "local") calls.push(String(key));
        return Reflect.apply(v, target, args);
      };
    },
  });
  return { files: proxy, calls };
}

interface Bench {
  readonly dir: string;
  /** The calls that these messages make together; each must be answered at once, without an error. */
  readonly did: (...ts: Tmsg[]) => string[];
}

/** later: how far the server's clock is ahead of the files'. */
function bench(n_uname = 0, later = 0, sleep?: () => Promise<void>): Bench {
  const { dir, files } = make();
  const counted = counting(files);
  const now = Date.now();
  const portal = p.open(host(counted.files, { writable: true, now: () => now + later, ...(sleep && { sleep }) }), { users: people });
  const did = (...ts: Tmsg[]): string[] => {
    counted.calls.length = 0;
    for (const t of ts) {
      const r = portal.call(t);
      if (r instanceof Promise) expect.fail(`message ${t.type} was not answered at once`);
      if (r.type === p.Rerror) expect.fail(`message ${t.type}: ${r.ename}`);
    }
    return [...counted.calls];
  };
  did({ type: p.Tattach, fid: 0, afid: p.NOFID, uname: "", aname: "", n_uname });
  return { dir, did };
}

const walk = (newfid: number, ...wname: string[]): Tmsg => ({ type: p.Twalk, fid: 0, newfid, wname });
const lopen = (fid: number, flags = 0): Tmsg => ({ type: p.Tlopen, fid, flags });
const clunk = (fid: number): Tmsg => ({ type: p.Tclunk, fid });
const getattr = (fid: number): Tmsg => ({ type: p.Tgetattr, fid, request_mask: p.GETATTR_BASIC });
const lcreate = (name: string, flags: number, gid: number = p.NOU32): Tmsg => ({ type: p.Tlcreate, fid: 1, name, flags, mode: 0o600, gid });
const setattr = (fid: number, valid: number): Tmsg => ({
  type: p.Tsetattr, fid, valid, mode: 0o640, uid: p.NOU32, gid: p.NOU32, size: 7, atime_sec: 1, atime_nsec: 0, mtime_sec: 1, mtime_nsec: 0,
});
const CREATE = p.L_O_CREAT | p.L_O_RDWR;
const DEEP = ["a", "b", "c", "d", "f"];

describe.runIf(linux)("host: calls for each message", () => {
  it("walk: one for each element", () => {
    const { dir, did } = bench();
    fs.mkdirSync(path.join(dir, "a/b/c/d"), { recursive: true });
    fs.writeFileSync(path.join(dir, "a/b/c/d/f"), "");
    expect(did(walk(1))).toEqual([]);
    expect(did(walk(2, "a"))).toEqual(["lstat"]);
    // Directories on the way are held, and held they stay.
    const first = did(walk(3, ...DEEP));
    expect(first.filter((c) => c === "lstat")).toHaveLength(5);
    expect(did(walk(4, ...DEEP))).toEqual(Array.from({ length: 5 }, () => "lstat"));
    expect(did(clunk(1), clunk(2), clunk(3), clunk(4))).toEqual([]);
  });

  it("open, read, write, clunk", () => {
    const { dir, did } = bench();
    fs.writeFileSync(path.join(dir, "f"), "0123456789");
    did(walk(1, "f"));
    expect(did(lopen(1, p.L_O_RDWR))).toEqual(["open", "stat"]);
    for (const count of [5, 4096, 65536, 1 << 20]) expect(did({ type: p.Tread, fid: 1, offset: 0, count })).toEqual(["read"]);
    for (const n of [5, 4096, 65536, 1 << 20]) expect(did({ type: p.Twrite, fid: 1, offset: 0, data: new Uint8Array(n).subarray(p.IOHDRSZ) })).toEqual(["write"]);
    expect(did(clunk(1))).toEqual(["drop"]);
    did(walk(1, "f"));
    expect(did(lopen(1, p.L_O_WRONLY | p.L_O_TRUNC))).toEqual(["open", "stat", "truncate"]);
  });

  it("attributes: of an open file and of a directory by descriptor", () => {
    const { dir, did } = bench();
    fs.mkdirSync(path.join(dir, "d"));
    fs.writeFileSync(path.join(dir, "f"), "");
    did(walk(1, "f"), walk(2, "d"), getattr(2));
    expect(did(getattr(1))).toEqual(["lstat"]);
    expect(did(getattr(2))).toEqual(["stat"]);
    expect(did(getattr(0))).toEqual(["stat"]);
    expect(did(setattr(1, p.SETATTR_MTIME | p.SETATTR_MTIME_SET))).toEqual(["lstat", "hold", "stat", "utimes", "drop"]);
    did(lopen(1, p.L_O_RDWR));
    expect(did(getattr(1))).toEqual(["stat"]);
    expect(did(setattr(1, p.SETATTR_MODE))).toEqual(["stat", "stat", "chmod"]);
    expect(did(setattr(1, p.SETATTR_SIZE))).toEqual(["stat", "stat", "truncate"]);
    expect(did({ type: p.Tstatfs, fid: 1 })).toEqual(["statfs"]);
  });

  it("attributes of a file that is asked about again and again: by descriptor, as long as that goes on", async () => {
    const naps: (() => void)[] = [];
    const { dir, did } = bench(0, 0, () => new Promise((resolve) => naps.push(resolve)));
    const nap = async (): Promise<void> => {
      naps.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    for (const name of ["f", "g"]) fs.writeFileSync(path.join(dir, name), "");
    did(walk(1, "f"), walk(2, "g"));
    expect(did(getattr(1))).toEqual(["lstat"]);
    expect(did(getattr(1))).toEqual(["lstat", "hold", "stat"]);
    expect(did(getattr(1), getattr(1))).toEqual(["stat", "stat"]);
    await nap();
    expect(did(getattr(1))).toEqual(["stat"]);
    await nap();
    await nap();
    expect(did(getattr(1))).toEqual(["lstat", "hold", "stat"]);
    // A file that is removed behind the server's back is gone, though it was held; nothing holds it any longer.
    fs.writeFileSync(path.join(dir, "new"), "");
    fs.renameSync(path.join(dir, "new"), path.join(dir, "f"));
    expect(() => did(getattr(1))).toThrow("file does not exist");
    const deleted = fs.readdirSync("/proc/self/fd").filter((n) => {
      const link = `/proc/self/fd/${n}`;
      return fs.lstatSync(link, { throwIfNoEntry: false }) !== undefined && fs.readlinkSync(link) === `${path.join(dir, "f")} (deleted)`;
    });
    expect(deleted).toEqual([]);
    // So is one that is removed here.
    did(getattr(2), getattr(2));
    expect(did({ type: p.Tunlinkat, dirfid: 0, name: "g", flags: 0 })).toEqual(["lstat", "unlink", "drop"]);
  });

  it("create: with the attributes of what was made", () => {
    const { did } = bench();
    did(walk(1));
    expect(did(lcreate("f", CREATE | p.L_O_EXCL))).toEqual(["create", "stat"]);
    did(clunk(1), walk(1));
    // Without O_EXCL what is there is only looked for when it is there.
    expect(did(lcreate("g", CREATE, process.getgid?.() ?? 0))).toEqual(["create", "stat"]);
    did(clunk(1), walk(1));
    expect(did(lcreate("g", CREATE))).toEqual(["create", "lstat", "open", "stat"]);
    expect(did({ type: p.Tmkdir, dfid: 0, name: "d", mode: 0o700, gid: process.getgid?.() ?? 0 })).toEqual(["mkdir", "lstat"]);
    expect(did({ type: p.Tsymlink, fid: 0, name: "l", symtgt: "f", gid: process.getgid?.() ?? 0 })).toEqual(["symlink", "lstat"]);
    did(walk(2, "f"), walk(3, "l"));
    expect(did({ type: p.Tlink, dfid: 0, fid: 2, name: "hard" })).toEqual(["lstat", "link", "lstat"]);
    expect(did({ type: p.Treadlink, fid: 3 })).toEqual(["lstat", "readlink"]);
  });

  it("remove and rename: one look at what goes", () => {
    const { dir, did } = bench();
    fs.mkdirSync(path.join(dir, "d"));
    for (const name of ["f", "g", "h", "i"]) fs.writeFileSync(path.join(dir, name), "");
    expect(did({ type: p.Tunlinkat, dirfid: 0, name: "f", flags: 0 })).toEqual(["lstat", "unlink"]);
    expect(did({ type: p.Tunlinkat, dirfid: 0, name: "d", flags: p.AT_REMOVEDIR })).toEqual(["lstat", "rmdir"]);
    did(walk(1, "g"));
    expect(did({ type: p.Tremove, fid: 1 })).toEqual(["lstat", "unlink"]);
    // And one at what would be replaced.
    expect(did({ type: p.Trenameat, olddirfid: 0, oldname: "h", newdirfid: 0, newname: "i" })).toEqual(["lstat", "lstat", "rename"]);
  });

  it("directories: one listing, and one look for each entry that is given", () => {
    const { dir, did } = bench();
    for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(dir, `f${i}`), "");
    did(walk(1));
    expect(did(lopen(1, p.L_O_DIRECTORY))).toEqual(["access"]);
    const all = Array.from({ length: 300 }, () => "lstat");
    expect(did({ type: p.Treaddir, fid: 1, offset: 0, count: 65536 })).toEqual(["stat", "list", ...all]);
    did(walk(2));
    did({ type: p.Topen, fid: 2, mode: p.OREAD });
    // With attributes it is no more.
    expect(did({ type: p.Tread, fid: 2, offset: 0, count: 65536 })).toEqual(["list", ...all]);
  });

  it("directories: none for each entry when the directory is as it was", () => {
    const { dir, did } = bench(0, 3_600_000);
    for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(dir, `f${i}`), "");
    did(walk(1));
    did(lopen(1, p.L_O_DIRECTORY));
    const list: Tmsg = { type: p.Treaddir, fid: 1, offset: 0, count: 65536 };
    const all = Array.from({ length: 300 }, () => "lstat");
    expect(did({ ...list })).toEqual(["stat", "list", ...all]);
    expect(did({ ...list })).toEqual(["stat"]);
    fs.unlinkSync(path.join(dir, "f7"));
    expect(did({ ...list })).toEqual(["stat", "list", ...all.slice(1)]);
  });

  it.runIf(root)("for somebody else, whose rights are checked here", () => {
    const { dir, did } = bench(2001);
    fs.chmodSync(dir, 0o777);
    fs.writeFileSync(path.join(dir, "f"), "");
    fs.chmodSync(path.join(dir, "f"), 0o666);
    did(walk(1, "f"));
    expect(did(lopen(1, p.L_O_RDWR))).toEqual(["lstat", "open", "stat"]);
    expect(did({ type: p.Twrite, fid: 1, offset: 0, data: new Uint8Array(5) })).toEqual(["write"]);
    expect(did(clunk(1))).toEqual(["drop"]);
    did(walk(1));
    const made = did(lcreate("mine", CREATE | p.L_O_EXCL));
    expect(made.toSorted()).toEqual(["chown", "create", "stat", "stat", "stat", "stat"]);
  });
});
