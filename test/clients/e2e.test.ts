/**
 * The main job from end to end, in real processes: one serves a directory on ws:// and tcp://, one
 * mounts it and works in it, a third reads meanwhile. And the library in the README's ten lines.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../support/bundle.ts";
import { MAIN, run, type Started, start, stopAll } from "../support/children.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const top = mkdtempSync(join(tmpdir(), "nineplex-e2e-"));
const served = join(top, "served");
const here = join(top, "here");
const MB = 1 << 20;
const BIG = 200 * MB;
const DIRS = 50;
const FILES = 100;

let main: readonly string[] = [];
let removeBundle = (): void => undefined;
let server: Started;
let ws = "";
let tcp = "";

/** A process, and the most memory it has had by the time it ended (Linux), in MB. */
async function measured(args: readonly string[]): Promise<{ status: number | null; out: string; err: string; peakMB: number; sec: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [...main, ...args], { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  let peakMB = 0;
  child.stdout.on("data", (d: Buffer) => (out += d.toString()));
  child.stderr.on("data", (d: Buffer) => (err += d.toString()));
  const look = setInterval(() => {
    try {
      // A process that has ended says nothing of it any more.
      peakMB = Math.max(peakMB, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1024);
    } catch {
      // It has ended, or this is no Linux.
    }
  }, 20);
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(look);
  return { status, out, err, peakMB: Math.round(peakMB), sec: (performance.now() - began) / 1000 };
}

/** Every 64 KiB say where they are: no two pieces of the file are equal. */
function writeBig(path: string): void {
  const piece = Buffer.alloc(MB, "nineplex ");
  const fd = openSync(path, "w");
  for (let at = 0; at < BIG; at += MB) {
    for (let k = 0; k < MB; k += 65536) piece.writeDoubleLE(at + k, k);
    writeSync(fd, piece);
  }
  closeSync(fd);
}

function sameFile(a: string, b: string): boolean {
  if (statSync(a).size !== statSync(b).size) return false;
  const [fa, fb] = [openSync(a, "r"), openSync(b, "r")];
  const [pa, pb] = [Buffer.alloc(MB), Buffer.alloc(MB)];
  try {
    for (;;) {
      const n = readSync(fa, pa);
      if (n === 0) return true;
      if (readSync(fb, pb) !== n || !pa.subarray(0, n).equals(pb.subarray(0, n))) return false;
    }
  } finally {
    closeSync(fa);
    closeSync(fb);
  }
}

/** Every file of a tree with its mode and contents. */
function contents(dir: string): Map<string, string> {
  const all = new Map<string, string>();
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" }).toSorted()) {
    const path = join(dir, name);
    const s = statSync(path);
    all.set(name, `${(s.mode & 0o777).toString(8)} ${s.isDirectory() ? "/" : readFileSync(path, "latin1")}`);
  }
  return all;
}

beforeAll(async () => {
  const bundled = await bundle();
  main = bundled.main;
  removeBundle = () => bundled.remove();
  for (const d of [served, here, join(served, "tree")]) mkdirSync(d);
  writeBig(join(served, "big"));
  writeFileSync(join(served, "small"), "small\n");
  for (let d = 0; d < DIRS; d++) {
    mkdirSync(join(served, "tree", `d${d}`));
    for (let f = 0; f < FILES; f++) writeFileSync(join(served, "tree", `d${d}`, `f${f}`), `${d} ${f}\n`.repeat(f), { mode: f % 7 === 0 ? 0o755 : 0o644 });
  }
  server = start(process.execPath, [...main, "serve", "--rw", "-v", "--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", served], here);
  const m = await server.said(/^(ws:.*)\n(tcp:.*)\n/);
  [ws, tcp] = [m[1] ?? "", m[2] ?? ""];
}, 60_000);

afterAll(async () => {
  await stopAll();
  removeBundle();
  rmSync(top, { recursive: true });
}, 60_000);

const MOUNTS = (): string => `mount '${ws}' /n/w && mount ${tcp} /n/t\n`;

