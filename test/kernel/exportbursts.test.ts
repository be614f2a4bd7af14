/**
 * Clients of an export that send whole bursts on few fids, and take some of it back: names of mount
 * points, unions and "..", fids that are still being walked to, two fids in one message. Each message
 * is answered, and when the session is over nothing of it is left. SEED=... replays.
 */
import { expect, test } from "vitest";
import { MAFTER, MCREATE, MREPL } from "../../kernel/index.ts";
import * as p from "../../proto/index.ts";
import { dial, open, pair, type Portal, type Rmsg, serve, type Tmsg, VERSIONS } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { testKernel, type TestKernel } from "../support/kernel.ts";
import { chance, seed } from "../support/random.ts";

const RUNS = 150;
const BURSTS = 6;
const FIDS = 5;
const NAMES = ["a", "b", "c", "m", "u", ".."] as const;

async function tick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function wire(version: string): Promise<Portal> {
  const [a, b] = pair();
  serve(b, (s) => open(ram({ now: () => 1e9, owner: "glenda" }), s));
  return dial(a, { versions: [version] });
}

/** /n/w with a mount in it and a union, part of which lies on another server. */
async function kernel(version: string): Promise<TestKernel> {
  const k = await testKernel({});
  const { sys } = k;
  await sys.mount(await wire(version), "/n/w", MREPL | MCREATE, "");
  for (const d of ["a", "b", "m", "u"]) await sys.mkdir(`/n/w/${d}`, 0o777);
  await sys.bind("/tmp", "/n/w/m", MREPL | MCREATE);
  await sys.mount(await wire(version), "/n/v", MREPL | MCREATE, "");
  await sys.bind("/n/v", "/n/w/u", MAFTER | MCREATE);
  return k;
}

function message(rnd: (n: number) => number): Tmsg {
  const fid = 1 + rnd(FIDS);
  const other = 1 + rnd(FIDS);
  const name = (): string => NAMES[rnd(NAMES.length - 1)] ?? "";
  switch (rnd(12)) {
    case 0: return { type: p.Tmkdir, dfid: fid, name: name(), mode: 0o777, gid: 0 };
    case 1: return { type: p.Tunlinkat, dirfid: fid, name: name(), flags: rnd(2) ? p.AT_REMOVEDIR : 0 };
    case 2: return { type: p.Trenameat, olddirfid: fid, oldname: name(), newdirfid: other, newname: name() };
    case 3: return { type: p.Trename, fid, dfid: other, name: name() };
    case 4: return { type: p.Tlink, dfid: fid, fid: other, name: name() };
    case 5: return { type: p.Tclunk, fid };
    case 6: return { type: p.Tlcreate, fid, name: name(), flags: p.L_O_RDWR, mode: 0o666, gid: 0 };
    case 7: return { type: p.Topen, fid, mode: p.OREAD };
    case 8: return { type: p.Tread, fid, offset: 0, count: 4096 };
    default: return { type: p.Twalk, fid: rnd(2) ? 0 : fid, newfid: other, wname: Array.from({ length: rnd(4) }, () => NAMES[rnd(NAMES.length)] ?? "") };
  }
}

async function session(k: TestKernel, rnd: (n: number) => number): Promise<void> {
  const x = k.sys.export("/n/w");
  await x.call({ type: p.Tattach, fid: 0, afid: p.NOFID, uname: "any", aname: "", n_uname: p.NOU32 });
  for (let burst = 0; burst < BURSTS; burst++) {
    const owed = new Set<Tmsg>();
    const sent = Array.from({ length: 2 + rnd(8) }, () => message(rnd));
    for (const t of sent) {
      owed.add(t);
      void (async (): Promise<Rmsg> => x.call(t))().then(() => owed.delete(t));
      if (rnd(8) === 0) await tick();
      if (rnd(8) === 0) x.flush(sent[rnd(sent.length)] ?? t);
    }
    for (let i = 0; i < 500 && owed.size > 0; i++) await tick();
    expect([...owed]).toEqual([]);
  }
  x.hangup();
}

test.each(VERSIONS)(`${RUNS} sessions on servers of %s`, async (version) => {
  const k = await kernel(version);
  try {
    for (let run = 0; run < RUNS; run++) {
      const from = seed() * 1000 + run;
      try {
        const before = k.stats();
        await session(k, chance(from));
        for (let i = 0; i < 500 && JSON.stringify(k.stats()) !== JSON.stringify(before); i++) await tick();
        expect(k.stats()).toEqual(before);
        expect(k.log).toEqual([]);
      } catch (e) {
        throw new Error(`SEED=${seed()} run ${run} (stream ${from})`, { cause: e });
      }
    }
  } finally {
    k.shutdown();
  }
}, 60_000);
