/**
 * Hostile clients of an export: streams of what no client should send, on a name space of unions, mounts
 * over mounts, wires of every kind and an export of itself. Each message is answered or the client hung
 * up on; afterwards nothing of the session is left on any Mnt, and the kernel goes on. SEED=... replays.
 */
import { expect, test } from "vitest";
import { MAFTER, MBEFORE, MCREATE, MREPL } from "../../kernel/index.ts";
import { dial, dir, open, packMessage, pair, type Portal, serve, Tflush } from "../../proto/index.ts";
import { ram, tree } from "../../servers/index.ts";
import { dialectNamed, Fuzz, FUZZTAGS } from "../support/fuzz.ts";
import { testKernel, type TestKernel } from "../support/kernel.ts";
import { Ledger } from "../support/ledger.ts";
import { chance, seed } from "../support/random.ts";

const MSIZE = 16384;
const RUNS = 60;
const BURSTS = 60;
const VERSIONS = ["9P2000.L.x", "9P2000.L", "9P2000.u", "9P2000"] as const;

async function behind(version: string): Promise<Portal> {
  const [a, b] = pair();
  const server = ram({ now: () => 1e9, owner: "glenda" });
  serve(b, (s) => open(server, s));
  return dial(a, { versions: [version], msize: MSIZE });
}

/** A name space whose names are those that the streams know. */
async function maze(): Promise<TestKernel> {
  const places = (): Record<string, ReturnType<typeof dir>> => Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, dir({})]));
  const k = await testKernel({}, { maze: tree("maze", dir(places())) });
  const { sys } = k;
  await sys.bind("#maze", "/", MBEFORE | MCREATE);
  const mount = async (version: string, path: string, flag: number): Promise<void> => sys.mount(await behind(version), path, flag, "");
  await mount("9P2000.L.x", "/a", MREPL | MCREATE);
  await mount("9P2000", "/c", MREPL | MCREATE);
  await mount("9P2000.L", "/d", MREPL | MCREATE);
  for (const name of ["/a/a", "/a/b", "/a/c", "/c/a", "/d/a", "/a/a/a"]) await sys.mkdir(name, 0o777);
  await sys.bind("/a/b", "/b", MAFTER);
  await mount("9P2000.L.x", "/b", MAFTER | MCREATE);
  await sys.bind("/c", "/b", MAFTER);
  await sys.bind("/d", "/a/a/a", MREPL | MCREATE);
  await sys.mount(sys.export("/"), "/a/c", MREPL | MCREATE, "");
  await sys.bind("/b", "/c/a", MBEFORE | MCREATE);
  for (const path of ["/a/d", "/c/b", "/d/b"]) await sys.writeFile(path, new Uint8Array(100).fill(120));
  return k;
}

async function tick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function assault(k: TestKernel, from: number): Promise<void> {
  const rnd = chance(from);
  const version = VERSIONS[rnd(VERSIONS.length)] ?? "9P2000.L.x";
  const fuzz = new Fuzz(rnd, { wild: rnd(3) as 0 | 1 | 2, words: { anames: ["", "/", "/a", "/b/../c", "none", "ctl", "/a/d"] } });
  const ledger = new Ledger(MSIZE);
  const [a, b] = pair();
  const end = { over: false };
  const readonly = rnd(5) === 0;
  serve(b, (s) => k.sys.export(rnd(4) === 0 ? "/b" : "/", { ...s, readonly }), { msize: MSIZE, limits: { fids: 64, opens: 32, calls: 128 } });
  a.start({ recv: (chunk) => ledger.recv(chunk.slice()), closed: () => (end.over = true) });
  const send = (messages: readonly Uint8Array[]): void => {
    for (const m of messages) {
      if (end.over) return;
      ledger.send(m);
      a.send(m);
    }
  };
  send(fuzz.hello(version, MSIZE));
  for (let i = 0; i < BURSTS && !end.over; i++) {
    send(fuzz.burst(dialectNamed(version)));
    if (rnd(3) === 0) await tick();
    if (rnd(40) === 0) break;
  }
  if (rnd(4) > 0) {
    send([ledger.rest()].filter((m) => m.length > 0));
    for (let i = 0; i < 5000 && !end.over && ledger.broken === undefined && ledger.owed().length > 0; i++) {
      // What a flush was to take back may have been lost with it.
      if (i === 2000) for (const { tag } of ledger.owed()) send([packMessage({ type: Tflush, oldtag: tag }, FUZZTAGS + tag % 1000, "9P2000")]);
      await tick();
    }
    if (!end.over && ledger.broken === undefined) expect(ledger.owed()).toEqual([]);
  }
  if (end.over) ledger.over();
  expect(ledger.wrong).toEqual([]);
  a.close();
}

test(`${RUNS} sessions leave nothing behind`, async () => {
  const k = await maze();
  try {
    for (let run = 0; run < RUNS; run++) {
      const from = seed() * 1000 + run;
      try {
        const before = k.stats();
        const beyond = [...(await k.ls("/"))];
        await assault(k, from);
        for (let i = 0; i < 3000 && JSON.stringify(k.stats()) !== JSON.stringify(before); i++) await tick();
        expect(k.stats()).toEqual(before);
        expect(k.log).toEqual([]);
        expect((await k.ls("/")).filter((name) => !beyond.includes(name)).length).toBeLessThan(1000);
        await k.put("/tmp/alive", String(run));
        expect(await k.cat("/tmp/alive")).toBe(String(run));
      } catch (e) {
        throw new Error(`SEED=${seed()} run ${run} (stream ${from})`, { cause: e });
      }
    }
  } finally {
    k.shutdown();
  }
}, 120_000);
