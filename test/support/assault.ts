/**
 * Assault: many foes at a target, each with a stream of its own from one seed, sent in its own
 * manner. Invariant: what a foe sends depends on the seed and its number alone; whatever the server
 * does wrong is an error that says how to see it again.
 */
import { Foe } from "./foe.ts";
import { dialectNamed, Fuzz } from "./fuzz.ts";
import { NAMES, pick, VERSIONS } from "./fuzz/fields.ts";
import { chance } from "./random.ts";
import { type Medium, SECRET, type Target } from "./target.ts";

export interface Toll {
  connections: number;
  messages: number;
  replies: number;
  bytes: number;
  /** Connections that the server hung up on. */
  hungUp: number;
  /** Well-formed messages, as in a Ledger. */
  readonly sent: Map<string, number>;
}

export function noToll(): Toll {
  return { connections: 0, messages: 0, replies: 0, bytes: 0, hungUp: 0, sent: new Map() };
}

/** Six of them agree on the three dialects, in order or not; the others on less, or nothing. */
const AGREED = VERSIONS.slice(0, 6);

/** Foe number n of the seed: connects, does its worst, and leaves. */
export async function assault(target: Target, medium: Medium, seed: number, n: number, toll: Toll): Promise<void> {
  const rnd = chance(seed * 1_000_003 + n);
  const wild = pick(rnd, [0, 1, 1, 2] as const);
  const version = rnd(12) === 0 ? pick(rnd, VERSIONS) : pick(rnd, AGREED);
  const fuzz = new Fuzz(rnd, { wild, words: { names: [...NAMES, "secret.d"], ...target.words } });
  const foe = await Foe.connect(target.address(medium), target.msize, SECRET);
  const { ledger } = foe;
  const send = (parts: readonly Uint8Array[]): void => {
    const manner = rnd(8);
    for (const p of parts) toll.bytes += p.length;
    if (manner === 0) foe.shred(new Uint8Array(Buffer.concat(parts)), rnd, 1 + rnd(60));
    else foe.send(parts, manner > 3);
  };
  try {
    if (wild === 0 || rnd(20) > 0) send(fuzz.hello(version, pick(rnd, [8192, target.msize, 1 << 20])));
    for (let bursts = 3 + rnd(12); bursts > 0 && !foe.plug.ended; bursts--) {
      // Before the first answer the dialect is not known; now and then the wrong one is spoken.
      send(fuzz.burst(rnd(30) === 0 ? dialectNamed(pick(rnd, VERSIONS)) : ledger.dialect));
      if (rnd(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const end = rnd(6);
    if (end === 0) {
      // In the midst of a message, with answers under way.
      const last = fuzz.burst(ledger.dialect);
      send([new Uint8Array(Buffer.concat(last)).subarray(0, 1 + rnd(60))]);
    } else await foe.settled();
    if (end === 1 && !foe.plug.ended) {
      foe.plug.half();
      await foe.hungUp();
    } else {
      if (foe.plug.ended) toll.hungUp++;
      foe.plug.cut(rnd(2) === 0 ? "fin" : "rst");
    }
    await foe.plug.over;
    if (ledger.wrong.length > 0) throw new Error(ledger.wrong.slice(0, 5).join("; "));
  } catch (e) {
    foe.plug.cut("rst");
    throw new Error(`SEED=${seed} foe ${n}, ${target.kind} over ${medium}, ${version}, wild ${wild}: ${e instanceof Error ? e.message : String(e)}`, { cause: e });
  }
  toll.connections++;
  toll.messages += ledger.messages;
  toll.replies += ledger.replies;
  for (const [key, count] of ledger.sent) toll.sent.set(key, (toll.sent.get(key) ?? 0) + count);
}

/** Foes first to first + count, `abreast` of them at a time. */
export async function assaults(target: Target, medium: Medium, seed: number, first: number, count: number, abreast: number, toll: Toll): Promise<void> {
  let next = first;
  const one = async (): Promise<void> => {
    while (next < first + count) await assault(target, medium, seed, next++, toll);
  };
  await Promise.all(Array.from({ length: abreast }, one));
}
