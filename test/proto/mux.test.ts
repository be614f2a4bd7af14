/** mux against a server by hand: what a mount driver must do, whatever the peer does. */
import { describe, expect, it } from "vitest";
import {
  dial, errno, NineError, NOTAG, type Portal, Rclunk, Rerror, Rflush, Rlerror, type Rmsg, Ropen, Rread, Rversion, Rwalk, Rwrite, Tclunk, Tflush, type Tmsg,
  Topen, Tread, Tstat, Tversion, Twalk, Twrite,
} from "../../proto/index.ts";
import { ScriptedServer, settle } from "../support/peer.ts";

const qid = { type: 0, vers: 0, pathlo: 1, pathhi: 0 };
const read = (fid = 1, count = 10): Tmsg => ({ type: Tread, fid, offset: 0, count });

async function dialed(versions: string[] = ["9P2000"]): Promise<{ s: ScriptedServer; portal: Portal }> {
  const s = new ScriptedServer(versions);
  return { s, portal: await dial(s.transport) };
}

/** What became of a call so far. */
function outcome(r: Rmsg | Promise<Rmsg>): { reply: Rmsg | undefined } {
  const o: { reply: Rmsg | undefined } = { reply: undefined };
  void Promise.resolve(r).then((x) => {
    o.reply = x;
  });
  return o;
}

describe("the version (rules 1, 2, 3)", () => {
  it("proposes .L.x and takes it", async () => {
    const { portal } = await dialed(["9P2000.L.x"]);
    expect([portal.dialect, portal.ordered, portal.msize]).toEqual(["9P2000.L", true, 1 << 20]);
  });

  it.each([
    ["strips at the dot", ["9P2000"], "9P2000"],
    ["knows .L alone", ["unknown", "9P2000.L"], "9P2000.L"],
    ["echoes .L without .x", ["9P2000.L"], "9P2000.L"],
    ["knows 9P2000 alone", ["unknown", "unknown", "9P2000"], "9P2000"],
    ["says Rlerror, as diod", [{ type: Rlerror, ecode: errno.EIO }, "9P2000.L"], "9P2000.L"],
    ["says Rerror", [{ type: Rerror, ename: "no", errno: 0 }, "9P2000.L"], "9P2000.L"],
  ] as const)("a peer that %s", async (_what, versions, dialect) => {
    const portal = await dial(new ScriptedServer(versions).transport);
    expect([portal.dialect, portal.ordered]).toEqual([dialect, false]);
  });

  it("never takes an order that was not asked for", async () => {
    const s = new ScriptedServer(["9P2000.x", "unknown"]);
    await expect(dial(s.transport, { versions: ["9P2000", "9P2000.u"] })).rejects.toThrow("speaks no version");
    await settle();
    expect(s.over).toBe(true);
  });

  it("takes a smaller msize, refuses a larger one and what is below 256", async () => {
    expect((await dial(new ScriptedServer(["9P2000"], 4096).transport)).msize).toBe(4096);
    await expect(dial(new ScriptedServer(["9P2000"], 4096).transport, { msize: 1024 })).rejects.toThrow("answers msize 4096 to 1024");
    await expect(dial(new ScriptedServer(["9P2000"], 100).transport)).rejects.toThrow("msize");
  });

  it("has its Tversion come with NOTAG", async () => {
    const s = new ScriptedServer([]);
    const dialing = dial(s.transport);
    const { f, tag } = await s.next();
    expect([f.type, tag]).toEqual([Tversion, 0xffff]);
    s.send({ type: Rversion, msize: 8192, version: "9P2000" }, tag);
    expect((await dialing).msize).toBe(8192);
  });

  it("on a stream that was used before: replies of that session, and a second Rversion, mean nothing", async () => {
    const s = new ScriptedServer([]);
    const dialling = dial(s.transport, { versions: ["9P2000"] });
    await s.next();
    s.send({ type: Rclunk }, 3);
    s.send({ type: Rread, data: new Uint8Array(2) }, 0);
    s.send({ type: Rversion, msize: 8192, version: "9P2000" }, NOTAG);
    s.send({ type: Rversion, msize: 8192, version: "9P2000" }, NOTAG);
    const portal = await dialling;
    const o = outcome(portal.call({ type: Tclunk, fid: 1 }));
    await settle();
    s.send({ type: Rclunk }, (await s.next()).tag);
    await settle();
    expect(o.reply).toEqual({ type: Rclunk });
  });

  it("fails when the peer hangs up, and when it is given up", async () => {
    const s = new ScriptedServer([]);
    const dialing = dial(s.transport);
    await settle();
    s.close("gone");
    await expect(dialing).rejects.toThrow("i/o on hungup channel: gone");
    const stop = new AbortController();
    const quiet = new ScriptedServer([]);
    const giving = dial(quiet.transport, { signal: stop.signal });
    await settle();
    stop.abort();
    await expect(giving).rejects.toThrow("interrupted");
    await settle();
    expect(quiet.over).toBe(true);
  });
});

