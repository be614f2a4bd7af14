/**
 * Kernels linked over WebSockets: A has mounted B's name space on /n/b, B has C's on /n/c. Counted are,
 * on each wire, the round trips and the messages of an operation, which is never more than the path needs.
 */
import { isDeepStrictEqual } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { connectTransport, listen, type Listener, parseAddr } from "../../clients/node/index.ts";
import { dial, dir, Eintr, encode, type FileNode, NineError, open as openServer, OREAD, type Portal } from "../../proto/index.ts";
import { RcBench } from "../support/rcbench.ts";
import { type Turns, turns } from "../support/turns.ts";

interface Wire {
  readonly turns: Turns;
  /** T messages sent so far, and those that are not answered. */
  messages: number;
  pending: number;
}

const open: (() => Promise<void> | void)[] = [];
let a: RcBench;
let b: RcBench;
let c: RcBench;
let ab: Wire;
let bc: Wire;

async function kernel(): Promise<RcBench> {
  const k = await RcBench.boot();
  await k.sys.mkdir("/n", 0o777);
  for (const name of ["b", "c"]) await k.sys.mkdir(`/n/${name}`, 0o777);
  open.push(() => k.booted.shutdown());
  return k;
}

/** `from` mounts what `to` serves, over a WebSocket. */
async function link(from: RcBench, to: RcBench, path: string): Promise<Wire> {
  const listener: Listener = await listen("ws://127.0.0.1:0", (s) => to.sys.export("/", s), { token: "none" });
  open.push(() => listener.close());
  const counted = turns(await connectTransport(parseAddr(listener.address)), true);
  const portal = await dial(counted.transport);
  const wire: Wire = { turns: counted, messages: 0, pending: 0 };
  const counting: Portal = {
    dialect: portal.dialect, msize: portal.msize, ordered: portal.ordered, lasting: portal.lasting ?? false,
    call(t) {
      wire.messages++;
      wire.pending++;
      const r = portal.call(t);
      void Promise.resolve(r).then(() => wire.pending--);
      return r;
    },
    flush: (t) => portal.flush(t), hangup: () => portal.hangup(),
  };
  await from.sys.mount(counting, path, MREPL | MCREATE, "");
  return wire;
}

/** When all that was sent is answered, what nobody waits for included. */
async function quiet(): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve));
  while (ab.pending > 0 || bc.pending > 0);
}

/** What is so, or comes to be so when the other end has heard of it. */
async function becomes(is: () => unknown, wanted: unknown): Promise<void> {
  for (const end = Date.now() + 10_000; !isDeepStrictEqual(is(), wanted) && Date.now() < end;) await new Promise((resolve) => setImmediate(resolve));
  expect(is()).toEqual(wanted);
}

interface Cost {
  /** Round trips and messages from A to B, and from B to C. */
  readonly ab: readonly [turns: number, messages: number];
  readonly bc: readonly [turns: number, messages: number];
}

async function cost(op: () => Promise<unknown>): Promise<Cost> {
  await quiet();
  const [m, n] = [ab.messages, bc.messages];
  const [x, y] = [ab.turns.from(), bc.turns.from()];
  await op();
  const [i, k] = [x(), y()];
  await quiet();
  return { ab: [i, ab.messages - m], bc: [k, bc.messages - n] };
}

async function text(k: RcBench, path: string): Promise<string> {
  const fd = await k.sys.openRead(path);
  const all: Uint8Array[] = [];
  for (let data = await k.sys.read(fd); data.length > 0; data = await k.sys.read(fd)) all.push(data.slice());
  await k.sys.close(fd);
  return Buffer.concat(all).toString();
}

const DEEP = "/tmp/1/2/3/4";

beforeEach(async () => {
  [a, b, c] = [await kernel(), await kernel(), await kernel()];
  for (const k of [b, c]) {
    let dir = "/tmp";
    for (const name of DEEP.split("/").slice(2)) await k.sys.mkdir(dir += `/${name}`, 0o777);
    await k.sys.mkdir(`${DEEP}/dir`, 0o777);
    for (let i = 0; i < 10; i++) await k.sys.writeFile(`${DEEP}/dir/f${i}`, encode(String(i)));
    await k.sys.writeFile(`${DEEP}/file`, encode("one\nx two\nthree x\n"));
    await k.sys.writeFile("/file", encode("one\nx two\nthree x\n"));
  }
  bc = await link(b, c, "/n/c");
  ab = await link(a, b, "/n/b");
});

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

