/**
 * The host server's confinement, raced: other processes swap directories and files of the exported
 * tree for symbolic links that lead out of it, and rename them, as fast as they can, while clients do
 * everything there is to do. Nothing outside is read, changed, made or removed. SEED=n replays what
 * the clients do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { cleanup, FAST, linux, make, nine, root, undo } from "../support/hosttree.ts";
import type { Nine } from "../support/nine.ts";
import { chance, seed } from "../support/random.ts";

afterEach(cleanup);

/** In the export and outside alike: a/b/f, a/b/g and so on, told apart by content. */
const NAMES = ["f", "g", "h"];

function fill(dir: string, content: string): void {
  for (const d of ["a/b", "c/d"]) {
    fs.mkdirSync(path.join(dir, d), { recursive: true });
    for (const x of NAMES) fs.writeFileSync(path.join(dir, d, x), content);
  }
}

/** Everything there is to know of a tree but for the times of reading. */
function picture(dir: string): unknown {
  const all: unknown[] = [];
  const look = (at: string): void => {
    const st = fs.lstatSync(at, { bigint: true });
    all.push([at, st.ino, st.mode, st.uid, st.gid, st.size, st.nlink, st.mtimeNs, st.ctimeNs, st.isFile() ? fs.readFileSync(at, "latin1") : ""]);
    if (st.isDirectory()) for (const x of fs.readdirSync(at).toSorted()) look(path.join(at, x));
  };
  look(dir);
  return all;
}

/** Longer than anything in the tree. */
const OUTSIDE = "outside!".repeat(200);

