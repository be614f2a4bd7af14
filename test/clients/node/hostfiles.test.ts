import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Quota } from "../../../clients/node/quota.ts";
import { type Device, FORGET_MS, Guard, HANG_MS, hostError, MAXWHILE_MS, NEAR_MS, SLOW_MS, WHILE_MS } from "../../../clients/node/guard.ts";
import { hostFiles, type NodeHostFiles } from "../../../clients/node/hostfiles.ts";
import { fromLatin1 } from "../../../clients/node/dirstream.ts";
import { parseUsers } from "../../../clients/node/users.ts";
import { errno, NineError, NOU32, ORDWR } from "../../../proto/index.ts";
import { pattern } from "../../support/nine.ts";

function device(): Device {
  return { slowUntilMs: -Infinity, lateMs: -Infinity, whileMs: WHILE_MS, births: true, local: true };
}

/** What f throws, as the server sees it. */
function fail(f: () => unknown): unknown {
  try {
    f();
  } catch (e) {
    return hostError(e);
  }
  return undefined;
}

describe("Guard", () => {
  it("slow calls make their device asynchronous for a while, twice as long each time", async () => {
    let t = 0;
    const guard = new Guard(() => t);
    const d = device();
    const other = device();
    const run = (on: Device, tookMs: number): unknown => guard.run(on, () => {
      t += tookMs;
      return "now";
    }, async () => "later");
    expect(run(d, SLOW_MS)).toBe("now");
    expect(run(d, SLOW_MS + 1)).toBe("now");
    // Once is nothing, nor is now and then.
    expect(run(d, 0)).toBe("now");
    t += NEAR_MS;
    expect(run(d, HANG_MS)).toBe("now");
    expect(run(d, NEAR_MS - 1 - SLOW_MS)).toBe("now");
    expect(run(d, 0)).toBeInstanceOf(Promise);
    expect(run(other, 0)).toBe("now");
    t += WHILE_MS - 1;
    expect(await run(d, 0)).toBe("later");
    t += 1;
    for (let long = WHILE_MS * 2; long < MAXWHILE_MS; long *= 2) {
      expect(run(d, SLOW_MS + 1)).toBe("now");
      t += long - 1;
      expect(run(d, 0)).toBeInstanceOf(Promise);
      t += 1;
    }
    expect(run(d, 0)).toBe("now");
    t += FORGET_MS * 2;
    expect(run(d, SLOW_MS + 1)).toBe("now");
    expect(run(d, 0)).toBe("now");
    t += NEAR_MS;
    // So long that once is enough.
    run(d, HANG_MS + 1);
    expect(run(d, 0)).toBeInstanceOf(Promise);
    t += WHILE_MS;
    expect(run(d, 0)).toBe("now");
  });

  it("waiting for a processor is not the device's fault", () => {
    let t = 0;
    let waits = 0;
    const guard = new Guard(() => t, () => waits);
    const d = device();
    const took = (blockedMs: number, waitedMs: number): boolean => {
      guard.sync(d, () => {
        t += blockedMs + waitedMs;
        waits += waitedMs;
      });
      return guard.slow(d);
    };
    expect(took(1, 500)).toBe(false);
    for (let i = 0; i < 10; i++) expect(took(SLOW_MS, 100 * i)).toBe(false);
    expect(took(0, 0)).toBe(false);
    // What it waited long before the call does not count for it.
    waits += 1000;
    t += 1000;
    expect(took(SLOW_MS + 1, 0)).toBe(false);
    expect(took(SLOW_MS + 1, 0)).toBe(true);
    t += WHILE_MS;
    expect(took(SLOW_MS + 1, SLOW_MS)).toBe(true);
  });

  it("system errors become NineErrors, bugs stay", () => {
    expect(fail(() => fs.readFileSync("/does/not/exist"))).toMatchObject({ errno: errno.ENOENT, message: "file does not exist" });
    expect(fail(() => fs.rmdirSync("/proc/self/fd/0/x"))).toBeInstanceOf(NineError);
    expect(fail(() => fs.openSync("a\0b", 0))).not.toBeInstanceOf(NineError);
  });
});

