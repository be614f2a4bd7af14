/**
 * Siege: what attacks of hostile clients share: targets with narrow limits, citizens at work beside the
 * foes, the messages everybody begins with, and what a connection may cost. Invariant: what was
 * begun is over after closeAll().
 */
import { type Dialect, type Fcall, L_O_CREAT, L_O_RDWR, NOFID, NOTAG, NOU32, packMessage, Tattach, Tlcreate, Tversion, Twalk } from "../../proto/index.ts";
import { Citizen } from "./citizen.ts";
import { Foe } from "./foe.ts";
import { type Kind, type Medium, SECRET, Target, type TargetOptions } from "./target.ts";

export const MSIZE: number = 65536;
export const LIMITS: Readonly<Record<"fids" | "opens" | "calls" | "bytes" | "unread", number>> = { fids: 256, opens: 128, calls: 256, bytes: 1 << 20, unread: 1 << 20 };
/** What a connection may make the server hold, by its limits: a message being joined, the chunk it came in, replies not taken, data under way, and so much for each object. */
export const EACH: number = 2 * MSIZE + 512 * 1024 + LIMITS.unread + 2 * LIMITS.bytes + LIMITS.calls * 4096 + LIMITS.fids * 2048 + 64 * 1024;
/** Buffers kept for all of them. */
export const POOL: number = 32 << 20;

const targets: Target[] = [];
const citizens: Citizen[] = [];

export async function target(kind: Kind, options: TargetOptions = {}): Promise<Target> {
  const t = await Target.start(kind, { msize: MSIZE, limits: LIMITS, ...options });
  targets.push(t);
  return t;
}

/** A citizen at work over each medium. */
export async function beside(t: Target): Promise<Citizen[]> {
  const all = await Promise.all(media.map((m) => Citizen.settle(t.address(m), m)));
  for (const c of all) c.start();
  citizens.push(...all);
  return all;
}

/** The citizens have worked all the while, and leave; nothing is left of anybody, and nothing was touched: else it throws. */
export async function unharmed(t: Target, all: readonly Citizen[]): Promise<void> {
  for (const c of all) {
    if (c.rounds === 0) throw new Error("a citizen was never served");
    await c.stop();
    c.leave();
  }
  const wounds = await t.wounds();
  if (wounds.length > 0) throw new Error(wounds.join("\n"));
}

export async function closeAll(): Promise<void> {
  for (const c of citizens.splice(0)) c.leave();
  for (const t of targets.splice(0)) await t.close();
}

export const media: readonly Medium[] = ["tcp", "ws"];
export const foe = (t: Target, m: Medium): Promise<Foe> => Foe.connect(t.address(m), MSIZE, SECRET);
export const version = (v: string = "9P2000.L.x"): Uint8Array => packMessage({ type: Tversion, msize: MSIZE, version: v }, NOTAG, "9P2000");

/** Messages with tags from 1 on. */
export function told(d: Dialect, ...all: readonly Fcall[]): Uint8Array[] {
  return all.map((f, i) => packMessage(f, 1 + i, d));
}

/** Version and attach as a .L.x peer. */
export function hello(aname = ""): Uint8Array[] {
  return [version(), packMessage({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname, n_uname: NOU32 }, 0, "9P2000.L")];
}

export const walk = (fid: number, newfid: number, ...wname: string[]): Fcall => ({ type: Twalk, fid, newfid, wname });
export const create = (fid: number, name: string): Fcall => ({ type: Tlcreate, fid, name, flags: L_O_RDWR | L_O_CREAT, mode: 0o666, gid: NOU32 });
