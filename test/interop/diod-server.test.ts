/** Our client on a real diod: every operation of an Fsys over one watched wire, and the shell's tools through the kernel. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { connectTransport, parseAddr } from "../../clients/node/index.ts";
import {
  attach, Client, dial, DMDIR, DMSYMLINK, Eexist, Eloop, Enonexist, Enotdir, Enotempty, Eperm, errno, type Fsys, NineError, ORDWR, OWRITE, promised,
} from "../../proto/index.ts";
import { nineplex, type Started, startDiod, stopAll } from "../support/children.ts";
import { describeWith } from "../support/need.ts";
import { pattern, refused } from "../support/nine.ts";
import { dependent, Tap } from "../support/wirelog.ts";

const { username, uid } = userInfo();
const MIB = 1 << 20;
const text = (data: Uint8Array): string => Buffer.from(data).toString();

afterAll(stopAll);

async function tapped(at: string): Promise<Tap> {
  return new Tap(await connectTransport(parseAddr(`tcp://${at}`)));
}

/** The sentence a promise fails with. */
function sentence(what: Promise<unknown>): Promise<string> {
  return what.then(() => "success", (e: unknown) => (e instanceof NineError ? e.message : String(e)));
}

describeWith(["diod"], "an Fsys on diod", () => {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  const here = (path: string): string => join(dir, path);
  let at = "";
  let server: Started;
  let tap: Tap;
  let fs: Fsys;

  beforeAll(async () => {
    ({ server, at } = await startDiod(["-S", "-U", username], dir));
    tap = await tapped(at);
    fs = await attach(await dial(tap), { uname: username, aname: dir, n_uname: uid });
  });

  afterEach(() => {
    expect(server.running()).toBe(true);
    expect(dependent(tap.lines)).toEqual([]);
    // All fids but the root's are given back.
    const { client } = fs;
    return expect.poll(() => client.fids).toBe(1);
  });

  afterAll(() => {
    fs.close();
    rmSync(dir, { recursive: true });
  });

  it("falls back from .L.x to .L on the same connection, and keeps to diod's msize", () => {
    expect(tap.lines.slice(0, 4)).toEqual([
      "-> Tversion tag NOTAG msize 1048576 version '9P2000.L.x'",
      expect.stringMatching(/^<- Rlerror tag NOTAG /),
      "-> Tversion tag NOTAG msize 1048576 version '9P2000.L'",
      expect.stringMatching(/^<- Rversion tag NOTAG msize \d+ version '9P2000.L'$/),
    ]);
    expect(fs.client.portal).toMatchObject({ dialect: "9P2000.L", ordered: false });
  });

  it("attaches by the exported path, and nowhere else", async () => {
    const other = await dial(await tapped(at));
    await refused(attach(other, { uname: username, aname: "/nosuch", n_uname: uid }), errno.ENOENT, errno.EPERM, errno.EACCES);
    other.hangup();
  });

  it("stat", async () => {
    writeFileSync(here("plain"), "12345", { mode: 0o640 });
    utimesSync(here("plain"), 1_000_000_000, 1_100_000_000);
    mkdirSync(here("d"), { mode: 0o755 });
    expect(await fs.stat("/plain")).toMatchObject({ name: "plain", mode: 0o640, length: 5, atime: 1_000_000_000, mtime: 1_100_000_000, uid: String(uid) });
    expect((await fs.stat("/d")).mode).toBe((DMDIR | 0o755) >>> 0);
    expect((await fs.stat("/")).qid.type).toBe(0x80);
    expect(await sentence(fs.stat("/nosuch"))).toBe(Enonexist);
    expect(await sentence(fs.stat("/d/no/such"))).toBe(Enonexist);
    expect(await sentence(fs.stat("/plain/x"))).toBe(Enotdir);
  });

  it("writes a new file, writes over one, reads both", async () => {
    await fs.writeFile("/new", "a longer text\n");
    expect(readFileSync(here("new"), "utf8")).toBe("a longer text\n");
    await fs.writeFile("/new", "short\n");
    expect(readFileSync(here("new"), "utf8")).toBe("short\n");
    expect(text(await fs.readFile("/new"))).toBe("short\n");
    await fs.writeFile("/empty", "");
    expect((await fs.readFile("/empty")).length).toBe(0);
    expect(statSync(here("empty")).size).toBe(0);
  });

  it("3 MiB both ways", async () => {
    const data = pattern(3 * MIB + 17);
    await fs.writeFile("/large", data);
    expect(readFileSync(here("large")).equals(data)).toBe(true);
    expect(Buffer.from(await fs.readFile("/large")).equals(data)).toBe(true);
  });

  it("lists 2,000 entries with attributes", async () => {
    mkdirSync(here("many"));
    for (let i = 0; i < 2000; i++) writeFileSync(here(`many/entry${i}`), "x".repeat(i % 7));
    const dirs = await fs.readDir("/many");
    expect(dirs.length).toBe(2000);
    expect(new Map(dirs.map((d) => [d.name, d.length]))).toEqual(new Map(Array.from({ length: 2000 }, (_, i) => [`entry${i}`, i % 7])));
    expect(await fs.readDir("/d")).toEqual([]);
    expect(await sentence(fs.readDir("/nosuch"))).toBe(Enonexist);
    await refused(fs.readDir("/plain"), errno.ENOTDIR);
  }, 60_000);

  it("mkdir and remove", async () => {
    await fs.mkdir("/made", 0o750);
    expect(statSync(here("made")).mode & 0o777).toBe(0o750);
    expect(await sentence(fs.mkdir("/made"))).toBe(Eexist);
    expect(await sentence(fs.mkdir("/no/where"))).toBe(Enonexist);
    await fs.writeFile("/made/file", "x");
    expect(await sentence(fs.remove("/made"))).toBe(Enotempty);
    await fs.remove("/made/file");
    await fs.remove("/made");
    expect(readdirSync(dir)).not.toContain("made");
    expect(await sentence(fs.remove("/made"))).toBe(Enonexist);
    expect(await sentence(fs.remove("/no/where"))).toBe(Enonexist);
  });

  it("rename within a directory, across directories, over a file", async () => {
    await fs.mkdir("/from");
    await fs.mkdir("/to");
    await fs.writeFile("/from/a", "a");
    await fs.rename("/from/a", "/from/b");
    expect(readdirSync(here("from"))).toEqual(["b"]);
    await fs.rename("/from/b", "/to/c");
    expect(readdirSync(here("from"))).toEqual([]);
    expect(readFileSync(here("to/c"), "utf8")).toBe("a");
    await fs.writeFile("/to/d", "d");
    await fs.rename("/to/d", "/to/c");
    expect(readFileSync(here("to/c"), "utf8")).toBe("d");
    await fs.rename("/to", "/from/to");
    expect(readdirSync(here("from/to"))).toEqual(["c"]);
    expect(await sentence(fs.rename("/from/nosuch", "/x"))).toBe(Enonexist);
  });

  it("symbolic links: made, read, followed by the client", async () => {
    await fs.mkdir("/links");
    await fs.writeFile("/links/target", "seen\n");
    await fs.symlink("target", "/links/beside");
    await fs.symlink("/links", "/links/up");
    await fs.symlink("self", "/links/self");
    await fs.symlink("nosuch", "/links/dangling");
    expect(readlinkSync(here("links/beside"))).toBe("target");
    expect(await fs.readlink("/links/beside")).toBe("target");
    expect(text(await fs.readFile("/links/beside"))).toBe("seen\n");
    expect(text(await fs.readFile("/links/up/up/beside"))).toBe("seen\n");
    expect((await fs.stat("/links/beside")).length).toBe(5);
    expect((await fs.readDir("/links/up")).length).toBe(5);
    expect((await fs.readDir("/links")).find((d) => d.name === "beside")?.mode).toBe(DMSYMLINK | 0o777);
    expect(await sentence(fs.readFile("/links/self"))).toBe(Eloop);
    expect(await sentence(fs.stat("/links/dangling"))).toBe(Enonexist);
    await fs.remove("/links/beside");
    expect(readdirSync(here("links"))).toContain("target");
  });

  it("link", async () => {
    await fs.writeFile("/one", "1");
    await fs.link("/one", "/d/two");
    expect(lstatSync(here("d/two")).ino).toBe(lstatSync(here("one")).ino);
    expect(await sentence(fs.link("/one", "/d/two"))).toBe(Eexist);
  });

  it("wstat: mode, length, times, name", async () => {
    await fs.writeFile("/w", "0123456789");
    await fs.wstat("/w", { mode: 0o604 });
    await fs.wstat("/w", { length: 4 });
    await fs.wstat("/w", { mtime: 1_234_567_890, atime: 987_654_321 });
    const st = statSync(here("w"));
    expect([st.mode & 0o777, st.size, st.mtimeMs, st.atimeMs]).toEqual([0o604, 4, 1_234_567_890_000, 987_654_321_000]);
    await fs.wstat("/w", { length: 100_000 });
    expect(statSync(here("w")).size).toBe(100_000);
    await fs.wstat("/w", { name: "w2" });
    expect(readdirSync(dir)).toContain("w2");
    expect(await sentence(fs.wstat("/w", { mode: 0o600 }))).toBe(Enonexist);
  });

  it("open files: offsets, both ways, at once; create truncates", async () => {
    const f = await fs.create("/open", ORDWR);
    await f.write(new TextEncoder().encode("hello world"));
    expect(text(await f.read(5, 6))).toBe("world");
    f.offset = 0;
    expect(text(await f.read(5))).toBe("hello");
    expect((await f.stat()).length).toBe(11);
    const parts = await Promise.all([f.read(1, 0), f.read(1, 4), f.read(1, 10), f.read(1, 11)]);
    expect(parts.map(text)).toEqual(["h", "o", "d", ""]);
    await f.close();
    await (await fs.create("/open", OWRITE)).close();
    expect(statSync(here("open")).size).toBe(0);
    expect(await sentence(fs.open("/nosuch"))).toBe(Enonexist);
  });

  it("a file that was removed while open is read and written on", async () => {
    await fs.writeFile("/gone", "still here");
    const f = await fs.open("/gone", ORDWR);
    await fs.remove("/gone");
    expect(readdirSync(dir)).not.toContain("gone");
    expect(text(await f.read())).toBe("still here");
    await f.write(new TextEncoder().encode("!"), 10);
    expect(text(await f.read(1, 10))).toBe("!");
    await f.close();
  });

  it("many files at once", async () => {
    await fs.mkdir("/crowd");
    const names = Array.from({ length: 200 }, (_, i) => `/crowd/f${i}`);
    await Promise.all(names.map((name) => fs.writeFile(name, `this is ${name}`)));
    const all = await Promise.all(names.map((name) => fs.readFile(name)));
    expect(all.map(text)).toEqual(names.map((name) => `this is ${name}`));
    await Promise.all(names.map((name) => fs.remove(name)));
    expect(readdirSync(here("crowd"))).toEqual([]);
  });

  it("exclusive create: of many at once one succeeds", async () => {
    const client = new Client(await dial(await tapped(at)));
    const root = await client.attach(username, dir, uid);
    const tries = await Promise.all(Array.from({ length: 10 }, () => promised(() => client.create(root.fid, [], "excl", OWRITE, 0o600)).then((o) => o.fid, (e: unknown) => e)));
    expect(tries.filter((t) => typeof t === "number").length).toBe(1);
    for (const t of tries) if (typeof t !== "number") expect(t).toMatchObject({ message: Eexist });
    client.portal.hangup();
  });

  it("deep paths: more names than one Twalk takes", async () => {
    const deep = Array.from({ length: 40 }, (_, i) => `dir${i}`);
    mkdirSync(here(deep.join("/")), { recursive: true });
    const path = `/${deep.join("/")}/bottom`;
    await fs.writeFile(path, "deep");
    expect(text(await fs.readFile(path))).toBe("deep");
    expect(await sentence(fs.readFile(`/${deep.slice(0, 20).join("/")}/nosuch/x`))).toBe(Enonexist);
    await fs.remove(path);
  });

  it.skipIf(uid !== 0)("permission denied to another user", async () => {
    const d = await startDiod([], dir);
    const nobody = await attach(await dial(await tapped(d.at)), { uname: "nobody", aname: dir, n_uname: 65534 });
    execFileSync("chmod", ["755", dir]);
    writeFileSync(here("secret"), "x", { mode: 0o600 });
    expect(await sentence(nobody.readFile("/secret"))).toBe(Eperm);
    expect(await sentence(nobody.writeFile("/mine", "x"))).toBe(Eperm);
    expect(await sentence(nobody.remove("/secret"))).toBe(Eperm);
    nobody.close();
    await d.server.stop();
  });
});

