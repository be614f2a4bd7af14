/** serve on its wire: framing (rule 36), bytes in any pieces, peers that do not read. */
import { describe, expect, it } from "vitest";
import {
  attach, dial, type Fcall, NOFID, NOTAG, NOU32, open, packMessage, pair, type Portal, Rread, Rstat, serve, Splitter, tagOf, Tattach, Tclunk, Topen, type Transport,
  Tread, Tstat, Tversion, Twalk, unpack,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { settle } from "../support/peer.ts";

const T = (f: Fcall, tag = 1): Uint8Array => packMessage(f, tag, "9P2000");
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const hello = [
  T({ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG),
  T({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }),
];
const stats = [1, 2, 3].map((tag) => T({ type: Tstat, fid: 0 }, tag));

/** A client's end of the wire that keeps the chunks as they come. */
function wire(make: () => Portal, stream = false): { client: Transport; chunks: Uint8Array[]; state: { over: boolean } } {
  const [client, end] = pair();
  serve(stream ? { ...whole(end), framed: false } : end, make);
  const chunks: Uint8Array[] = [];
  const state = { over: false };
  client.start({
    recv: (c) => chunks.push(c.slice()),
    closed: () => {
      state.over = true;
    },
  });
  return { client, chunks, state };
}

function whole(t: Transport): Transport {
  return {
    peer: t.peer, framed: t.framed,
    get buffered() {
      return t.buffered;
    },
    start: (to) => t.start(to), send: (c) => t.send(c), drain: () => t.drain(), pause: () => t.pause(), resume: () => t.resume(), close: (why) => t.close(why),
  };
}

function types(chunk: Uint8Array): number[] {
  const found: number[] = [];
  new Splitter(1 << 20).push(chunk, (buf, at, end) => found.push(unpack(buf, at, end, "9P2000").type));
  return found;
}

const local = (): Portal => open(ram({ now: () => 0 }), { dialect: "9P2000", msize: 8192 });

describe("framing (rule 36)", () => {
  it("one message per frame for a plain peer, however they came", async () => {
    const { client, chunks } = wire(local);
    client.send(concat(...hello, ...stats));
    await settle();
    expect(chunks.map((c) => types(c))).toEqual([[101], [105], [Rstat], [Rstat], [Rstat]]);
  });

  it("all messages of a tick joined for a .x peer, and on a stream", async () => {
    const x = wire(local);
    x.client.send(T({ type: Tversion, msize: 8192, version: "9P2000.x" }, NOTAG));
    await settle();
    x.client.send(concat(hello[1]!, ...stats));
    await settle();
    expect(x.chunks.map((c) => types(c))).toEqual([[101], [105, Rstat, Rstat, Rstat]]);
    const s = wire(local, true);
    s.client.send(concat(...hello, ...stats));
    await settle();
    expect(s.chunks.map((c) => types(c))).toEqual([[101, 105, Rstat, Rstat, Rstat]]);
  });

  it("frames may split and join messages anywhere", async () => {
    const all = concat(...hello, ...stats);
    for (let cut = 1; cut < all.length; cut++) {
      const { client, chunks } = wire(local);
      client.send(all.slice(0, cut));
      client.send(all.slice(cut));
      await settle();
      expect(types(concat(...chunks))).toEqual([101, 105, Rstat, Rstat, Rstat]);
    }
    const { client, chunks } = wire(local);
    for (const b of all) client.send(Uint8Array.of(b));
    await settle();
    expect(types(concat(...chunks))).toEqual([101, 105, Rstat, Rstat, Rstat]);
  });

  it("a portal of a dialect below is what is agreed, one above is not", async () => {
    const { client, chunks } = wire(local);
    client.send(T({ type: Tversion, msize: 8192, version: "9P2000.L.x" }, NOTAG));
    await settle();
    const [chunk] = chunks;
    expect(unpack(chunk!, 0, chunk!.length, "9P2000")).toMatchObject({ version: "9P2000" });
    const above = wire(() => open(ram({ now: () => 0 })));
    above.client.send(T({ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG));
    await settle();
    expect(unpack(above.chunks[0]!, 0, above.chunks[0]!.length, "9P2000")).toMatchObject({ version: "unknown" });
  });
});

describe("a peer that does not take its replies", () => {
  it("is not read from: a chunk of small reads does not become a heap of large replies", async () => {
    const server = ram({ now: () => 0 });
    const fs = await attach(open(server));
    await fs.writeFile("/big", new Uint8Array(1 << 20));
    const [client, end] = pair();
    let most = 0;
    const slow: Transport = {
      ...whole(end),
      get buffered() {
        most = Math.max(most, end.buffered);
        return end.buffered;
      },
    };
    serve(slow, (s) => open(server, s));
    const replies: number[] = [];
    const splitter = new Splitter(1 << 21);
    client.start({
      recv: (c) => splitter.push(c, (buf, at) => {
        if (buf[at + 4] === Rread) replies.push(tagOf(buf, at));
      }),
      closed: () => undefined,
    });
    client.send(T({ type: Tversion, msize: 1 << 20, version: "9P2000" }, NOTAG));
    client.send(hello[1]!);
    client.send(T({ type: Twalk, fid: 0, newfid: 1, wname: ["big"] }));
    client.send(T({ type: Topen, fid: 1, mode: 0 }));
    await settle();
    client.pause();
    client.send(concat(...Array.from({ length: 2000 }, (_, i) => T({ type: Tread, fid: 1, offset: 0, count: 1 << 20 }, i))));
    for (let i = 0; i < 5; i++) await settle();
    expect(most).toBeLessThan(8 << 20);
    // When it reads again all is answered, in order.
    client.resume();
    for (let i = 0; i < 200 && replies.length < 2000; i++) await settle();
    expect(replies).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(most).toBeLessThan(8 << 20);
  });
});

describe("the end of a connection (rule 12)", () => {
  it("hangs up the portal once, and tells why", async () => {
    let hangups = 0;
    const why: (string | undefined)[] = [];
    const [client, end] = pair();
    serve(end, () => {
      const portal = local();
      return { ...portal, dialect: "9P2000", msize: 8192, ordered: true, call: (t) => portal.call(t), flush: (t) => portal.flush(t), hangup: () => {
        hangups++;
        portal.hangup();
      } };
    }, { closed: (w) => why.push(w) });
    client.start({ recv: () => undefined, closed: () => undefined });
    client.send(concat(...hello));
    await settle();
    client.close("bye");
    await settle();
    expect([hangups, why]).toEqual([1, ["bye"]]);
  });

  it("a server behind a server: hang-up goes upstream", async () => {
    const server = ram({ now: () => 0 });
    const [a, b] = pair();
    serve(b, (s) => open(server, s));
    const upstream = await dial(a);
    const [c, d] = pair();
    let over = false;
    serve(d, () => upstream, { closed: () => (over = true) });
    const fs = await attach(await dial(c));
    await fs.writeFile("/f", "through");
    expect(new TextDecoder().decode(await fs.readFile("/f"))).toBe("through");
    fs.close();
    await settle();
    expect(over).toBe(true);
    expect(await upstream.call({ type: Tclunk, fid: 0 })).toMatchObject({ ename: expect.stringContaining("hungup") });
  });
});

it("tags of replies are those of the requests", async () => {
  const { client, chunks } = wire(local);
  client.send(concat(...hello, ...stats));
  await settle();
  expect(chunks.map((c) => tagOf(c, 0))).toEqual([NOTAG, 1, 1, 2, 3]);
});
