/** ram: the server suite, and what only it promises: its budget, its clock, and to answer at once. */
import { describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { dial, errno, open, pair, serve } from "../../proto/index.ts";
import type { Dialect, Portal, Server } from "../../proto/index.ts";
import { ram } from "../../servers/ram.ts";
import { Nine, pattern, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("ram", () => ram({ now: () => Date.now() }));

/** The same through bytes: pack, split, mux and serve stand between. */
async function wired(server: Server, dialect: Dialect): Promise<Portal> {
  const [here, there] = pair();
  serve(there, (agreed) => open(server, agreed));
  return dial(here, { versions: [dialect === "9P2000.L" ? "9P2000.L.x" : dialect] });
}

serverSuite("ram over a wire", () => ram({ now: () => Date.now() }), { portal: wired });

const alice = { uname: "alice" };

async function free(n: Nine): Promise<number> {
  return (await n.rpc({ type: p.Tstatfs, fid: n.root })).ffree;
}

function small(limit: number): Promise<Nine> {
  return Nine.attach(open(ram({ now: () => 0, limit })), alice);
}

/** How often it can be done before the file system is full. */
async function until(what: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; ; i++) {
    try {
      await what(i);
    } catch (e) {
      expect(e).toMatchObject({ errno: errno.ENOSPC });
      return i;
    }
    if (i > 10_000) expect.fail("it is never full");
  }
}

/** A name of the greatest length. */
function name(i: number | string): string {
  return String(i).padEnd(255, "n");
}

describe("ram: memory", () => {
  it("a write beyond the limit fails, and changes nothing", async () => {
    const n = await small(1 << 20);
    const f = await n.create("f");
    await n.write(f, 0, pattern(500_000));
    await refused(n.rpc({ type: p.Twrite, fid: f, offset: 400_000, data: new Uint8Array(700_000) }), errno.ENOSPC);
    const all = await n.readAll(f);
    expect(Buffer.from(all).equals(Buffer.from(pattern(500_000)))).toBe(true);
    await n.write(f, 0, "still writable");
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 0 });
    await n.write(f, 0, pattern(700_000));
  });

  it("names, links, attributes and empty files count", async () => {
    const n = await small(1 << 20);
    const before = await free(n);
    expect(await until((i) => n.put(name(i)))).toBeGreaterThan(100);
    const names = await n.names("");
    expect(await until((i) => n.link(names[0] ?? "", name(`link${i}`)))).toBeLessThan(5);
    await n.rename(names[0] ?? "", name("renamed"));
    for (const { name: it } of await n.list("")) await n.remove(it);
    expect(await free(n)).toBe(before);
    expect(await until((i) => n.symlink("t".repeat(4000), `s${i}`))).toBeGreaterThan(50);
    for (const { name: it } of await n.list("")) await n.remove(it);
    await n.put("f");
    expect(await until((i) => n.xattrSet("f", `user.${i}`, pattern(60_000)))).toBeGreaterThan(10);
    await n.xattrSet("f", "user.0", "less", p.XATTR_REPLACE);
    await n.remove("f");
    await n.put("sparse");
    expect(await until(async (i) => {
      const f = await n.open("sparse", p.OWRITE);
      await n.write(f, i * 2 ** 30, "x").finally(() => n.clunk(f));
    })).toBeGreaterThan(1000);
    await n.remove("sparse");
    expect(await until((i) => n.mkdir(`d${i}`))).toBeGreaterThan(100);
    for (const { name: it } of await n.list("")) await n.remove(it);
    expect(await free(n)).toBe(before);
  });

  it("an open file without a name keeps its memory until it is closed", async () => {
    const n = await small(1 << 20);
    const before = await free(n);
    const f = await n.create("f");
    await n.write(f, 0, pattern(900_000));
    await n.remove("f");
    await refused(n.put("g", pattern(500_000)), errno.ENOSPC);
    await n.remove("g");
    await n.clunk(f);
    expect(await free(n)).toBe(before);
    const again = await n.create("f");
    await n.write(again, 0, pattern(900_000));
    n.portal.hangup();
  });

  it("a file replaced by rename gives its memory back, a fid of it answers stat but opens no more", async () => {
    const n = await small(1 << 20);
    await n.put("a", pattern(300_000));
    await n.put("b", pattern(600_000));
    const old = await n.walk("b");
    await n.rename("a", "b");
    await n.put("c", pattern(600_000));
    expect((await n.fgetattr(old)).nlink).toBe(0);
    await refused(n.rpc({ type: p.Topen, fid: old, mode: p.OREAD }), errno.ENOENT);
    await n.rpc({ type: p.Txattrcreate, fid: old, name: "user.a", attr_size: 1, flags: 0 });
    await n.write(old, 0, "x");
    await refused(n.clunk(old), errno.ENOENT);
  });

  it("holes cost nothing, and are not blocks", async () => {
    const n = await small(1 << 20);
    const f = await n.create("f");
    await n.write(f, 2 ** 50, "far");
    await n.fsetattr(f, p.SETATTR_SIZE, { size: Number.MAX_SAFE_INTEGER });
    const a = await n.fgetattr(f);
    expect(a.size).toBe(Number.MAX_SAFE_INTEGER);
    expect(a.blocks).toBeLessThan(10);
    expect(await n.read(f, Number.MAX_SAFE_INTEGER - 10, 100)).toHaveLength(10);
    await refused(n.rpc({ type: p.Twrite, fid: f, offset: Number.MAX_SAFE_INTEGER, data: new Uint8Array(1) }), errno.EFBIG);
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 2 ** 50 + 1 });
    expect(await n.readText(f, 2 ** 50)).toBe("f");
    await n.fsetattr(f, p.SETATTR_SIZE, { size: 0 });
    expect((await n.fgetattr(f)).blocks).toBe(0);
  });

  it("user names are bounded", async () => {
    await refused(Nine.attach(open(ram({ now: () => 0 })), { uname: "u".repeat(1000) }), errno.EINVAL);
    const n = await small(1 << 20);
    await n.put("f");
    const root = await Nine.attach(open(ram({ now: () => 0 })), { uname: "root", n_uname: 0 });
    await root.put("f");
    await refused(root.wstat("f", { gid: "g".repeat(1000) }), errno.EINVAL);
    await root.wstat("f", { gid: "staff" });
    expect((await root.stat("f")).gid).toBe("staff");
  });
});

