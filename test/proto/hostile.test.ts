/**
 * Peers that mean harm, or are only wrong: whatever comes over a wire, serve throws nothing, answers or
 * hangs up, keeps bounded memory, and the next peer is served as if nothing had been. And the `.x`
 * promise under load: pipelined chains on a server that answers in any order end as one by one.
 */
import { describe, expect, it } from "vitest";
import {
  attach, dial, type Dialect, type DirNode, type Fcall, type FileNode, IOHDRSZ, type LinkNode, NineError, NOFID, type Node, NOTAG, NOU32, open, ORCLOSE, ORDWR, packMessage, pair, print, Rerror, Rflush, type Rmsg, Rread, Rversion,
  serve, type ServeOptions, type Server, Splitter, tagOf, Tattach, Tclunk, Tcreate, Tflush, type Tmsg, Topen, type Transport, Tread, Tremove, Tstat, Tversion, Twalk, Twrite,
  unpack, unpackDirs,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { Fuzz } from "../support/fuzz.ts";
import { pick, VERSIONS } from "../support/fuzz/fields.ts";
import { odd, type Seen } from "../support/odd.ts";
import { settle } from "../support/peer.ts";
import { chance, seed } from "../support/random.ts";
import { sleepers, slowly } from "../support/slowly.ts";

/** A client's end of a wire: replies as they come. */
class Raw {
  readonly transport: Transport;
  readonly got: { f: Fcall; tag: number }[] = [];
  over: string | undefined;
  bytes = 0;
  dialect: Dialect = "9P2000";

  constructor(server: Server, options: ServeOptions = {}, bugs: unknown[] = []) {
    const [client, end] = pair();
    serve(end, (s) => open(server, { ...s, bug: (e) => bugs.push(e) }), options);
    this.transport = client;
    const splitter = new Splitter(1 << 24);
    client.start({
      recv: (chunk) => {
        this.bytes += chunk.length;
        splitter.push(chunk, (buf, at, to) => {
          const f = this.decoded(buf.slice(at, to), 0, to - at);
          if (f.type === Rversion) this.dialect = f.version.startsWith("9P2000.L") ? "9P2000.L" : f.version.startsWith("9P2000.u") ? "9P2000.u" : "9P2000";
          this.got.push({ f, tag: tagOf(buf, at) });
        });
      },
      closed: (why) => {
        this.over = why ?? "";
      },
    });
  }

  /** What was under way when a version changed comes in the dialect before. */
  private decoded(buf: Uint8Array, at: number, to: number): Fcall {
    for (const d of [this.dialect, "9P2000", "9P2000.u"] as const) {
      try {
        return unpack(buf, at, to, d);
      } catch (e) {
        if (!(e instanceof NineError)) throw e;
      }
    }
    return unpack(buf, at, to, "9P2000.L");
  }

  send(...messages: readonly (readonly [Fcall, number])[]): void {
    this.transport.send(new Uint8Array(Buffer.concat(messages.map(([f, tag]) => packMessage(f, tag, this.dialect)))));
  }

  async hello(version = "9P2000"): Promise<void> {
    this.send([{ type: Tversion, msize: 8192, version }, NOTAG]);
    await settle();
    this.send([{ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0]);
    await settle();
    this.got.length = 0;
  }

  async take(): Promise<{ f: Fcall; tag: number }[]> {
    await settle();
    await settle();
    return this.got.splice(0);
  }
}

/** A peer as it should be finds the server as it should be. */
async function works(server: Server): Promise<void> {
  const [a, b] = pair();
  serve(b, (s) => open(server, s));
  const fs = await attach(await dial(a), { uname: "glenda" });
  expect((await fs.stat("/")).name).toBe("/");
  expect((await fs.readDir("/")).length).toBeGreaterThanOrEqual(0);
  fs.close();
}

describe("any bytes", () => {
  const names = ["a", "b", "", ".", "..", "block", "big", "stuck", "slow", "late", "deaf", "buggy", "unclosable", "long", "x".repeat(300), "a/b", "\0", "\udcff"];

  it.each(["ram", "odd"])("are answered or end the connection: %s", async (which) => {
    const rnd = chance(seed());
    const seen: Seen = { opens: 0, closes: 0, early: 0 };
    const server = which === "ram" ? ram({ now: () => 0, limit: 1 << 20 }) : odd(seen);
    const bugs: unknown[] = [];
    let survived = 0;
    for (let n = 0; n < 250; n++) {
      const told = `SEED=${seed()} connection ${n}`;
      const raw = new Raw(server, { msize: 8192, limits: { fids: 20, calls: 10, bytes: 10_000 } }, bugs);
      const fuzz = new Fuzz(rnd, { wild: rnd(2) === 0 ? 1 : 2, words: { names } });
      if (rnd(8) > 0) await raw.hello(pick(rnd, VERSIONS.slice(0, 6)));
      const all = new Uint8Array(Buffer.concat(Array.from({ length: 2 + rnd(5) }, () => fuzz.burst(raw.dialect)).flat()));
      for (let at = 0; at < all.length;) {
        const to = Math.min(all.length, at + 1 + rnd(3000));
        raw.transport.send(all.slice(at, to));
        at = to;
        if (rnd(3) === 0) await settle();
      }
      await settle();
      // Either it is over, or it still takes a version (after what an unfinished message swallows).
      if (raw.over === undefined) {
        raw.got.length = 0;
        raw.dialect = "9P2000";
        for (let i = 0; i < 3 && raw.over === undefined && raw.got.length === 0; i++) {
          raw.send(...Array.from({ length: 800 }, () => [{ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG] as const));
          await settle();
        }
        expect(raw.over !== undefined || raw.got.some((x) => x.f.type === Rversion), told).toBe(true);
        survived++;
      }
      raw.transport.close();
    }
    await works(server);
    for (let i = 0; i < 5; i++) await settle();
    expect(survived).toBeGreaterThan(20);
    expect(seen.early, `SEED=${seed()}`).toBe(0);
    expect(seen.closes, `SEED=${seed()}`).toBe(seen.opens);
    // odd has its two bugs, ram none.
    expect(bugs.filter((e) => !(which === "odd" && (e instanceof TypeError || e instanceof RangeError)))).toEqual([]);
  }, 60_000);
});

describe("too much", () => {
  it("of fids: an error at the bound, and room again after clunks", async () => {
    const server = ram({ now: () => 0 });
    const raw = new Raw(server, { limits: { fids: 100 } });
    await raw.hello();
    raw.send(...Array.from({ length: 300 }, (_, i) => [{ type: Twalk, fid: 0, newfid: i + 1, wname: [] }, 1] as const));
    const replies = await raw.take();
    expect(replies.filter((x) => x.f.type === Rerror).length).toBe(201);
    raw.send([{ type: Tclunk, fid: 1 }, 1], [{ type: Twalk, fid: 0, newfid: 500, wname: [] }, 1]);
    expect((await raw.take()).map((x) => x.f.type)).toEqual([121, 111]);
    await works(server);
  });

  it("of blocked calls: an error at the bound; all can still be flushed", async () => {
    const raw = new Raw(odd(), { limits: { calls: 50 } });
    await raw.hello();
    raw.send([{ type: Twalk, fid: 0, newfid: 1, wname: ["block"] }, 1], [{ type: Topen, fid: 1, mode: 0 }, 1]);
    await raw.take();
    raw.send(...Array.from({ length: 60 }, (_, i) => [{ type: Tread, fid: 1, offset: 0, count: 10 }, i] as const));
    expect((await raw.take()).map((x) => x.f.type)).toEqual(Array(10).fill(Rerror));
    raw.send(...Array.from({ length: 60 }, (_, i) => [{ type: Tflush, oldtag: i }, 100 + i] as const));
    expect((await raw.take()).map((x) => x.f.type)).toEqual(Array(60).fill(Rflush));
    raw.send([{ type: Tclunk, fid: 1 }, 1]);
    expect((await raw.take()).map((x) => x.f.type)).toEqual([121]);
  });

  it("of Tflushes for one call: as many as there are tags", async () => {
    const raw = new Raw(odd());
    await raw.hello("9P2000.x");
    raw.send([{ type: Twalk, fid: 0, newfid: 1, wname: ["stuck"] }, 1], [{ type: Topen, fid: 1, mode: 1 }, 1], [{ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1) }, 1]);
    await raw.take();
    for (let from = 2; from < 65535; from += 5000) {
      raw.send(...Array.from({ length: Math.min(5000, 65535 - from) }, (_, i) => [{ type: Tflush, oldtag: 1 }, from + i] as const));
    }
    expect(await raw.take()).toEqual([]);
    raw.send([{ type: Twalk, fid: 0, newfid: 2, wname: ["free"] }, 0], [{ type: Topen, fid: 2, mode: 1 }, 0], [{ type: Twrite, fid: 2, offset: 0, data: new Uint8Array(1) }, 0]);
    const replies = await raw.take();
    expect(replies.slice(4).map((x) => x.tag)).toEqual(Array.from({ length: 65533 }, (_, i) => i + 2));
  });

  it("of fids in a chain: each made from the one before, all waiting for the first", async () => {
    const z = sleepers(() => 0);
    const raw = new Raw(slowly(ram({ now: () => 0 }), () => z.sleep()), { limits: { calls: 10_000 } });
    raw.send([{ type: Tversion, msize: 8192, version: "9P2000.x" }, NOTAG]);
    await settle();
    raw.send([{ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0]);
    for (let from = 0; from < 9000; from += 3000) {
      raw.send(...Array.from({ length: 3000 }, (_, i) => [{ type: Twalk, fid: from + i, newfid: from + i + 1, wname: [] }, from + i + 1] as const));
    }
    await settle();
    raw.got.length = 0;
    await z.run();
    expect(raw.got.length).toBe(9001);
    expect(raw.got.every((x) => x.f.type !== Rerror)).toBe(true);
  });

  it("of symbolic links to symbolic links, followed for a plain 9P2000 peer", async () => {
    const server = ram({ now: () => 0 });
    const fs = await attach(open(server));
    for (let i = 0; i < 45; i++) await fs.symlink(`l${i + 1}/../l${i + 1}/.`, `/l${i}`);
    await fs.mkdir("/l45");
    const raw = new Raw(server);
    await raw.hello();
    raw.send([{ type: Twalk, fid: 0, newfid: 1, wname: ["l0"] }, 1]);
    for (let i = 0; i < 50 && raw.got.length === 0; i++) await settle();
    expect(raw.got.length).toBe(1);
  });

  it("of elements on the ways of symbolic links: a walk ends, a directory is read in pieces, and all of it", async () => {
    // 300 links, each by way of 40 others, each of those through 400 directories.
    let lookups = 0;
    const leaf: FileNode = { open: () => ({ read: () => new Uint8Array(0) }) };
    const link = (target: string): LinkNode => ({ readlink: () => target });
    const far = "d/../".repeat(400);
    const links = new Map<string, Node>(Array.from({ length: 300 }, (_, i) => [`l${i}`, link(i < 40 ? `${far}l${i + 1}` : i < 260 ? `${far}l1` : "d/leaf")]));
    const d: DirNode = { walk: (name) => (name === "leaf" ? leaf : undefined), list: () => [] };
    const root: DirNode = {
      walk(name) {
        lookups++;
        return name === "d" ? d : links.get(name);
      },
      list: () => links.entries(),
    };
    const raw = new Raw({ name: "links", attach: () => root });
    await raw.hello();
    const asked = async (f: Fcall): Promise<Fcall> => {
      lookups = 0;
      raw.send([f, 1]);
      for (let i = 0; i < 1000 && raw.got.length === 0; i++) await settle();
      const [r] = raw.got.splice(0);
      if (!r) throw new Error("no answer");
      expect(lookups).toBeLessThan(2048);
      return r.f;
    };
    await asked({ type: Twalk, fid: 0, newfid: 1, wname: Array<string>(16).fill("l0") });
    await asked({ type: Twalk, fid: 0, newfid: 2, wname: [] });
    await asked({ type: Topen, fid: 2, mode: 0 });
    const names: string[] = [];
    let followed = 0;
    for (let offset = 0, reads = 0; reads < 400; reads++) {
      const r = await asked({ type: Tread, fid: 2, offset, count: 8000 });
      if (r.type !== Rread || r.data.length === 0) break;
      offset += r.data.length;
      for (const entry of unpackDirs(r.data, "9P2000")) {
        names.push(entry.name);
        if (entry.length === 0 && entry.mode === 0o444) followed++;
      }
    }
    expect(names).toEqual([...links.keys()]);
    expect(followed).toBe(40);
  });

  it("of extended attributes being written", async () => {
    const raw = new Raw(ram({ now: () => 0 }), { limits: { fids: 2000 } });
    await raw.hello("9P2000.L");
    raw.send(...Array.from({ length: 1000 }, (_, i) => [{ type: Twalk, fid: 0, newfid: i + 1, wname: [] }, 1] as const));
    await raw.take();
    raw.send(...Array.from({ length: 1000 }, (_, i) => [{ type: 32, fid: i + 1, name: "user.x", attr_size: 65536, flags: 0 }, 1] as const));
    const replies = await raw.take();
    expect(replies.filter((x) => x.f.type === 33).length).toBe(256);
    raw.send([{ type: Tclunk, fid: 1 }, 1], [{ type: 32, fid: 1000, name: "user.x", attr_size: 65536, flags: 0 }, 1]);
    expect((await raw.take()).map((x) => x.f.type)).toEqual([7, 33]);
  });
});

describe("the end, with calls under way", () => {
  it.each(["hang-up", "Tversion"])("%s: a file is closed after the call that runs on it, once", async (how) => {
    const rnd = chance(seed());
    for (let n = 0; n < 40; n++) {
      const z = sleepers(rnd);
      const seen = { opens: 0, closes: 0, early: 0 };
      const server = slowly(ram({ now: () => 0 }), () => z.sleep(), seen);
      const raw = new Raw(server);
      raw.send([{ type: Tversion, msize: 8192, version: "9P2000.x" }, NOTAG]);
      await settle();
      raw.send([{ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0]);
      for (let i = 1; i <= 8; i++) {
        raw.send(
          [{ type: Twalk, fid: 0, newfid: i, wname: [] }, i * 10],
          [{ type: Tcreate, fid: i, name: `f${i}`, perm: 0o644, mode: 2, extension: "" }, i * 10 + 1],
          [{ type: Twrite, fid: i, offset: 0, data: new Uint8Array(5) }, i * 10 + 2],
          [{ type: Tread, fid: i, offset: 0, count: 5 }, i * 10 + 3],
          [{ type: Tclunk, fid: i }, i * 10 + 4],
        );
      }
      // Let some of it happen.
      const running = z.run();
      for (let i = rnd(200); i > 0; i--) await Promise.resolve();
      raw.got.length = 0;
      if (how === "hang-up") raw.transport.close();
      else raw.send([{ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG]);
      await running;
      await z.run();
      expect(seen.early, `SEED=${seed()} ${n}`).toBe(0);
      expect(seen.closes, `SEED=${seed()} ${n}`).toBe(seen.opens);
      if (how === "Tversion") {
        const at = raw.got.findIndex((x) => x.f.type === Rversion);
        expect(raw.got.slice(at).map((x) => x.f.type)).toEqual([Rversion]);
      }
    }
  });
});

it("a file being made to be removed on close does not outlive the hang-up", async () => {
  for (let steps = 0; steps < 60; steps++) {
    const asleep: (() => void)[] = [];
    const inner = ram({ now: () => 0 });
    const raw = new Raw(slowly(inner, () => new Promise((resolve) => asleep.push(resolve))));
    raw.send([{ type: Tversion, msize: 8192, version: "9P2000.x" }, NOTAG]);
    await settle();
    raw.send(
      [{ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0], [{ type: Twalk, fid: 0, newfid: 1, wname: [] }, 1],
      [{ type: Tcreate, fid: 1, name: "gone", perm: 0o666, mode: ORDWR | ORCLOSE, extension: "" }, 2], [{ type: Tread, fid: 1, offset: 0, count: 1 }, 3],
    );
    // The connection ends after each of the waits in turn.
    for (let i = 0; i < steps; i++) {
      await settle();
      asleep.shift()?.();
    }
    await settle();
    raw.transport.close();
    for (let quiet = 0; quiet < 3; quiet++) {
      await settle();
      for (const wake of asleep.splice(0)) {
        quiet = 0;
        wake();
      }
    }
    expect((await (await attach(open(inner))).readDir("/")).map((d) => d.name), `after ${steps} steps`).toEqual([]);
  }
});

describe("the .x promise", () => {
  /** Chains of messages, each on a fid and file of its own; later ones find what earlier ones have done. */
  function program(rnd: (n: number) => number, chains: number): Tmsg[] {
    const ts: Tmsg[] = [];
    const lists: Tmsg[][] = [];
    for (let c = 0; c < chains; c++) {
      const fid = c + 1;
      const name = `f${c}`;
      const list: Tmsg[] = [{ type: Twalk, fid: 0, newfid: fid, wname: rnd(10) === 0 ? ["none"] : [] }];
      if (rnd(8) > 0) list.push({ type: Tcreate, fid, name, perm: 0o666, mode: rnd(5) === 0 ? 0 : 2, extension: "" });
      for (let i = rnd(8); i > 0; i--) {
        const offset = rnd(20);
        list.push(...[
          { type: Twrite, fid, offset, data: new Uint8Array(1 + rnd(9)).fill(65 + rnd(26)) }, { type: Tread, fid, offset: rnd(30), count: rnd(40) },
          { type: Tstat, fid }, { type: Twrite, fid, offset, data: new Uint8Array(3).fill(48 + i) }, { type: Topen, fid, mode: 0 },
          { type: Tread, fid, offset: 0, count: 100 },
        ].slice(rnd(6)).slice(0, 1 + rnd(3)) as Tmsg[]);
      }
      list.push(rnd(6) === 0 ? { type: Tremove, fid } : { type: Tclunk, fid });
      if (rnd(4) === 0) list.push({ type: Tstat, fid });
      lists.push(list);
    }
    // Chains interleaved: the order within each is kept.
    while (lists.length > 0) {
      const i = rnd(Math.min(lists.length, 20));
      const next = lists[i]?.shift();
      if (next) ts.push(next);
      else lists.splice(i, 1);
    }
    return ts;
  }

  /** A reply without what depends on the other chains: the numbers of files, and all about the directory. */
  function told(ts: readonly Tmsg[], t: Tmsg, r: Rmsg | Fcall): string {
    const made = "fid" in t && ts.some((x) => x.type === Tcreate && x.fid === t.fid);
    if (!made && t.type === Tread) return "of the directory";
    return made || r.type === Rerror ? print(r, 0).replace(/\((0x)?[0-9a-f]+ \d+ /g, "(* * ") : String(r.type);
  }

  it("thousands of pipelined chains end as one by one", async () => {
    const rnd = chance(seed());
    const clock = { now: () => 0 };
    for (let round = 0; round < 4; round++) {
      const ts = program(rnd, 600);
      // One by one, on a server that answers at once.
      const portal = open(ram(clock), { dialect: "9P2000", msize: 8192 });
      await portal.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
      const want: string[] = [];
      for (const t of ts) {
        const r = await portal.call(t);
        want.push(told(ts, t, r.type === Rerror ? { ...r, errno: 0 } : r));
      }
      // All at once, in any order of answers.
      const z = sleepers(rnd);
      const raw = new Raw(slowly(ram(clock), () => z.sleep()), { limits: { calls: 65000, opens: 65000 } });
      raw.send([{ type: Tversion, msize: 8192, version: "9P2000.x" }, NOTAG]);
      await settle();
      raw.send([{ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 65000]);
      raw.send(...ts.map((t, i) => [t, i] as const));
      await z.run();
      const got: string[] = [];
      for (const { f, tag } of raw.got) if (tag < ts.length && f.type !== Rversion) got[tag] = told(ts, ts[tag]!, f);
      for (const [i, w] of want.entries()) if (got[i] !== w) expect.fail(`SEED=${seed()} round ${round} message ${i}: ${print(ts[i]!, i)}: ${got[i]}, not ${w}`);
    }
  }, 60_000);

  it("independent fids stay concurrent", async () => {
    const raw = new Raw(odd());
    await raw.hello("9P2000.x");
    raw.send(
      [{ type: Twalk, fid: 0, newfid: 1, wname: ["stuck"] }, 1], [{ type: Topen, fid: 1, mode: 1 }, 2],
      [{ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1) }, 3], [{ type: Tstat, fid: 1 }, 4], [{ type: Tstat, fid: 0 }, 5],
    );
    // The stat behind the write waits for it, the other does not.
    expect((await raw.take()).map((x) => x.tag)).toEqual([1, 2, 5]);
  });
});

it("payloads at the bound: msize-24 is taken, one more refused, more than msize hung up on (rule 4)", async () => {
  const raw = new Raw(ram({ now: () => 0 }));
  await raw.hello();
  raw.send([{ type: Tcreate, fid: 0, name: "f", perm: 0o644, mode: 2, extension: "" }, 1]);
  await raw.take();
  const write = async (n: number): Promise<Fcall | undefined> => {
    raw.send([{ type: Twrite, fid: 0, offset: 0, data: new Uint8Array(n) }, 1]);
    return (await raw.take())[0]?.f;
  };
  expect(await write(8192 - IOHDRSZ)).toMatchObject({ type: 119, count: 8192 - IOHDRSZ });
  expect(await write(8192 - IOHDRSZ + 1)).toMatchObject({ ename: "i/o count too large" });
  expect(await write(8192 - IOHDRSZ + 2)).toBeUndefined();
  expect(raw.over).toContain("msize is 8192");
});
