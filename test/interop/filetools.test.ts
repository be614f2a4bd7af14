/** chmod du mtime sum md5sum sha1sum gzip gunzip beside coreutils, gzip and 9base, over inputs made from a seed; p on a terminal. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Sys } from "../../kernel/sys.ts";
import { describeWith } from "../support/need.ts";
import { chance, seed } from "../support/random.ts";
import { Terminal } from "../support/terminal.ts";
import { host, make, run } from "../support/toolbench.ts";

const DU = "/usr/lib/plan9/bin/du", MTIME = "/usr/lib/plan9/bin/mtime", SHA1SUM = "/usr/lib/plan9/bin/sha1sum";

let top = "";
let sys: Sys;
/** The files of the tree that is here and there alike. */
const files: { path: string; data: Uint8Array }[] = [];
const random = chance(seed());
const replay = `SEED=${seed()}`;

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), "filetools-"));
  sys = await make();
  await sys.mkdir("/t", 0o777);
  mkdirSync(join(top, "t"));
  await grow("t", 0);
  await sys.chdir("/");
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

async function grow(dir: string, depth: number): Promise<void> {
  for (let i = 2 + random(7); i > 0; i--) {
    const path = `${dir}/${["a", "it's", "b c", "ü", "z-1", "plain"][random(6)]}${i}`;
    if (depth < 4 && random(3) === 0) {
      mkdirSync(join(top, path));
      await sys.mkdir(`/${path}`, 0o777);
      await grow(path, depth + 1);
    } else {
      const data = bytes([0, 1, 1023, 1024, 1025, random(5000), random(5000), random(700_000)][random(8)] ?? 0);
      files.push({ path, data });
      writeFileSync(join(top, path), data);
      await sys.writeFile(`/${path}`, data);
    }
  }
}

/** Some of it can be compressed. */
function bytes(n: number): Uint8Array {
  const kinds = 1 + random(256);
  return Uint8Array.from({ length: n }, () => random(kinds));
}

function there(argv: readonly string[]): string {
  return execFileSync(argv[0] ?? "", argv.slice(1), { cwd: top, encoding: "utf8", maxBuffer: 1 << 28, env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] } });
}

const lines = (text: string): string[] => text.split("\n").toSorted();

describeWith([DU], "du and 9base's", () => {
  it.each([[], ["-a"], ["-s"], ["-n"], ["-an"], ["-sn"], ["-b", "4k"], ["-a", "-b", "2048"]])("du %s %s", async (...flags) => {
    const ours = await run(sys, ["du", ...flags, "t"]);
    expect(ours).toMatchObject({ err: "", status: "" });
    // 9base's quotes no names, and its libfmt prints a stray d after the number.
    const bare = ours.out.replace(/\t'(.*)'$/gm, (_, name: string) => `\t${name.replaceAll("''", "'")}`);
    expect(lines(bare), replay).toEqual(lines(there([DU, ...flags, "t"]).replace(/^(\d+)d\t/gm, "$1\t")));
  });

  it("bytes as GNU's counts them, directories aside", async () => {
    const [total] = (await run(sys, ["du", "-sn", "t"])).out.split("\n").slice(-2);
    const gnu = there(["find", "t", "-type", "f", "-printf", "%s\\n"]).split("\n").reduce((sum, n) => sum + Number(n), 0);
    expect(total, replay).toBe(`${gnu}\tt`);
  });
});

describeWith(["sha256sum"], "sums and coreutils'", () => {
  it.each([
    [["md5sum"], ["md5sum"]], [["sha1sum"], ["sha1sum"]], [["sha1sum", "-2", "224"], ["sha224sum"]], [["sha1sum", "-2", "256"], ["sha256sum"]],
    [["sha1sum", "-2", "384"], ["sha384sum"]], [["sha1sum", "-2", "512"], ["sha512sum"]],
  ])("%s and %s", async (ours, theirs) => {
    const paths = files.map((f) => f.path);
    expect((await run(sys, [...ours, ...paths])).out, replay).toBe(there([...theirs, ...paths]).replace(/ {2}/g, "\t"));
    for (const { data } of files.slice(0, 5)) expect((await run(sys, ours, data)).out.trimEnd(), replay).toBe(host(theirs, data).split(" ")[0]);
  });

  it("sum -r and -5", async () => {
    for (const { path, data } of files) {
      expect([path, (await run(sys, ["sum", "-r"], data)).out], replay).toEqual([path, host(["sum", "-r"], data)]);
      const fields = (text: string): number[] => text.trim().split(/\s+/).map(Number);
      expect([path, fields((await run(sys, ["sum", "-5"], data)).out)], replay).toEqual([path, fields(host(["sum", "-s"], data))]);
    }
  });

  it("chmod: modes that both read alike", async () => {
    const file = join(top, "mode");
    writeFileSync(file, "x");
    await sys.writeFile("/mode", new Uint8Array(1));
    const some = (letters: string): string => Array.from(letters).filter(() => random(2) === 0).join("");
    for (let i = 0; i < 150; i++) {
      const mode = random(4) === 0 ? random(0o1000).toString(8) : (some("ugoa") || "a") + ["+", "-", "="][random(3)] + some("rwx");
      const from = random(0o1000);
      chmodSync(file, from);
      await sys.wstat("/mode", { mode: from });
      there(["chmod", "--", mode, "mode"]);
      expect((await run(sys, ["chmod", mode, "/mode"])).err).toBe("");
      const is = (n: number): string => `${from.toString(8)} ${mode}: ${(n & 0o777).toString(8)}`;
      expect(is((await sys.stat("/mode")).mode), replay).toBe(is(statSync(file).mode));
    }
  });
});

