/**
 * The world changes between two messages of a call: at every point where a call can be suspended, one
 * after the other, somebody posts a note to who makes it, or takes away or puts in its way what it is
 * about to use. Invariants: nobody hangs, every result is one that some order of whole calls gives,
 * and nothing is left over: fids, Chans, Mnts, processes.
 */
import { describe, expect, test } from "vitest";
import { MAFTER, MBEFORE, MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import { DMDIR, OREAD, ORDWR, OWRITE } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { everywhere, hops, quiet, sentence, type World, world } from "../support/everypoint.ts";
import { bytes, text } from "../support/kernel.ts";
import { Sim } from "../support/sim.ts";

/** A call, in a process of its own with a name space that it shares; what it gives, as text. */
interface Act {
  readonly does: (sys: Sys, k: World) => Promise<unknown>;
  /** What it fails with when nobody disturbs it. */
  readonly fails?: readonly string[];
  /** Undoes what it did, when it did. */
  readonly undo?: (k: World) => Promise<unknown>;
}

const acts: Readonly<Record<string, Act>> = {
  "read of a pipe": {
    async does(sys) {
      const [r] = await sys.pipe();
      return sys.read(r);
    },
  },
  "second read of a pipe that waits for its turn": {
    async does(sys) {
      const [r] = await sys.pipe();
      void sys.read(r).catch(() => undefined);
      return sys.read(r);
    },
  },
  seek: {
    async does(sys) {
      const [r] = await sys.pipe();
      void sys.read(r).catch(() => undefined);
      return sys.seek(r, 0, 0);
    },
  },
  sleep: { does: (sys) => sys.sleep(1e12) },
  rendezvous: { does: (sys) => sys.rendezvous("nobody", 1) },
  wait: {
    async does(sys) {
      await sys.spawn({ argv: ["sleeper"], main: (s) => s.sleep(1e6) });
      return sys.wait();
    },
  },
  "open, read, close": {
    async does(sys) {
      const fd = await sys.openRead("/n/r/f");
      const data = text(await sys.read(fd, 100, 0));
      await sys.close(fd);
      return data;
    },
  },
  "open through a link": { does: async (sys) => sys.close(await sys.open("/n/r/l/g", OREAD)) },
  readDir: { does: (sys) => sys.readDir("/n/r") },
  "readDir of a union": { does: (sys) => sys.readDir("/tmp/a") },
  dirread: {
    async does(sys) {
      const fd = await sys.open("/tmp/a", OREAD);
      while ((await sys.dirread(fd)).length > 0);
      await sys.close(fd);
    },
  },
  stat: { does: (sys) => sys.stat("/b/g") },
  create: { does: async (sys) => sys.close(await sys.create("/b/made", OWRITE, 0o666)), undo: (k) => k.sys.remove("/n/r/d/made") },
  writeFile: { does: (sys) => sys.writeFile("/n/r/made", bytes("x")), undo: (k) => k.sys.remove("/n/r/made") },
  "write and ftruncate": {
    async does(sys) {
      const fd = await sys.create("/n/r/made", ORDWR, 0o666);
      await sys.write(fd, bytes("0123456789"));
      await sys.fwstat(fd, { length: 3 });
      await sys.fstat(fd);
    },
    undo: (k) => k.sys.remove("/n/r/made"),
  },
  mkdir: { does: (sys) => sys.mkdir("/b/dir", 0o777), undo: (k) => k.sys.remove("/n/r/d/dir") },
  "create of a directory": { does: async (sys) => sys.close(await sys.create("/n/r/dir", OREAD, (DMDIR | 0o777) >>> 0)), undo: (k) => k.sys.remove("/n/r/dir") },
  symlink: { does: (sys) => sys.symlink("x", "/n/r/link"), undo: (k) => k.sys.remove("/n/r/link") },
  link: { does: (sys) => sys.link("/n/r/f", "/n/r/second"), undo: (k) => k.sys.remove("/n/r/second") },
  rename: { does: (sys) => sys.rename("/n/r/f", "/n/r/d/f"), undo: (k) => k.sys.rename("/n/r/d/f", "/n/r/f") },
  "rename in a union": { does: (sys) => sys.rename("/tmp/a/two", "/tmp/a/three"), undo: (k) => k.sys.rename("/tmp/v/three", "/tmp/v/two") },
  wstat: { does: (sys) => sys.wstat("/n/r/l/g", { mode: 0o600 }) },
  remove: { does: (sys) => sys.remove("/n/r/d/g"), undo: (k) => k.put("/n/r/d/g", "text of g") },
  readlink: { does: (sys) => sys.readlink("/n/r/l") },
  chdir: { does: (sys) => sys.chdir("/n/r/l") },
  "chdir, then from there": {
    async does(sys) {
      await sys.chdir("/n/r/d");
      await sys.stat("g");
      await sys.chdir("/tmp/a");
    },
  },
  bind: { does: (sys) => sys.bind("/n/r/d", "/c", MREPL), undo: (k) => k.sys.unmount(undefined, "/c") },
  "bind of a union": { does: (sys) => sys.bind("/tmp/a", "/c", MREPL), undo: (k) => k.sys.unmount(undefined, "/c") },
  mount: {
    does: async (sys, k) => sys.mount(await k.sim.remote(ram({ now: k.sim.host.now })), "/c", MBEFORE | MCREATE, "", "tcp!m!1"),
    undo: (k) => k.sys.unmount(undefined, "/c"),
  },
  unmount: { does: (sys) => sys.unmount("/n/r/d", "/b"), undo: (k) => k.sys.bind("/n/r/d", "/b", MREPL | MCREATE) },
  "spawn of what is no program": { does: async (sys) => sys.wait(await sys.spawn({ argv: ["x"], path: "/n/r/f" })), fails: ["permission denied"] },
};

describe("a note at every point of a call", () => {
  test.each(Object.entries(acts))("kill: %s", async (_, act) => {
    const sim = new Sim(1);
    await sim.run(() => everywhere(sim, async (k, n) => {
      let over = false;
      const pid = await k.sys.spawn({
        argv: ["victim"], noteGroup: "new", fds: "clean", main: async (sys) => {
          await act.does(sys, k).catch(sentence);
          over = true;
        },
      });
      await hops(n);
      const was = over;
      if (!over) k.sys.postNote(pid, "kill");
      const { status } = await k.sys.wait(pid);
      expect(status === "kill" || over).toBe(true);
      await quiet(k);
      // It may have been done, or not.
      await act.undo?.(k).catch(sentence);
      return was;
    }));
  });

  test.each(Object.entries(acts))("a note that is dealt with: %s", async (_, act) => {
    const sim = new Sim(1);
    await sim.run(() => everywhere(sim, async (k, n) => {
      let inside = 0;
      let calls = 0;
      let over = false;
      let outcome = "";
      const pid = await k.sys.spawn({
        argv: ["victim"], noteGroup: "new", fds: "clean", main: async (sys) => {
          sys.notify((note) => note === "interrupt");
          // What it is in when the note comes, it is out of then.
          const within = new Proxy(sys, {
            get(target, name) {
              const f: unknown = Reflect.get(target, name);
              if (typeof f !== "function") return f;
              return (...args: unknown[]) => {
                const r: unknown = Reflect.apply(f, target, args);
                if (!(r instanceof Promise)) return r;
                calls++;
                inside++;
                const out = (): number => inside--;
                r.then(out, out);
                return r;
              };
            },
          });
          outcome = await act.does(within, k).then(() => "done", sentence);
          over = true;
        },
      });
      await hops(n);
      const was = over;
      const within = inside > 0 ? calls : 0;
      if (!over) k.sys.postNote(pid, "interrupt");
      // A call that would block for ever does not when the note came while the process was in it; in an earlier one, it came too early.
      await k.sim.host.sleep(1e8);
      if (!over) expect(calls).toBeGreaterThan(within);
      if (!over) k.sys.postNote(pid, "kill");
      await k.sys.wait(pid);
      expect(["done", "interrupted", ...act.fails ?? []]).toContain(outcome);
      if (outcome === "done" && act.undo) await act.undo(k);
      else await act.undo?.(k).catch(sentence);
      return was;
    }));
  });
});

describe("something else at every point of a call", () => {
  /** What the acts give while nobody disturbs them, while `change` is in effect, and with it at every point between. */
  const others: Readonly<Record<string, { change: (sys: Sys) => Promise<unknown>; back: (sys: Sys) => Promise<unknown> }>> = {
    "the union is unmounted": {
      change: (sys) => sys.unmount(undefined, "/tmp/a"),
      back: async (sys) => {
        await sys.bind("/tmp/u", "/tmp/a", MREPL | MCREATE);
        await sys.bind("/tmp/v", "/tmp/a", MAFTER);
      },
    },
    "an element is taken off the union": { change: (sys) => sys.unmount("/tmp/v", "/tmp/a"), back: (sys) => sys.bind("/tmp/v", "/tmp/a", MAFTER) },
    "the first element is taken off the union": { change: (sys) => sys.unmount("/tmp/u", "/tmp/a"), back: (sys) => sys.bind("/tmp/u", "/tmp/a", MBEFORE | MCREATE) },
    "another is bound before": { change: (sys) => sys.bind("/tmp/w", "/tmp/a", MBEFORE), back: (sys) => sys.unmount("/tmp/w", "/tmp/a") },
    "another replaces": {
      change: (sys) => sys.bind("/tmp/w", "/tmp/a", MREPL | MCREATE),
      back: async (sys) => {
        await sys.bind("/tmp/u", "/tmp/a", MREPL | MCREATE);
        await sys.bind("/tmp/v", "/tmp/a", MAFTER);
      },
    },
    "a bound directory is unmounted": { change: (sys) => sys.unmount(undefined, "/b"), back: (sys) => sys.bind("/n/r/d", "/b", MREPL | MCREATE) },
  };
  const names = async (dirs: Promise<readonly { name: string }[]>): Promise<string> => (await dirs).map((d) => d.name).join(" ");
  const whole = async (sys: Sys, path: string): Promise<string> => {
    const fd = await sys.openRead(path);
    const data = text(await sys.read(fd));
    await sys.close(fd);
    return data;
  };
  const uses: Readonly<Record<string, (sys: Sys) => Promise<unknown>>> = {
    "list /a": (sys) => names(sys.readDir("/tmp/a")),
    "list /b": (sys) => names(sys.readDir("/b")),
    "read /a/one": (sys) => whole(sys, "/tmp/a/one"),
    "read /a/two": (sys) => whole(sys, "/tmp/a/two"),
    "read /b/g": (sys) => whole(sys, "/b/g"),
    "stat /a/two": async (sys) => (await sys.stat("/tmp/a/two")).name,
    "chdir /a": async (sys) => {
      await sys.chdir("/tmp/a");
      return sys.getwd();
    },
    "make in /a": async (sys) => {
      await sys.writeFile("/tmp/a/made", bytes("x"));
      await sys.remove("/tmp/a/made");
    },
    "create in /a": async (sys) => {
      const fd = await sys.create("/tmp/a/made", ORDWR, 0o666);
      await sys.close(fd);
      await sys.remove("/tmp/a/made");
    },
    "mkdir in /b": async (sys) => {
      await sys.mkdir("/b/made", 0o777);
      await sys.remove("/b/made");
    },
    "rename in /a": async (sys) => {
      await sys.rename("/tmp/a/two", "/tmp/a/three");
      await sys.rename("/tmp/a/three", "/tmp/a/two");
    },
    "bind /a /c": (sys) => sys.bind("/tmp/a", "/c", MREPL).then(() => sys.unmount(undefined, "/c")),
  };

  const several = new Set(["make in /a", "create in /a", "mkdir in /b", "rename in /a", "bind /a /c"]);

  for (const [what, { change, back }] of Object.entries(others)) {
    test.each(Object.entries(uses))(`${what}: %s`, async (use, does) => {
      const sim = new Sim(1);
      await sim.run(async () => {
        const outcome = (sys: Sys): Promise<string> => does(sys).then(String, sentence);
        let possible: Set<string> | undefined;
        await everywhere(sim, async (k, n) => {
          if (!possible) {
            const as = async (): Promise<string> => {
              let got = "";
              await k.sys.wait(await k.sys.spawn({ argv: ["one"], main: async (sys) => void (got = await outcome(sys)) }));
              return got;
            };
            possible = new Set([await as()]);
            await change(k.sys);
            possible.add(await as());
            await back(k.sys);
          }
          let got = "";
          const pid = await k.sys.spawn({ argv: ["user"], main: async (sys) => void (got = await outcome(sys)) });
          await hops(n);
          const was = got !== "";
          await change(k.sys);
          await k.sys.wait(pid);
          await back(k.sys);
          for (const f of ["/tmp/u/made", "/tmp/v/made", "/tmp/w/made", "/n/r/d/made"]) await k.sys.remove(f).catch(sentence);
          await k.sys.rename("/tmp/v/three", "/tmp/v/two").catch(sentence);
          await k.sys.unmount(undefined, "/c").catch(sentence);
          // Of several calls the change may come between.
          if (!several.has(use)) expect([...possible]).toContain(got);
          return was;
        });
      });
    });
  }
});

test("rename out of and into unions leaves nothing held", async () => {
  const sim = new Sim(1);
  await sim.run(async () => {
    const k = await world(sim);
    await k.sys.bind("/tmp/u", "/c", MREPL);
    await k.sys.bind("/tmp/v", "/c", MAFTER);
    await k.put("/tmp/w/f", "f");
    await quiet(k);
    const before = k.stats();
    // The first element has it; nobody permits creation in /c.
    await k.sys.rename("/tmp/a/one", "/tmp/a/uno");
    await k.sys.rename("/tmp/a/uno", "/tmp/a/one");
    for (const [from, to] of [["/tmp/a/none", "/tmp/a/x"], ["/tmp/w/f", "/c/x"]] as const) expect(await k.sys.rename(from, to).then(() => "", sentence)).not.toBe("");
    await quiet(k);
    expect(k.stats()).toEqual(before);
    for (const at of ["/c", "/tmp/a"]) await k.sys.unmount(undefined, at);
    await quiet(k);
    expect(k.stats().fids).toBeLessThan(before.fids - 3);
    k.shutdown();
  });
});

test("a fork that fails holds nothing", async () => {
  const sim = new Sim(1);
  await sim.run(async () => {
    const k = await world(sim);
    await quiet(k);
    const before = k.stats();
    const bad = k.sys.spawn({ argv: ["x"], main: async () => "", ns: "copy", env: new Map([["a/b", ["x"]]]) });
    expect(await bad.then(() => "", sentence)).not.toBe("");
    await quiet(k);
    expect(k.stats()).toEqual(before);
    k.shutdown();
  });
});
