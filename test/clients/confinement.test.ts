/**
 * Nothing outside the exported directory is read or touched while another process swaps directories,
 * files and symbolic links under clients that walk, read, create, remove and rename. What lies outside
 * has the same names, so that whoever gets there finds what he looks for.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  AT_REMOVEDIR, DMDIR, type Fcall, L_O_CREAT, L_O_EXCL, L_O_RDWR, NOFID, NOU32, ORDWR, OREAD, packMessage, Rlcreate, Rread, Rremove, SETATTR_MODE, SETATTR_SIZE, Tattach, Tclunk,
  Tcreate, Tlcreate, Tmkdir, Topen, Tread, Treadlink, Tremove, Trename, Tsetattr, Tsymlink, Tunlinkat, Twrite,
} from "../../proto/index.ts";
import { beside, closeAll, foe, media, target, told, unharmed, version, walk } from "../support/siege.ts";

afterEach(closeAll);

describe.runIf(process.platform === "linux")("while another process swaps directories, links and files", () => {
  /** One round of what a client can do below d/e and d, in .L or plain 9P2000. */
  function round(n: number, linux: boolean): Fcall[] {
    const free = [1, 2, 3, 4, 5].map((fid): Fcall => ({ type: Tclunk, fid }));
    const reach = [walk(0, 1, "d", "e"), walk(0, 2, "d", "e", "secret"), walk(0, 3, "d"), walk(3, 4, "e")];
    const use: Fcall[] = [
      { type: Topen, fid: 2, mode: ORDWR }, { type: Tread, fid: 2, offset: 0, count: 500 }, { type: Twrite, fid: 2, offset: 0, data: Buffer.from("inside") },
    ];
    if (!linux) {
      return [
        ...free, ...reach, ...use, { type: Tcreate, fid: 1, name: `p${n}`, perm: 0o666, mode: ORDWR, extension: "" }, { type: Twrite, fid: 1, offset: 0, data: Buffer.from("new") },
        { type: Tcreate, fid: 4, name: `q${n}`, perm: (DMDIR | 0o777) >>> 0, mode: OREAD, extension: "" }, { type: Tread, fid: 4, offset: 0, count: 500 }, { type: Tremove, fid: 1 }, { type: Tremove, fid: 4 }, ...free,
      ];
    }
    return [
      ...free, ...reach, ...use, { type: Tsetattr, fid: 2, valid: SETATTR_MODE | SETATTR_SIZE, mode: 0o666, uid: 0, gid: 0, size: 6, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0 },
      walk(1, 5), { type: Tlcreate, fid: 5, name: `n${n}`, flags: L_O_RDWR | L_O_CREAT | L_O_EXCL, mode: 0o666, gid: NOU32 }, { type: Twrite, fid: 5, offset: 0, data: Buffer.from("new") },
      { type: Tmkdir, dfid: 4, name: `m${n}`, mode: 0o777, gid: NOU32 }, { type: Tsymlink, fid: 1, name: `s${n}`, symtgt: "x", gid: NOU32 }, { type: Treadlink, fid: 5 }, { type: Trename, fid: 5, dfid: 3, name: `r${n}` },
      { type: Tunlinkat, dirfid: 4, name: `m${n}`, flags: AT_REMOVEDIR }, { type: Tunlinkat, dirfid: 1, name: `s${n}`, flags: 0 }, { type: Tremove, fid: 5 }, { type: Tunlinkat, dirfid: 1, name: "secret.d", flags: AT_REMOVEDIR }, ...free,
    ];
  }

  it.each(["host", "slow host"] as const)("%s: nothing outside is read or touched", async (kind) => {
    const t = await target(kind);
    const all = await beside(t);
    fs.mkdirSync(join(t.dir, "d/e"), { recursive: true });
    fs.mkdirSync(join(t.dir, "m"));
    for (const d of ["d", "d/e", "m"]) fs.chmodSync(join(t.dir, d), 0o777);
    fs.writeFileSync(join(t.dir, "d/e/secret"), "inside");
    fs.chmodSync(join(t.dir, "d/e/secret"), 0o666);
    const swapper = spawn(process.execPath, ["-e", `
      const fs = require("node:fs");
      const [dir, outside] = process.argv.slice(1);
      const x = dir + "/x", d = dir + "/d", e = d + "/e", secret = e + "/secret";
      // Clients remove and rename, too: what is not there is made anew.
      const attempt = (f) => {
        try {
          f();
        } catch {}
      };
      const word = new Int32Array(new SharedArrayBuffer(4));
      const moment = (ms) => Atomics.wait(word, 0, 0, ms);
      const swap = (name, target) => {
        attempt(() => fs.renameSync(name, x));
        attempt(() => fs.symlinkSync(target, name));
        moment(0.2);
        attempt(() => fs.unlinkSync(name));
        attempt(() => fs.renameSync(x, name));
        fs.rmSync(x, { recursive: true, force: true });
        moment(0.4);
      };
      const mend = () => {
        for (const name of [d, e]) attempt(() => (fs.mkdirSync(name), fs.chmodSync(name, 0o777)));
        if (!fs.existsSync(secret)) fs.writeFileSync(secret, "inside");
        fs.chmodSync(secret, 0o666);
      };
      console.log("ready");
      for (let n = 1; ; n++) {
        attempt(mend);
        swap(d, outside);
        swap(e, outside + "/secret.d");
        swap(secret, outside + "/secret");
        swap(secret, "../../../outside/a");
        attempt(() => fs.renameSync(e, dir + "/m/e"));
        attempt(() => fs.renameSync(dir + "/m/e", e));
        if (n % 10 === 0) fs.writeSync(1, "swapped " + n + "\\n");
      }
    `, t.dir, t.outside], { stdio: ["ignore", "pipe", "inherit"] });
    const out: Buffer[] = [];
    swapper.stdout.on("data", (d: Buffer) => out.push(d));
    const ended = once(swapper, "exit");
    try {
      await once(swapper.stdout, "data");
      const toll = { reads: 0, creates: 0, removes: 0, messages: 0 };
      await Promise.all(["9P2000.L.x", "9P2000.L.x", "9P2000.x", "9P2000.L"].map(async (v, i) => {
        const f = await foe(t, media[i % 2] ?? "tcp");
        const linux = v.startsWith("9P2000.L");
        f.send([version(v), packMessage({ type: Tattach, fid: 0, afid: NOFID, uname: "root", aname: "", n_uname: linux ? 0 : NOU32 }, 0, linux ? "9P2000.L" : "9P2000")]);
        for (let n = 0; n < 120; n++) {
          f.send(told(linux ? "9P2000.L" : "9P2000", ...round(n * 10 + i, linux)));
          await f.answered();
        }
        expect(f.ledger.wrong).toEqual([]);
        toll.reads += f.ledger.came.get(Rread) ?? 0;
        toll.creates += f.ledger.came.get(Rlcreate) ?? 0;
        toll.removes += f.ledger.came.get(Rremove) ?? 0;
        toll.messages += f.ledger.messages;
        f.plug.cut("fin");
      }));
      // It was a race: some came through, and the other side kept swapping.
      process.stderr.write(`hostile: ${kind} against ${Buffer.concat(out).toString().trim().split("\n").at(-1)} times: ${JSON.stringify(toll)}\n`);
      expect(toll.reads).toBeGreaterThan(0);
      expect(toll.creates).toBeGreaterThan(0);
      expect(toll.removes).toBeGreaterThan(0);
      expect(swapper.exitCode).toBeNull();
    } finally {
      swapper.kill();
      await ended;
    }
    await unharmed(t, all);
  });
});
