/**
 * A peer that is killed at every message of its work, and in the middle of every message: by FIN, by
 * RST, with its process. Nothing of it is left in the server: no fid, no lock, no open file, no
 * exclusive open, no call; files opened to be removed on close are gone; the next client can lock and
 * open what the dead one had.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { connect } from "../../clients/node/index.ts";
import { errno, L_O_RDWR, LOCK_SUCCESS, LOCK_TYPE_WRLCK, NineError, ORDWR, Tlock } from "../../proto/index.ts";
import { Foe } from "../support/foe.ts";
import { Nine } from "../support/nine.ts";
import type { Cut } from "../support/plug.ts";
import { chance, seed } from "../support/random.ts";
import { type Kind, type Medium, NOTHING, SECRET, Target } from "../support/target.ts";
import { EXCLUSIVE, GONE, LOCKED, TEMP, UNLINKED, workload } from "../support/workload.ts";

const MSIZE = 65536;
const DIR = "k";
const work = workload(DIR);

let target: Target | undefined;
let heir: Nine | undefined;
/** Connections made so far, the heir's included. */
let made = 0;

async function begin(kind: Kind): Promise<Target> {
  target = await Target.start(kind, { msize: MSIZE });
  heir = await Nine.attach(await connect(target.address("tcp")), { uname: "glenda" });
  made = 1;
  return target;
}

afterEach(async () => {
  heir?.portal.hangup();
  await target?.close();
  target = heir = undefined;
});

async function there(n: Nine, path: string): Promise<boolean> {
  try {
    await n.clunk(await n.walk(path));
    return true;
  } catch (e) {
    if (e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.ENOTDIR)) return false;
    throw e;
  }
}

/** The peer has died after k messages, each of which was answered before the next if `sure`. */
async function after(k: number, sure: boolean): Promise<void> {
  const t = target;
  const n = heir;
  if (!t || !n) throw new Error("no target");
  // A peer may be dead before the server has heard of it.
  made++;
  while (t.taken < made) await new Promise((resolve) => setImmediate(resolve));
  // The heir has its root.
  const alone = { ...NOTHING, connections: 1, sessions: 1, fids: 1 };
  expect(await t.quiet(alone)).toEqual(alone);
  expect(t.bugs).toEqual([]);
  // A removal may take a moment longer than the close.
  await expect.poll(() => there(n, `${DIR}/${GONE}`), { timeout: 20_000 }).toBe(false);
  if (sure && k >= work.temp) await expect.poll(() => there(n, `${DIR}/${TEMP}`), { timeout: 20_000 }).toBe(false);
  if (sure && k >= work.unlinked) expect(await there(n, `${DIR}/${UNLINKED}`)).toBe(false);
  let at: string | undefined;
  for (const path of [`${DIR}/${LOCKED}`, `${DIR}.moved`]) if (await there(n, path)) at = path;
  if (at !== undefined) {
    const fid = await n.lopen(at, L_O_RDWR);
    const r = await n.rpc({ type: Tlock, fid, ltype: LOCK_TYPE_WRLCK, flags: 0, start: 0, length: 0, proc_id: 9, client_id: "heir" });
    expect(r.status).toBe(LOCK_SUCCESS);
    await n.clunk(fid);
  } else if (sure) expect(k).toBeLessThan(9);
  if (await there(n, `${DIR}/${EXCLUSIVE}`)) await n.clunk(await n.open(`${DIR}/${EXCLUSIVE}`, ORDWR));
  await t.empty();
}

/** One message after the other, each when all are answered that can be. */
async function stepwise(f: Foe, messages: readonly Uint8Array[]): Promise<void> {
  for (const [i, m] of messages.entries()) {
    f.send([m]);
    await f.until(() => f.ledger.owed().every(({ tag }) => work.blocked.has(tag)), () => `message ${i} is not answered`);
  }
}