describe("Quota", () => {
  it("so much at a time, in the order asked for; more than all alone", async () => {
    const budget = new Quota(10);
    const log: string[] = [];
    const take = (name: string, n: number): Promise<number> => budget.take(n).then(() => log.push(name));
    await take("a", 6);
    await take("b", 4);
    const waiting = [take("c", 5), take("d", 100), take("e", 1)];
    await Promise.resolve();
    expect(log).toEqual(["a", "b"]);
    budget.give(4);
    await Promise.resolve();
    expect(log).toEqual(["a", "b"]);
    budget.give(6);
    await waiting[0];
    expect(log).toEqual(["a", "b", "c"]);
    budget.give(5);
    await waiting[1];
    budget.give(100);
    await Promise.all(waiting);
    expect(log).toEqual(["a", "b", "c", "d", "e"]);
  });
});

describe("users", () => {
  const users = parseUsers(
    "root:x:0:0:root:/root:/bin/sh\n# comment\nann:x:1000:100::/:\nbad\nben:x:1001:1001::/:\nann:x:7:7\n",
    "root:x:0:\nusers:x:100:\nben:x:1002:\nwheel:x:10:ann,ghost,ben\n+:::\n",
  );

  it("names and numbers, none lost", () => {
    expect([users.idOf("ann"), users.idOf("wheel"), users.idOf("4242"), users.idOf("ghost"), users.idOf("")]).toEqual([1000, 10, 4242, NOU32, NOU32]);
    expect([users.userName(1000), users.userName(5), users.groupName(100), users.groupName(5)]).toEqual(["ann", "5", "users", "5"]);
    // The group ben is not the user ben's number: it goes by its digits.
    expect(users.groupName(1002)).toBe("1002");
    for (const n of [0, 10, 100, 1000, 1001, 1002, 77]) {
      expect(users.idOf(users.nameOf(n))).toBe(n);
      expect(users.idOf(users.userName(n))).toBe(n);
      expect(users.idOf(users.groupName(n))).toBe(n);
    }
  });

  it("groups of a user", () => {
    expect(users.groups(1000)).toEqual([100, 10]);
    expect([users.member("ann", "wheel"), users.member("ann", "root"), users.member("ghost", "wheel")]).toEqual([true, false, false]);
  });

  it("an unknown user has a group of his own that is nobody else's", () => {
    expect(users.groups(31)).toEqual([31]);
    expect([10, 100, 1002, NOU32].map((n) => users.groups(n))).toEqual([[], [], [], []]);
    expect([users.member("31", "31"), users.member("1002", "1002"), users.member("ghost", "wheel"), users.member("ben", "ben")]).toEqual([true, false, false, true]);
  });
});

