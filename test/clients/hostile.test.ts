/**
 * Hostile clients on real connections, TCP and WebSocket, of a real listener with host or ram behind
 * it, all in this process. Whatever they send, they get an answer or are hung up on; a client as it
 * should be works on beside them and gets right answers; when they have gone nothing of theirs is
 * left; memory stays within what the limits allow; nothing outside the exported directory is read or
 * touched. A failure names SEED and the number of the foe.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  AT_REMOVEDIR, type Dialect, DMDIR, type Fcall, L_O_CREAT, L_O_EXCL, L_O_RDWR, NOFID, NOTAG, NOU32, ORDWR, OREAD, packMessage, Rlcreate, Rread, Rremove, Rwrite, SETATTR_MODE,
  SETATTR_SIZE, Tattach, Tclunk, Tcreate, Tgetattr, Tlcreate, Tmkdir, Topen, Tread, Treadlink, Tremove, Trename, Tsetattr, Tsymlink, Tunlinkat, Tversion, Twalk, Twrite,
} from "../../proto/index.ts";
import { layouts } from "../../proto/layout.ts";
import { assaults, noToll } from "../support/assault.ts";
import { Citizen } from "../support/citizen.ts";
import { Foe } from "../support/foe.ts";
import { HighWater, mib } from "../support/highwater.ts";
import { dialed, type Frame, WsPlug } from "../support/plug.ts";
import { chance, seed } from "../support/random.ts";
import { type Kind, type Medium, NOTHING, SECRET, Target, type TargetOptions } from "../support/target.ts";

const MSIZE = 65536;
const LIMITS = { fids: 256, opens: 128, calls: 256, bytes: 1 << 20, unread: 1 << 20 };
/** What a connection may make the server hold, by its limits: a message being joined, the chunk it came in, replies not taken, data under way, and so much for each object. */
const EACH = 2 * MSIZE + 512 * 1024 + LIMITS.unread + 2 * LIMITS.bytes + LIMITS.calls * 4096 + LIMITS.fids * 2048 + 64 * 1024;
/** Buffers kept for all of them. */
const POOL = 32 << 20;

const targets: Target[] = [];
const citizens: Citizen[] = [];

async function target(kind: Kind, options: TargetOptions = {}): Promise<Target> {
  const t = await Target.start(kind, { msize: MSIZE, limits: LIMITS, ...options });
  targets.push(t);
  return t;
}

/** A citizen at work over each medium. */
async function beside(t: Target): Promise<Citizen[]> {
  const all = await Promise.all((["tcp", "ws"] as const).map((m) => Citizen.settle(t.address(m), m)));
  for (const c of all) c.start();
  citizens.push(...all);
  return all;
}

/** The citizens have worked all the while, and leave; nothing is left of anybody, and nothing was touched. */
async function unharmed(t: Target, all: readonly Citizen[]): Promise<void> {
  for (const c of all) {
    expect(c.rounds).toBeGreaterThan(0);
    await c.stop();
    c.leave();
  }
  expect(await t.quiet()).toEqual(NOTHING);
  expect(t.bugs).toEqual([]);
  expect(t.harm()).toBeUndefined();
}

afterEach(async () => {
  for (const c of citizens.splice(0)) c.leave();
  for (const t of targets.splice(0)) await t.close();
});

const media = ["tcp", "ws"] as const;
const foe = (t: Target, m: Medium): Promise<Foe> => Foe.connect(t.address(m), MSIZE, SECRET);
const version = (v = "9P2000.L.x", msize = MSIZE): Uint8Array => packMessage({ type: Tversion, msize, version: v }, NOTAG, "9P2000");

/** Messages with tags from 1 on. */
function told(d: Dialect, ...all: readonly Fcall[]): Uint8Array[] {
  return all.map((f, i) => packMessage(f, 1 + i, d));
}

/** Version and attach as a .L.x peer. */
function hello(aname = ""): Uint8Array[] {
  return [version(), packMessage({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname, n_uname: NOU32 }, 0, "9P2000.L")];
}

const walk = (fid: number, newfid: number, ...wname: string[]): Fcall => ({ type: Twalk, fid, newfid, wname });
const create = (fid: number, name: string): Fcall => ({ type: Tlcreate, fid, name, flags: L_O_RDWR | L_O_CREAT, mode: 0o666, gid: NOU32 });