describeWith([MTIME], "mtime and 9base's", () => {
  it("prints the same", async () => {
    const paths = files.map((f) => f.path);
    for (const path of paths) {
      const mtime = random(2 ** 31);
      utimesSync(join(top, path), mtime, mtime);
      await sys.wstat(`/${path}`, { mtime });
    }
    const ours = await run(sys, ["mtime", ...paths]);
    // Its libfmt knows the format no better than du's.
    expect(ours.out.replace(/^ +/gm, ""), replay).toBe(there([MTIME, ...paths]).replace(/^ +(\d+)d?[ \t]+(.*)$/gm, "$1 $2"));
  });
});

describeWith([SHA1SUM], "sha1sum and 9base's", () => {
  it("prints the same", async () => {
    const paths = files.map((f) => f.path);
    expect((await run(sys, ["sha1sum", ...paths])).out, replay).toBe(there([SHA1SUM, ...paths]));
  });
});

describeWith(["python3"], "p on a terminal", () => {
  it("shows pages, runs commands, goes on, quits", async () => {
    writeFileSync(join(top, "sixty"), Array.from({ length: 60 }, (_, i) => `line ${i + 1}\n`).join(""));
    const terminal = new Terminal([], top);
    try {
      await terminal.shows(/^% $/);
      terminal.type("p -5 sixty\r");
      await terminal.shows(/\nline 1\nline 2\nline 3\nline 4\nline 5$/);
      terminal.type("\r");
      await terminal.shows(/\nline 6\nline 7\nline 8\nline 9\nline 10$/);
      terminal.type("!echo between\r");
      await terminal.shows(/\nbetween\n$/);
      terminal.type("q\r");
      await terminal.shows(/^q\n% $/);
      terminal.type("seq 60 | p -58\r");
      await terminal.shows(/\n57\n58$/);
      terminal.type("\r");
      await terminal.shows(/\n59\n60\n% $/);
      terminal.type("exit\r");
      expect(await terminal.ended).toBe(0);
    } finally {
      await terminal.close();
    }
  }, 60_000);
});

describeWith(["gzip"], "gzip and GNU's", () => {
  it("each unpacks the other's, names and times with it", async () => {
    await sys.mkdir("/z", 0o777);
    await sys.chdir("/z");
    for (const [i, { path, data }] of files.entries()) {
      const level = `-${1 + (i % 9)}`;
      const mtime = 1 + random(2 ** 31 - 2);
      await sys.wstat(`/${path}`, { mtime });
      const z = await run(sys, ["gzip", "-c", level, `/${path}`]);
      writeFileSync(join(top, "other.gz"), z.bytes);
      expect(Buffer.compare(execFileSync("gzip", ["-dc", join(top, "other.gz")], { maxBuffer: 1 << 28 }), data), `${replay} ${path}`).toBe(0);
      there(["gzip", "-dNkf", "other.gz"]);
      const name = path.slice(path.lastIndexOf("/") + 1);
      expect([Buffer.compare(readFileSync(join(top, name)), data), statSync(join(top, name)).mtimeMs], `${replay} ${path}`).toEqual([0, mtime * 1000]);
      utimesSync(join(top, name), mtime, mtime);
      const theirs = execFileSync("gzip", ["-c", level, join(top, name)], { maxBuffer: 1 << 28 });
      expect(Buffer.compare((await run(sys, ["gunzip"], theirs)).bytes, data), `${replay} ${path}`).toBe(0);
      expect((await run(sys, ["gunzip", "-t"], theirs)).out).toBe(`${name}\n`);
      rmSync(join(top, name));
    }
    await sys.chdir("/");
  });

  it("both refuse what was damaged", async () => {
    for (let i = 0; i < 60; i++) {
      const z = execFileSync("gzip", ["-nc"], { input: bytes(20 + random(3000)) });
      const damaged = random(2) === 0 ? z.subarray(0, 1 + random(z.length - 1)) : Uint8Array.from(z);
      if (damaged.length === z.length) {
        // Not the header's: the time and the system may be anything.
        const at = 10 + random(z.length - 10);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << random(8));
      }
      const r = await run(sys, ["gunzip"], damaged);
      expect([r.status, damaged.length], `${replay} ${r.err}`).toEqual(["errors", damaged.length]);
      expect(r.err).toMatch(/^gunzip: standard input: bad gzip data: /);
      expect(() => execFileSync("gzip", ["-dc"], { input: damaged, stdio: "pipe" })).toThrow();
    }
  });
});
