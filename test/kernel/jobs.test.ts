/** Job control as the kernel has it: stop and start of a process and of a note group, who is told of it, what becomes of the stopped; bounds on groups. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sys } from "../../kernel/index.ts";
import { bytes, failure, testKernel, type TestKernel } from "../support/kernel.ts";

let k: TestKernel;
let before: object;
beforeEach(async () => {
  k = await testKernel();
  await k.sys.stat("#pipe");
  before = k.stats();
});
afterEach(async () => {
  await hops();
  expect(k.stats()).toEqual(before);
  k.shutdown();
});

/** Until everybody has come to a wait. */
async function hops(): Promise<void> {
  for (let i = 0; i < 60; i++) await k.sys.stat("/tmp");
}

/** A process that counts calls, in a group of its own or in that one. */
async function counter(noteGroup: "new" | number, sys: Sys = k.sys): Promise<{ pid: number; count: () => number }> {
  let n = 0;
  const pid = await sys.spawn({
    argv: ["counter"], noteGroup, main: async (s) => {
      for (;;) {
        await s.stat("/tmp");
        n++;
      }
    },
  });
  return { pid, count: () => n };
}

test("a group has the pid of the process it was made with, is joined by its number, stops and starts as one", async () => {
  const a = await counter("new");
  const b = await counter(a.pid);
  k.sys.postNoteGroup(a.pid, "stop");
  await hops();
  const stood = [a.count(), b.count()];
  expect(Math.min(...stood)).toBeGreaterThan(0);
  await hops();
  expect([a.count(), b.count()]).toEqual(stood);
  k.sys.postNote(b.pid, "start", true);
  await hops();
  expect([a.count() > stood[0]!, b.count() > stood[1]!]).toEqual([true, true]);
  k.sys.postNoteGroup(a.pid, "interrupt");
  expect([(await k.sys.wait(a.pid)).status, (await k.sys.wait(b.pid)).status]).toEqual(["interrupt", "interrupt"]);
  expect(await failure(k.sys.spawn({ argv: ["x"], noteGroup: a.pid, main: async () => undefined }))).toBe(`no such note group: ${a.pid}`);
  expect(await failure((async () => k.sys.postNoteGroup(a.pid, "x"))())).toBe(`no such note group: ${a.pid}`);
});

test("rfork makes a group with a number that is nobody's pid", async () => {
  let noteid = 0;
  const pid = await k.sys.spawn({
    argv: ["x"], main: async (s) => {
      s.rfork({ noteGroup: "new" });
      ({ noteid } = s);
    },
  });
  await k.sys.wait(pid);
  const next = await k.sys.spawn({ argv: ["y"], main: async () => undefined });
  await k.sys.wait(next);
  expect(noteid).toBeGreaterThan(pid);
  expect(next).toBeGreaterThan(noteid);
});

test("wait tells each stop once, to who asks for stops; waited does not wait", async () => {
  const a = await counter("new");
  expect(k.sys.waited(undefined, true)).toBeUndefined();
  const told = k.sys.wait(undefined, true);
  const end = k.sys.wait(a.pid);
  await hops();
  k.sys.postNote(a.pid, "stop");
  expect(await told).toMatchObject({ pid: a.pid, stopped: true });
  k.sys.postNote(a.pid, "stop");
  expect(k.sys.waited(undefined, true)).toBeUndefined();
  k.sys.postNote(a.pid, "start");
  k.sys.postNote(a.pid, "stop");
  expect(k.sys.waited()).toBeUndefined();
  expect(k.sys.waited(a.pid + 1, true)).toBeUndefined();
  expect(k.sys.waited(a.pid, true)).toMatchObject({ pid: a.pid, stopped: true });
  k.sys.postNote(a.pid, "stop");
  // What goes on is not told to have stopped.
  k.sys.postNote(a.pid, "start");
  expect(k.sys.waited(undefined, true)).toBeUndefined();
  k.sys.postNote(a.pid, "kill");
  expect(await end).toMatchObject({ pid: a.pid, status: "kill" });
  expect((await end).stopped).toBeUndefined();
});

