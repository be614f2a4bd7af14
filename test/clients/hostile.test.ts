/**
 * Hostile clients on real connections, TCP and WebSocket, of a real listener with host or ram behind
 * it, all in this process. Whatever they send, they get an answer or are hung up on; a client as it
 * should be works on beside them and gets right answers; when they have gone nothing of theirs is
 * left; memory stays within what the limits allow. A failure names SEED and the number of the foe.
 */
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { OREAD, ORDWR, Rread, Rwrite, Tgetattr, Topen, Tread, Twrite } from "../../proto/index.ts";
import { layouts } from "../../proto/layout.ts";
import { assaults, noToll } from "../support/assault.ts";
import type { Foe } from "../support/foe.ts";
import { HighWater, mib } from "../support/highwater.ts";
import { seed } from "../support/random.ts";
import { beside, closeAll, create, EACH, foe, hello, media, MSIZE, POOL, target, told, unharmed, version, walk } from "../support/siege.ts";
import { NOTHING } from "../support/target.ts";

afterEach(closeAll);

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

  it.runIf(process.platform === "linux")("is asked after when its peer says nothing: one whose machine is gone does not stay for ever", async () => {
    const t = await target("ram");
    const f = await foe(t, medium);
    f.send(hello());
    await f.answered();
    // tcp(5): the accepted socket in state 01, whose timer 02 is that of keep-alive.
    const port = Number(new URL(t.address(medium)).port).toString(16).toUpperCase().padStart(4, "0");
    const timers = (): (string | undefined)[] => fs.readFileSync("/proc/net/tcp", "latin1").split("\n").map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === "01").map((line) => line[5]?.slice(0, 2));
    await expect.poll(timers).toEqual(["02"]);
    f.plug.cut("fin");
    await unharmed(t, []);
  });

  it("is one of so many: more are hung up on, and there is room again when they leave", async () => {
    const t = await target("ram", { watch: { connections: 10 } });
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(Array.from({ length: 10 }, () => foe(t, medium)));
      for (const f of all) f.send(hello());
      for (const f of all) await f.answered();
      // To a WebSocket the handshake is not answered any more.
      const more = await Promise.allSettled(Array.from({ length: 20 }, () => foe(t, medium)));
      for (const f of more) if (f.status === "fulfilled") await f.value.hungUp();
      expect(more.filter((f) => f.status === "fulfilled").length).toBe(medium === "tcp" ? 20 : 0);
      expect(t.left().connections).toBe(10);
      for (const [i, f] of all.entries()) f.plug.cut(i % 2 === 0 ? "fin" : "rst");
      expect(await t.quiet()).toEqual(NOTHING);
    }
    expect(t.taken).toBe(30);
  });

  it("whose peer asks for very much at once has its turn as others do", async () => {
    const t = await target("host");
    fs.mkdirSync(join(t.dir, "d"));
    for (let i = 0; i < 200; i++) fs.writeFileSync(join(t.dir, "d", String(i)), "");
    const all = await beside(t);
    const rounds = (): number => all.reduce((n, c) => n + c.rounds, 0);
    const f = await foe(t, medium);
    f.send([...hello(), ...told("9P2000.L", walk(0, 1, "d"), { type: Topen, fid: 1, mode: OREAD })]);
    await f.answered();
    const before = rounds();
    f.send(told("9P2000.L", ...Array.from({ length: 8000 }, () => ({ type: Tread, fid: 1, offset: 0, count: 100 } as const))));
    await f.answered();
    expect(rounds() - before).toBeGreaterThan(4);
    f.plug.cut("fin");
    await unharmed(t, all);
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
    // Of those who are stuck nothing moves between two looks of the watch.
    for (let turns = 0; turns < 10_000 && t.left().connections > all.length + 1; turns++) {
      t.watch.tick();
      now += 61_000;
      t.watch.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(t.left().connections).toBe(all.length + 1);
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
      f.send([...hello("pipe"), ...told("9P2000.L", walk(0, 1, "data"), { type: Topen, fid: 1, mode: ORDWR }, ...Array.from({ length: 100 }, () => ({ type: Twrite, fid: 1, offset: 0, data } as const)))], false);
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
