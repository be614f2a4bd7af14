/** Calls on in-process servers answer at once: no promise is made on the way, and no message sent that need not be. */
import { createHook } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { FileCalls } from "../../kernel/filecalls.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Dialect, dir, DMDIR, errno, NineError, OREAD, ORDWR, OWRITE, type Portal, type Rmsg, type Tmsg } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { bytes, testKernel, type TestKernel, text } from "../support/kernel.ts";

/** Messages so far. */
let sent = 0;
let k: TestKernel;
let calls: FileCalls;

class Counting implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;

  constructor(portal: Portal) {
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    sent++;
    return this.portal.call(t);
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }
}

beforeEach(async () => {
  let kernel: Kernel | undefined;
  k = await testKernel({}, {
    one: ram({ now: () => 0 }), two: ram({ now: () => 0 }),
    peek: (of: Kernel) => {
      kernel = of;
      const root = dir({});
      return { name: "peek", attach: () => root };
    },
  }, { wrap: (portal) => new Counting(portal) });
  const { sys } = k;
  await sys.stat("#peek");
  await sys.writeFile("/tmp/file", new Uint8Array(10_000).fill(7));
  let deep = "/tmp";
  for (const name of ["a", "b", "c", "d"]) await sys.mkdir(deep += `/${name}`, 0o777);
  await sys.writeFile(`${deep}/file`, bytes("deep"));
  await sys.symlink("a/b/c", "/tmp/link");
  // One mount in the other, and a union with it.
  await sys.bind("#one", "/n/one", MREPL | MCREATE);
  await sys.mkdir("/n/one/two", 0o777);
  await sys.bind("#two", "/n/one/two", MREPL | MCREATE);
  await sys.writeFile("/n/one/two/file", bytes("behind three"));
  await sys.bind("/n/one", "/a", 2);
  const p = kernel?.procs.get(sys.pid);
  if (!p) throw new Error("no process");
  calls = new FileCalls(p);
});
afterEach(() => k.shutdown());

/** What f gives, which is no promise, and how many messages it took; fails when a promise was made on the way. */
function atOnce<T>(f: () => T | Promise<T>): { value: T; messages: number } {
  let promises = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === "PROMISE") promises++;
    },
  });
  const before = sent;
  hook.enable();
  let value: T | Promise<T>;
  try {
    value = f();
  } finally {
    hook.disable();
  }
  if (value instanceof Promise) throw new Error("a promise was given");
  expect(promises).toBe(0);
  return { value, messages: sent - before };
}

describe("a call on a server in process", () => {
  // Of a path below a mount the first Twalk is the root's, which shows the mount point; where that is
  // the whole path, there is a fid to be clunked.
  it.each<[string, number, () => unknown]>([
    ["stat /", 1, () => calls.stat("/")],
    ["stat below a mount", 4, () => calls.stat("/tmp/file")],
    ["stat five below a mount", 4, () => calls.stat("/tmp/a/b/c/d/file")],
    // The root, /n's server, the one mounted there, and the one mounted in that.
    ["stat across three mounts", 6, () => calls.stat("/n/one/two/file")],
    ["stat of a link", 11, () => calls.stat("/tmp/link")],
    ["open and close", 4, () => {
      const { value: fd } = atOnce(() => calls.open("/tmp/file", OREAD));
      calls.close(fd);
    }],
    ["openRead, read to the end, close", 6, () => {
      const { value: fd } = atOnce(() => calls.openRead("/tmp/file"));
      for (;;) if (atOnce(() => calls.read(fd)).value.length === 0) break;
      calls.close(fd);
    }],
    ["create, write, close", 6, () => {
      const { value: fd } = atOnce(() => calls.create("/tmp/new", OWRITE, 0o666));
      expect(atOnce(() => calls.write(fd, bytes("some"))).messages).toBe(1);
      calls.close(fd);
    }],
    ["writeFile", 6, () => calls.writeFile("/tmp/written", bytes("all of it"))],
    ["mkdir", 5, () => calls.mkdir("/tmp/dir", 0o777)],
    ["remove", 3, () => calls.remove("/tmp/a/b/c/d/file")],
    ["wstat", 4, () => calls.wstat("/tmp/file", { mode: 0o600 })],
    ["rename", 6, () => calls.rename("/tmp/file", "/tmp/a/moved")],
    ["readDir", 7, () => calls.readDir("/tmp")],
    ["symlink", 3, () => calls.symlink("file", "/tmp/another")],
    ["readlink", 4, () => calls.readlink("/tmp/link")],
    ["link", 6, () => calls.link("/tmp/file", "/tmp/second")],
    ["chdir", 4, () => calls.chdir("/tmp/a/b")],
    ["pipe", 6, () => calls.pipe()],
  ])("%s: %d messages, no promise", (_, messages, call) => {
    expect(atOnce(call).messages).toBe(messages);
  });

  it("on an open file: one message or none", () => {
    const { value: fd } = atOnce(() => calls.open("/tmp/file", ORDWR));
    const page = new Uint8Array(4096);
    for (const [messages, call] of [
      [1, () => calls.read(fd, 1)], [1, () => calls.read(fd, 1, 5)], [1, () => calls.read(fd, 4096, 0, page)], [1, () => calls.write(fd, page)],
      [1, () => calls.write(fd, page, 0)], [1, () => calls.fstat(fd)], [0, () => calls.seek(fd, 0, 0)], [1, () => calls.seek(fd, 0, 2)],
      [1, () => calls.fwstat(fd, { mode: 0o644 })], [0, () => calls.dup(fd)],
    ] as const) expect(atOnce<unknown>(call).messages).toBe(messages);
  });

  it("reads a union to its end, element by element", () => {
    const { value: fd } = atOnce(() => calls.open("/a", OREAD));
    const names: string[] = [];
    for (;;) {
      const { value: dirs } = atOnce(() => calls.dirread(fd));
      if (dirs.length === 0) break;
      names.push(...dirs.map((d) => d.name));
    }
    expect(names).toEqual(["two"]);
  });

  it("throws what fails", () => {
    for (const [call, why] of [
      [() => calls.open("/tmp/none", OREAD), errno.ENOENT], [() => calls.stat("/tmp/file/x"), errno.ENOTDIR], [() => calls.read(99), errno.EBADF],
      [() => calls.mkdir("/tmp/a", 0o777), errno.EEXIST], [() => calls.create("/tmp/file/x", OWRITE, DMDIR | 0o777), errno.ENOTDIR],
    ] as const) {
      let e: unknown;
      try {
        atOnce<unknown>(call);
      } catch (x) {
        e = x;
      }
      expect(e instanceof NineError && e.errno, String(e)).toBe(why);
    }
  });

  it("leaves nothing behind", async () => {
    const before = k.stats().fids;
    for (const f of [
      () => calls.stat("/n/one/two/file"), () => calls.stat("/tmp/link"), () => calls.readDir("/a"), () => calls.rename("/tmp/file", "/tmp/moved"),
      () => calls.writeFile("/tmp/w", new Uint8Array(3)), () => calls.remove("/tmp/w"),
    ]) atOnce<unknown>(f);
    expect(() => calls.open("/tmp/no/such", OREAD)).toThrow(NineError);
    expect(k.stats().fids).toBe(before);
    // The host process's face: the same as a promise, failures too.
    const failed = k.sys.open("/tmp/none", OREAD);
    expect(failed).toBeInstanceOf(Promise);
    await expect(failed).rejects.toThrow(NineError);
    expect(text(await k.sys.read(await k.sys.open("/n/one/two/file", OREAD)))).toBe("behind three");
  });
});
