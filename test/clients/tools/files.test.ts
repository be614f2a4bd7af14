/** ls cat cp mv rm mkdir echo: what they print and do. */
import { describe, expect, test } from "vitest";
import { MCREATE, MREPL, type Sys } from "../../../kernel/sys.ts";
import { DMDIR, NineError } from "../../../proto/index.ts";
import { decode } from "../../../clients/tools/lib/bytes.ts";
import { contents, make, pattern, run, watched } from "../../support/toolbench.ts";
import { tools } from "../../../clients/tools/index.ts";

const text = new TextEncoder();

async function put(sys: Sys, path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await sys.writeFile(path, typeof data === "string" ? text.encode(data) : data, mode);
}

async function tree(sys: Sys, root: string): Promise<string[]> {
  const found: string[] = [];
  for (const d of (await sys.readDir(root)).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${root === "/" ? "" : root}/${d.name}`;
    if (d.mode & DMDIR) found.push(`${path}/`, ...(await tree(sys, path)));
    else found.push(`${path} ${decode(await contents(sys, path))}`);
  }
  return found;
}

describe("files", () => {
  test("ls lists a directory, names in byte order and quoted", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o755);
    for (const name of ["b", "a b", "Z", "it's", "é"]) await put(sys, `/d/${name}`, "x");
    expect((await run(sys, ["ls", "/d"])).out).toBe("/d/Z\n'/d/a b'\n/d/b\n'/d/it''s'\n/d/é\n");
    expect((await run(sys, ["ls", "-pr", "/d"])).out).toBe("é\n'it''s'\nb\n'a b'\nZ\n");
    expect((await run(sys, ["ls", "-pQ", "/d/"])).out).toBe("Z\na b\nb\nit's\né\n");
    await sys.chdir("/d");
    expect((await run(sys, ["ls", "-Q"])).out).toBe("Z\na b\nb\nit's\né\n");
    expect((await run(sys, ["ls", "-d", "/d", "b"])).out).toBe("/d\nb\n");
    expect((await run(sys, ["ls", "-dF", "/d", "b"])).out).toBe("/d/\nb\n");
  });

  test("ls -l", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o755);
    await put(sys, "/d/long", "0123456789", 0o640);
    await put(sys, "/d/x", "", 0o755);
    await sys.symlink("x", "/d/link");
    const now = Math.floor(sys.now() / 1000);
    await sys.wstat("/d/long", { mtime: now - 3600 });
    await sys.wstat("/d/x", { mtime: Date.UTC(1999, 11, 9, 8, 7, 6) / 1000 });
    const lines = (await run(sys, ["ls", "-l", "/d"])).out.split("\n");
    const clock = new Date((now - 3600) * 1000).toUTCString();
    const day = `${clock.slice(8, 11)} ${String(Number(clock.slice(5, 7))).padStart(2)} ${clock.slice(17, 22)}`;
    expect(lines[0]).toMatch(/^l-rwxrwxrwx \S +\d+ \S+ +\S+ +\d+ .{12} \/d\/link -> x$/);
    expect(lines[1]).toMatch(/^--rw-r----- \S +\d+ \S+ +\S+ +10 .{12} \/d\/long$/);
    expect(lines[1]).toContain(` ${day} `);
    expect(lines[2]).toMatch(/^--rwxr-xr-x \S +\d+ \S+ +\S+ +0 Dec {2}9 {2}1999 \/d\/x$/);
    expect((await run(sys, ["ls", "-pt", "/d"])).out.split("\n").at(-2)).toBe("x");
    expect((await run(sys, ["ls", "-pqmsT", "/d/long"])).out).toMatch(/^1 \[\S* *\] \([0-9a-f]{16} \d+ 00\) - long\n$/);
    expect((await run(sys, ["ls", "-ld", "/d"])).out).toMatch(/^d-rwxr-xr-x /);
  });

  test("ls keeps going after an error", async () => {
    const sys = await make();
    await put(sys, "/f", "");
    const r = await run(sys, ["ls", "/none", "/f"]);
    expect(r).toMatchObject({ out: "/f\n", err: "ls: /none: file does not exist\n", status: "errors" });
    expect(await run(sys, ["ls", "-y"])).toMatchObject({ err: "usage: ls [-dlmnpqrstuFQT] [file ...]\n", status: "usage" });
  });

  test("ls of many files asks for several at a time", async () => {
    const sys = await make();
    const names = Array.from({ length: 100 }, (_, i) => `/f${String(i).padStart(3, "0")}`);
    for (const name of names) await put(sys, name, "");
    const watch = { most: 0, calls: 0 };
    const r = await run(sys, ["ls", ...names], "", watched(tools.get("ls") ?? (async () => {}), ["stat"], watch));
    expect(r.out).toBe(`${names.join("\n")}\n`);
    expect(watch.most).toBeGreaterThan(8);
  });

  test("cat: files, standard input; the first error is the end", async () => {
    const sys = await make();
    await put(sys, "/a", "one\n");
    await put(sys, "/b", "two");
    expect(await run(sys, ["cat", "/a", "/none", "/b"])).toMatchObject({ out: "one\n", err: "cat: /none: file does not exist\n", status: "errors" });
    expect((await run(sys, ["cat"], "in\0put")).out).toBe("in\0put");
    expect((await run(sys, ["cat", "--", "/a"])).out).toBe("one\n");
  });

  test("cat of a large file: every byte, several reads under way", async () => {
    const sys = await make();
    const big = pattern(5_000_001);
    await put(sys, "/big", big);
    const watch = { most: 0, calls: 0 };
    const r = await run(sys, ["cat", "/big"], "", watched(tools.get("cat") ?? (async () => {}), ["read"], watch));
    expect(r.status).toBe("");
    expect(Buffer.compare(r.bytes, big)).toBe(0);
    expect(watch.most).toBeGreaterThan(4);
  });

  test("a reader that leaves ends the writer quietly", async () => {
    const sys = await make();
    await put(sys, "/big", new Uint8Array(3_000_000).fill(97));
    const [r0, r1] = await sys.pipe();
    const [e0, e1] = await sys.pipe();
    const main = tools.get("cat");
    if (!main) throw new Error("no cat");
    const pid = await sys.spawn({ argv: ["cat", "/big"], main, fds: new Map([[1, r1], [2, e1]]) });
    await sys.close(r1);
    await sys.close(e1);
    await sys.read(r0, 10);
    await sys.close(r0);
    expect((await sys.wait(pid)).status).not.toBe("");
    expect((await sys.read(e0)).length).toBe(0);
  });

  test("cp: file to file, into a directory, modes", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await put(sys, "/a", "A", 0o754);
    await put(sys, "/b", "B");
    await put(sys, "/empty", "");
    expect(await run(sys, ["cp", "/a", "/c"])).toMatchObject({ err: "", status: "" });
    expect((await sys.stat("/c")).mode & 0o700).toBe(0o700);
    await run(sys, ["cp", "/b", "/c"]);
    expect(decode(await contents(sys, "/c"))).toBe("B");
    expect((await sys.stat("/c")).mode & 0o700).toBe(0o700);
    expect(await run(sys, ["cp", "/a", "/none", "/b", "/empty", "/d"])).toMatchObject({ err: "cp: /none: file does not exist\n", status: "errors" });
    expect(await tree(sys, "/d")).toEqual(["/d/a A", "/d/b B", "/d/empty "]);
    await sys.wstat("/a", { mtime: 1000 });
    await run(sys, ["cp", "-x", "/a", "/x"]);
    expect((await sys.stat("/x")).mtime).toBe(1000);
  });

  test("cp refuses nonsense", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await sys.mkdir("/d/e", 0o777);
    await put(sys, "/a", "A");
    expect(await run(sys, ["cp", "/a", "/a"])).toMatchObject({ err: "cp: /a and /a are the same file\n", status: "errors" });
    expect(await run(sys, ["cp", "/a", "/d/../."])).toMatchObject({ err: "cp: /a and /d/.././a are the same file\n" });
    expect(await run(sys, ["cp", "/d", "/f"])).toMatchObject({ err: "cp: /d: is a directory\n" });
    expect(await run(sys, ["cp", "-r", "/d", "/d/e"])).toMatchObject({ err: "cp: /d: cannot be copied into itself, /d/e/d\n" });
    expect(await run(sys, ["cp", "-r", "/d", "/d"])).toMatchObject({ err: "cp: /d: cannot be copied into itself, /d/d\n" });
    expect(await run(sys, ["cp", "/a", "/a", "/d"])).toMatchObject({ err: "cp: /a: not copied over /d/a, which was just written\n" });
    expect(await run(sys, ["cp", "/a", "/d", "/a"])).toMatchObject({ err: "cp: /a: not a directory\n" });
    expect(await run(sys, ["cp", "/a"])).toMatchObject({ status: "usage" });
    expect(decode(await contents(sys, "/a"))).toBe("A");
    expect(await run(sys, ["cp", "/a", "/none/b"])).toMatchObject({ err: "cp: /a: /none/b: file does not exist\n" });
  });

  test("cp -r: a tree, several files under way, again over itself", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    for (let i = 0; i < 5; i++) {
      await sys.mkdir(`/d/s${i}`, 0o755);
      for (let k = 0; k < 20; k++) await put(sys, `/d/s${i}/f${k}`, `${i} ${k}`);
    }
    await sys.wstat("/d/s3", { mode: DMDIR | 0o555 });
    await sys.symlink("s0/f0", "/d/link");
    const watch = { most: 0, calls: 0 };
    const main = watched(tools.get("cp") ?? (async () => {}), ["openRead", "writeFile"], watch);
    expect(await run(sys, ["cp", "-r", "/d", "/copy"], "", main)).toMatchObject({ err: "", status: "" });
    expect(watch.most).toBeGreaterThan(8);
    expect(watch.most).toBeLessThanOrEqual(16);
    const want = (await tree(sys, "/d")).map((line) => line.replace("/d/", "/copy/"));
    expect(await tree(sys, "/copy")).toEqual(want);
    expect((await sys.stat("/copy/s3")).mode & 0o777).toBe(0o555);
    expect(await sys.readlink("/copy/link")).toBe("s0/f0");
    await put(sys, "/copy/s1/f1", "old and longer");
    await sys.remove("/copy/link");
    expect(await run(sys, ["cp", "-r", "/d/s1", "/copy"])).toMatchObject({ err: "", status: "" });
    expect(decode(await contents(sys, "/copy/s1/f1"))).toBe("1 1");
  });

  test("cp of a large file: pieces in any order, all in place, few in memory", async () => {
    const sys = await make();
    const big = pattern(6_543_210);
    await put(sys, "/big", big);
    const watch = { most: 0, calls: 0 };
    const main = watched(tools.get("cp") ?? (async () => {}), ["read", "write"], watch);
    expect(await run(sys, ["cp", "/big", "/copy"], "", main)).toMatchObject({ err: "", status: "" });
    expect(Buffer.compare(await contents(sys, "/copy"), big)).toBe(0);
    expect(watch.most).toBeGreaterThan(4);
    expect(watch.most).toBeLessThanOrEqual(16);
  });

  test("mv renames, replaces, moves into directories", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await put(sys, "/a", "A");
    await put(sys, "/b", "B");
    expect(await run(sys, ["mv", "/a", "/c"])).toMatchObject({ err: "", status: "" });
    expect(await run(sys, ["mv", "/b", "/c"])).toMatchObject({ err: "", status: "" });
    expect(await run(sys, ["mv", "/c", "/d/"])).toMatchObject({ err: "", status: "" });
    expect(await tree(sys, "/d")).toEqual(["/d/c B"]);
    expect(await run(sys, ["mv", "/d", "/e"])).toMatchObject({ err: "", status: "" });
    expect(await tree(sys, "/e")).toEqual(["/e/c B"]);
    expect(await run(sys, ["mv", "/none", "/e"])).toMatchObject({ err: "mv: /none: file does not exist\n", status: "errors" });
  });

  test("mv refuses nonsense", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await sys.mkdir("/d/e", 0o777);
    await put(sys, "/a", "A");
    expect((await run(sys, ["mv", "/a", "/a"])).err).toBe("mv: /a and /a are the same file\n");
    expect((await run(sys, ["mv", "/d", "/d/e"])).err).toBe("mv: /d: cannot be moved into itself, /d/e/d\n");
    expect((await run(sys, ["mv", "/d", "/d/e/x"])).err).toBe("mv: /d: cannot be moved into itself, /d/e/x\n");
    expect((await run(sys, ["mv", "/d", "/a"])).err).toBe("mv: /d: /a: file already exists\n");
    expect((await run(sys, ["mv", "/a", "/d", "/a"])).err).toBe("mv: /a: not a directory\n");
    expect((await run(sys, ["mv", "/", "/d"])).err).toBe("mv: /: cannot be moved\n");
    expect((await run(sys, ["mv", "/d/.", "/x"])).err).toBe("mv: /d/.: cannot be moved\n");
  });

  test("rm", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    for (let i = 0; i < 30; i++) {
      await sys.mkdir(`/d/${i}`, 0o777);
      await put(sys, `/d/${i}/f`, "x");
    }
    await put(sys, "/keep", "x");
    await sys.symlink("/keep", "/d/link");
    expect(await run(sys, ["rm", "/d", "/none"])).toMatchObject({ status: "errors" });
    expect((await run(sys, ["rm", "/none"])).err).toBe("rm: /none: file does not exist\n");
    expect((await run(sys, ["rm", "/d"])).err).toBe("rm: /d: directory is not empty\n");
    expect(await run(sys, ["rm", "-f", "/none"])).toMatchObject({ err: "", status: "" });
    const watch = { most: 0, calls: 0 };
    expect(await run(sys, ["rm", "-r", "/d"], "", watched(tools.get("rm") ?? (async () => {}), ["remove", "readDir"], watch))).toMatchObject({ err: "", status: "" });
    expect(watch.most).toBeGreaterThan(8);
    expect((await sys.readDir("/")).some((d) => d.name === "d")).toBe(false);
    await expect(sys.stat("/keep")).resolves.toMatchObject({ name: "keep" });
    expect((await run(sys, ["rm", "-r", "/", ".", "/keep/.."])).err).toBe("rm: /: cannot be removed\nrm: .: cannot be removed\nrm: /keep/..: cannot be removed\n");
    expect(await run(sys, ["rm"])).toMatchObject({ status: "" });
  });

  test("mkdir", async () => {
    const sys = await make();
    expect(await run(sys, ["mkdir", "/a"])).toMatchObject({ err: "", status: "" });
    expect(await run(sys, ["mkdir", "/a", "/b"])).toMatchObject({ err: "mkdir: /a: file already exists\n", status: "errors" });
    expect(await run(sys, ["mkdir", "/x/y/z"])).toMatchObject({ err: "mkdir: /x/y/z: file does not exist\n" });
    expect(await run(sys, ["mkdir", "-p", "/x/y/z/", "/a"])).toMatchObject({ err: "", status: "" });
    expect(await run(sys, ["mkdir", "-m", "700", "/p"])).toMatchObject({ err: "", status: "" });
    expect((await sys.stat("/p")).mode & 0o777).toBe(0o700);
    await put(sys, "/f", "");
    expect(await run(sys, ["mkdir", "-p", "/f"])).toMatchObject({ err: "mkdir: /f: file already exists\n" });
    expect(await run(sys, ["mkdir", "-m", "9", "/q"])).toMatchObject({ status: "usage" });
  });

  test("echo", async () => {
    const sys = await make();
    expect((await run(sys, ["echo", "a", "", "b"])).out).toBe("a  b\n");
    expect((await run(sys, ["echo", "-n", "a", "-n"])).out).toBe("a -n");
    expect((await run(sys, ["echo"])).out).toBe("\n");
    expect((await run(sys, ["echo", "\udcff"])).bytes).toEqual(Uint8Array.of(255, 10));
  });
});

test("mv between servers copies and removes, or keeps all", async () => {
  const sys = await make();
  await sys.mkdir("/other", 0o777);
  await sys.bind("#other", "/other", MREPL | MCREATE);
  await sys.mkdir("/d", 0o755);
  await put(sys, "/d/f", "F", 0o600);
  await sys.wstat("/d/f", { mtime: 5000 });
  expect(await run(sys, ["mv", "/d", "/other"])).toMatchObject({ err: "", status: "" });
  expect(await tree(sys, "/")).toEqual(["/other/", "/other/d/", "/other/d/f F"]);
  expect(await sys.stat("/other/d/f")).toMatchObject({ mtime: 5000 });
  const main = watched((s, argv) => {
    const failing: Sys = new Proxy(s, {
      get: (target, key): unknown =>
        key === "writeFile" ? () => Promise.reject(new NineError("file system is full")) : Reflect.get(target, key, target) as unknown,
    });
    return (tools.get("mv") ?? (async () => {}))(failing, argv);
  }, [], { most: 0, calls: 0 });
  const r = await run(sys, ["mv", "/other/d", "/e"], "", main);
  expect(r.err).toBe("mv: /other/d/f: /e/f: file system is full\nmv: /other/d: not removed, because it was not all copied\n");
  expect(await tree(sys, "/other")).toEqual(["/other/d/", "/other/d/f F"]);
});