describe("streams of anything", () => {
  const toll = noToll();
  const water = new HighWater();

  it.each([["ram", "tcp", 120], ["ram", "ws", 100], ["host", "tcp", 100], ["host", "ws", 80], ["slow host", "tcp", 60]] as const)("%s over %s", async (kind, medium, count) => {
    const t = await target(kind);
    const before = kind === "ram" ? await t.used() : 0;
    const all = await beside(t);
    const live = water.live();
    const abreast = 8;
    for (let n = 0; n < count; n += 20) {
      await assaults(t, medium, seed(), n, 20, abreast, toll);
      const files = kind === "ram" ? await t.used() : 0;
      expect(water.live() - live, `SEED=${seed()}`).toBeLessThan((abreast + all.length) * EACH + POOL + files);
    }
    await unharmed(t, all);
    await t.empty();
    // An open that was left behind would keep its file.
    if (kind === "ram") expect(await t.used()).toBe(before);
  });

  it("had every message of every dialect in them, and tens of thousands of answers", () => {
    water.stop();
    process.stderr.write(`hostile: ${toll.connections} connections, ${toll.messages} messages, ${toll.replies} answers, ${toll.hungUp} hung up on; ${water.text()}\n`);
    for (const v of ["9P2000", "9P2000.u", "9P2000.L", "9P2000.x", "9P2000.u.x", "9P2000.L.x"]) {
      const never = [...layouts.values()].filter((l) => (l.type >= 100 || v.startsWith("9P2000.L")) && l.type % 2 === 0 && !toll.sent.has(`${v} ${l.type}`) && l.name !== "Tlerror" && l.name !== "Terror");
      expect(never.map((l) => l.name), v).toEqual([]);
    }
    const never = [...layouts.values()].filter((l) => ![...toll.sent.keys()].some((k) => k.endsWith(` ${l.type}`)));
    expect(never.map((l) => l.name)).toEqual([]);
    expect(toll.replies).toBeGreaterThan(20_000);
  });
});

describe.each(media)("a connection over %s", (medium) => {
  it("cut at every byte of its messages leaves nothing", async () => {
    const t = await target("host");
    const all = new Uint8Array(Buffer.concat([...hello(), ...told("9P2000.L", walk(0, 1), create(1, "f"), { type: Twrite, fid: 1, offset: 0, data: new Uint8Array(20) }, { type: Tgetattr, fid: 1, request_mask: 1 })]));
    for (let at = 0; at <= all.length; at += 4) {
      await Promise.all([0, 1, 2, 3].map(async (i) => {
        const f = await foe(t, medium);
        f.send([all.subarray(0, at + i)]);
        await f.plug.flushed();
        f.plug.cut(i % 2 === 0 ? "fin" : "rst");
        await f.plug.over;
        expect(f.ledger.wrong).toEqual([]);
      }));
    }
    await unharmed(t, []);
  });

  it("whose peer ends its half is answered what it asked, and ended", async () => {
    const t = await target("host");
    for (let n = 0; n < 20; n++) {
      const f = await foe(t, medium);
      f.send([...hello(), ...told("9P2000.L", ...Array.from({ length: 50 }, (_, i) => walk(0, i + 1)))]);
      f.plug.half();
      await f.hungUp();
      expect(f.ledger.wrong).toEqual([]);
      if (medium === "tcp") expect(f.ledger.owed()).toEqual([]);
    }
    await unharmed(t, []);
  });

  it("that never begins, or falls silent with its replies not taken, is ended in the end", async () => {
    let now = 0;
    const t = await target("ram", { watch: { hello: 30, stall: 60, idle: 600, now: () => now } });
    const mute = await Promise.all(Array.from({ length: 20 }, () => foe(t, medium)));
    for (const f of mute.slice(10)) f.send([version().subarray(0, 9)]);
    const idle = await foe(t, medium);
    idle.send(hello());
    await idle.settled();
    now = 31_000;
    t.watch.tick();
    await Promise.all(mute.map((f) => f.hungUp()));
    expect(idle.plug.ended).toBe(false);
    now += 600_000;
    t.watch.tick();
    await idle.hungUp();
    await unharmed(t, []);
  });

  it("whose peer asks for megabytes and never reads is not read from, and costs what the limits say", async () => {
    let now = 0;
    const t = await target("host", { watch: { now: () => now } });
    fs.writeFileSync(join(t.dir, "big"), Buffer.alloc(4 << 20, 1));
    const all = await beside(t);
    const water = new HighWater();
    const live = water.live();
    const many = await Promise.all(Array.from({ length: 16 }, () => foe(t, medium)));
    for (const f of many) {
      f.send(hello());
      await f.answered();
      f.plug.deafen();
      f.send([...told("9P2000.L", walk(0, 1, "big"), { type: Topen, fid: 1, mode: OREAD }, ...Array.from({ length: 600 }, (_, i) => ({ type: Tread, fid: 1, offset: i * 5000, count: MSIZE } as const)))]);
    }
    // The others are served all the while.
    for (const c of all) for (const until = c.rounds + 10; c.rounds < until; ) await new Promise((resolve) => setImmediate(resolve));
    const held = water.live() - live;
    process.stderr.write(`hostile: 16 ${medium} readers of 38 MiB that do not read: ${mib(held)} MiB held, ${mib(16 * EACH + POOL)} allowed; ${water.text()}\n`);
    expect(held).toBeLessThan(16 * EACH + POOL);
    // One takes it all in the end, of the others nothing is heard any more.
    const [late] = many;
    late?.plug.socket.resume();
    await late?.answered();
    expect(late?.ledger.came.get(Rread)).toBe(600);
    t.watch.tick();
    now += 61_000;
    t.watch.tick();
    for (const f of many.slice(1)) {
      f.plug.socket.resume();
      await f.hungUp();
    }
    late?.plug.cut("fin");
    water.stop();
    await unharmed(t, all);
  });

  it("that writes where nobody reads is told so at the bound", async () => {
    const t = await target("ram");
    const all = await beside(t);
    const water = new HighWater();
    const live = water.live();
    const many = await Promise.all(Array.from({ length: 8 }, () => foe(t, medium)));
    const data = new Uint8Array(MSIZE - 24);
    for (const f of many) {
      f.send([...hello("pipe"), ...told("9P2000.L", walk(0, 1, "data"), { type: Topen, fid: 1, mode: ORDWR }, ...Array.from({ length: 100 }, () => ({ type: Twrite, fid: 1, offset: 0, data } as const)))]);
    }
    for (const f of many) await f.until(() => f.ledger.owed().length < 30, () => "not refused");
    expect(water.live() - live).toBeLessThan(8 * EACH + POOL);
    for (const f of many) {
      await f.settled();
      expect(f.ledger.came.get(Rwrite)).toBeLessThan(30);
      f.plug.cut("rst");
    }
    water.stop();
    await unharmed(t, all);
  });
});

