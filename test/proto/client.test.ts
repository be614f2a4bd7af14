/** Client against peers by hand and servers that are slow: what it sends, and what it makes of what comes back. */
import { describe, expect, it } from "vitest";
import {
  Client, dial, type DirNode, Eintr, encode, errno, type FileNode, Interrupt, LinkFound, NineError, open, OREAD, OWRITE, type Portal, Rclunk, Rerror, Rflush,
  Rlerror, Ropen, Rwalk, Rwrite, type Server, Tclunk, Tflush, Topen, Tread, Twalk, Twrite, promised,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { ScriptedServer, settle } from "../support/peer.ts";
import { plain } from "../support/turns.ts";

const dirQid = { type: 0x80, vers: 0, pathlo: 1, pathhi: 0 };
const fileQid = { type: 0, vers: 0, pathlo: 2, pathhi: 0 };
const linkQid = { type: 2, vers: 0, pathlo: 3, pathhi: 0 };

/** A ram server whose portal answers everything later. */
function slowRam(): { server: Server; portal: Portal } {
  const server = ram({ now: () => 0 });
  const inner = open(server);
  return {
    server,
    portal: {
      dialect: inner.dialect, msize: inner.msize, ordered: true,
      call: async (t) => inner.call(t),
      flush: (t) => inner.flush(t),
      hangup: () => inner.hangup(),
    },
  };
}

async function client(portal: Portal): Promise<{ c: Client; root: number }> {
  const c = new Client(portal);
  const { fid } = await c.attach("glenda", "");
  return { c, root: fid };
}

async function scripted(version: string): Promise<{ s: ScriptedServer; c: Client }> {
  const s = new ScriptedServer([version]);
  return { s, c: new Client(await dial(s.transport, { versions: [version] })) };
}

describe("writing (rule 25)", () => {
  it("a short Rwrite is an error, unless it was asked for", async () => {
    const { s, c } = await scripted("9P2000");
    const all = c.write(7, 0, encode("hello"));
    s.send({ type: Rwrite, count: 3 }, (await s.next()).tag);
    await expect(all).rejects.toThrow("i/o error: short write");
    const some = c.writeSome(7, 0, encode("hello"));
    s.send({ type: Rwrite, count: 3 }, (await s.next()).tag);
    expect(await some).toBe(3);
  });

  it("in a chain too", async () => {
    const { s, c } = await scripted("9P2000.x");
    const done = c.createWrite(c.alloc(), [], "f", 0o644, encode("hello"));
    const [walk, create, write, clunk] = [await s.next(), await s.next(), await s.next(), await s.next()];
    expect([write.f.type, clunk.f.type]).toEqual([Twrite, Tclunk]);
    s.send({ type: Rwalk, wqid: [] }, walk.tag);
    s.send({ type: 115, qid: fileQid, iounit: 0 }, create.tag);
    s.send({ type: Rwrite, count: 4 }, write.tag);
    s.send({ type: Rclunk }, clunk.tag);
    await expect(done).rejects.toThrow("short write");
  });

  it("large data goes in pieces of msize-24", async () => {
    const { server, portal } = slowRam();
    const { c, root } = await client({ ...portal, msize: 8192 });
    const data = new Uint8Array(100_000).map((_, i) => i * 7);
    await c.createWrite(root, [], "big", 0o644, data);
    const { c: c2, root: root2 } = await client(open(server));
    expect((await c2.openRead(root2, ["big"], 1 << 20)).data).toEqual(data);
  });
});

describe("chains", () => {
  it("a walk that stops early is \"file does not exist\" whatever came behind it", async () => {
    for (const wrap of [(x: Portal) => x, plain]) {
      const { c, root } = await client(wrap(slowRam().portal));
      await c.mkdir(root, [], "d", 0o777);
      await c.createWrite(root, ["d"], "f", 0o644, encode("x"));
      for (const op of [
        () => c.stat(root, ["d", "none"]), () => c.open(root, ["d", "none"], OREAD), () => c.remove(root, ["d", "none"]),
        () => c.createWrite(root, ["none"], "x", 0o644, encode("x")), () => c.openRead(root, ["d", "none", "x"], 10),
      ]) await expect(op()).rejects.toMatchObject({ message: "file does not exist" });
      await expect(c.stat(root, ["d", "f", "x"])).rejects.toMatchObject({ message: "not a directory" });
      await settle();
      await settle();
      expect(c.fids).toBe(1);
    }
  });

  it("beyond 16 names nothing happens to a file on the way", async () => {
    for (const wrap of [(x: Portal) => x, plain]) {
      const { c, root } = await client(wrap(slowRam().portal));
      const names = Array.from({ length: 16 }, (_, i) => `d${i}`);
      for (let i = 0; i < 16; i++) await c.mkdir(root, names.slice(0, i), `d${i}`, 0o777);
      await expect(c.remove(root, [...names, "none"])).rejects.toThrow("file does not exist");
      await expect(c.wstat(root, [...names, "none"], { mode: 0 })).rejects.toThrow("file does not exist");
      await expect(c.create(root, [...names, "none"], "x", OWRITE, 0o644)).rejects.toThrow("file does not exist");
      await expect(c.walk(root, [...names, ...names, "x"])).rejects.toThrow("file does not exist");
      expect((await c.stat(root, names)).mode & 0o777).toBe(0o777);
      expect(await c.list(root, names)).toEqual([]);
      for (let i = 0; i < 10; i++) await settle();
      expect(c.fids).toBe(1);
    }
  });

  it("a link on the way, or at the end of an open, is found", async () => {
    const { s, c } = await scripted("9P2000.L.x");
    const opening = promised(() => c.open(c.alloc(), ["a", "b", "c"], OREAD));
    const [walk, topen] = [await s.next(), await s.next()];
    s.send({ type: Rwalk, wqid: [dirQid, linkQid] }, walk.tag);
    s.send({ type: Rlerror, ecode: errno.EBADF }, topen.tag);
    const e = await opening.catch((x: unknown) => x);
    expect(e).toBeInstanceOf(LinkFound);
    expect(e).toMatchObject({ qids: [dirQid, linkQid] });
    expect(c.fids).toBe(1);
  });

  it("an error of the server's is the first, not its consequence", async () => {
    const { s, c } = await scripted("9P2000.x");
    const reading = c.openRead(c.alloc(), ["f"], 100);
    const sent = [await s.next(), await s.next(), await s.next(), await s.next()];
    expect(sent.map((x) => x.f.type)).toEqual([Twalk, Topen, 124, Tread]);
    s.send({ type: Rwalk, wqid: [fileQid] }, sent[0]!.tag);
    s.send({ type: Rerror, ename: "permission denied", errno: 0 }, sent[1]!.tag);
    s.send({ type: Rerror, ename: "whatever", errno: 0 }, sent[2]!.tag);
    s.send({ type: Rerror, ename: "inappropriate use of fd", errno: 0 }, sent[3]!.tag);
    await expect(reading).rejects.toMatchObject({ message: "permission denied", errno: errno.EACCES });
    // The fid that was made is clunked, and its number kept until then.
    const clunk = await s.next();
    expect(clunk.f).toMatchObject({ type: Tclunk });
    expect(c.fids).toBe(2);
    s.send({ type: Rclunk }, clunk.tag);
    await settle();
    expect(c.fids).toBe(1);
  });
});

describe("fids (rule 31)", () => {
  it("come back only when every reply that can name them has come", async () => {
    const { s, c } = await scripted("9P2000.x");
    const root = c.alloc();
    const failing = c.stat(root, ["x"]);
    const [walk, stat, clunk] = [await s.next(), await s.next(), await s.next()];
    s.send({ type: Rerror, ename: "file does not exist", errno: 0 }, walk.tag);
    s.send({ type: Rerror, ename: "fid unknown or out of range", errno: 0 }, stat.tag);
    await settle();
    expect(c.alloc()).toBe(2);
    s.send({ type: Rerror, ename: "fid unknown or out of range", errno: 0 }, clunk.tag);
    await expect(failing).rejects.toThrow("file does not exist");
    expect(c.alloc()).toBe(1);
  });
});

describe("interrupts", () => {
  it("flush what is under way; state made all the same is undone", async () => {
    const { s, c } = await scripted("9P2000");
    const intr = new Interrupt();
    const opening = c.open(c.alloc(), ["f"], OREAD, intr);
    s.send({ type: Rwalk, wqid: [fileQid] }, (await s.next()).tag);
    const topen = await s.next();
    intr.raise();
    const flush = await s.next();
    expect(flush.f).toEqual({ type: Tflush, oldtag: topen.tag });
    s.send({ type: Rflush }, flush.tag);
    await expect(opening).rejects.toMatchObject({ message: Eintr });
    expect((await s.next()).f).toMatchObject({ type: Tclunk });
  });

  it("a reply that was faster counts", async () => {
    const { s, c } = await scripted("9P2000");
    const intr = new Interrupt();
    const opening = c.openFid(c.alloc(), OREAD, intr);
    const topen = await s.next();
    intr.raise();
    const flush = await s.next();
    s.send({ type: Ropen, qid: fileQid, iounit: 0 }, topen.tag);
    s.send({ type: Rflush }, flush.tag);
    expect(await opening).toMatchObject({ qid: fileQid });
  });

  it("of a whole chain in process", async () => {
    const hang: FileNode = {
      open: () => ({
        read: (_at, _n, call) => new Promise((_resolve, reject) => {
          call.signal.addEventListener("abort", () => reject(new NineError(Eintr)));
        }),
      }),
    };
    const root: DirNode = { walk: () => hang, list: () => [] };
    const { c, root: fid } = await client(open({ name: "hang", attach: () => root }));
    const intr = new Interrupt();
    const reading = c.openRead(fid, ["x"], 100, intr);
    await settle();
    intr.raise();
    await expect(reading).rejects.toMatchObject({ message: Eintr });
    await settle();
    expect(c.fids).toBe(1);
  });
});

it("bytes given to the caller are his, also when the server reuses its own", async () => {
  const buffer = encode("aaaa");
  const node: FileNode = { open: () => ({ read: (at) => (at === 0 ? buffer : new Uint8Array(0)) }) };
  const { c, root } = await client(open({ name: "x", attach: () => ({ walk: () => node, list: () => [] }) }));
  const o = await c.openRead(root, ["x"], 100);
  const data = await c.read(o.fid, 0, 10);
  buffer.fill(0);
  expect([o.data, data]).toEqual([encode("aaaa"), encode("aaaa")]);
  expect(await c.read(o.fid, 4, 10)).toEqual(new Uint8Array(0));
});
