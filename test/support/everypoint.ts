/**
 * Everypoint: a call is made, and after 0, 1, 2 ... suspensions something else happens, until the call
 * is over before that. Invariant, looked at each time: nothing is left over, nobody hangs.
 */
import { expect } from "vitest";
import { MAFTER, MCREATE, MREPL } from "../../kernel/index.ts";
import { NineError } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { testKernel, type TestKernel } from "./kernel.ts";
import { Sim } from "./sim.ts";

export interface World extends TestKernel {
  readonly sim: Sim;
}

/** /n/r is a wire to a ram with a file f, a directory d with a file g, and a link l to d; /tmp/a, with a file under in it, is a union of /tmp/u and /tmp/v, where files are made; /b has /n/r/d bound on it. */
export async function world(sim: Sim): Promise<World> {
  const k = await testKernel({}, {}, { host: sim.host, wrap: sim.watch });
  const tree = ram({ now: sim.host.now });
  await k.sys.mount(await sim.remote(tree, { reorder: 0.3 }), "/n/r", MREPL | MCREATE, "", "tcp!r!564");
  await k.put("/n/r/f", "text of f");
  await k.sys.mkdir("/n/r/d", 0o777);
  await k.put("/n/r/d/g", "text of g");
  await k.sys.symlink("d", "/n/r/l");
  for (const d of ["/tmp/a", "/tmp/u", "/tmp/v", "/tmp/w"]) await k.sys.mkdir(d, 0o777);
  await k.put("/tmp/a/under", "0");
  await k.put("/tmp/u/one", "1");
  await k.put("/tmp/v/two", "2");
  await k.sys.bind("/tmp/u", "/tmp/a", MREPL | MCREATE);
  await k.sys.bind("/tmp/v", "/tmp/a", MAFTER);
  await k.sys.bind("/n/r/d", "/b", MREPL | MCREATE);
  for (const fd of await k.sys.pipe()) await k.sys.close(fd);
  return { ...k, sim };
}

/** So many settled promises later. */
export async function hops(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

/** All that is under way is done. */
export const quiet = (k: World): Promise<void> => k.sim.host.sleep(1e7);

/** What it failed with; a bug is thrown. */
export const sentence = (e: unknown): string => {
  if (e instanceof NineError) return e.message;
  throw e;
};

/** Suspensions of a call that does not end by itself. */
const MOST = 400;

/** Runs body for 0, 1, 2 ... suspensions until it says, several times in a row, that the act was over before that. */
export async function everywhere(sim: Sim, body: (k: World, n: number) => Promise<boolean>): Promise<void> {
  const k = await world(sim);
  await quiet(k);
  const before = k.stats();
  for (let n = 0, over = 0; over < 8 && n < MOST; n++) {
    try {
      if (await body(k, n)) over++;
      await quiet(k);
      expect(k.stats()).toEqual(before);
      expect(sim.unanswered).toEqual([]);
    } catch (e) {
      throw new Error(`after ${n} suspensions`, { cause: e });
    }
  }
  expect(sim.log).toEqual([]);
  k.shutdown();
}

