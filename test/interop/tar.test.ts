/** The tar server beside GNU tar: the same archives, listed and unpacked by both. */
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, linkSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { gunzip, tarFormat } from "../../clients/node/tarformat.ts";
import { attach, DMDIR, DMSYMLINK, type Fsys, open } from "../../proto/index.ts";
import { tar, type TarSource } from "../../servers/index.ts";
import { system } from "../../clients/node/index.ts";
import { chance, seed } from "../support/random.ts";
import { nineplex } from "../support/children.ts";
import { describeWith } from "../support/need.ts";

const top = mkdtempSync(join(tmpdir(), "nineplex-tar-"));
const tree = join(top, "tree");
afterAll(() => rmSync(top, { recursive: true }));
const gnu = (...args: string[]): string => execFileSync("tar", args, { encoding: "utf8", cwd: top, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C.UTF-8" } });

async function mounted(file: string): Promise<Fsys> {
  let source: TarSource;
  if (file.endsWith("gz")) {
    const data = await gunzip((async function* chunks() {
      yield readFileSync(join(top, file));
      await Promise.resolve();
    })(), 1 << 30);
    source = { length: data.length, read: (at, n) => data.subarray(at, at + n) };
  } else {
    const fd = openSync(join(top, file), "r");
    source = { length: statSync(join(top, file)).size, read(at, n) {
      const b = new Uint8Array(n);
      return b.subarray(0, readSync(fd, b, 0, n, at));
    } };
  }
  return attach(open(await tar(source, await tarFormat()), { dialect: "9P2000.L" }), { uname: "glenda" });
}

interface What { readonly mode: number; readonly mtime: number; readonly is: string }

/** What is in a tree of the host, as the same of a server's. */
function ofHost(dir: string, at = ""): Record<string, What> {
  const all: Record<string, What> = {};
  for (const name of readdirSync(join(dir, at))) {
    const path = `${at}/${name}`;
    const s = lstatSync(join(dir, path));
    const is = s.isDirectory() ? "dir" : s.isSymbolicLink() ? `-> ${readlinkSync(join(dir, path))}` : readFileSync(join(dir, path), "latin1");
    all[path] = { mode: s.isSymbolicLink() ? 0 : s.mode & 0o777, mtime: s.isSymbolicLink() ? 0 : Math.floor(s.mtimeMs / 1000), is };
    if (s.isDirectory()) Object.assign(all, ofHost(dir, path));
  }
  return all;
}

async function ofServer(fs: Fsys, at = ""): Promise<Record<string, What>> {
  const all: Record<string, What> = {};
  for (const d of await fs.readDir(at || "/")) {
    const path = `${at}/${d.name}`;
    const link = (d.mode & DMSYMLINK) !== 0;
    const target = async (): Promise<string> => {
      const { fid } = await fs.client.walk(0, path.split("/").slice(1));
      return fs.client.readlink(fid);
    };
    const is = d.mode & DMDIR ? "dir" : link ? `-> ${await target()}` : Buffer.from(await fs.readFile(path)).toString("latin1");
    all[path] = { mode: link ? 0 : d.mode & 0o777, mtime: link ? 0 : d.mtime, is };
    if (d.mode & DMDIR) Object.assign(all, await ofServer(fs, path));
  }
  return all;
}

/** A few hundred files of every kind. */
function plant(): void {
  const pick = chance(seed());
  mkdirSync(tree);
  const name = (i: number): string => [`f${i}`, `name with spaces ${i}`, `ünï ${i}`, "n".repeat(90 + pick(150)) + i, `.hidden${i}`, `-${i}`][pick(6)] ?? "x";
  const dirs = [""];
  for (let i = 0; i < 40; i++) {
    const under = dirs[pick(dirs.length)] ?? "";
    const path = `${under}/${name(i)}`.slice(0, 900);
    if (under.length > 700) continue;
    try {
      mkdirSync(join(tree, path), { mode: 0o700 | pick(64) });
      dirs.push(path);
    } catch {
      // The name was there.
    }
  }
  const files: string[] = [];
  for (let i = 0; i < 150; i++) {
    const path = `${dirs[pick(dirs.length)] ?? ""}/${name(1000 + i)}`;
    if (path.length > 1000) continue;
    if (files.length > 0 && pick(10) === 0) linkSync(join(tree, files[pick(files.length)] ?? ""), join(tree, path));
    else if (pick(10) === 0) symlinkSync(["../x", "/etc/passwd", "ü".repeat(100), files[0] ?? "y"][pick(4)] ?? "z", join(tree, path));
    else {
      writeFileSync(join(tree, path), Buffer.alloc([0, 1, 511, 512, 513, 1024, 70_000][pick(7)] ?? 0, `${i};`), { mode: 0o400 | pick(512) });
      utimesSync(join(tree, path), 1, pick(2 ** 31));
      files.push(path);
    }
  }
}

describeWith(["tar"], "GNU tar's archives", () => {
  beforeAll(plant);
  const cases: [string, string[]][] = [
    ["gnu.tar", ["--format=gnu"]], ["pax.tar", ["--format=pax"]], ["posix.tar", ["--format=posix", "--pax-option=globexthdr.name=g,comment=hello"]],
    ["oldgnu.tar", ["--format=oldgnu"]], ["gnu.tar.gz", ["-z", "--format=gnu"]], ["pax.tgz", ["-z", "--format=pax"]], ["blocked.tar", ["-b", "1"]],
  ];
  it.each(cases)("%s: the tree that GNU tar unpacks", async (file, how) => {
    gnu("-c", ...how, "-f", file, "-C", tree, ".");
    const out = mkdtempSync(join(top, "out-"));
    gnu("-x", "--same-permissions", "-f", file, "-C", out);
    const fs = await mounted(file);
    const want = ofHost(out);
    expect(Object.keys(want).length).toBeGreaterThan(100);
    expect(await ofServer(fs), `SEED=${seed()}`).toEqual(want);
    // And the names that it lists.
    const names = gnu("--quoting-style=literal", "-t", "-f", file).split("\n").filter((n) => n !== "").map((n) => n.replace(/^\.\//, "/").replace(/\/$/, "")).filter((n) => n !== "");
    expect(Object.keys(await ofServer(fs)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it.each(cases)("%s: our tar unpacks it as GNU's does, from a file and from a stream", async (file, how) => {
    gnu("-c", ...how, "-f", file, "-C", tree, ".");
    const [out, ours, piped] = ["out-", "ours-", "piped-"].map((name) => mkdtempSync(join(top, name))) as [string, string, string];
    gnu("-x", "--same-permissions", "-f", file, "-C", out);
    using k = await system({ host: top });
    expect((await k.run(`cd ${basename(ours)}; tar xTf ../${file}; cd ../${basename(piped)}; cat ../${file} | tar xT`)).err).toBe("");
    const want = ofHost(out);
    expect(Object.keys(want).length).toBeGreaterThan(100);
    for (const dir of [ours, piped]) expect(ofHost(dir), `SEED=${seed()}`).toEqual(want);
  });

  it.each(["", "z"])("GNU tar unpacks what our tar %s makes, and lists it alike", async (z) => {
    using k = await system({ host: top });
    expect((await k.run(`cd tree; tar c${z}f ../ours.tar .; tar c${z} . > ../piped.tar`)).err).toBe("");
    for (const file of ["ours.tar", "piped.tar"]) {
      const out = mkdtempSync(join(top, "out-"));
      gnu("-x", "--same-permissions", "-f", file, "-C", out);
      expect(ofHost(out), `SEED=${seed()}`).toEqual(ofHost(tree));
      expect((await k.run(`tar tf ${file}`)).out).toBe(gnu("--quoting-style=literal", "-t", "-f", file));
    }
  });

  it("v7 and ustar, as far as their names reach; absolute names; appended and updated members", async () => {
    mkdirSync(join(top, "small/d"), { recursive: true });
    writeFileSync(join(top, "small/d/f"), "one");
    symlinkSync("f", join(top, "small/d/s"));
    for (const format of ["v7", "ustar"]) {
      gnu("-c", `--format=${format}`, "-f", `${format}.tar`, "small");
      writeFileSync(join(top, "small/d/f"), "two");
      gnu("-r", `--format=${format}`, "-f", `${format}.tar`, "small/d/f");
      const fs = await mounted(`${format}.tar`);
      expect((await ofServer(fs))["/small/d/f"]?.is).toBe("two");
      expect((await ofServer(fs))["/small/d/s"]?.is).toBe("-> f");
    }
    gnu("-c", "-P", "-f", "abs.tar", join(top, "small/d/f"));
    expect((await ofServer(await mounted("abs.tar")))[join(top, "small/d/f")]?.is).toBe("two");
    gnu("-c", "-P", "-f", "dots.tar", "-C", join(top, "small"), "../small/d/f");
    expect((await ofServer(await mounted("dots.tar")))["/small/d/f"]?.is).toBe("two");
  });

  it("sparse files say what they are, in every format of them", async () => {
    const fd = openSync(join(top, "holes"), "w");
    writeSync(fd, "begin");
    ftruncateSync(fd, 10_000_000);
    writeSync(fd, "end", 9_000_000);
    closeSync(fd);
    writeFileSync(join(top, "dense"), "dense");
    for (const how of [["--format=gnu"], ["--format=pax", "--sparse-version=0.0"], ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"]]) {
      gnu("-c", "-S", ...how, "-f", "sparse.tar", "holes", "dense");
      expect(statSync(join(top, "sparse.tar")).size).toBeLessThan(100_000);
      const fs = await mounted("sparse.tar");
      expect((await fs.readDir("/")).map((d) => d.name)).toEqual(["holes", "dense"]);
      await expect(fs.readFile("/holes")).rejects.toThrow("sparse file in a tar archive: not supported");
      expect(Buffer.from(await fs.readFile("/dense")).toString()).toBe("dense");
    }
  });

  it("as a user gets it", async () => {
    gnu("-c", "-z", "-f", "user.tgz", "dense");
    gnu("-c", "-f", "user.tar", "dense", "holes");
    const r = await nineplex(["-c", "tarfs user.tgz; cat /n/tapefs/dense; tarfs -m /n/x user.tar; ls -p /n/x; unmount /n/tapefs; ls /n"], { cwd: top });
    expect({ status: r.status, out: r.stdout.toString(), err: r.stderr }).toEqual({ status: 0, out: "densedense\nholes\n/n/x\n", err: "" });
  });

  it("numbers beyond what octal digits hold", async () => {
    writeFileSync(join(top, "old"), "x");
    utimesSync(join(top, "old"), 1, -86_400);
    gnu("-c", "--format=gnu", "--owner=someone:3000000", "-f", "numbers.tar", "old");
    expect(await (await mounted("numbers.tar")).stat("/old")).toMatchObject({ uid: "someone", length: 1 });
    gnu("-c", "--format=gnu", "--numeric-owner", "--owner=someone:3000000", "-f", "numbers.tar", "old");
    expect(await (await mounted("numbers.tar")).stat("/old")).toMatchObject({ uid: "3000000" });
  });
});
