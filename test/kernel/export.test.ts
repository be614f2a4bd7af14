/** Exports of a name space: what a client sees of mounts and unions, and what a session leaves behind. */
import { afterEach, describe, expect, test } from "vitest";
import { type Booted, MAFTER, MBEFORE, MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import * as p from "../../proto/index.ts";
import { dial, dir, encode, errno, open, pair, type Portal, serve, type Server, textFile } from "../../proto/index.ts";
import { ram, tree } from "../../servers/index.ts";
import { testKernel, type TestKernel } from "../support/kernel.ts";
import { Nine, refused } from "../support/nine.ts";
import { plain, turns } from "../support/turns.ts";

const kernels: Booted[] = [];
afterEach(() => {
  for (const k of kernels.splice(0)) k.shutdown();
});

async function kernel(servers: Record<string, Server> = {}): Promise<TestKernel> {
  const k = await testKernel({}, servers);
  kernels.push(k);
  return k;
}

const files = (names: Record<string, string>): Server => tree("files", dir(Object.fromEntries(Object.entries(names).map(([n, s]) => [n, textFile(() => s)]))));
const memory = (): Server => ram({ now: () => 1e9, owner: "glenda" });

/** A mount behind a wire in memory, as `versions` say. */
async function wire(portal: (s: p.Session9P) => Portal, versions: readonly string[] = p.VERSIONS): Promise<Portal> {
  const [a, b] = pair();
  serve(b, portal);
  return dial(a, { versions });
}

/** Every path below, with what it is; directories are read as the reader does. */
async function all(list: (path: string) => Promise<readonly p.Dir[]>, path = "", found: string[] = []): Promise<string[]> {
  for (const d of await list(path)) {
    const name = `${path}/${d.name}`;
    found.push(`${name} ${(d.mode >>> 0).toString(8)} ${d.length} ${d.uid}`);
    if (d.mode & p.DMDIR && path.split("/").length < 6) await all(list, name, found);
  }
  return found;
}

/** Lets what was sent be answered. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("what a client sees", () => {
  async function furnished(): Promise<TestKernel> {
    const k = await kernel();
    const { sys } = k;
    await sys.mkdir("/tmp/d", 0o755);
    await k.put("/tmp/d/f", "deep");
    await k.put("/tmp/top", "top");
    await sys.mount(open(files({ one: "1", both: "first" })), "/a", MREPL, "");
    await sys.mount(open(files({ two: "2", both: "second" })), "/a", MAFTER, "");
    await sys.bind("/tmp", "/a", MAFTER | MCREATE);
    await sys.mount(await wire((s) => open(memory(), s)), "/n/wire", MREPL | MCREATE, "");
    await sys.mkdir("/n/wire/sub", 0o755);
    await sys.mount(await wire((s) => open(files({ inner: "in" }), s), ["9P2000"]), "/n/wire/sub", MREPL, "");
    await sys.bind("/tmp/d", "/b", MREPL);
    await sys.bind("/tmp/top", "/tmp/d/f", MREPL);
    return k;
  }

  test("the tree that the kernel's own calls see, unions and mounts over mounts included", async () => {
    const k = await furnished();
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    const mine = await all((path) => k.sys.readDir(path || "/"));
    expect(mine.length).toBeGreaterThan(20);
    expect(await all((path) => n.list(path))).toEqual(mine);
    expect((await all((path) => n.list(path, 200))).length).toBe(mine.length);
    for (const line of mine) {
      const path = line.slice(0, line.indexOf(" "));
      if ((await k.sys.stat(path)).mode & p.DMDIR) continue;
      expect([path, await n.get(path)]).toEqual([path, await k.cat(path)]);
    }
    expect(await n.get("a/both")).toBe("first");
    expect(await n.get("b/f")).toBe("top");
  });

  test("Treaddir gives a union's entries in order, from any cookie", async () => {
    const k = await furnished();
    const n = await Nine.attach(k.sys.export("/a"), { uname: "any" });
    const names = (await k.sys.readDir("/a")).map((d) => d.name);
    expect((await n.dirents("")).map((d) => d.name)).toEqual(names);
    expect((await n.dirents("", 60)).map((d) => d.name)).toEqual(names);
    const fid = await n.lopen("");
    const entries = await n.readdir(fid, 0, 8192);
    const more = await n.readdir(fid, entries.at(-1)?.offset ?? 0);
    const again = await n.readdir(fid, entries[1]?.offset ?? 0);
    expect(again.map((d) => d.name)).toEqual(entries.slice(2).map((d) => d.name));
    expect((await n.readdir(fid, again.at(-1)?.offset ?? 0)).map((d) => d.name)).toEqual(more.map((d) => d.name));
    await refused(n.readdir(fid, 77777), errno.ESPIPE);
  });

  test("distinct files have distinct qids, one file always the same; directories say what walks say", async () => {
    const k = await kernel();
    for (const name of ["x", "y"]) {
      await k.sys.mount(k.sys.export("/tmp"), `/n/${name}`, MREPL, "");
      await k.sys.mount(open(files({ f: name })), `/n/${name}s`, MREPL, "");
    }
    await k.put("/tmp/f", "f");
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    const key = (q: p.Qid): string => `${q.pathhi}.${q.pathlo}`;
    const qids = [];
    for (const path of ["", "a", "b", "n", "tmp", "tmp/f", "n/x", "n/x/f", "n/y/f", "n/y", "n/xs", "n/ys", "n/xs/f", "n/ys/f"]) {
      const { qid } = await n.stat(path);
      expect((await n.getattr(path)).qid).toEqual(qid);
      qids.push(key(qid));
      const parts = path.split("/");
      const entry = (await n.list(parts.slice(0, -1).join("/"))).find((d) => d.name === parts.at(-1));
      const dirent = (await n.dirents(parts.slice(0, -1).join("/"))).find((d) => d.name === parts.at(-1));
      // Of a mount point a directory shows what is underneath.
      if (parts.at(-1) === "f") expect([entry?.qid, dirent?.qid]).toEqual([qid, dirent && { ...qid, vers: dirent.qid.vers }]);
    }
    expect(new Set(qids).size).toBe(qids.length);
  });

  test("..: by the name across mounts and unions, and not out of the tree attached to", async () => {
    const k = await furnished();
    const portal = k.sys.export("/");
    const n = await Nine.attach(portal, { uname: "any" });
    // The version of a mounted root is not known without asking.
    const file = (q: p.Qid): p.Qid => ({ ...q, vers: 0 });
    const qid = async (path: string): Promise<p.Qid> => file((await n.stat(path)).qid);
    const up = async (path: string, ...dots: string[]): Promise<readonly p.Qid[]> => {
      const from = await n.walk(path);
      const to = n.fid();
      const got = (await n.qids(from, to, dots)).map(file);
      const last = await n.fstat(to).then((d) => file(d.qid), () => undefined);
      if (got.length === dots.length) expect(last).toEqual(got.at(-1));
      return got;
    };
    await refused(up("n/wire/sub/inner", ".."), errno.ENOTDIR);
    await refused(up("b/f", ".."), errno.ENOTDIR);
    expect(await up("n/wire/sub", "..", "..", "..", "..")).toEqual([await qid("n/wire"), await qid("n"), await qid(""), await qid("")]);
    expect(await up("a/d", "..", "one")).toEqual([await qid("a"), await qid("a/one")]);
    expect(await up("b", ".", "..", "..", "a", "..", "tmp", "d")).toEqual([await qid("b"), await qid(""), await qid(""), await qid("a"), await qid(""), await qid("tmp"), await qid("tmp/d")]);
    expect(await up("", "..", "a", ".", "one")).toEqual([await qid(""), await qid("a"), await qid("a"), await qid("a/one")]);
    expect(await up("b", "..", "none", "..")).toEqual([await qid("")]);
    const low = await attachAt(portal, 100, "/n/wire");
    const attach = { type: p.Tattach, afid: p.NOFID, uname: "any", n_uname: p.NOU32 } as const;
    expect(await low.qids(100, 101, ["sub", "..", "..", "sub"])).toHaveLength(4);
    expect(file((await low.fstat(101)).qid)).toEqual(await qid("n/wire/sub"));
    await refused(n.rpc({ ...attach, fid: 200, aname: "/none" }), errno.ENOENT);
    await refused(n.rpc({ ...attach, fid: 200, aname: "/tmp/top" }), errno.ENOTDIR);
    await refused(n.rpc({ ...attach, fid: 200, aname: "none" }), errno.ENOENT);
  });

  test("a name made in a union goes where creation is permitted, moved and removed where it is; mount points stay", async () => {
    const k = await furnished();
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    await n.put("a/new", "made");
    expect(await k.cat("/tmp/new")).toBe("made");
    await refused(n.create("a/one").then((fid) => n.clunk(fid)), errno.EEXIST);
    await n.mkdir("a/dir");
    await n.at("a", (dfid) => n.rpc({ type: p.Tmkdir, dfid, name: "ldir", mode: 0o755, gid: p.NOU32 }));
    await n.symlink("new", "a/link");
    await n.link("a/new", "a/hard");
    await n.rename("a/new", "a/moved");
    expect((await k.ls("/tmp")).toSorted()).toEqual(["d", "dir", "hard", "ldir", "link", "moved", "top"]);
    await n.wstat("a/moved", { name: "new" });
    await n.unlink("a/new");
    await n.unlink("a/ldir", p.AT_REMOVEDIR);
    await n.remove("a/dir");
    await refused(n.remove("a/none"), errno.ENOENT);
    await refused(n.unlink("a/none"), errno.ENOENT);
    expect((await k.ls("/tmp")).toSorted()).toEqual(["d", "hard", "link", "top"]);
    await refused(n.create("b/x/y"), errno.ENOENT);
    await refused(n.create("b/x"), errno.EACCES);
    await refused(n.remove("n/wire/sub"), errno.EACCES);
    await refused(n.unlink("n/wire/sub", p.AT_REMOVEDIR), errno.EACCES);
    await refused(n.rename("n/wire/sub", "n/wire/other"), errno.EACCES);
    await refused(n.rename("tmp/top", "n/wire/top"), errno.EXDEV);
    await refused(n.link("tmp/top", "n/wire/top"), errno.EXDEV);
    expect(await n.names("n/wire")).toEqual(["sub"]);
  });

  test("mounts and unmounts while a client is there", async () => {
    const k = await kernel();
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    const a = await n.walk("a");
    await k.sys.mount(open(files({ f: "new" })), "/a", MBEFORE, "");
    expect(await n.get("a/f")).toBe("new");
    expect(await n.qids(a, n.fid(), ["f"])).toHaveLength(1);
    const f = await n.open("a/f");
    await k.sys.unmount(undefined, "/a");
    expect(await n.readText(f)).toBe("new");
    await refused(n.get("a/f"), errno.ENOENT);
    await refused(n.qids(a, n.fid(), ["f"]), errno.ENOENT);
  });

  test("each process exports what it sees; its export ends with it", async () => {
    const k = await kernel();
    let portal: Portal | undefined;
    let stay = (): void => undefined;
    const pid = await k.sys.spawn({
      argv: ["child"], ns: "copy",
      async main(sys: Sys) {
        await sys.mount(open(files({ mine: "m" })), "/a", MREPL, "");
        portal = sys.export("/a");
        await new Promise<void>((resolve) => {
          stay = resolve;
        });
      },
    });
    await quiet();
    if (!portal) throw new Error("no export");
    const n = await Nine.attach(portal, { uname: "any" });
    expect(await n.names("")).toEqual(["mine"]);
    expect(await k.ls("/a")).toEqual([]);
    stay();
    await k.sys.wait(pid);
    await refused(n.names(""), errno.ECONNRESET);
  });
});

describe("sessions", () => {
  test("in another dialect: 9P2000 and .u, symbolic links followed in 9P2000", async () => {
    const k = await kernel();
    await k.put("/tmp/f", "text");
    await k.sys.symlink("f", "/tmp/l");
    for (const dialect of ["9P2000", "9P2000.u"] as const) {
      const before = k.stats();
      const portal = k.sys.export("/", { dialect });
      expect(portal.dialect).toBe(dialect);
      const n = await Nine.attach(portal, { uname: "any" });
      expect(await n.names("tmp")).toEqual(["f", "l"]);
      expect((await n.stat("tmp/l")).qid.type).toBe(dialect === "9P2000" ? 0 : p.QTSYMLINK);
      if (dialect === "9P2000") expect(await n.get("tmp/l")).toBe("text");
      await n.put("tmp/new", "made");
      await n.wstat("tmp/new", { name: "other" });
      expect(await k.cat("/tmp/other")).toBe("made");
      await n.remove("tmp/other");
      if (dialect === "9P2000.u") {
        const end = await n.open("tmp/f", p.OWRITE | p.OAPPENDU);
        await n.write(end, 0, "!");
        await n.clunk(end);
        expect(await n.get("tmp/f")).toBe("text!");
        await n.put("tmp/f2", "");
        await n.remove("tmp/f2");
        await k.put("/tmp/f", "text");
      }
      await refused(attachAt(portal, 1000, "none"), errno.ENOENT);
      expect(await (await attachAt(portal, 1000, "/tmp")).get("f")).toBe("text");
      portal.hangup();
      await quiet();
      expect(k.stats()).toEqual(before);
    }
  });

  test("read-only, and trees beside the name space, which are not", async () => {
    const k = await kernel();
    await k.put("/tmp/f", "text");
    const before = k.stats();
    const portal = k.sys.export("/", { readonly: true, trees: { ctl: memory() } });
    const n = await Nine.attach(portal, { uname: "any" });
    expect(await n.get("tmp/f")).toBe("text");
    await refused(n.put("tmp/g", "x"), errno.EROFS);
    await refused(n.open("tmp/f", p.OWRITE), errno.EROFS);
    await refused(n.remove("tmp/f"), errno.EROFS);
    await refused(n.wstat("tmp/f", { mode: 0o600 }), errno.EROFS);
    const c = await attachAt(portal, 1000, "ctl");
    await c.put("note", "x");
    expect(await c.names("")).toEqual(["note"]);
    expect(await c.qids(1000, 1001, [".."])).toHaveLength(1);
    expect((await c.fstat(1001)).qid).toEqual((await c.fstat(1000)).qid);
    await c.mkdir("d");
    const d = await c.walk("d");
    expect(await c.qids(d, 1002, ["..", "..", "d", ".."])).toHaveLength(4);
    expect((await c.fstat(1002)).qid).toEqual((await c.fstat(1000)).qid);
    portal.hangup();
    expect(k.stats()).toEqual(before);
  });

  test("a Twstat may say the qid and the name it was told", async () => {
    const k = await kernel();
    await k.sys.mount(open(memory()), "/a", MREPL | MCREATE, "");
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    await n.put("a/f", "text");
    const { qid } = await n.stat("a/f");
    await n.wstat("a/f", { qid, mode: 0o640 });
    expect((await k.sys.stat("/a/f")).mode & 0o777).toBe(0o640);
    const root = await n.stat("a");
    expect(root.name).toBe("a");
    await n.wstat("a", { qid: root.qid, name: "a", mode: (p.DMDIR | 0o750) >>> 0 });
    await refused(n.wstat("a/f", { qid: root.qid, mode: 0o600 }), errno.EPROTO);
  });

  test("what is longer than a message of the Mnt's goes in several", async () => {
    const k = await kernel();
    const [a, b] = pair();
    const server = memory();
    serve(b, (s) => open(server, s));
    await k.sys.mount(await dial(a, { msize: 4096 }), "/a", MREPL | MCREATE, "");
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    const f = await n.create("a/f");
    const data = encode("0123456789".repeat(2000));
    expect((await n.rpc({ type: p.Twrite, fid: f, offset: 3, data })).count).toBe(20000);
    expect((await n.stat("a/f")).length).toBe(20003);
    expect((await n.read(f, 3, 65536)).length).toBeLessThanOrEqual(4096);
    expect(Buffer.from((await n.readAll(f)).subarray(3)).toString()).toBe("0123456789".repeat(2000));
  });

  test("a lost wire: what is behind it is hung up, everything else goes on", async () => {
    const k = await kernel();
    const [a, b] = pair();
    serve(b, (s) => open(memory(), s));
    const portal = await dial(a);
    await k.sys.mount(portal, "/a", MREPL | MCREATE, "");
    await k.sys.mount(open(files({ f: "here" })), "/b", MREPL, "");
    await k.sys.bind("/b", "/c", MREPL);
    await k.sys.bind("/a", "/c", MAFTER);
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    await n.put("a/f", "far");
    const f = await n.open("a/f");
    b.close();
    await quiet();
    await refused(n.readText(f), errno.ECONNRESET);
    await refused(n.get("a/f"), errno.ECONNRESET);
    await refused(n.stat("a"), errno.ECONNRESET);
    expect(await n.get("b/f")).toBe("here");
    expect(await n.get("c/f")).toBe("here");
    expect(await n.names("c")).toEqual(["f"]);
    expect(await n.names("")).toContain("a");
    await refused(n.clunk(f), errno.ECONNRESET);
    await refused(n.clunk(f), errno.EBADF);
  });

  test("flush: a blocked read ends, also one that waits behind a walk; the fids are as if nothing had been", async () => {
    const k = await kernel();
    let stuck = 0;
    const slow: p.FileNode = {
      open: () => ({
        read: (_at, _n, call) => new Promise((_resolve, reject) => {
          stuck++;
          call.signal.addEventListener("abort", () => reject(new p.NineError(p.Eintr)), { once: true });
        }),
      }),
    };
    const held: (() => void)[] = [];
    const late = dir({ slow });
    const server = tree("slow", { ...late, walk: (name, call) => new Promise((resolve) => held.push(() => resolve(late.walk(name, call)))) });
    await k.sys.mount(open(server), "/a", MREPL, "");
    await k.sys.bind("/b", "/a", MAFTER);
    const portal = k.sys.export("/");
    const n = await Nine.attach(portal, { uname: "any" });
    const before = k.stats();
    const walk: p.Tmsg = { type: p.Twalk, fid: n.root, newfid: 50, wname: ["a", "slow"] };
    const read: p.Tmsg = { type: p.Tread, fid: 50, offset: 0, count: 10 };
    const replies = [walk, { type: p.Topen, fid: 50, mode: p.OREAD } as const, read].map((t) => portal.call(t));
    await quiet();
    portal.flush(read);
    expect(await replies[2]).toMatchObject({ type: p.Rerror, errno: errno.EINTR });
    held.shift()?.();
    expect((await replies[1])?.type).toBe(p.Ropen);
    const again: p.Tmsg = { ...read };
    const blocked = portal.call(again);
    await quiet();
    expect(stuck).toBe(1);
    portal.flush(again);
    expect(await blocked).toMatchObject({ type: p.Rerror, errno: errno.EINTR });
    await n.clunk(50);
    const other: p.Tmsg = { ...walk, newfid: 51 };
    const walking = portal.call(other);
    const stat = portal.call({ type: p.Tstat, fid: 51 });
    await quiet();
    portal.flush(other);
    held.shift()?.();
    expect(await walking).toMatchObject({ type: p.Rerror, errno: errno.EINTR });
    expect(await stat).toMatchObject({ type: p.Rerror, errno: errno.EBADF });
    await quiet();
    expect(k.stats()).toEqual(before);
  });

  test("hang-up gives everything back, with calls and walks under way", async () => {
    const k = await kernel();
    const held: (() => void)[] = [];
    const server = tree("slow", { ...dir({ f: textFile(() => "f") }), walk: () => new Promise((resolve) => held.push(() => resolve(textFile(() => "f")))) });
    await k.sys.mount(open(server), "/a", MREPL, "");
    await k.sys.bind("/b", "/a", MBEFORE);
    const before = k.stats();
    const portal = k.sys.export("/");
    const n = await Nine.attach(portal, { uname: "any" });
    await n.open("a");
    await n.walk("tmp");
    const calls = [n.walk("a/f"), n.walk("a/g"), n.walk("a/h/i")].map((c) => c.then(() => "made", (e: unknown) => String(e)));
    await quiet();
    portal.hangup();
    for (const c of calls) expect(await c).toContain(p.Ehungup);
    for (const go of held.splice(0)) go();
    await quiet();
    expect(k.stats()).toEqual(before);
    await refused(n.stat(""), errno.ECONNRESET);
  });
});

/** A further attach on a portal. */
async function attachAt(portal: Portal, fid: number, aname: string): Promise<Nine> {
  const n = new Nine(portal);
  n.root = fid;
  await n.rpc({ type: p.Tattach, fid, afid: p.NOFID, uname: "any", aname, n_uname: p.NOU32 });
  for (let i = 0; i < 2000; i++) n.fid();
  return n;
}


describe("behind a wire that keeps no order", () => {
  test.each(["9P2000", "9P2000.L"])("%s: a walk is one round trip, however deep, and what follows waits for it", async (version) => {
    const server = memory();
    const local = await p.attach(open(server), { uname: "glenda" });
    for (const d of ["/1", "/1/2", "/1/2/3", "/1/2/3/4"]) await local.mkdir(d);
    await local.writeFile("/1/2/3/4/f", "deep");
    const k = await kernel();
    const [a, b] = pair();
    serve(b, (s) => plain(open(server, s)));
    const wire = turns(a);
    await k.sys.mount(await dial(wire.transport, { versions: [version] }), "/a", MREPL | MCREATE, "");
    const before = k.stats();
    const portal = k.sys.export("/");
    const fs = await p.attach(portal, { uname: "any" });
    const count = async (op: () => Promise<unknown>): Promise<number> => (await wire.during(op)).turns;
    expect(await count(() => fs.stat("/a/1/2/3/4/f"))).toBe(2);
    expect(await count(async () => expect(new TextDecoder().decode(await fs.readFile("/a/1/2/3/4/f"))).toBe("deep"))).toBeLessThanOrEqual(5);
    await expect(fs.stat("/a/1/2/3/none")).rejects.toThrow(p.Enonexist);
    await expect(fs.stat("/a/1/2/3/4/f/x")).rejects.toThrow(p.NineError);
    await fs.writeFile("/a/1/2/3/4/g", "new");
    await fs.rename("/a/1/2/3/4/g", "/a/1/2/3/4/h");
    await fs.remove("/a/1/2/3/4/h");
    expect((await fs.readDir("/a/1/2/3/4")).map((d) => d.name)).toEqual(["f"]);
    for (let i = 0; i < 300; i++) await fs.stat("/a/1/2/3/4/f");
    expect(k.stats().fids - before.fids).toBeLessThan(200);
    fs.close();
    portal.hangup();
    await quiet();
    expect(k.stats()).toEqual(before);
  });
});
