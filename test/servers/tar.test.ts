/** The tar server over archives made here; those of GNU tar are in test/interop/tar.test.ts. */
import { describe, expect, it } from "vitest";
import { tarFormat } from "../../clients/node/tarformat.ts";
import { attach, DMDEVICE, DMDIR, DMSETUID, DMSTICKY, DMSYMLINK, type Fsys, NineError, open, type Server } from "../../proto/index.ts";
import { tar, type TarSource } from "../../servers/index.ts";
import { chance, seed } from "../support/random.ts";
import { serverSuite } from "../support/serversuite.ts";
import { archive, member, type Member, pax } from "../support/tarwriter.ts";

const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const source = (data: Uint8Array): TarSource => ({ length: data.length, read: (at, n) => data.subarray(at, at + n) });
const server = async (data: Uint8Array): Promise<Server> => tar(source(data), await tarFormat());
const mounted = async (members: readonly Member[]): Promise<Fsys> => attach(open(await server(archive(members)), { dialect: "9P2000.L" }), { uname: "glenda" });
const why = (p: Promise<unknown>): Promise<string> => p.then(() => "no error", (e: unknown) => {
  if (!(e instanceof NineError)) throw e;
  return e.message;
});
/** Every path with what is at it: a directory's "", a file's contents, a link's target. */
async function everything(fs: Fsys, at = ""): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const d of await fs.readDir(at || "/")) {
    const path = `${at}/${d.name}`;
    if (d.mode & DMDIR) Object.assign(all, { [path]: "" }, await everything(fs, path));
    else all[path] = d.mode & DMSYMLINK ? `-> ${d.extension}` : await fs.readFile(path).then(text, (e: Error) => `! ${e.message}`);
  }
  return all;
}