describe("hostFiles", () => {
  let files: NodeHostFiles | undefined;
  let dir = "";

  afterEach(() => {
    files?.close();
    files = undefined;
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const make = (now?: () => number): NodeHostFiles => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "nineplex-files-"));
    files = hostFiles(dir, now ? { now } : {});
    return files;
  };

  it("the root must be a directory that is there", () => {
    make();
    expect(() => hostFiles(path.join(dir, "none"))).toThrow("file does not exist");
    fs.writeFileSync(path.join(dir, "f"), "");
    expect(() => hostFiles(path.join(dir, "f"))).toThrow("not a directory");
  });

  it("answers at once while the file system is fast, later when it is not, and later for what is large", async () => {
    let step = 0;
    let t = 0;
    const f = make(() => (t += step));
    const fd = f.create(f.root, "f", ORDWR, 0o600);
    if (typeof fd !== "number") expect.fail("create was not synchronous");
    expect(f.write(fd, 0, new Uint8Array(1000))).toBe(1000);
    expect(f.read(fd, 0, 10)).toBeInstanceOf(Uint8Array);
    const much = 1 << 20;
    expect(f.read(fd, 0, much)).not.toBeInstanceOf(Promise);
    expect((await f.read(fd, 0, much)).length).toBe(1000);
    expect(f.write(fd, 2 * much, new Uint8Array(1000))).toBe(1000);
    expect(f.read(fd, 0, much + 1)).toBeInstanceOf(Promise);
    expect((await f.read(fd, 1000, much + 1)).length).toBe(much + 1);
    expect((await f.read(fd, 2 * much, much + 1)).length).toBe(1000);
    expect(f.write(fd, 0, new Uint8Array(much + 1))).toBeInstanceOf(Promise);
    expect(f.sync(fd, true)).toBeInstanceOf(Promise);
    step = 100;
    for (let i = 0; i < 2; i++) expect(f.stat(fd)).not.toBeInstanceOf(Promise);
    step = 0;
    for (const later of [f.stat(fd), f.lstat(f.root, "f"), f.lstat(f.root, "none"), f.read(fd, 0, 10), f.mkdir(f.root, "d", 0o700)]) {
      expect(later).toBeInstanceOf(Promise);
      await later;
    }
    expect(await f.lstat(f.root, "none")).toBeUndefined();
    const list = await f.list(f.root);
    expect(Symbol.asyncIterator in list).toBe(true);
    await list.return?.();
    await f.drop(fd);
  });

  it("reads of the thread pool have so much memory at a time, and all come to their end", async () => {
    let t = 0;
    const f = make(() => (t += 1000));
    const fd = await f.create(f.root, "f", ORDWR, 0o600);
    const size = 3 << 20;
    const data = pattern(size);
    await f.write(fd, 0, data);
    let most = 0;
    let now = 0;
    const alloc = vi.spyOn(Buffer, "allocUnsafeSlow").mockImplementation((n) => {
      now += n;
      most = Math.max(most, now);
      return Buffer.from(new ArrayBuffer(n));
    });
    const reads = Array.from({ length: 40 }, async (_, i) => {
      const got = await f.read(fd, i, size);
      now -= size;
      expect(Buffer.compare(got, data.subarray(i))).toBe(0);
    });
    await Promise.all(reads);
    alloc.mockRestore();
    expect(most).toBeGreaterThan(3 * size);
    expect(most).toBeLessThanOrEqual((16 << 20) + size);
    // Into memory of one's own there is no waiting.
    const into = new Uint8Array(size);
    expect((await f.read(fd, 0, size, into)).buffer).toBe(into.buffer);
    await f.drop(fd);
  });

  it("short reads are given memory of their own, without a slab for each", async () => {
    const f = make();
    const fd = await f.create(f.root, "f", ORDWR, 0o600);
    const data = pattern(20_000);
    await f.write(fd, 0, data);
    const got: Uint8Array[] = [];
    for (const n of [100, 8192, 1, 8192, 9000, 4096, 4096, 8192, 20_000, 100_000, 20_000]) got.push(await f.read(fd, n % 50, n));
    const again = got.map((x) => x.slice());
    for (let i = 0; i < 100; i++) await f.read(fd, i, 1 + ((i * 997) % 12_000));
    for (const [i, n] of [100, 8192, 1, 8192, 9000, 4096, 4096, 8192, 20_000, 100_000, 20_000].entries()) {
      expect(Buffer.compare(got[i] ?? expect.fail(), data.subarray(n % 50, (n % 50) + n))).toBe(0);
      expect(got[i]).toEqual(again[i]);
    }
    expect(new Set(got.slice(0, 7).map((x) => x.buffer)).size).toBeLessThan(5);
    await f.drop(fd);
  });

  it("names as bytes", () => {
    expect(fromLatin1("plain")).toBe("plain");
    expect(fromLatin1("\u00c3\u00a9\u00ff")).toBe("\u00e9\udcff");
  });
});