describe("a directory served by one process, worked in by another, while a third reads", () => {
  it("listed, read, written", { timeout: 60_000 }, async () => {
    const r = await measured(["-c", `${MOUNTS()}
ls /n/w; ls -l /n/t/small | wc -l; ls /n/w/tree | wc -l; cat /n/w/small; grep 3 /n/t/tree/d7/f3 | wc -l
echo new > /n/w/new; cat /n/t/new; echo more >> /n/t/new; cat /n/w/new; mv /n/w/new /n/w/moved; mkdir /n/t/dir; mv /n/t/moved /n/t/dir/it; cat /n/w/dir/it; rm -r /n/w/dir; ls /n/t
`]);
    expect(r).toMatchObject({ status: 0, err: "" });
    expect(r.out).toBe("/n/w/big\n/n/w/small\n/n/w/tree\n      1\n     50\nsmall\n      3\nnew\nnew\nmore\nnew\nmore\n/n/t/big\n/n/t/small\n/n/t/tree\n");
  });

  it("200 MB there and back byte for byte in constant memory, and a tree of 5,000 files", { timeout: 240_000 }, async () => {
    const stop = join(here, "stop");
    const third = measured(["-c", `${MOUNTS()}while(! test -e /host/stop){ cat /n/w/small /n/t/tree/d9/f1; cat /n/t/big | head -c 1000000 | wc -c; sleep 1 }\necho done\n`]);
    const small = await measured(["-c", `${MOUNTS()}cp /n/w/small /host/small`]);
    const down = await measured(["-c", `${MOUNTS()}cp /n/w/big /host/big`]);
    const up = await measured(["-c", `${MOUNTS()}cp /host/big /n/t/copy`]);
    expect([down, up]).toMatchObject([{ status: 0, out: "", err: "" }, { status: 0, out: "", err: "" }]);
    expect(sameFile(join(served, "big"), join(here, "big"))).toBe(true);
    expect(sameFile(join(served, "big"), join(served, "copy"))).toBe(true);
    const treeDown = await measured(["-c", `${MOUNTS()}cp -r /n/t/tree /host/tree`]);
    const treeUp = await measured(["-c", `${MOUNTS()}cp -r /host/tree /n/w/tree2`]);
    expect([treeDown, treeUp]).toMatchObject([{ status: 0, out: "", err: "" }, { status: 0, out: "", err: "" }]);
    const wanted = contents(join(served, "tree"));
    expect(wanted.size).toBe(DIRS * (FILES + 1));
    expect(contents(join(here, "tree"))).toEqual(wanted);
    expect(contents(join(served, "tree2"))).toEqual(wanted);
    writeFileSync(stop, "");
    const reader = await third;
    expect(reader).toMatchObject({ status: 0, err: "" });
    expect(reader.out).toMatch(/^(small\n9 1\n1000000\n){2,}done\n$/);
    const cost = (r: { sec: number; peakMB: number }): string => `${r.sec.toFixed(1)} s, ${r.peakMB} MB`;
    console.log(`small file ${cost(small)}; 200 MB down ${cost(down)}, up ${cost(up)}; tree down ${cost(treeDown)}, up ${cost(treeUp)}`);
    // The file is 200 MB: who held half of it would be above this.
    if (small.peakMB > 0) for (const r of [down, up]) expect(r.peakMB).toBeLessThan(small.peakMB + 100);
    expect(server.err()).not.toMatch(/reset|lost|bug/);
  });
});

describe("the library", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");

  it.each([
    ["ten lines", "hello over 9P\n\n"],
    ["a system", "      2\nmount -c portal /n/x\n"],
  ])("the README's example: %s", { timeout: 60_000 }, async (name, out) => {
    const after = readme.slice(readme.indexOf(`<!-- example: ${name} -->`));
    const example = /```ts\n(.*?)```/s.exec(after)?.[1] ?? "";
    expect(example.trim().split("\n").filter((l) => l !== "").length).toBeLessThanOrEqual(10);
    const packageJson = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { exports: Record<string, { default: string }> };
    const code = example.replaceAll(/"nineplex\/(\w+)"/g, (_, part: string) => {
      const built = packageJson.exports[`./${part}`]?.default ?? "";
      return JSON.stringify(pathToFileURL(join(ROOT, built.replace(/^\.\/dist\//, "").replace(/\.js$/, ".ts"))).href);
    });
    expect(code).toContain("/clients/node/index.ts");
    const file = join(here, `${name.replace(" ", "-")}.mts`);
    writeFileSync(file, code);
    const r = await run(process.execPath, [...MAIN.slice(0, 2), file], { cwd: here });
    expect({ status: r.status, out: r.stdout.toString(), err: r.stderr }).toEqual({ status: 0, out, err: "" });
  });
});