describe("an archive as a tree", () => {
  it("files, directories, links, owners, modes, times", async () => {
    const fs = await mounted([
      { name: "./", type: "5", mode: 0o700, owner: "root" },
      { name: "d/", type: "5", mode: 0o1777, mtime: 1234567890, owner: "glenda" },
      { name: "d/f", data: "contents\n", mode: 0o4750, owner: "glenda" },
      { name: "old", type: "\0", data: "old style\n" },
      { name: "deep/er/file", data: "x" },
      { name: "d/again", type: "1", link: "./d/f", size: 9 },
      { name: "d/sym", type: "2", link: "../deep/er/file" },
      { name: "empty" },
      { name: "null", type: "3", major: 1, minor: 3 },
      { name: "disk", type: "4", major: 8, minor: 300 },
      { name: "fifo", type: "6" },
      { name: "cont", type: "7", data: "contiguous" },
      { name: "what", type: "Z", data: "unknown" },
      { name: "label", type: "V" },
    ]);
    const { "/d/sym": sym, ...all } = await everything(fs);
    expect(sym).toContain("->");
    expect(all).toEqual({
      "/d": "", "/d/f": "contents\n", "/d/again": "contents\n", "/old": "old style\n", "/deep": "", "/deep/er": "", "/deep/er/file": "x", "/empty": "",
      "/null": "! Operation not supported", "/disk": "! Operation not supported", "/fifo": "! Operation not supported", "/cont": "contiguous", "/what": "unknown",
    });
    expect(await fs.stat("/d")).toMatchObject({ mode: (DMDIR | DMSTICKY | 0o777) >>> 0, mtime: 1234567890, uid: "glenda" });
    expect(await fs.stat("/d/f")).toMatchObject({ mode: DMSETUID | 0o750, length: 9, uid: "glenda", gid: "glenda" });
    expect((await fs.stat("/d/again")).qid).toEqual((await fs.stat("/d/f")).qid);
    expect((await fs.stat("/null")).mode & DMDEVICE).toBe(DMDEVICE);
    expect((await fs.stat("/old")).uid).toBe("1000");
    expect((await fs.stat("/")).mode & 0o777).toBe(0o700);
    // Nobody writes it, whatever the modes say.
    for (const path of ["/new", "/d/f", "/d/new"]) expect(await why(fs.writeFile(path, new Uint8Array(1)))).toBe("read only file system");
    expect(await why(fs.remove("/old"))).toBe("read only file system");
  });

  it("long names of GNU and of POSIX, sizes and owners in pax headers", async () => {
    const long = `${"directory/".repeat(30)}${"n".repeat(200)}`;
    const fs = await mounted([
      { name: "././@LongLink", type: "L", data: `${long}\0` }, { name: long.slice(0, 99), data: "gnu" },
      { name: "././@LongLink", type: "K", data: `${long}\0` }, { name: "link", type: "2", link: long.slice(0, 99) },
      pax({ path: "päx/ü", mtime: "1500000000.75", uname: "émile", size: "3" }), { name: "short", data: "pax", size: 0, odd: (h) => h.write("00000000000", 124) },
      pax({ linkpath: "päx/ü" }), { name: "hard", type: "1", link: "nothing" },
      pax({ uname: "everybody" }, "g"), { name: "global", data: "g" },
      pax({ comment: "of no interest" }), { name: "after", data: "a", owner: "own" },
    ]);
    const all = await everything(fs);
    expect(all[`/${long}`]).toBe("gnu");
    expect(all["/päx/ü"]).toBe("pax");
    expect(all["/hard"]).toBe("pax");
    expect(all["/after"]).toBe("a");
    expect(await fs.stat("/päx/ü")).toMatchObject({ mtime: 1500000000, uid: "émile", length: 3 });
    expect((await fs.stat("/global")).uid).toBe("everybody");
    expect((await fs.client.readlink((await fs.client.walk(0, ["link"])).fid))).toBe(long);
  });

  it("whatever names say, they lie in the tree; the last member of a name wins", async () => {
    const fs = await mounted([
      { name: "/etc/passwd", data: "absolute" }, { name: "../../up", data: "up" }, { name: "a/../../b", data: "b" }, { name: "..", type: "5" }, { name: "//x//./y/", type: "5" },
      { name: "", data: "nameless" }, { name: ".", data: "dot" },
      { name: "twice", data: "first" }, { name: "twice", data: "second" },
      { name: "kept", data: "first" }, { name: "hard", type: "1", link: "kept" }, { name: "kept", data: "second" },
      { name: "file", data: "f" }, { name: "file/below", data: "below" },
      { name: "dir/in", data: "in" }, { name: "dir", data: "in its place?" }, { name: "hollow", type: "5" }, { name: "hollow", data: "filled" },
      { name: "sym", type: "2", link: "/tmp" }, { name: "sym/evil", data: "confined" },
      { name: "self", type: "1", link: "self" }, { name: "todir", type: "1", link: "dir" }, { name: "far", type: "1", link: "../../far" },
    ]);
    expect(await everything(fs)).toEqual({
      "/etc": "", "/etc/passwd": "absolute", "/up": "up", "/b": "b", "/x": "", "/x/y": "", "/twice": "second", "/kept": "second", "/hard": "first",
      "/file": "", "/file/below": "below", "/dir": "", "/dir/in": "in", "/hollow": "filled", "/sym": "", "/sym/evil": "confined",
      "/self": "! hard link to self, which is not in the archive", "/todir": "! hard link to dir, which is not in the archive", "/far": "! hard link to ../../far, which is not in the archive",
    });
  });

  it("sparse files are listed, and say what they are", async () => {
    const fs = await mounted([
      { name: "old", type: "S", data: "pieces" }, pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "new", "GNU.sparse.realsize": "1000000" }),
      { name: "GNUSparseFile.1/new", data: "1\n0\n" }, { name: "after", data: "fine" },
    ]);
    const sparse = "! sparse file in a tar archive: not supported";
    expect(await everything(fs)).toEqual({ "/old": sparse, "/new": sparse, "/after": "fine" });
  });

  it("ends at two blocks of zeros, or where the archive does", async () => {
    const one = member({ name: "one", data: "1" });
    const two = member({ name: "two", data: "2" });
    const zeros = (n: number): Buffer => Buffer.alloc(512 * n);
    const names = async (...parts: Buffer[]): Promise<string> => (await (await attach(open(await server(Buffer.concat(parts))))).readDir("/")).map((d) => d.name).join(" ");
    expect(await names(one)).toBe("one");
    expect(await names(one, zeros(1), two, zeros(2))).toBe("one two");
    expect(await names(one, zeros(2), two)).toBe("one");
    expect(await names(one, zeros(20), Buffer.from("rubbish"))).toBe("one");
    expect(await names(zeros(2))).toBe("");
    // What pads the last member may be missing, its data may not.
    expect(await names(member({ name: "last", data: "x" }).subarray(0, 513))).toBe("last");
  });
});

