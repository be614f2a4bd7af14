/**
 * Simrun: one run of a kernel with processes that do whatever they like (simops.ts) on servers in
 * process and behind wires with troubles, all of it from one seed. Invariants, looked at in the end:
 * every process has ended, nothing is left over, no call is unanswered, nothing is said of a bug.
 */
import { rc } from "../../clients/rc/index.ts";
import { tools } from "../../clients/tools/index.ts";
import { MREPL, MCREATE, type Program, type Stats } from "../../kernel/index.ts";
import { attach, dir, NineError, open, type Server, serve, type Troubles } from "../../proto/index.ts";
import { dup, env, proc, ram, srv, tree } from "../../servers/index.ts";
import { bytes, testKernel } from "./kernel.ts";
import { chance } from "./random.ts";
import { Sim } from "./sim.ts";
import { Actor, type Common, type Op } from "./simops.ts";
import { crowded, FILES, mischief, someOps } from "./simplans.ts";

/** Virtual milliseconds after which an op, or the whole run, is stuck. */
const LONGMS = 1_000_000;
/** Directories of the root whose servers have other names. */
const SERVED: Readonly<Record<string, string>> = { n: "#mntgen", fd: "#dup" };
/** Runs made to find out what a failure takes. */
const RUNS = 400;

/** Each process's ops. */
export type Plan = readonly (readonly Op[])[];

export interface Outcome {
  /** What happened, as text: every op with its outcome, and, traced, every message. */
  readonly transcript: readonly string[];
  readonly failure: Error | undefined;
}

const programs: ReadonlyMap<string, Program> = new Map([...tools, ["rc", rc({})]]);

/** How the processes of a run are related, and what they do. */
export interface Kind {
  plan(seed: number): Plan;
  /** They have one table of open files. */
  readonly share: boolean;
}

/** Processes that share a name space and do anything; often there is one that disturbs them. */
export const any: Kind = { plan: anyPlan, share: false };

/** Processes that share name space and open files, and open, close, walk, read, fork, mount and unmount the same all the time. */
export const crowd: Kind = {
  plan(seed) {
    const rnd = chance(seed);
    return Array.from({ length: 3 + rnd(3) }, () => crowded(rnd, 6 + rnd(12)));
  },
  share: true,
};

function anyPlan(seed: number): Plan {
  const rnd = chance(seed);
  const plan = Array.from({ length: 2 + rnd(3) }, () => someOps(rnd, 4 + rnd(12), true));
  return rnd(2) ? plan : [...plan, mischief(rnd, 5 + rnd(25))];
}

/** Troubles of the run's wires: of some none, of some late and out of order, of some anything. */
function troubles(rnd: (n: number) => number): Troubles {
  const some = (most: number): number => (rnd(3) === 0 ? 0 : (rnd(100) / 100) * most);
  const worst = rnd(4);
  if (worst === 0) return {};
  const slow: Troubles = { late: some(0.3), delay: some(0.4), reorder: some(0.6), short: some(0.5), deaf: some(0.5), unordered: rnd(4) === 0 };
  return worst === 1 ? slow : { ...slow, error: some(0.15), hangup: worst === 2 ? 0 : some(0.02) };
}

export async function simulate(kind: Kind, seed: number, plan: Plan, traced: boolean): Promise<Outcome> {
  const sim = new Sim(seed, traced);
  try {
    await sim.run(() => run(sim, kind, seed, plan));
    return { transcript: sim.transcript, failure: undefined };
  } catch (e) {
    return { transcript: sim.transcript, failure: e instanceof Error ? e : new Error(String(e)) };
  }
}