describe("ram: the rest", () => {
  it("what .L makes has the group it names, if the caller may", async () => {
    const n = await Nine.attach(open(ram({ now: () => 0 })), { uname: "4001", n_uname: 4001 });
    for (const gid of [4001, 4002]) {
      const dir = await n.walk("");
      await n.rpc({ type: p.Tlcreate, fid: dir, name: `f${gid}`, flags: p.L_O_CREAT, mode: 0o644, gid });
      await n.rpc({ type: p.Tmkdir, dfid: n.root, name: `d${gid}`, mode: 0o755, gid });
      await n.rpc({ type: p.Tsymlink, fid: n.root, name: `s${gid}`, symtgt: "f", gid });
      await n.rpc({ type: p.Tmknod, dfid: n.root, name: `p${gid}`, mode: p.S_IFIFO | 0o644, major: 0, minor: 0, gid });
      await n.rpc({ type: p.Tmknod, dfid: n.root, name: `r${gid}`, mode: p.S_IFREG | 0o644, major: 0, minor: 0, gid });
    }
    for (const name of ["f", "d", "s", "p", "r"]) {
      expect((await n.getattr(`${name}4001`)).gid).toBe(4001);
      expect((await n.getattr(`${name}4002`)).gid).toBe(65534);
    }
  });

  it("a directory passes its set-group-ID bit on to directories", async () => {
    const n = await Nine.attach(open(ram({ now: () => 0 })), { uname: "alice" });
    await n.mkdir("d");
    await n.setattr("d", p.SETATTR_MODE, { mode: 0o2755 });
    await n.mkdir("d/d");
    await n.put("d/f");
    expect((await n.getattr("d/d")).mode & 0o7000).toBe(0o2000);
    expect((await n.getattr("d/f")).mode & 0o7000).toBe(0);
  });

  it("set-ID bits go when somebody without privilege writes", async () => {
    const server = ram({ now: () => 0 });
    const root = await Nine.attach(open(server), { uname: "root", n_uname: 0 });
    const n = await Nine.attach(open(server), { uname: "4001", n_uname: 4001 });
    const mode = async (): Promise<number> => (await root.getattr("f")).mode & 0o7777;
    await root.put("f", "hello");
    for (const [before, after] of [[0o6777, 0o777], [0o6767, 0o2767]] as const) {
      await root.setattr("f", p.SETATTR_MODE, { mode: before });
      const own = await root.open("f", p.OWRITE);
      await root.write(own, 0, "hello");
      await root.clunk(own);
      expect(await mode()).toBe(before);
      const f = await n.open("f", p.OWRITE);
      expect(await mode()).toBe(before);
      await n.write(f, 0, "x");
      expect(await mode()).toBe(after);
      await root.setattr("f", p.SETATTR_MODE, { mode: before });
      await n.setattr("f", p.SETATTR_SIZE, { size: 3 });
      expect(await mode()).toBe(after);
      await n.clunk(f);
    }
  });

  it("answers every message at once", async () => {
    const portal = open(ram({ now: () => 0 }));
    const call = (t: p.Tmsg): p.Rmsg => {
      const r = portal.call(t);
      if (r instanceof Promise || r.type === p.Rerror) expect.fail(`message ${t.type}: ${r instanceof Promise ? "a promise" : r.ename}`);
      return r;
    };
    call({ type: p.Tattach, fid: 0, afid: p.NOFID, uname: "alice", aname: "", n_uname: p.NOU32 });
    call({ type: p.Twalk, fid: 0, newfid: 1, wname: [] });
    call({ type: p.Tcreate, fid: 1, name: "f", perm: 0o666, mode: p.ORDWR, extension: "" });
    call({ type: p.Twrite, fid: 1, offset: 0, data: pattern(100_000) });
    call({ type: p.Tread, fid: 1, offset: 0, count: 100_000 });
    call({ type: p.Tmkdir, dfid: 0, name: "d", mode: 0o777, gid: p.NOU32 });
    call({ type: p.Tsymlink, fid: 0, name: "s", symtgt: "f", gid: p.NOU32 });
    call({ type: p.Tlink, dfid: 0, fid: 1, name: "g" });
    call({ type: p.Trenameat, olddirfid: 0, oldname: "g", newdirfid: 0, newname: "h" });
    call({ type: p.Tunlinkat, dirfid: 0, name: "h", flags: 0 });
    call({ type: p.Tgetattr, fid: 1, request_mask: p.GETATTR_ALL });
    call({ type: p.Tstat, fid: 1 });
    call({ type: p.Twstat, fid: 1, stat: { ...p.untouched(), length: 5 } });
    call({ type: p.Tstatfs, fid: 0 });
    call({ type: p.Tfsync, fid: 1, datasync: 0 });
    call({ type: p.Twalk, fid: 0, newfid: 2, wname: [] });
    call({ type: p.Topen, fid: 2, mode: p.OREAD });
    call({ type: p.Tread, fid: 2, offset: 0, count: 8192 });
    call({ type: p.Treaddir, fid: 2, offset: 0, count: 8192 });
    call({ type: p.Tremove, fid: 1 });
    call({ type: p.Tclunk, fid: 2 });
  });

  it("reads within a page are views of it", () => {
    const call: p.Call = { uname: "alice", uid: 1, signal: new AbortController().signal };
    const root = ram({ now: () => 0 }).attach(call, "");
    if (root instanceof Promise || !p.isDir(root)) expect.fail("no directory at once");
    const made = root.create?.("f", 0o666, p.ORDWR, call);
    if (made === undefined || made instanceof Promise || made.opened === undefined) expect.fail("no file at once");
    const { opened } = made;
    void opened.write?.(0, pattern(131_072), call);
    const a = opened.read?.(65_536, 65_536, call);
    const b = opened.read?.(65_540, 10, call);
    if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) expect.fail("no bytes at once");
    expect(a.buffer).toBe(b.buffer);
    const into = new Uint8Array(100);
    const across = opened.read?.(65_500, 100, call, into);
    expect(across instanceof Uint8Array && across.buffer === into.buffer).toBe(true);
  });

  it("times come from the clock, to the nanosecond", async () => {
    let now = 1_700_000_000_123.5;
    const n = await Nine.attach(open(ram({ now: () => now })), alice);
    const f = await n.create("f");
    expect(await n.fgetattr(f)).toMatchObject({ mtime_sec: 1_700_000_000, mtime_nsec: 123_500_000, ctime_sec: 1_700_000_000, atime_nsec: 123_500_000 });
    now += 1000;
    await n.write(f, 0, "x");
    expect(await n.fgetattr(f)).toMatchObject({ atime_sec: 1_700_000_000, mtime_sec: 1_700_000_001, ctime_sec: 1_700_000_001 });
    now += 1000;
    await n.readText(f);
    expect(await n.fgetattr(f)).toMatchObject({ atime_sec: 1_700_000_002, mtime_sec: 1_700_000_001, ctime_sec: 1_700_000_001 });
    now += 1000;
    await n.fsetattr(f, p.SETATTR_MODE, { mode: 0o600 });
    expect(await n.fgetattr(f)).toMatchObject({ atime_sec: 1_700_000_002, mtime_sec: 1_700_000_001, ctime_sec: 1_700_000_003 });
    now += 1000;
    await n.link("f", "g");
    expect(await n.fgetattr(f)).toMatchObject({ mtime_sec: 1_700_000_001, ctime_sec: 1_700_000_004 });
    await n.fsetattr(f, p.SETATTR_MTIME | p.SETATTR_MTIME_SET, { mtime_sec: -5, mtime_nsec: 7 });
    expect(await n.fgetattr(f)).toMatchObject({ mtime_sec: -5, mtime_nsec: 7 });
  });

  it("the root belongs to the owner, or to everybody", async () => {
    const server = ram({ now: () => 0, owner: "alice" });
    const n = await Nine.attach(open(server), alice);
    expect(await n.stat("")).toMatchObject({ uid: "alice", gid: "alice", mode: (p.DMDIR | 0o775) >>> 0 });
    await n.put("f");
    const bob = await Nine.attach(open(server), { uname: "bob" });
    await refused(bob.put("g"), errno.EACCES);
    const tmp = await Nine.attach(open(ram({ now: () => 0, mode: p.DMSTICKY | 0o777 })), { uname: "bob" });
    await tmp.put("g");
    expect((await tmp.getattr("")).mode).toBe(p.S_IFDIR | 0o1777);
  });
});