describe("what is no archive, or a damaged one", () => {
  const good = archive([{ name: "a", data: "x".repeat(1000) }, { name: "b", data: "y" }]);
  const cases: [string, Uint8Array, string | RegExp][] = [
    ["text", Buffer.from("hello, world. ".repeat(100)), "bad tar archive: at byte 0: no tar header, or a damaged one (bad checksum)"],
    ["short", Buffer.from("hello"), "bad tar archive: at byte 0: it ends within a header"],
    ["cut in a header", good.subarray(0, 1600), "bad tar archive: at byte 1536: it ends within a header"],
    ["cut in data", good.subarray(0, 1000), "bad tar archive: at byte 0: it ends within a"],
    ["a flipped bit", Buffer.from(good.map((b, i) => (i === 1540 ? b ^ 1 : b))), "bad tar archive: at byte 1536: no tar header, or a damaged one (bad checksum)"],
    ["a size beyond the end", archive([{ name: "a", size: 1e9 }]), "bad tar archive: at byte 0: it ends within a"],
    ["a size beyond everything", archive([{ name: "a", odd: (h) => h.fill(0xff, 124, 136).writeUInt8(0x80, 124) }]), /^bad tar archive: at byte 0: /],
    ["a negative size", archive([{ name: "a", odd: (h) => h.fill(0xff, 124, 136) }, { name: "b" }]), /^bad tar archive|no error/],
    ["a size that is no number", archive([{ name: "a", odd: (h) => h.write("99zz", 124) }]), /^bad tar archive|no error/],
    ["a long name of megabytes", archive([{ name: "l", type: "L", data: Buffer.alloc(2 << 20, "n") }, { name: "a" }]), "bad tar archive: at byte 0: a header of 2097152 bytes"],
    ["a name of too many elements", archive([{ name: "l", type: "L", data: "d/".repeat(2000) }, { name: "a" }]), /a name too long$/],
    ["another volume's rest", archive([{ name: "rest", type: "M" }]), "bad tar archive: at byte 0: rest begins in another volume"],
  ];
  it.each(cases)("%s", async (_title, data, want) => {
    const said = await why(server(data));
    if (typeof want === "string") expect(said).toBe(want);
    else expect(said).toMatch(want);
  });

  it("of any bytes: an error or a tree, never anything else", async () => {
    const first = seed();
    const whole = archive([
      { name: "a", data: "x".repeat(1000) }, pax({ path: "p/q", size: "5" }), { name: "b", data: "12345" }, { name: "L", type: "L", data: "long\0" }, { name: "c" },
      { name: "s", type: "2", link: "a" }, { name: "h", type: "1", link: "a" }, { name: "d", type: "5" },
    ]);
    for (let s = first; s < first + (process.env["SEED"] === undefined ? 400 : 1); s++) {
      const pick = chance(s);
      const data = Buffer.from(whole);
      for (let i = pick(12); i >= 0; i--) {
        const at = pick(data.length);
        if (pick(2)) data[at] = pick(256);
        else member({ name: ["..", "a/b", "x\0y", "/"][pick(4)] ?? "", type: "01256LKxgS7"[pick(11)] ?? "0", size: pick(4) ? pick(3000) : 2 ** 33 - 1 }).copy(data, at & ~511, 0, 512);
      }
      try {
        const fs = await attach(open(await server(pick(3) ? data : data.subarray(0, pick(data.length))), { dialect: "9P2000.L" }));
        for (const path of Object.keys(await everything(fs))) for (const name of path.split("/").slice(1)) expect(name).toMatch(/^(?!\.{0,2}$)[^\0]+$/);
      } catch (e) {
        if (!(e instanceof NineError)) throw new Error(`SEED=${s}`, { cause: e });
      }
    }
  });
});

describe("a large archive", () => {
  it("is not read but for its headers, and its files where they lie", async () => {
    const huge = 3 * 2 ** 30;
    const one = member({ name: "huge", size: huge });
    const two = archive([{ name: "after", data: "found" }]);
    let read = 0;
    // Three gigabytes, of which the tenth of each block is its number.
    const lazy: TarSource = { length: 512 + huge + two.length, read(at, n) {
      read += n;
      if (at < 512) return one.subarray(at, Math.min(512, at + n));
      if (at >= 512 + huge) return two.subarray(at - 512 - huge, at - 512 - huge + n);
      return Buffer.alloc(Math.min(n, 512 + huge - at), `${Math.floor((at - 512) / 2 ** 20)};`);
    } };
    const fs = await attach(open(await tar(lazy, await tarFormat())));
    expect(text(await fs.readFile("/after"))).toBe("found");
    expect(read).toBeLessThan(300_000);
    const f = await fs.open("/huge");
    expect(text(await f.read(5, 2 ** 31))).toBe("2048;");
    expect((await f.read(100, huge - 3)).length).toBe(3);
    expect((await f.read(100, huge)).length).toBe(0);
    expect((await fs.stat("/huge")).length).toBe(huge);
  });

  it("100,000 members", async () => {
    const many = archive(Array.from({ length: 100_000 }, (_, i) => ({ name: `d${i % 100}/f${i}`, data: i % 1000 ? "" : String(i) })));
    const fs = await attach(open(await server(many)));
    expect((await fs.readDir("/")).length).toBe(100);
    expect((await fs.readDir("/d7")).length).toBe(1000);
    expect(text(await fs.readFile("/d0/f99000"))).toBe("99000");
  });
});

const sample = archive([{ name: "d/f", data: "some text\n" }, { name: "d/g", data: "more" }, { name: "d/sub/", type: "5" }, { name: "h", data: "top" }]);
const format = await tarFormat();
const made = await tar(source(sample), format);
serverSuite("tar", () => made, { write: false, sample: { dir: "d", file: "f" } });