test("who does job control is told of stops in its waits, and is not stopped by a note", async () => {
  const [r, w] = await k.sys.pipe();
  const notes: string[] = [];
  let kept: string[] = [];
  const shell = await k.sys.spawn({
    argv: ["shell"], noteGroup: "new", main: async (sys) => {
      sys.notify((note) => {
        notes.push(note);
        return note.startsWith("stopped");
      }, true);
      const child = await counter("new", sys);
      sys.postNoteGroup(sys.noteid, "stop");
      sys.postNoteGroup(sys.noteid, "start");
      const first = failure(sys.read(r));
      sys.postNote(child.pid, "stop");
      kept = [await first];
      sys.postNote(child.pid, "kill");
      kept.push((await sys.wait()).status);
      sys.notify(() => true);
    },
  });
  expect((await k.sys.wait(shell)).status).toBe("");
  expect(kept).toEqual(["interrupted", "kill"]);
  expect(notes).toEqual(["stop", "start", `stopped ${shell + 1}`]);
  await k.sys.close(r);
  await k.sys.close(w);
});

test("a handler for all notes does not keep a process from being stopped, nor from being started", async () => {
  const deaf = await k.sys.spawn({
    argv: ["deaf"], noteGroup: "new", main: async (sys) => {
      sys.notify(() => true);
      for (;;) await sys.sleep(7200_000).catch(() => undefined);
    },
  });
  k.sys.postNote(deaf, "stop");
  expect(await k.sys.wait(deaf, true)).toMatchObject({ pid: deaf, stopped: true });
  k.sys.postNote(deaf, "kill");
  await k.sys.wait(deaf);
});

test("a stopped process whose parent ends gets hangup; one that is being made by a stopped one is stopped", async () => {
  const ends: string[] = [];
  const parent = await k.sys.spawn({
    argv: ["parent"], noteGroup: "new", main: async (sys) => {
      const child = await sys.spawn({
        argv: ["child"], noteGroup: "new", main: async (s) => {
          s.notify((note) => {
            ends.push(note);
            return false;
          });
          await s.sleep(7200_000);
        },
      });
      await sys.stat("/tmp");
      sys.postNote(child, "stop");
    },
  });
  await k.sys.wait(parent);
  await hops();
  expect(ends).toEqual(["hangup"]);
  const made: number[] = [];
  const maker = await k.sys.spawn({
    argv: ["maker"], noteGroup: "new", main: async (sys) => {
      const making = sys.spawn({ argv: ["made"], main: async (s) => void made.push(s.pid, (await s.stat("/tmp")).mode) });
      sys.postNote(sys.pid, "stop");
      await making;
      await sys.wait();
    },
  });
  await hops();
  expect(made).toEqual([]);
  k.sys.postNoteGroup(maker, "start");
  await k.sys.wait(maker);
  await hops();
  expect(made.length).toBe(2);
});

test("one that is made stopped does not begin, even if it makes no call, and can be ended", async () => {
  const begun: string[] = [];
  const [a, b] = await Promise.all(["a", "b"].map((name) => k.sys.spawn({ argv: [name], noteGroup: "new", stopped: true, main: async () => void begun.push(name) })));
  await hops();
  expect(begun).toEqual([]);
  k.sys.postNote(a!, "start");
  k.sys.postNote(b!, "hangup");
  expect([(await k.sys.wait(a)).status, (await k.sys.wait(b)).status]).toEqual(["", "hangup"]);
  expect(begun).toEqual(["a"]);
});

test("a group that begets itself without end meets an error, and one note ends it", async () => {
  let failed = "";
  let alive = 0;
  let full = (): void => undefined;
  const filled = new Promise<void>((resolve) => {
    full = resolve;
  });
  const bomb = await k.sys.spawn({
    argv: ["bomb"], noteGroup: "new", main: async (sys) => {
      for (;;) {
        failed = await failure(sys.spawn({ argv: ["b"], main: (s) => s.sleep(7200_000) }));
        if (failed !== "no error") break;
        alive++;
      }
      full();
      await sys.sleep(7200_000);
    },
  });
  await filled;
  expect(failed).toBe("no free processes");
  expect(k.stats().procs).toBe(alive + 2);
  // Others go on meanwhile.
  await k.sys.wait(await k.sys.spawn({ argv: ["x"], main: (s) => s.writeFile("/tmp/x", bytes("x")) }));
  await k.sys.remove("/tmp/x");
  k.sys.postNoteGroup(bomb, "interrupt");
  await k.sys.wait(bomb);
});
