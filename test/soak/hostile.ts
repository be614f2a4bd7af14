/**
 * Hostile clients without end: each round a target of one kind, attacked over one medium by hundreds
 * of foes, with others that never read what they ask for and citizens at work beside them. Whatever
 * is wrong after a round is an error; progress goes to stderr.
 */
import { OREAD, Topen, Tread } from "../../proto/index.ts";
import { layouts } from "../../proto/layout.ts";
import { assaults, noToll, type Toll } from "../support/assault.ts";
import { HighWater, mib } from "../support/highwater.ts";
import { seed } from "../support/random.ts";
import { beside, closeAll, EACH, foe, hello, MSIZE, POOL, target, told, unharmed, walk } from "../support/siege.ts";
import type { Kind, Medium } from "../support/target.ts";

const ROUNDS: readonly (readonly [Kind, Medium])[] = [["ram", "tcp"], ["host", "tcp"], ["ram", "ws"], ["host", "ws"], ["slow host", "tcp"], ["slow host", "ws"]];
const FOES = 400;
const ABREAST = 12;
const DEAF = 4;
const VERSIONS = ["9P2000", "9P2000.u", "9P2000.L", "9P2000.x", "9P2000.u.x", "9P2000.L.x"];

/** At least n messages; the figures. */
export async function hostile(n: number): Promise<string> {
  const toll = noToll();
  const water = new HighWater();
  const begun = Date.now();
  let most = 0;
  for (let round = 0; toll.messages < n; round++) {
    const [kind, medium] = ROUNDS[round % ROUNDS.length] ?? ["ram", "tcp"];
    try {
      most = Math.max(most, await attack(kind, medium, round * FOES, toll, water));
    } finally {
      await closeAll();
    }
    const seconds = (Date.now() - begun) / 1000;
    process.stderr.write(`${String(toll.messages).padStart(8)} messages, ${toll.replies} answers, ${toll.connections} connections, ${toll.hungUp} hung up on, `
      + `${Math.round(toll.messages / seconds)}/s; ${kind} over ${medium}; ${water.text()}\n`);
  }
  for (const v of VERSIONS) {
    const never = [...layouts.values()].filter((l) => l.type % 2 === 0 && (l.type >= 100 || v.startsWith("9P2000.L")) && !toll.sent.has(`${v} ${l.type}`));
    if (never.length > 0 && n >= 100_000) throw new Error(`in ${v} never sent: ${never.map((l) => l.name).join(" ")}`);
  }
  water.stop();
  return `${toll.messages} messages with ${(toll.bytes / 1e6).toFixed(0)} MB on ${toll.connections} connections, ${toll.replies} answers, ${toll.hungUp} hung up on, `
    + `${((Date.now() - begun) / 1000).toFixed(0)} s; ${water.text()}, at most ${mib(most)} MiB of it live`;
}

/** One round; the most bytes that were live, above those before it. */
async function attack(kind: Kind, medium: Medium, first: number, toll: Toll, water: HighWater): Promise<number> {
  const t = await target(kind);
  const used = kind === "ram" ? await t.used() : 0;
  const citizens = await beside(t);
  const before = water.live();
  const deaf = await Promise.all(Array.from({ length: DEAF }, () => foe(t, medium)));
  for (const f of deaf) {
    f.send(hello());
    await f.answered();
    f.plug.deafen();
    f.send(told("9P2000.L", walk(0, 1), { type: Topen, fid: 1, mode: OREAD }, ...Array.from({ length: 10_000 }, () => ({ type: Tread, fid: 1, offset: 0, count: MSIZE } as const))));
  }
  let most = 0;
  for (let n = 0; n < FOES; n += 50) {
    await assaults(t, medium, seed(), first + n, 50, ABREAST, toll);
    const live = water.live() - before;
    most = Math.max(most, live);
    const allowed = (ABREAST + DEAF + citizens.length) * EACH + POOL + (kind === "ram" ? await t.used() : 0);
    if (live > allowed) throw new Error(`${kind} over ${medium}: ${mib(live)} MiB live, ${mib(allowed)} allowed`);
  }
  for (const f of deaf) f.plug.cut("rst");
  await unharmed(t, citizens);
  await t.empty();
  const left = kind === "ram" ? await t.used() : 0;
  if (left !== used) throw new Error(`ram: ${left} bytes used by nothing, ${used} before`);
  return most;
}