async function run(sim: Sim, kind: Kind, seed: number, plan: Plan): Promise<void> {
  const { host } = sim;
  const rnd = chance(seed ^ 0x5eed);
  const near = troubles(rnd);
  const far = troubles(rnd);
  const versions = [["9P2000.L.x"], ["9P2000.L.x"], ["9P2000.L"], ["9P2000.u.x"], ["9P2000.u"], ["9P2000"]][rnd(6)];
  const bug = (e: unknown): void => void sim.log.push(`a server: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
  const files = (): Server => ram({ now: host.now, owner: "glenda", mode: 0o777 });
  const tmp = files();
  const shared = files();
  await make(tmp, ["s", "s/d", ...plan.map((_, i) => `p${i}`)]);
  await make(shared, ["s", "s/d", ...plan.map((_, i) => `p${i}`)]);
  const root = tree("root", dir(Object.fromEntries(["bin", "n", "tmp", "a", "b", "dev", "env", "fd", "srv", "proc"].map((name) => [name, dir({})]))));
  const k = await testKernel(Object.fromEntries(programs), { root, tmp, env, dup, srv, proc }, {
    host, wrap: sim.watch, open: { bug }, mounts: [
      ...["bin", "n", "env", "fd", "srv", "proc"].map((name) => ({ from: SERVED[name] ?? `#${name}`, to: `/${name}`, flag: MREPL | MCREATE })),
      { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE },
    ],
  });
  const all: Common = {
    say: (line) => void sim.transcript.push(line), pids: [], doing: new Map(), longMs: LONGMS,
    wire: () => sim.remote(shared, near, far, versions), link: (portal) => sim.link(portal, near), serve: (t) => void serve(t, (s) => open(files(), { ...s, bug })),
  };
  sim.states.push(() => [...all.doing].map(([pid, op]) => `${pid} is in ${op}`).join("\n"));
  // The Mnts of '#' names are made at first use and stay.
  for (const fd of await k.sys.pipe()) await k.sys.close(fd);
  await host.sleep(1);
  const before = k.stats();
  const failures: unknown[] = [];
  // In a name space of its own, so that nothing of it is left when all have ended.
  const top = await k.sys.spawn({
    argv: ["top"], ns: "copy", fds: "clean", env: "copy", noteGroup: "new", rend: "new", main: async (sys) => {
      sys.notify(() => true);
      await sys.mount(await sim.remote(shared), "/n/r", MREPL | MCREATE, "").catch(known);
      if (rnd(4) > 0) {
        await sys.unmount(undefined, "/n/r");
        await retry(async () => sys.mount(await all.wire(), "/n/r", MREPL | MCREATE, ""));
      }
      const fds: number[] = [];
      for (const [i, ops] of plan.entries()) {
        const own = [`/tmp/p${i}`, `/n/r/p${i}`];
        await sys.spawn({
          argv: [`p${i}`], fds: kind.share ? "share" : "clean", noteGroup: "new", main: async (s) => {
            await new Actor(s, all, kind.share ? fds : [], own).do(ops).catch((e: unknown) => {
              if (!(e instanceof NineError)) failures.push(e);
              throw e;
            });
          },
        });
      }
      // A note meanwhile is not for it.
      for (let n = 0; n < plan.length;) await sys.wait().then(() => n++, known);
    },
  });
  await k.sys.wait(top);
  for (let i = 0; k.stats().procs > before.procs; i++) {
    if (i > 20) throw new Error(`processes do not end: ${JSON.stringify(k.stats())}`);
    await host.sleep(LONGMS);
  }
  for (const { name } of await k.sys.readDir("/srv")) await k.sys.remove(`/srv/${name}`);
  await host.sleep(LONGMS);
  const bad = failures[0];
  if (bad) throw bad;
  same(k.stats(), before);
  if (sim.unanswered.length > 0) throw new Error(`not answered: ${sim.unanswered.join("\n")}`);
  if (sim.log.length > 0) throw new Error(sim.log.join("\n"));
  k.shutdown();
}

function known(e: unknown): void {
  if (!(e instanceof NineError)) throw e;
}

/** Until it is done, whatever trouble there is; or not at all. */
async function retry(f: () => Promise<void>): Promise<void> {
  for (let i = 0; i < 5; i++) {
    try {
      await f();
      return;
    } catch (e) {
      known(e);
    }
  }
}

/** Directories of a server, and the files there are from the start. */
async function make(server: Server, dirs: readonly string[]): Promise<void> {
  const fs = await attach(open(server), { uname: "glenda" });
  for (const d of dirs) await fs.mkdir(d, 0o777);
  for (const f of FILES) await fs.writeFile(f, bytes(`text of ${f}`));
  await fs.symlink("d", "s/l");
  fs.close();
}

function same(now: Stats, before: Stats): void {
  if (JSON.stringify(now) !== JSON.stringify(before)) throw new Error(`left over: ${JSON.stringify(now)}, before: ${JSON.stringify(before)}`);
}

/** The run again and again without some of its ops, for as long as it fails: what is needed for that. */
async function shrunk(kind: Kind, seed: number, plan: Plan): Promise<Plan> {
  let best = plan;
  for (let runs = 0, smaller = true; smaller && runs < RUNS;) {
    smaller = false;
    for (let i = 0; i < best.length; i++) {
      for (let size = best[i]?.length ?? 0; size > 0; size = Math.floor(size / 2)) {
        for (let at = 0; at + size <= (best[i]?.length ?? 0) && runs < RUNS; runs++) {
          const tried = best.map((ops, j) => (j === i ? [...ops.slice(0, at), ...ops.slice(at + size)] : ops));
          if ((await simulate(kind, seed, tried, false)).failure) {
            best = tried;
            smaller = true;
          } else at += size;
        }
      }
    }
  }
  return best;
}

/** Seeds from..to, each once, and every `twice`th a second time: the first that fails is told, with what it takes. */
export async function simulations(kind: Kind, from: number, to: number, twice: number): Promise<{ ops: number; different: number }> {
  let ops = 0;
  const seen = new Set<string>();
  for (let seed = from; seed < to; seed++) {
    const again = seed % twice === 0;
    const plan = kind.plan(seed);
    const first = await simulate(kind, seed, plan, again);
    ops += first.transcript.length;
    if (first.failure) throw new Error(await report(kind, seed, plan, first.failure), { cause: first.failure });
    if (!again) continue;
    const second = await simulate(kind, seed, plan, true);
    const differ = first.transcript.findIndex((line, i) => second.transcript[i] !== line);
    if (differ >= 0 || second.transcript.length !== first.transcript.length) {
      throw new Error(`SEED=${seed}: not the same twice, line ${differ}:\n${first.transcript.slice(Math.max(0, differ - 3), differ + 1).join("\n")}\n${second.transcript[differ]}`);
    }
    seen.add(first.transcript.join("\n"));
  }
  return { ops, different: seen.size };
}

async function report(kind: Kind, seed: number, plan: Plan, failure: Error): Promise<string> {
  const small = await shrunk(kind, seed, plan);
  const last = await simulate(kind, seed, small, false);
  const lines = (last.failure ? last.transcript : []).slice(-60);
  return [`SEED=${seed}: ${failure.message}`, "with only:", ...small.map((ops, i) => `p${i} ${JSON.stringify(ops)}`), last.failure?.message ?? "", ...lines].join("\n");
}
