/**
 * What comes and goes leaves nothing: processes, mounts, opens, in tens of thousands, undisturbed and
 * with errors, notes and hang-ups in the middle. Counted: processes and their groups, Mnts, Chans,
 * fids; and the bytes that stay.
 */
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { MAFTER, MBEFORE, MCREATE, MREPL, type Stats, type Sys } from "../../kernel/index.ts";
import { NineError, open, ORCLOSE, OREAD, ORDWR, OWRITE } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { HighWater } from "../support/highwater.ts";
import { bytes, remote, testKernel, type TestKernel } from "../support/kernel.ts";
import { chance, seed } from "../support/random.ts";

// However busy the machine is.
vi.setConfig({ testTimeout: 300_000 });

let k: TestKernel;
const water = new HighWater();
/** Bytes that may stay, of whatever there was: code that was compiled, tables that were grown. */
const FEW = 3 << 20;
const PARTS = 4;

beforeEach(async () => {
  k = await testKernel();
  // The Mnts of '#' names are made at first use and stay.
  for (const fd of await k.sys.pipe()) await k.sys.close(fd);
  for (const d of ["/tmp/d", "/tmp/e"]) await k.sys.mkdir(d, 0o777);
  await k.put("/tmp/f", "text");
});
afterEach(() => {
  k.shutdown();
  expect(k.log).toEqual([]);
});
afterAll(() => water.stop());

const sentence = (e: unknown): string => {
  if (e instanceof NineError) return e.message;
  throw e;
};

/** Whom a note was for may have ended. */
const gone = (e: unknown): void => {
  if (!sentence(e).startsWith("process not found")) throw e;
};

/** Does something n times, in parts: after each, all counts are as they were, and at least one of them leaves no more bytes than a few: what leaks does so in each. */
async function leavesNothing(n: number, round: (i: number) => Promise<unknown>): Promise<void> {
  const before: Stats = k.stats();
  const live: number[] = [];
  for (let part = 0, i = 0; part < PARTS; part++) {
    for (; i < ((part + 1) * n) / PARTS; i++) await round(i);
    // What nobody waits for, such as a clunk, is answered by then.
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(k.stats()).toEqual(before);
    live.push(water.live());
  }
  expect(Math.min(...live.slice(1).map((now, i) => now - (live[i] ?? 0)))).toBeLessThan(FEW);
}

/** A process run to its end. */
const run = async (main: (sys: Sys) => Promise<string | void>, options: object = {}): Promise<string> =>
  (await k.sys.wait(await k.sys.spawn({ argv: ["p"], main, ...options }))).status;

test("10,000 processes, one after the other, with groups of their own and shared, that end well, badly and by notes", async () => {
  const kinds: readonly ((i: number) => Promise<unknown>)[] = [
    () => run(async () => ""),
    (i) => run(async () => `status ${i}`),
    () => run(() => Promise.reject(new NineError("own words")), { fds: "clean" }),
    () => run(async (sys) => void (await sys.open("/tmp/f", OREAD)), { ns: "copy", env: "copy", noteGroup: "new", rend: "new" }),
    () => run(async (sys) => {
      sys.rfork({ ns: "copy", env: "clean", fds: "copy", rend: "new", noteGroup: "new" });
      await sys.bind("/tmp/d", "/a", MBEFORE | MCREATE);
      await sys.chdir("/a");
      sys.setenv("x", ["1", "2"]);
      await sys.pipe();
    }, { ns: "share", env: "share", fds: "share" }),
    async () => {
      const pid = await k.sys.spawn({ argv: ["killed"], noteGroup: "new", main: async (sys) => {
        const [r] = await sys.pipe();
        await sys.read(r);
      } });
      await Promise.resolve();
      k.sys.postNote(pid, "kill");
      expect((await k.sys.wait(pid)).status).toBe("kill");
    },
    async () => {
      const pid = await k.sys.spawn({ argv: ["alarmed"], fds: "clean", main: async (sys) => {
        sys.alarm(1e9);
        await Promise.all([sys.sleep(1e9), sys.rendezvous("x", 1), sys.wait().catch(sentence)]);
      } });
      k.sys.postNote(pid, "hangup");
      await k.sys.wait(pid);
    },
    () => run(async (sys) => {
      // Nobody waits for the second of them.
      await sys.wait(await sys.spawn({ argv: ["x"], main: async () => "", env: "copy" }));
      await sys.spawn({ argv: ["y"], main: async (s) => void (await s.stat("/tmp")), ns: "copy", nowait: true });
      await sys.spawn({ argv: ["z"], main: async () => "z" });
    }),
    () => k.sys.spawn({ argv: ["x"], main: async () => "", env: new Map([["a/b", [""]]]) }).catch(sentence),
    () => k.sys.spawn({ argv: ["x"], path: "/tmp/f" }).catch(sentence),
  ];
  await leavesNothing(10_000, (i) => kinds[i % kinds.length]!(i));
});

