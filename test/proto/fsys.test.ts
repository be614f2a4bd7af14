/** Fsys over every kind of wire: whole operations by path. */
import { describe, expect, it } from "vitest";
import {
  attach, dial, type Dialect, dir, elements, type Fsys, NineError, open, OREAD, ORCLOSE, ORDWR, pair, serve, type Server, textFile,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { plain } from "../support/turns.ts";

const text = new TextDecoder();

async function over(dialect: Dialect, how: "x" | "plain" | "local"): Promise<Fsys> {
  const server = ram({ now: () => 5000 });
  if (how === "local") return attach(open(server, { dialect }), { uname: "glenda" });
  const [client, end] = pair();
  serve(end, (s) => (how === "x" ? open(server, s) : plain(open(server, s))));
  const version = how === "x" ? `${dialect}.x` : dialect;
  return attach(await dial(client, { versions: [version] }), { uname: "root", n_uname: 0 });
}

it.each(["x", "plain", "local"] as const)("a file that is there is written in a directory where none is made, %s", async (how) => {
  let put = "";
  const server: Server = { name: "fixed", attach: () => dir({ f: textFile(() => put, (line) => void (put = line)) }, 0o555) };
  const [client, end] = pair();
  serve(end, (s) => (how === "x" ? open(server, s) : plain(open(server, s))));
  const fs = await attach(how === "local" ? open(server) : await dial(client, { versions: [how === "x" ? "9P2000.L.x" : "9P2000"] }), { uname: "glenda" });
  await fs.writeFile("/f", "one");
  expect(put).toBe("one");
  const f = await fs.create("/f");
  await f.write(new TextEncoder().encode("two"));
  await f.close();
  expect(put).toBe("two");
  await expect(fs.writeFile("/new", "x")).rejects.toThrow("permission denied");
  await expect(fs.create("/new")).rejects.toThrow("permission denied");
});

it("takes paths lexically (rule 17)", () => {
  expect(elements("/a/b/../c/./d//")).toEqual(["a", "c", "d"]);
  expect(elements("../../a")).toEqual(["a"]);
  expect(elements("a/b/../../..")).toEqual([]);
});

const wires = (["9P2000", "9P2000.u", "9P2000.L"] as const).flatMap((d) => (["x", "plain", "local"] as const).map((how) => [d, how] as const));

describe.each(wires)("%s, %s", (dialect, how) => {
  it("files and directories", async () => {
    const fs = await over(dialect, how);
    await fs.mkdir("/d");
    await fs.writeFile("/d/f", "one");
    await fs.writeFile("/d/f", "two!");
    expect(text.decode(await fs.readFile("/d/../d/f"))).toBe("two!");
    expect((await fs.stat("/d/f")).length).toBe(4);
    await fs.writeFile("/d/empty", "");
    expect((await fs.readDir("/d")).map((x) => x.name).toSorted()).toEqual(["empty", "f"]);
    expect(await fs.readFile("/d/empty")).toEqual(new Uint8Array(0));
    await fs.wstat("/d/f", { mode: 0o600, mtime: 77 });
    const d = await fs.stat("/d/f");
    expect([d.mode & 0o777, d.mtime]).toEqual([0o600, 77]);
    await fs.rename("/d/f", "/d/g");
    await expect(fs.stat("/d/f")).rejects.toThrow("file does not exist");
    await fs.remove("/d/g");
    await expect(fs.remove("/d")).rejects.toThrow("directory is not empty");
    await expect(fs.mkdir("/d")).rejects.toThrow("file already exists");
    await expect(fs.readFile("/none")).rejects.toThrow("file does not exist");
    await expect(fs.remove("/")).rejects.toBeInstanceOf(NineError);
  });

  it("a file of several messages, by offset and by position", async () => {
    const fs = await over(dialect, how);
    const data = new Uint8Array(3_000_000).map((_, i) => i >> 8);
    await fs.writeFile("/big", data);
    expect(Buffer.compare(await fs.readFile("/big"), data)).toBe(0);
    const f = await fs.open("/big", ORDWR);
    expect(await f.read(4, 256)).toEqual(new Uint8Array([1, 1, 1, 1]));
    await f.write(new Uint8Array([9, 9]));
    expect(await f.read(2)).toEqual(new Uint8Array([0, 0]));
    expect([...await f.read(3, 0)]).toEqual([9, 9, 0]);
    expect((await f.stat()).length).toBe(3_000_000);
    await f.close();
    const g = await fs.create("/big");
    expect((await g.stat()).length).toBe(0);
    await g.close();
  });

  it("many entries", async () => {
    const fs = await over(dialect, how);
    for (let i = 0; i < 300; i++) await fs.writeFile(`/file-${i}`, "x".repeat(i % 5));
    const all = await fs.readDir("/");
    expect(all.length).toBe(300);
    expect(all.every((d) => d.length === Number(d.name.slice(5)) % 5)).toBe(true);
  });

  it("renames between directories where the dialect can", async () => {
    const fs = await over(dialect, how);
    await fs.mkdir("/a");
    await fs.mkdir("/b");
    await fs.writeFile("/a/f", "x");
    if (dialect === "9P2000.L") {
      await fs.rename("/a/f", "/b/g");
      expect(text.decode(await fs.readFile("/b/g"))).toBe("x");
    } else await expect(fs.rename("/a/f", "/b/g")).rejects.toThrow("Invalid cross-device link");
  });

  it.runIf(dialect !== "9P2000")("symbolic links are followed inside the tree", async () => {
    const fs = await over(dialect, how);
    await fs.mkdir("/d");
    await fs.writeFile("/d/f", "text");
    await fs.symlink("d", "/dir");
    await fs.symlink("../d/f", "/d/up");
    await fs.symlink("/dir/up", "/abs");
    await fs.symlink("loop", "/loop");
    await fs.symlink("../../../d/f", "/out");
    await fs.symlink("nowhere", "/dangling");
    expect(await fs.readlink("/dir")).toBe("d");
    expect(text.decode(await fs.readFile("/dir/f"))).toBe("text");
    expect(text.decode(await fs.readFile("/abs"))).toBe("text");
    expect(text.decode(await fs.readFile("/out"))).toBe("text");
    expect((await fs.stat("/abs")).length).toBe(4);
    expect((await fs.readDir("/dir")).length).toBe(2);
    await fs.writeFile("/dir/new", "x");
    await fs.writeFile("/abs", "changed");
    expect(text.decode(await fs.readFile("/d/f"))).toBe("changed");
    await expect(fs.readFile("/loop")).rejects.toThrow("Too many levels of symbolic links");
    await expect(fs.stat("/dangling")).rejects.toThrow("file does not exist");
    await fs.remove("/abs");
    expect(text.decode(await fs.readFile("/d/f"))).toBe("changed");
  });

  it.runIf(dialect === "9P2000.L")("links", async () => {
    const fs = await over(dialect, how);
    await fs.writeFile("/a", "x");
    await fs.link("/a", "/b");
    await fs.remove("/a");
    expect(text.decode(await fs.readFile("/b"))).toBe("x");
  });

  it.runIf(dialect !== "9P2000.L" || how !== "plain")("remove on close", async () => {
    const fs = await over(dialect, how);
    await fs.writeFile("/f", "x");
    const f = await fs.open("/f", OREAD | ORCLOSE);
    await f.close();
    await expect(fs.stat("/f")).rejects.toThrow("file does not exist");
  });
});

describe("hostile servers and symbolic links", () => {
  it.each(["../up", "", "..", ".", "a/b", "nul\0"])("a directory entry called %j is refused", async (name) => {
    const evil = { name: "evil", attach: () => ({ walk: () => undefined, list: () => [[name, { open: () => ({}) }]] as const }) };
    const [a, b] = pair();
    serve(b, (s) => open(evil, s));
    const fs = await attach(await dial(a));
    await expect(fs.readDir("/")).rejects.toThrow(/protocol botch: directory entry named/);
    fs.close();
  });

  it("wstat changes what a link leads to, and renames the link itself", async () => {
    const server = ram({ now: () => 0 });
    const fs = await attach(open(server), { uname: "root" });
    await fs.writeFile("/f", "0123");
    await fs.symlink("f", "/l");
    await fs.wstat("/l", { length: 2, mode: 0o600 });
    expect([(await fs.stat("/f")).length, (await fs.stat("/f")).mode]).toEqual([2, 0o600]);
    await fs.wstat("/l", { name: "m" });
    expect((await fs.readDir("/")).map((d) => d.name)).toEqual(["f", "m"]);
  });
});