/** A process that swaps things until it is killed. */
async function swapper(script: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", `
    const fs = require("node:fs");
    const [dir, outside] = process.argv.slice(1);
    const quietly = (f) => { try { f(); } catch {} };
    let said = false;
    for (;;) {
      for (let i = 0; i < 50; i++) { ${script} }
      if (!said) { said = true; fs.writeSync(1, "ready"); }
    }
  `, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  undo(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}

/** Directories become links to those outside, and go to and fro; what clients have used up comes back. */
const DIRECTORIES = `
  const swap = (d, away, to) => {
    quietly(() => { fs.renameSync(d, away); fs.symlinkSync(to, d); });
    quietly(() => fs.unlinkSync(d));
    quietly(() => fs.renameSync(away, d));
  };
  swap(dir + "/a", dir + "/x", outside + "/a");
  swap(dir + "/a/b", dir + "/a/y", "../../outside/a/b");
  if (i % 10 === 0) for (const f of ["f", "g", "h"]) quietly(() => fs.writeFileSync(dir + "/a/b/" + f, "inside", { flag: "wx" }));
`;

/** Files become links to those outside, or others take their place; its directory stays where it is. */
const FILES = `
  process.chdir(dir + "/c/d");
  for (const f of ["f", "g", "h"]) {
    quietly(() => { fs.symlinkSync(outside + "/c/d/" + f, "l"); fs.renameSync("l", f); });
    quietly(() => { fs.writeFileSync("n", "inside"); fs.renameSync("n", f); });
  }
  quietly(() => fs.symlinkSync(outside + "/a", "new"));
  quietly(() => fs.unlinkSync("new"));
`;

/** One thing a client does, in a directory, to a name in it. */
const deeds: readonly [string, (n: Nine, dir: string, name: string, random: (n: number) => number) => Promise<unknown>][] = [
  ["read", async (n, dir, name) => {
    const f = await n.open(`${dir}/${name}`);
    try {
      const got = await n.readText(f);
      // Written by clients, or as it was; never what stands outside.
      expect(got).not.toContain("outside");
    } finally {
      await n.clunk(f);
    }
  }],
  ["write", async (n, dir, name) => {
    const f = await n.open(`${dir}/${name}`, p.OWRITE);
    try {
      await n.write(f, 0, "client");
    } finally {
      await n.clunk(f);
    }
  }],
  ["truncate", async (n, dir, name) => n.clunk(await n.open(`${dir}/${name}`, p.ORDWR | p.OTRUNC))],
  ["create", (n, dir, name) => n.put(`${dir}/${name}`, "client")],
  ["lcreate", async (n, dir, name) => n.clunk(await n.lcreate(`${dir}/${name}`, p.L_O_CREAT | p.L_O_RDWR | p.L_O_TRUNC))],
  ["mkdir", (n, dir) => n.mkdir(`${dir}/new`)],
  ["symlink", (n, dir) => n.symlink("f", `${dir}/new`)],
  ["link", (n, dir, name) => n.link(`${dir}/${name}`, `${dir}/new`)],
  ["rename", (n, dir, name) => n.rename(`${dir}/${name}`, `${dir}/moved`)],
  ["rename back", (n, dir, name) => n.rename(`${dir}/moved`, `${dir}/${name}`)],
  ["rename across", (n, _dir, name) => n.rename(`a/b/${name}`, `c/d/${name}`)],
  ["unlink", (n, dir) => n.unlink(`${dir}/new`)],
  ["rmdir", (n, dir) => n.unlink(`${dir}/new`, p.AT_REMOVEDIR)],
  ["remove", (n, dir, name) => n.remove(`${dir}/${name}`)],
  ["chmod", (n, dir, name, random) => n.setattr(`${dir}/${name}`, p.SETATTR_MODE, { mode: 0o600 + random(0o100) })],
  ["resize", (n, dir, name, random) => n.setattr(`${dir}/${name}`, p.SETATTR_SIZE, { size: random(100) })],
  ["utimes", (n, dir, name) => n.setattr(`${dir}/${name}`, p.SETATTR_MTIME | p.SETATTR_MTIME_SET, { mtime_sec: 7 })],
  ["chown", (n, dir, name) => n.setattr(`${dir}/${name}`, p.SETATTR_GID, { gid: root ? 2050 : (process.getgid?.() ?? 0) })],
  ["list", async (n, dir) => {
    for (const d of await n.list(dir)) expect(d.length).toBeLessThan(OUTSIDE.length);
  }],
  ["readdir", (n, dir) => n.dirents(dir)],
  ["fsync", (n, dir, name) => n.at(`${dir}/${name}`, (fid) => n.rpc({ type: p.Tfsync, fid, datasync: 0 }))],
  ["readlink", (n, dir, name) => n.at(`${dir}/${name}`, (fid) => n.rpc({ type: p.Treadlink, fid }))],
];

describe.runIf(linux)("host: races", () => {
  for (const slowly of [false, true]) {
    it(`nobody is led out of the tree${slowly ? ", by asynchronous calls either" : ""}`, async () => {
      const from = seed();
      let t = 0;
      const { server, dir, outside } = make({ held: 3 }, slowly ? { now: () => (t += 100) } : {}, FAST);
      fill(dir, "inside");
      fill(outside, OUTSIDE);
      const before = picture(outside);
      await swapper(DIRECTORIES, dir, outside);
      await swapper(FILES, dir, outside);
      const done = new Map<string, number>();
      const rounds = slowly ? 600 : 3000;
      const left = (): typeof deeds => deeds.filter(([what]) => !done.has(what));
      const client = async (k: number): Promise<void> => {
        const random = chance(from + k);
        const n = await nine(server);
        for (let i = 0; i < rounds || (i < 20 * rounds && left().length > 0); i++) {
          const some = i < rounds ? deeds : left();
          const [what, deed] = some[random(some.length)] ?? expect.fail("no deed");
          const place = ["a/b", "c/d", "a", "c"][random(random(3) === 0 ? 4 : 2)] ?? "";
          try {
            await deed(n, place, NAMES[random(3)] ?? "", random);
            done.set(what, (done.get(what) ?? 0) + 1);
          } catch (e) {
            if (!(e instanceof p.NineError)) throw e;
          }
          if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        n.portal.hangup();
      };
      await Promise.all([0, 1, 2].map(client));
      expect(picture(outside), `SEED=${from}`).toEqual(before);
      // It was a race, not a walkover: everything was done at times, sooner or later.
      expect(left().map(([what]) => what), `SEED=${from}`).toEqual([]);
    });
  }
});