test("two and three kernels: what each operation costs on each wire", async () => {
  const fids = (): number[] => [a, b, c].map((k) => k.booted.stats().fids);
  await quiet();
  const before = fids();
  const table: Record<string, Cost> = {};
  for (const [name, root, k] of [["B", "/n/b", b], ["C", "/n/b/n/c", c]] as const) {
    const dir = `${root}${DEEP}`;
    const { sys } = a;
    const row = async (what: string, op: () => Promise<unknown>): Promise<void> => {
      table[`${what} on ${name}`] = await cost(op);
    };
    await row("stat", () => sys.stat(`${dir}/file`));
    await row("read", async () => expect(await text(a, `${dir}/file`)).toContain("three x"));
    await row("open", async () => sys.close(await sys.open(`${dir}/file`, OREAD)));
    await row("list", async () => expect(await sys.readDir(`${dir}/dir`)).toHaveLength(10));
    await row("create and write", () => sys.writeFile(`${dir}/new`, encode("data")));
    await row("mkdir", () => sys.mkdir(`${dir}/made`, 0o777));
    await row("wstat", () => sys.wstat(`${dir}/new`, { mode: 0o640 }));
    await row("remove", () => sys.remove(`${dir}/new`));
    await row("cat", async () => expect((await a.run(`cat ${dir}/file`)).out).toContain("three x"));
    await row("ls -l", async () => expect((await a.run(`ls -l ${dir}/dir`)).out).toMatch(/^(--rw.*\n){10}$/));
    expect(await text(k, `${DEEP}/file`)).toContain("one");
    await sys.remove(`${dir}/made`);
  }
  table["cat /n/b/n/c/file | grep x > /n/b/out"] = await cost(async () => {
    const ran = await a.run("cat /n/b/n/c/file | grep x > /n/b/out");
    expect([ran.status, ran.err]).toEqual(["", ""]);
  });
  expect(await text(b, "/out")).toBe("x two\nthree x\n");
  await b.sys.remove("/out");
  await quiet();
  expect(fids()).toEqual(before);
  console.table(Object.fromEntries(Object.entries(table).map(([op, x]) => [op, { "A-B round trips": x.ab[0], messages: x.ab[1], "B-C round trips": x.bc[0], "messages ": x.bc[1] }])));
  // Twalk, what is to be done, Tclunk; to C they go through B as they come, so that a second wire adds its own round trip and nothing else.
  const least: Readonly<Record<string, readonly [number, number]>> = {
    stat: [1, 3], read: [1, 5], open: [1, 3], list: [2, 5], "create and write": [1, 4], mkdir: [1, 3], wstat: [2, 3], remove: [1, 2], cat: [1, 5], "ls -l": [3, 8],
  };
  const pipeline = { "cat /n/b/n/c/file | grep x > /n/b/out": { ab: [2, 9], bc: [1, 5] } };
  const onB = Object.entries(least).map(([op, n]) => [`${op} on B`, { ab: n, bc: [0, 0] }]);
  const onC = Object.entries(least).map(([op, n]) => [`${op} on C`, { ab: n, bc: n }]);
  expect(table).toEqual(Object.fromEntries([...onB, ...onC, ...Object.entries(pipeline)]));
});

test("a megabyte through two wires comes as it was, and goes back", async () => {
  const data = encode("0123456789abcdef".repeat(1 << 17));
  await a.sys.writeFile("/n/b/n/c/big", data);
  expect((await c.sys.stat("/big")).length).toBe(data.length);
  expect(await text(a, "/n/b/n/c/big") === Buffer.from(data).toString()).toBe(true);
  const ran = await a.run("cp /n/b/n/c/big /n/b/copy; cmp /n/b/copy /n/b/n/c/big && echo same");
  expect([ran.out, ran.err]).toEqual(["same\n", ""]);
});

test("a note to a process on A reaches the read that waits in C", async () => {
  let aborted: (() => void) | undefined;
  const over = new Promise<void>((resolve) => {
    aborted = resolve;
  });
  let reading: (() => void) | undefined;
  const waits = new Promise<void>((resolve) => {
    reading = resolve;
  });
  const slow: FileNode = { open: () => ({
    read: (_at, _n, call) => new Promise((_resolve, reject) => {
      reading?.();
      call.signal.addEventListener("abort", () => {
        aborted?.();
        reject(new NineError(Eintr));
      }, { once: true });
    }),
  }) };
  await c.sys.mount(openServer({ name: "slow", attach: () => dir({ slow }) }), "/n/b", MREPL, "");
  const pid = await a.sys.spawn({ path: "/bin/cat", argv: ["cat", "/n/b/n/c/n/b/slow"], fds: new Map() });
  await waits;
  a.sys.postNote(pid, "interrupt");
  await over;
  expect(await a.sys.wait(pid)).toMatchObject({ pid, status: "interrupt" });
});

test("when C is gone, what is behind it is hung up, and everything else goes on", async () => {
  await quiet();
  const before = [a, b].map((k) => k.booted.stats().fids);
  const fd = await a.sys.open("/n/b/n/c/file", OREAD);
  c.booted.shutdown();
  await expect(a.sys.read(fd)).rejects.toThrow("i/o on hungup channel");
  await expect(a.sys.stat("/n/b/n/c/file")).rejects.toThrow("i/o on hungup channel");
  await a.sys.close(fd);
  expect(await text(a, "/n/b/file")).toContain("three x");
  expect((await a.run("ls /n/b")).out).toContain("file\n");
  await becomes(() => [a, b].map((k) => k.booted.stats().fids), before);
});

test("who hangs up leaves nothing behind on the kernels he was linked to", async () => {
  const linked = b.booted.stats().fids;
  await a.sys.unmount(undefined, "/n/b");
  await becomes(() => b.booted.stats().fids < linked, true);
  await quiet();
  const before = [b, c].map((k) => k.booted.stats());
  for (let i = 0; i < 3; i++) {
    const listener = await listen("ws://127.0.0.1:0", (s) => b.sys.export("/", s), { token: "none" });
    const transport = await connectTransport(parseAddr(listener.address));
    await a.sys.mount(await dial(transport), "/n/b", MREPL, "");
    const fds = [];
    for (const path of ["file", "n/c/file", "tmp", "n/c/tmp"]) fds.push(await a.sys.open(`/n/b/${path}`, OREAD));
    const far = a.sys.stat("/n/b/n/c/tmp/1").catch(() => undefined);
    await listener.close();
    await far;
    for (const fd of fds) await a.sys.close(fd);
    await a.sys.unmount(undefined, "/n/b");
  }
  await becomes(() => [b, c].map((k) => k.booted.stats()), before);
});