describe("tags (rules 6, 31)", () => {
  it("are free again only after the reply", async () => {
    const { s, portal } = await dialed();
    const calls = [read(), read(), read()].map((t) => outcome(portal.call(t)));
    const tags = [await s.next(), await s.next(), await s.next()].map((x) => x.tag);
    expect(new Set(tags).size).toBe(3);
    s.send({ type: Rread, data: new Uint8Array(2) }, tags[1]!);
    await settle();
    expect(calls.map((c) => c.reply?.type)).toEqual([undefined, Rread, undefined]);
    void portal.call(read());
    expect((await s.next()).tag).toBe(tags[1]);
    void portal.call(read());
    expect(tags).not.toContain((await s.next()).tag);
  });

  it("never run out: calls beyond 65535 wait for one", async () => {
    const { s, portal } = await dialed();
    const calls = Array.from({ length: 65537 }, () => outcome(portal.call({ type: Tclunk, fid: 1 })));
    await settle();
    expect(s.got.length).toBe(65535);
    expect(s.got.some((x) => x.tag === 0xffff)).toBe(false);
    for (const x of s.got.splice(0)) s.send({ type: Rclunk }, x.tag);
    await settle();
    for (const x of s.got.splice(0)) s.send({ type: Rclunk }, x.tag);
    await settle();
    expect(calls.every((c) => c.reply?.type === Rclunk)).toBe(true);
  });
});

describe("flush (rules 9, 10)", () => {
  it("ends with the Rflush when no reply came, and keeps the tag until then", async () => {
    const { s, portal } = await dialed();
    const t = read();
    const call = outcome(portal.call(t));
    const { tag } = await s.next();
    portal.flush(t);
    const flush = await s.next();
    expect(flush.f).toEqual({ type: Tflush, oldtag: tag });
    void portal.call(read(2));
    expect([tag, flush.tag]).not.toContain((await s.next()).tag);
    expect(call.reply).toBeUndefined();
    s.send({ type: Rflush }, flush.tag);
    await settle();
    expect(call.reply).toEqual({ type: Rerror, ename: "interrupted", errno: errno.EINTR });
    void portal.call(read(3));
    expect([tag, flush.tag]).toContain((await s.next()).tag);
  });

  it("asked for twice settles at once, and the tag stays taken for what may still come", async () => {
    const { s, portal } = await dialed();
    const t = read();
    const call = outcome(portal.call(t));
    const { tag } = await s.next();
    portal.flush(t);
    const flush = await s.next();
    portal.flush(t);
    portal.flush(t);
    await settle();
    expect(call.reply).toEqual({ type: Rerror, ename: "interrupted: the server does not answer", errno: errno.EINTR });
    expect(s.got).toEqual([]);
    void portal.call(read(2));
    expect([tag, flush.tag]).not.toContain((await s.next()).tag);
    // The late reply is dropped; the Rflush frees both tags.
    s.send({ type: Rread, data: new Uint8Array(0) }, tag);
    s.send({ type: Rflush }, flush.tag);
    await settle();
    void portal.call(read(3));
    expect([tag, flush.tag]).toContain((await s.next()).tag);
  });

  it("honours a reply that comes before the Rflush, and keeps the tag still", async () => {
    const { s, portal } = await dialed();
    const t: Tmsg = { type: Twalk, fid: 0, newfid: 5, wname: [] };
    const call = outcome(portal.call(t));
    const { tag } = await s.next();
    portal.flush(t);
    const flush = await s.next();
    s.send({ type: Rwalk, wqid: [] }, tag);
    await settle();
    expect(call.reply).toEqual({ type: Rwalk, wqid: [] });
    void portal.call(read());
    expect((await s.next()).tag).not.toBe(tag);
    s.send({ type: Rflush }, flush.tag);
    await settle();
    expect(s.over).toBe(false);
  });

  it("of a reply after the Rflush is the end of the connection", async () => {
    const { s, portal } = await dialed();
    const t = read();
    const call = outcome(portal.call(t));
    const { tag } = await s.next();
    portal.flush(t);
    const flush = await s.next();
    s.send({ type: Rflush }, flush.tag);
    s.send({ type: Rread, data: new Uint8Array(1) }, tag);
    await settle();
    expect(call.reply).toMatchObject({ errno: errno.EINTR });
    expect(s.over).toBe(true);
  });

  it("of what is unknown, finished or still waiting for a tag", async () => {
    const { s, portal } = await dialed();
    portal.flush(read());
    const t = read();
    const call = portal.call(t);
    s.send({ type: Rread, data: new Uint8Array(0) }, (await s.next()).tag);
    await call;
    portal.flush(t);
    await settle();
    expect(s.got).toEqual([]);
  });
});