it.each(["ram", "host"] as const)("%s: the work is done to its end, and only what must block does", async (kind) => {
  const t = await begin(kind);
  const f = await Foe.connect(t.address("tcp"), MSIZE, SECRET);
  await stepwise(f, work.messages);
  expect(f.ledger.owed().length).toBe(2);
  // Host files have no attributes but the usual: four messages of them fail there, and nothing else.
  const errors = [...f.ledger.came].filter(([type]) => type === 7 || type === 107).reduce((sum, [, n]) => sum + n, 0);
  expect(errors, kind).toBe(kind === "host" ? 4 : 0);
  expect(t.left()).toMatchObject({ sessions: 2, calls: 2, exclusive: 1 });
  expect(t.left().locks).toBeGreaterThan(2);
  expect(t.left().fids).toBeGreaterThan(14);
  if (kind === "host") expect(t.left().opens).toBeGreaterThan(6);
  f.plug.cut("rst");
  await after(work.messages.length, true);
});

describe.each([["ram", "tcp"], ["ram", "ws"], ["host", "tcp"], ["host", "ws"], ["slow host", "tcp"]] as const)("%s over %s", (kind: Kind, medium: Medium) => {
  it.each([["after", "fin", 0], ["after", "rst", 0], ["in the midst of", "fin", 0.5], ["in the midst of", "rst", 0.5]] as const)("%s every message, by %s", async (_, how: Cut, part) => {
    const t = await begin(kind);
    const rnd = chance(seed());
    for (let k = 0; k <= work.messages.length; k++) {
      try {
        const f = await Foe.connect(t.address(medium), MSIZE, SECRET);
        const whole = work.messages.slice(0, k);
        const next = work.messages[k];
        const begun = part > 0 && next ? [next.subarray(0, Math.max(1, Math.floor(next.length * part)))] : [];
        // Every other one waits for its answers; the others leave as soon as they have said it all.
        const sure = k % 2 === (how === "fin" ? 0 : 1);
        if (sure) await stepwise(f, whole);
        else f.send(whole);
        f.send(begun);
        // It may die at any moment of what it has asked for.
        if (!sure) for (let i = rnd(12); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
        await f.plug.flushed();
        f.plug.cut(how);
        await f.plug.over;
        expect(f.ledger.wrong).toEqual([]);
        await after(k, sure);
      } catch (e) {
        throw new Error(`SEED=${seed()} killed after ${k} messages${part > 0 ? " and a half" : ""}`, { cause: e });
      }
    }
    expect(t.harm()).toBeUndefined();
  });
});

/** Connects, sends what it was given, says so and stays, until it is killed. */
const PEER = `
  const [port, hex, frames] = process.argv.slice(1);
  const socket = require("node:net").connect(Number(port), "127.0.0.1");
  const send = () => {
    for (const b of hex.split(",").map((x) => Buffer.from(x, "hex"))) {
      if (frames) socket.write(Buffer.concat([Buffer.from([0x82, 0xfe, b.length >> 8, b.length & 255, 0, 0, 0, 0]), b]));
      else socket.write(b);
    }
    socket.write("", () => console.log("sent"));
  };
  socket.once("connect", () => {
    if (!frames) return send();
    socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n");
    socket.once("data", send);
  });
`;

it.each([["host", "tcp"], ["ram", "ws"]] as const)("%s over %s: the peer's process is killed", async (kind, medium) => {
  const t = await begin(kind);
  for (let k = 5; k <= work.messages.length; k += 11) {
    const hex = work.messages.slice(0, k).map((m) => Buffer.from(m).toString("hex")).join(",");
    const peer = spawn(process.execPath, ["-e", PEER, new URL(t.address(medium)).port, hex, ...(medium === "ws" ? ["frames"] : [])], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(peer, "exit");
    await once(peer.stdout, "data");
    peer.kill("SIGKILL");
    await ended;
    await after(k, false);
  }
});
