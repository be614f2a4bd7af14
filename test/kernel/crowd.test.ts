/**
 * Several processes with the same open files: whatever one does with an fd, at every point of what
 * another does with it; and crowds that use and change the same files, tables and name space, from a
 * seed. Invariants: a call uses the file that it began with, and nothing is left over.
 */
import { describe, expect, test } from "vitest";
import { MREPL, type Sys } from "../../kernel/index.ts";
import { dir, open, OREAD, ORDWR, serve, textFile } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import { everywhere, hops, sentence } from "../support/everypoint.ts";
import { bytes, text } from "../support/kernel.ts";
import { Sim } from "../support/sim.ts";
import { crowd, simulations } from "../support/simrun.ts";

describe("a file of a shared table at every point of a call on it", () => {
  const on: Readonly<Record<string, (sys: Sys, fd: number) => Promise<unknown>>> = {
    read: async (sys, fd) => text(await sys.read(fd, 100)),
    "read at an offset": async (sys, fd) => text(await sys.read(fd, 100, 2)),
    write: (sys, fd) => sys.write(fd, bytes("abc")),
    "write at an offset": (sys, fd) => sys.write(fd, bytes("abc"), 0),
    "seek to the end": (sys, fd) => sys.seek(fd, 0, 2),
    fstat: async (sys, fd) => (await sys.fstat(fd)).name,
    fwstat: (sys, fd) => sys.fwstat(fd, { mode: 0o600 }),
    dup: async (sys, fd) => {
      const other = await sys.dup(fd);
      await sys.close(other);
      return "dup";
    },
    "dup onto another": async (sys, fd) => {
      const other = await sys.open("/n/r/d", OREAD);
      try {
        await sys.dup(fd, other);
        return text(await sys.read(other, 3));
      } finally {
        await sys.close(other);
      }
    },
    "two reads": async (sys, fd) => (await Promise.all([sys.read(fd, 2), sys.read(fd, 2)])).map(text).join(" "),
    "spawn with it": async (sys, fd) => {
      const r = await sys.spawn({ argv: ["x"], fds: new Map([[0, fd]]), main: async (s) => text(await s.read(0, 4)) });
      return (await sys.wait(r)).status;
    },
    "mount of it": (sys, fd) => sys.mount(fd, "/c", MREPL, ""),
    dirread: async (sys, fd) => (await sys.dirread(fd)).map((d) => d.name).join(" "),
  };
  const events: Readonly<Record<string, (sys: Sys, fd: number) => Promise<unknown>>> = {
    close: (sys, fd) => sys.close(fd),
    "dup over it": async (sys, fd) => sys.dup(await sys.open("/tmp/u/one", OREAD), fd),
    "close and open another": async (sys, fd) => {
      await sys.close(fd);
      await sys.open("/tmp/u/one", OREAD);
    },
  };
  /** Of the file it was, of the file it is, or of none; a call that has several parts may see one and then the other. */
  const may = [/^(text of f|xt of f|text|tex|3|9|f|dup|undefined|)$/, /^(1|te|xt|)( (1|te|xt|))?$/, /^(one|one two)$/, /^(fd out of range or not open|inappropriate use of fd|not a directory|file is a directory|i\/o on hungup channel.*|protocol botch.*|.*speaks no version.*)$/];

  for (const [what, event] of Object.entries(events)) {
    test.each(Object.entries(on))(`${what}: %s`, async (use, does) => {
      const sim = new Sim(1);
      await sim.run(() => everywhere(sim, async (k, n) => {
        let got: string | undefined;
        const path = use === "dirread" ? "/tmp/a" : "/n/r/f";
        const top = await k.sys.spawn({
          argv: ["top"], fds: "clean", ns: "copy", noteGroup: "new", main: async (sys) => {
            const fd = await sys.open(path, use === "dirread" ? OREAD : ORDWR);
            const pid = await sys.spawn({
              argv: ["user"], fds: "share", main: async (s) => {
                s.alarm(1e6);
                s.notify((note) => note === "alarm");
                got = await does(s, fd).then(String, sentence);
              },
            });
            await hops(n);
            const was = got !== undefined;
            await event(sys, fd).catch(sentence);
            await sys.wait(pid);
            return was ? "over" : "";
          },
        });
        const { status } = await k.sys.wait(top);
        expect(["", "over"]).toContain(status);
        if (!may.some((m) => m.test(got ?? "none"))) expect.fail(`${use} gives ${got}`);
        await k.put("/n/r/f", "text of f");
        return status === "over";
      }));
    });
  }
});

describe("an open file that 9P is spoken on, mounted by two", () => {
  const others: Readonly<Record<string, (sys: Sys, fd: number) => Promise<unknown>>> = {
    "the other mounts it too": (sys, fd) => sys.mount(fd, "/n/y", MREPL, ""),
    "the other closes it": (sys, fd) => sys.close(fd),
    "the other mounts it and is killed": async (sys, fd) => {
      const pid = await sys.spawn({ argv: ["third"], ns: "copy", fds: "share", main: (s) => s.mount(fd, "/n/y", MREPL, "") });
      await hops(3);
      sys.postNote(pid, "kill");
      await sys.wait(pid);
    },
    "the other mounts it and unmounts it": async (sys, fd) => {
      await sys.mount(fd, "/n/y", MREPL, "");
      await sys.unmount(undefined, "/n/y");
    },
  };
  test.each(Object.entries(others))("%s", async (_, other) => {
    const sim = new Sim(1);
    await sim.run(() => everywhere(sim, async (k, n) => {
      let got: string | undefined;
      const top = await k.sys.spawn({
        argv: ["top"], fds: "clean", ns: "copy", noteGroup: "new", main: async (sys) => {
          const [here, there] = await sys.pipe();
          const server = await sys.spawn({
            argv: ["server"], fds: new Map([[0, there]]), noteGroup: "new", main: async (s) => {
              serve(s.transport(0), (o) => open(tree("f", dir({ f: textFile(() => "served") })), o));
              await s.close(0);
              await s.sleep(1e9);
            },
          });
          await sys.close(there);
          const pid = await sys.spawn({
            argv: ["user"], fds: "share", main: async (s) => {
              got = await (async () => {
                await s.mount(here, "/n/x", MREPL, "");
                const fd = await s.openRead("/n/x/f");
                return text(await s.read(fd));
              })().catch(sentence);
            },
          });
          await hops(n);
          const was = got !== undefined;
          const theirs = await other(sys, here).then(() => "", sentence);
          await sys.wait(pid);
          sys.postNote(server, "kill");
          await sys.wait(server);
          return was ? "over" : theirs;
        },
      });
      const { status } = await k.sys.wait(top);
      expect(["", "over"]).toContain(status);
      expect(["served", "fd out of range or not open"]).toContain(got);
      return status === "over";
    }));
  });
});

test("500 seeds of a crowd that uses and changes the same files, tables and name space all the time", async () => {
  await simulations(crowd, 0, 500, 50);
}, 300_000);