describe("WebSocket frames", () => {
  const walks = (): Uint8Array[] => told("9P2000.L", ...Array.from({ length: 10 }, (_, i) => walk(0, i + 1)));

  async function connected(t: Target): Promise<{ f: Foe; p: WsPlug; frame: (bytes: Uint8Array, how?: Frame) => void }> {
    const f = await foe(t, "ws");
    const p = f.plug;
    if (!(p instanceof WsPlug)) throw new Error("no WebSocket");
    return { f, p, frame(bytes, how) {
      f.ledger.send(bytes);
      p.frame(bytes, how);
    } };
  }

  it("split, joined and empty ones are a stream all the same", async () => {
    const rnd = chance(seed());
    const t = await target("host");
    for (let n = 0; n < 40; n++) {
      const { f, p, frame } = await connected(t);
      const all = new Uint8Array(Buffer.concat([...hello(), ...walks()]));
      let open = false;
      for (let at = 0; at < all.length;) {
        const to = Math.min(all.length, at + rnd(n % 2 === 0 ? 3 : 200));
        const fin = rnd(3) > 0 || to === all.length;
        frame(all.subarray(at, to), { opcode: open ? 0 : 2, fin });
        open = !fin;
        at = to;
        if (rnd(4) === 0) p.frame(new Uint8Array(rnd(126)), { opcode: 9 + rnd(2) });
      }
      await f.settled();
      expect(f.ledger.wrong).toEqual([]);
      expect(f.plug.ended).toBe(false);
      f.plug.cut("fin");
      await f.plug.over;
    }
    await unharmed(t, []);
  });

  const some = new Uint8Array(10);
  const bad: readonly (readonly [string, readonly (readonly [Uint8Array, Frame])[], number])[] = [
    ["text", [[some, { opcode: 1 }]], 1003],
    ["text that goes on", [[some, { opcode: 1, fin: false }], [some, { opcode: 0 }]], 1003],
    ["the rest of nothing", [[some, { opcode: 0 }]], 1002],
    ["a beginning in a beginning", [[some, { opcode: 2, fin: false }], [some, { opcode: 2 }]], 1002],
    ["reserved bits", [[some, { reserved: 4 }]], 1002],
    ["no mask", [[some, { masked: false }]], 1002],
    ["an opcode there is not", [[some, { opcode: 3 }]], 1002],
    ["9 MiB", [[some, { length: 9 << 20 }]], 1009],
    ["2^60 bytes", [[some, { length: 2 ** 60 }]], 1009],
    ["a ping in parts", [[some, { opcode: 9, fin: false }]], 1002],
    ["a ping too long", [[new Uint8Array(126), { opcode: 9 }]], 1002],
    ["a close of one byte", [[new Uint8Array(1), { opcode: 8 }]], 1002],
    ["a close with a code there is not", [[Uint8Array.of(0, 5), { opcode: 8 }]], 1002],
  ];
  it.each(bad)("%s: hung up on, with the reason", async (_, frames, code) => {
    const t = await target("ram");
    const { f, p } = await connected(t);
    f.send([...hello(), ...walks()]);
    for (const [data, how] of frames) p.frame(data, how);
    await f.hungUp();
    expect(p.code).toBe(code);
    await unharmed(t, []);
  });

  it("what is no handshake gets an answer or a hang-up, and what is cut off leaves nothing", async () => {
    const rnd = chance(seed());
    const t = await target("ram");
    const url = new URL(t.address("ws"));
    const good = `GET / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    const words: string[] = [
      "\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", good.replace("13", "8"), good.replace(/Sec-WebSocket-Key.*\r\n/, ""), good.replace("GET", "POST"), good.replace("websocket", "h2c"),
      good.replace("\r\n\r\n", `\r\nX: ${"x".repeat(70_000)}\r\n\r\n`), `${good}garbage`, `GET ${"/".repeat(20_000)} HTTP/1.1\r\n\r\n`, ...Array.from({ length: 60 }, (_, i) => good.slice(0, i * 4)),
      ...Array.from({ length: 60 }, () => String.fromCharCode(...Array.from({ length: 1 + rnd(300) }, () => rnd(256)))),
      // Nearly right: one character is another.
      ...Array.from({ length: 100 }, () => {
        const at = rnd(good.length);
        return good.slice(0, at) + String.fromCharCode(rnd(256)) + good.slice(at + 1);
      }),
    ];
    await Promise.all(words.map(async (w, i) => {
      const socket = await dialed(url);
      socket.on("error", () => {});
      socket.write(w, "latin1");
      socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
      if (i % 3 === 0) socket.resetAndDestroy();
      else socket.end();
      await once(socket, "close");
    }));
    const f = await foe(t, "ws");
    f.send([...hello(), ...walks()]);
    await f.settled();
    f.plug.cut("fin");
    await unharmed(t, []);
  });

  it("another protocol at the TCP listener is hung up on", async () => {
    const t = await target("ram");
    for (const w of ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\0\0\0\0\0\0\0"]) {
      const f = await foe(t, "tcp");
      f.send([Buffer.from(w, "latin1")]);
      expect(f.ledger.broken).toBeDefined();
      await f.hungUp();
    }
    await unharmed(t, []);
  });
});

it("1,000 connections at once, each with a file open, all cut at once", async () => {
  const t = await target("host");
  const all = await beside(t);
  const many: Foe[] = [];
  for (let n = 0; n < 1000; n += 50) {
    many.push(...await Promise.all(Array.from({ length: 50 }, (_, i) => foe(t, media[i % 2] ?? "tcp"))));
    for (const [i, f] of many.slice(n).entries()) {
      const name = `f${n + i}`;
      f.send([...hello(), ...told("9P2000.L", walk(0, 1), create(1, name), { type: Twrite, fid: 1, offset: 0, data: Buffer.from(name) }, { type: Tread, fid: 1, offset: 0, count: 9 })]);
    }
  }
  for (const f of many) {
    await f.answered();
    expect(f.ledger.wrong).toEqual([]);
    expect(f.ledger.came.get(Rread)).toBe(1);
  }
  expect(t.left()).toMatchObject({ sessions: 1002, locks: 0 });
  expect(t.left().opens).toBeGreaterThanOrEqual(1000);
  for (const [i, f] of many.entries()) f.plug.cut(i % 4 < 2 ? "fin" : "rst");
  await Promise.all(many.map((f) => f.plug.over));
  await unharmed(t, all);
}, 60_000);

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
      const swap = (name, target) => {
        attempt(() => fs.renameSync(name, x));
        attempt(() => fs.symlinkSync(target, name));
        attempt(() => fs.unlinkSync(name));
        attempt(() => fs.renameSync(x, name));
        fs.rmSync(x, { recursive: true, force: true });
      };
      const mend = () => {
        for (const name of [d, e]) attempt(() => (fs.mkdirSync(name), fs.chmodSync(name, 0o777)));
        if (!fs.existsSync(secret)) fs.writeFileSync(secret, "inside");
        fs.chmodSync(secret, 0o666);
      };
      const moment = new Int32Array(new SharedArrayBuffer(4));
      console.log("ready");
      for (let n = 1; ; n++) {
        attempt(mend);
        // All is as it should be, for a moment.
        Atomics.wait(moment, 0, 0, 2);
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
        for (let n = 0; n < 60; n++) {
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