describe("a peer that breaks the rules is hung up on, and every call settles", () => {
  const cases: readonly (readonly [string, Tmsg, Rmsg])[] = [
    ["a reply of another type", read(), { type: Rclunk }],
    ["more data than asked for", read(1, 4), { type: Rread, data: new Uint8Array(5) }],
    ["more written than sent", { type: Twrite, fid: 1, offset: 0, data: new Uint8Array(3) }, { type: Rwrite, count: 4 }],
    ["more qids than names", { type: Twalk, fid: 0, newfid: 1, wname: ["a"] }, { type: Rwalk, wqid: [qid, qid] }],
    ["the reply of another open", { type: Tstat, fid: 1 }, { type: Ropen, qid, iounit: 0 }],
  ];
  it.each(cases)("%s", async (_what, t, r) => {
    const { s, portal } = await dialed();
    const call = outcome(portal.call(t));
    const other = outcome(portal.call(read(9)));
    s.send(r, (await s.next()).tag);
    await settle();
    for (const o of [call, other]) expect(o.reply).toMatchObject({ type: Rerror, ename: expect.stringContaining("protocol botch") });
    expect(s.over).toBe(true);
    expect(await portal.call(read())).toMatchObject({ type: Rerror });
  });

  it("a tag that is not in use, an Rflush for nothing, nonsense, a message beyond msize", async () => {
    const wrong: ((s: ScriptedServer) => void)[] = [
      (s) => s.send({ type: Rclunk }, 7),
      (s) => s.send({ type: Rflush }, 7),
      (s) => s.send({ type: Tclunk, fid: 0 }, 0),
      (s) => s.bytes(Uint8Array.of(6, 0, 0, 0, 1, 2)),
      (s) => s.bytes(Uint8Array.of(7, 0, 0, 0, 99, 0, 0)),
      (s) => s.bytes(Uint8Array.of(1, 0, 16, 0, 117, 0, 0)),
    ];
    for (const f of wrong) {
      const { s, portal } = await dialed();
      const call = outcome(portal.call(read()));
      await settle();
      f(s);
      await settle();
      expect(call.reply).toMatchObject({ type: Rerror });
      expect(s.over).toBe(true);
    }
  });

  it("holds the peer to the msize that was agreed", async () => {
    const s = new ScriptedServer(["9P2000"], 512);
    const portal = await dial(s.transport);
    const call = outcome(portal.call(read()));
    await settle();
    s.bytes(Uint8Array.of(1, 2, 0, 0, 117, 0, 0));
    await settle();
    expect(call.reply).toMatchObject({ ename: expect.stringContaining("msize is 512") });
  });

  it("hang-up settles everything, once", async () => {
    const { s, portal } = await dialed();
    const t: Tmsg = { type: Topen, fid: 1, mode: 0 };
    const call = outcome(portal.call(t));
    portal.flush(t);
    portal.hangup();
    portal.hangup();
    await settle();
    expect(call.reply).toEqual({ type: Rerror, ename: "i/o on hungup channel", errno: new NineError("i/o on hungup channel").errno });
    expect(s.over).toBe(true);
  });
});