describeWith(["diod"], "the shell on diod", () => {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  const exported = join(dir, "exported");
  const host = join(dir, "host");
  let mount = "";
  let server: Started;
  let at = "";

  beforeAll(async () => {
    mkdirSync(exported);
    mkdirSync(join(host, "tree/sub/deep"), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(join(host, `tree/sub/file${i}`), `file ${i}\nfoo ${i}\n`);
    writeFileSync(join(host, "tree/sub/deep/large"), pattern(MIB + 5));
    symlinkSync("sub", join(host, "tree/link"));
    ({ server, at } = await startDiod(["-S", "-U", username], exported));
    mount = `mount tcp://${at} /n/d ${exported}`;
  });

  afterAll(() => rmSync(dir, { recursive: true }));

  /** Runs commands with diod's directory at /n/d; what they print, and what is wrong with the trace. */
  const sh = async (commands: string): Promise<{ out: string; err: string; status: number | null }> => {
    const log = join(dir, "trace");
    const r = await nineplex([`--trace=${log}`, "-c", `${mount}\n${commands}`], { cwd: host });
    const lines = readFileSync(log, "utf8").split("\n").filter((line) => line.includes(` # tcp://${at}`));
    expect(lines.length).toBeGreaterThan(2);
    expect(dependent(lines)).toEqual([]);
    expect(server.running()).toBe(true);
    return { out: r.stdout.toString(), err: r.stderr, status: r.status };
  };
  const same = (a: string, b: string): string => execFileSync("diff", ["-r", "--no-dereference", a, b]).toString();

  it("redirections, cat, a pipe", async () => {
    expect(await sh("echo one > /n/d/f; echo two >> /n/d/f; cat /n/d/f; grep o /n/d/f | wc -l; cat < /n/d/f > /n/d/g; cat /n/d/g")).toEqual({
      out: expect.stringMatching(/^one\ntwo\n +2\none\ntwo\n$/) as string, err: "", status: 0,
    });
    expect(readFileSync(join(exported, "f"), "utf8")).toBe("one\ntwo\n");
    await sh("echo three > /n/d/f");
    expect(readFileSync(join(exported, "f"), "utf8")).toBe("three\n");
  }, 30_000);

  it("ls -l", async () => {
    writeFileSync(join(exported, "listed"), "12345", { mode: 0o644 });
    symlinkSync("listed", join(exported, "alink"));
    const r = await sh("ls -l /n/d/listed; ls /n/d | wc -l; cat /n/d/alink; ls -l /n/d/alink");
    expect(r).toMatchObject({ err: "", status: 0 });
    expect(r.out).toMatch(/^--rw-r--r-- M \d+ \S+ \S+ 5 .* \/n\/d\/listed\n/);
    expect(r.out).toMatch(/12345/);
  }, 30_000);

  it("cp -r there and back, mv, rm -r", async () => {
    expect(await sh("cp -r tree /n/d/tree; cp -r /n/d/tree back")).toEqual({ out: "", err: "", status: 0 });
    expect(same(join(host, "tree"), join(exported, "tree"))).toBe("");
    expect(same(join(host, "tree"), join(host, "back"))).toBe("");
    expect(await sh("mv /n/d/tree/sub/file1 /n/d/tree/moved; mv /n/d/tree /n/d/other; mv /n/d/other/moved moved; mv moved /n/d/again; cat /n/d/again")).toEqual({
      out: "file 1\nfoo 1\n", err: "", status: 0,
    });
    expect(readdirSync(exported)).toContain("other");
    expect(readdirSync(join(exported, "other/sub"))).not.toContain("file1");
    expect(await sh("rm -r /n/d/other; rm /n/d/again; mkdir -p /n/d/a/b/c; rm /n/d/a/b/c")).toEqual({ out: "", err: "", status: 0 });
    expect(readdirSync(exported)).not.toContain("other");
    expect(readdirSync(join(exported, "a"))).toEqual(["b"]);
  }, 60_000);

  it("what is not there is one line each", async () => {
    const r = await sh("cat /n/d/nosuch; rm /n/d/no/such; ls /n/d/no/such; mkdir /n/d/a; rm /n/d/a; echo x > /n/d/no/such");
    expect(r.out).toBe("");
    expect(r.err.split("\n").slice(0, -1)).toEqual([
      expect.stringMatching(/nosuch.*file does not exist/), expect.stringMatching(/no\/such.*file does not exist/),
      expect.stringMatching(/no\/such.*file does not exist/), expect.stringMatching(/file already exists/),
      expect.stringMatching(/directory is not empty/), expect.stringMatching(/no\/such.*file does not exist/),
    ]);
  }, 30_000);

  it("--mount, and an aname that is not exported", async () => {
    const r = await nineplex(["-c", `mount tcp://${at} /n/d /nosuch`]);
    expect(r.status).not.toBe(0);
    expect(r.stderr).toMatch(/^mount: \/n\/d: .+\n$/);
    const closed = await nineplex(["--mount", "tcp://127.0.0.1:1:/n/d", "-c", "echo no"]);
    expect(closed).toMatchObject({ status: 1 });
    expect(closed.stderr).toMatch(/^nineplex: --mount .*\n$/);
  }, 30_000);
});