test("10,000 processes at a time, all waiting for the same, ended by one note", async () => {
  const before = k.stats();
  const [r, w] = await k.sys.pipe();
  const pids: number[] = [];
  await run(async (sys) => {
    sys.rfork({ noteGroup: "new" });
    sys.notify(() => true);
    for (let i = 0; i < 10_000; i++) pids.push(await sys.spawn({ argv: ["p"], main: async (s) => void (await s.read(r)) }));
    expect(k.stats().procs).toBe(before.procs + 10_001);
    sys.postNote(pids[0]!, "hangup", true);
    for (const _ of pids) expect((await sys.wait()).status).toBe("hangup");
  });
  await k.sys.close(r);
  await k.sys.close(w);
  expect(k.stats()).toEqual(before);
});

test("10,000 processes, each the child of the one before that has ended", async () => {
  const before = k.stats();
  const live = water.live();
  let left = 10_000;
  const next = async (sys: Sys): Promise<void> => {
    if (--left > 0) await sys.spawn({ argv: ["next"], main: next });
  };
  await run(next);
  for (let i = 0; k.stats().procs > before.procs; i++) {
    if (i > 1000) expect.fail(`${left} are left`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(left).toBe(0);
  expect(k.stats()).toEqual(before);
  expect(water.live() - live).toBeLessThan(FEW);
});

test("10,000 binds and mounts in process, unmounted one by one, all at once and with the name space", async () => {
  const tree = ram({ now: () => 0 });
  const { sys } = k;
  const kinds: readonly ((i: number) => Promise<unknown>)[] = [
    () => sys.bind("/tmp/d", "/a", MREPL).then(() => sys.unmount("/tmp/d", "/a")),
    () => sys.bind("/tmp/d", "/a", MAFTER | MCREATE).then(() => sys.bind("/tmp/e", "/a", MBEFORE)).then(() => sys.unmount(undefined, "/a")),
    () => sys.bind("#tmp", "/n/x", MREPL).then(() => sys.unmount(undefined, "/n/x")),
    (i) => sys.mount(open(tree), `/n/m${i}`, MREPL, "").then(() => sys.unmount(undefined, `/n/m${i}`)),
    () => sys.mount(open(tree), "/b", MBEFORE, "").then(() => sys.bind("/b", "/c", MREPL)).then(() => sys.unmount(undefined, "/b")).then(() => sys.unmount(undefined, "/c")),
    () => sys.mount(open(tree), "/b", MREPL, "nothing").catch(sentence),
    () => sys.mount(open(tree), "/none", MREPL, "").catch(sentence),
    () => sys.mount(open(tree), "/tmp/f", MREPL, "").catch(sentence),
    () => run(async (s) => {
      await s.mount(open(tree), "/b", MREPL, "");
      await s.bind("/b", "/a", MAFTER);
      await s.chdir("/b");
    }, { ns: "copy" }),
    () => run(async (s) => {
      const portal = open(tree);
      await s.mount(portal, "/b", MREPL, "");
      portal.hangup();
      await s.readDir("/b").catch(sentence);
      await s.unmount(undefined, "/b").catch(sentence);
    }, { ns: "copy" }),
  ];
  await leavesNothing(10_000, (i) => kinds[i % kinds.length]!(i));
});

test("10,000 mounts over wires, unmounted, hung up on by either side, and ended by notes", async () => {
  const tree = ram({ now: () => 0 });
  const { sys } = k;
  const rnd = chance(seed());
  const kinds: readonly (() => Promise<unknown>)[] = [
    async () => {
      await sys.mount((await remote(tree)).portal, "/n/r", MREPL, "");
      await sys.unmount(undefined, "/n/r");
    },
    async () => {
      await sys.mount((await remote(tree)).portal, "/a", MAFTER | MCREATE, "");
      await sys.stat("/a");
      await sys.unmount(undefined, "/a");
    },
    async () => sys.mount((await remote(tree)).portal, "/a", MREPL, "nothing").catch(sentence),
    async () => {
      const { portal, transport } = await remote(tree);
      await sys.mount(portal, "/n/r", MREPL, "");
      const reading = sys.readDir("/n/r").catch(sentence);
      transport.close("cut");
      await reading;
      expect(await sys.stat("/n/r/f").then(() => "", sentence)).not.toBe("");
      await sys.unmount(undefined, "/n/r");
    },
    async () => {
      const { portal } = await remote(tree);
      const pid = await sys.spawn({
        argv: ["mounts"], ns: "copy", noteGroup: "new", main: async (s) => {
          await s.mount(portal, "/b", MREPL | MCREATE, "");
          const fd = await s.create("/b/made", ORDWR | ORCLOSE, 0o666);
          await s.write(fd, bytes("x"));
          await s.readDir("/b");
        },
      });
      for (let i = rnd(120); i > 0; i--) await Promise.resolve();
      if (rnd(4) > 0) sys.postNote(pid, rnd(2) ? "kill" : "interrupt");
      await sys.wait(pid);
    },
  ];
  await leavesNothing(10_000, (i) => kinds[i % kinds.length]!().catch(gone));
});

test("100,000 opens and closes, in process and over a wire, with errors, notes and hang-ups in the middle", async () => {
  const { sys } = k;
  const rnd = chance(seed());
  const shared = await remote(ram({ now: () => 0 }));
  await sys.mount(shared.portal, "/n/r", MREPL | MCREATE, "");
  await k.put("/n/r/f", "far");
  await sys.bind("/tmp/d", "/a", MREPL | MCREATE);
  await sys.bind("/n/r", "/a", MAFTER);
  const closing = async (fd: number): Promise<void> => sys.close(fd);
  const kinds: readonly (() => Promise<unknown>)[] = [
    () => sys.open("/tmp/f", OREAD).then(closing),
    () => sys.openRead("/tmp/f").then(closing),
    () => sys.open("/tmp/d", OREAD).then(closing),
    () => sys.create("/tmp/d/made", OWRITE | ORCLOSE, 0o666).then(closing),
    () => sys.open("/tmp/none", OREAD).catch(sentence),
    () => sys.open("/tmp/f/x", OREAD).catch(sentence),
    () => sys.open("/tmp/d", OWRITE).catch(sentence),
    () => sys.openRead("/tmp/d").catch(sentence),
    () => sys.create("/bin/x", OWRITE, 0o666).catch(sentence),
    () => sys.open("/a", OREAD).then(closing),
    () => sys.open("/a/f", OREAD).then(closing),
    () => sys.open("/a/none", OREAD).catch(sentence),
    async () => {
      const [a, b] = await sys.pipe();
      await sys.dup(a, b);
      await sys.close(a);
      await sys.close(b);
    },
    async () => {
      const fd = await sys.open("/a", OREAD);
      await sys.dirread(fd);
      await sys.dirread(fd);
      await sys.close(fd);
    },
    async () => {
      const fd = await sys.openRead("/n/r/f");
      const reading = sys.read(fd, 1, 0);
      await sys.close(fd);
      await reading;
    },
    async () => {
      const pid = await sys.spawn({
        argv: ["opens"], noteGroup: "new", fds: "clean", main: async (s) => {
          await s.open("/n/r/f", OREAD);
          await s.create("/a/mine", OWRITE | ORCLOSE, 0o666);
          await s.open("/n/r/none", OREAD);
        },
      });
      for (let i = rnd(60); i > 0; i--) await Promise.resolve();
      sys.postNote(pid, "kill");
      await sys.wait(pid);
    },
  ];
  // Those with a process of their own take longest.
  await leavesNothing(100_000, (i) => kinds[i % 64 === 63 ? kinds.length - 1 : i % (kinds.length - 1)]!().catch(gone));
});

test("fds that are open when their server hangs up, thousands of times", async () => {
  const { sys } = k;
  await leavesNothing(1500, async () => {
    const { portal, transport } = await remote(ram({ now: () => 0 }));
    await sys.mount(portal, "/n/r", MREPL | MCREATE, "");
    const fds = [await sys.create("/n/r/f", ORDWR, 0o666), await sys.open("/n/r", OREAD)];
    transport.close();
    expect(await sys.read(fds[0]!, 1, 0).then(() => "", sentence)).not.toBe("");
    await sys.unmount(undefined, "/n/r");
    for (const fd of fds) await sys.close(fd);
  });
});
