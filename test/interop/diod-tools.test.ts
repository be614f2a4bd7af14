/** diod's own tools on our .L server: `nineplex serve` as a process of its own, and ram served from this one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect, type Listener, listen, nodeHost } from "../../clients/node/index.ts";
import { attach, errno, open } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { run, startServe, stopAll } from "../support/children.ts";
import { describeWith } from "../support/need.ts";
import { pattern, refused } from "../support/nine.ts";

const BIG = 64 << 20;
/** Flags of msize: what the tools propose by themselves, a small one, and one that lets 4 KiB pages straddle messages. */
const MSIZES: readonly (readonly string[])[] = [[], ["-m", "4096"], ["-m", "100000"]];

afterAll(stopAll);

describeWith(["diodls", "diodcat", "diodload"], "diod's tools on nineplex serve", () => {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  let at = "";

  beforeAll(async () => {
    mkdirSync(join(dir, "sub/deep"), { recursive: true });
    writeFileSync(join(dir, "hello"), "hello\n");
    writeFileSync(join(dir, "sub/world"), "world\n");
    writeFileSync(join(dir, "sub/empty"), "");
    writeFileSync(join(dir, "big"), pattern(BIG));
    mkdirSync(join(dir, "many"));
    for (let i = 0; i < 2000; i++) writeFileSync(join(dir, "many", `file${i}`), "");
    // Read-only, as without options: ctl/null is written to all the same.
    ({ at } = await startServe(dir));
  }, 60_000);

  afterAll(() => rmSync(dir, { recursive: true }));

  const tool = async (name: string, ...args: string[]): Promise<{ status: number | null; lines: string[]; stderr: string }> => {
    const r = await run(name, ["-s", at, ...args]);
    return { status: r.status, lines: r.stdout.toString().split("\n").slice(0, -1), stderr: r.stderr };
  };

  for (const msize of MSIZES) {
    const title = msize.join(" ") || "its own msize";

    it(`diodls lists the root, ${title}`, async () => {
      const r = await tool("diodls", ...msize, "-a", "/");
      expect(r).toMatchObject({ status: 0, stderr: "" });
      expect(r.lines.toSorted()).toEqual(["big", "hello", "many", "sub"]);
    });

    it(`diodls -l tells attributes, ${title}`, async () => {
      const r = await tool("diodls", ...msize, "-l", "-a", "/", "sub");
      expect(r).toMatchObject({ status: 0, stderr: "" });
      const fields = new Map(r.lines.map((line) => line.trim().split(/\s+/)).map((f) => [f.at(-1) ?? "", f]));
      expect([...fields.keys()].toSorted()).toEqual([".", "..", "deep", "empty", "world"]);
      expect(fields.get("world")?.[0]).toMatch(/^-rw-r--r--/);
      expect(fields.get("deep")?.[0]).toMatch(/^drwxr-xr-x/);
      expect(fields.get("world")?.[4]).toBe("6");
    });

    it(`diodls lists 2,000 entries, ${title}`, async () => {
      const r = await tool("diodls", ...msize, "-a", "/", "many");
      expect(r).toMatchObject({ status: 0, stderr: "" });
      expect(new Set(r.lines).size).toBe(2000);
    });

    it(`diodcat prints one file and several, ${title}`, async () => {
      expect(await tool("diodcat", ...msize, "-a", "/", "hello")).toEqual({ status: 0, stderr: "", lines: ["hello"] });
      expect(await tool("diodcat", ...msize, "-a", "/", "hello", "sub/empty", "sub/world")).toEqual({ status: 0, stderr: "", lines: ["hello", "world"] });
    });

    it(`diodload reads zero and writes null, ${title}`, async () => {
      for (const load of [[], ["-g"]]) {
        const r = await tool("diodload", ...msize, "-n", "4", "-r", "1", ...load);
        expect(r.status).toBe(0);
        expect(r.stderr).toMatch(/^diodload: [1-9]\d* ops\/s, \d+ rMB\/s, \d+ wMB\/s\n$/);
      }
    }, 60_000);
  }

  it("diodcat gives 64 MiB byte for byte", async () => {
    const r = await run("diodcat", ["-s", at, "-a", "/", "big"]);
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(r.stdout.length).toBe(BIG);
    expect(r.stdout.equals(pattern(BIG))).toBe(true);
  }, 60_000);

  it("a path as aname is that directory", async () => {
    expect((await tool("diodls", "-a", "/sub")).lines.toSorted()).toEqual(["deep", "empty", "world"]);
    expect(await tool("diodcat", "-a", "/sub", "world")).toMatchObject({ status: 0, lines: ["world"] });
    expect((await tool("diodls", "-a", "ctl")).lines.toSorted()).toEqual(["null", "stats", "zero"]);
  });

  it("what is not there is an error with its own number", async () => {
    const noTree = await tool("diodls", "-a", "/nosuch");
    expect(noTree.status).toBe(1);
    expect(noTree.stderr).toMatch(/No such file or directory/);
    const noFile = await tool("diodcat", "-a", "/", "nosuch");
    expect(noFile.status).toBe(1);
    expect(noFile.stderr).toMatch(/No such file or directory/);
    expect((await tool("diodls", "-a", "/../../etc")).stderr).toMatch(/No such file or directory/);
  });

  it("the name space with that directory mounted in it: the same, behind a kernel", async () => {
    const { at: ns, server } = await startServe("--mount", `tcp://${at}:/n/dir`);
    const of = async (name: string, ...args: string[]): Promise<{ status: number | null; lines: string[] }> => {
      const r = await run(name, ["-s", ns, ...args]);
      return { status: r.status, lines: r.stdout.toString().split("\n").slice(0, -1) };
    };
    for (const msize of MSIZES) {
      expect((await of("diodls", ...msize, "-a", "/")).lines).toEqual(expect.arrayContaining(["bin", "dev", "n", "tmp"]));
      expect((await of("diodls", ...msize, "-a", "/", "n/dir")).lines.toSorted()).toEqual(["big", "hello", "many", "sub"]);
      expect(new Set((await of("diodls", ...msize, "-a", "/n", "dir/many")).lines).size).toBe(2000);
      expect(await of("diodcat", ...msize, "-a", "/", "n/dir/hello", "n/dir/sub/world")).toEqual({ status: 0, lines: ["hello", "world"] });
      expect((await of("diodls", ...msize, "-l", "-a", "/n/dir", "sub")).lines.find((line) => line.endsWith(" world"))).toMatch(/^-rw-r--r--/);
      expect(await of("diodcat", ...msize, "-a", "/bin", "cat")).toEqual({ status: 0, lines: ["#!host cat"] });
    }
    expect((await of("diodload", "-n", "4", "-r", "1")).status).toBe(0);
    const big = await run("diodcat", ["-s", ns, "-a", "/n/dir", "big"]);
    expect(big.stdout.equals(pattern(BIG))).toBe(true);
    expect(await server.stop()).toBe(0);
  }, 120_000);

  it("the directory itself is read-only", async () => {
    const fs = await attach(await connect(`tcp://${at}`), { uname: "root", n_uname: 0 });
    await refused(fs.writeFile("/hello", "no"), errno.EROFS);
    await refused(fs.remove("/hello"), errno.EROFS);
    await refused(fs.mkdir("/new"), errno.EROFS);
    fs.close();
  });
});

describeWith(["diodls", "diodcat"], "diod's tools on ram served from this process", () => {
  let listener: Listener | undefined;
  let at = "";

  beforeAll(async () => {
    const host = nodeHost();
    const server = ram({ now: host.now, owner: "root", mode: 0o777 });
    const fs = await attach(open(server), { uname: "root" });
    await fs.mkdir("/sub");
    await fs.writeFile("/hello", "hello\n");
    await fs.writeFile("/sub/large", pattern(3 << 20));
    listener = await listen("tcp://127.0.0.1:0", (session) => open(server, session));
    at = listener.address.replace("tcp://", "");
  });

  afterAll(() => listener?.close());

  it("diodls and diodcat", async () => {
    const ls = await run("diodls", ["-s", at, "-a", "", "-l"]);
    expect(ls).toMatchObject({ status: 0, stderr: "" });
    expect(ls.stdout.toString()).toMatch(/ hello\n/);
    const cat = await run("diodcat", ["-s", at, "-a", "/", "hello", "sub/large"]);
    expect(cat).toMatchObject({ status: 0, stderr: "" });
    expect(cat.stdout.equals(Buffer.concat([Buffer.from("hello\n"), pattern(3 << 20)]))).toBe(true);
  });
});
