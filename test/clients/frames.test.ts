/**
 * What is no 9P at a listener: WebSocket frames that are against RFC 6455 or only unusual, handshakes
 * that are none, other protocols. Each gets an answer or is hung up on with the reason.
 */
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { Foe } from "../support/foe.ts";
import { dialed, type Frame, WsPlug } from "../support/plug.ts";
import { chance, seed } from "../support/random.ts";
import { closeAll, foe, hello, target, told, unharmed, walk } from "../support/siege.ts";
import type { Target } from "../support/target.ts";

afterEach(closeAll);

describe("WebSocket frames", () => {
  const walks = (): Uint8Array[] => told("9P2000.L", ...Array.from({ length: 10 }, (_, i) => walk(0, i + 1)));

  async function connected(t: Target): Promise<{ f: Foe; p: WsPlug; frame: (bytes: Uint8Array, how?: Frame) => void }> {
    const f = await foe(t, "ws");
    const p = f.plug;
    if (!(p instanceof WsPlug)) throw new Error("no WebSocket");
    return { f, p, frame(bytes, how) {
      f.ledger.send(bytes);
      p.frame(bytes, how);
    } };
  }

  it("split, joined and empty ones are a stream all the same", async () => {
    const rnd = chance(seed());
    const t = await target("host");
    for (let n = 0; n < 40; n++) {
      const { f, p, frame } = await connected(t);
      const all = new Uint8Array(Buffer.concat([...hello(), ...walks()]));
      let open = false;
      for (let at = 0; at < all.length;) {
        const to = Math.min(all.length, at + rnd(n % 2 === 0 ? 3 : 200));
        const fin = rnd(3) > 0 || to === all.length;
        frame(all.subarray(at, to), { opcode: open ? 0 : 2, fin });
        open = !fin;
        at = to;
        if (rnd(4) === 0) p.frame(new Uint8Array(rnd(126)), { opcode: 9 + rnd(2) });
      }
      await f.settled();
      expect(f.ledger.wrong).toEqual([]);
      expect(f.plug.ended).toBe(false);
      f.plug.cut("fin");
      await f.plug.over;
    }
    await unharmed(t, []);
  });

  const some = new Uint8Array(10);
  const bad: readonly (readonly [string, readonly (readonly [Uint8Array, Frame])[], number])[] = [
    ["text", [[some, { opcode: 1 }]], 1003],
    ["text that goes on", [[some, { opcode: 1, fin: false }], [some, { opcode: 0 }]], 1003],
    ["the rest of nothing", [[some, { opcode: 0 }]], 1002],
    ["a beginning in a beginning", [[some, { opcode: 2, fin: false }], [some, { opcode: 2 }]], 1002],
    ["reserved bits", [[some, { reserved: 4 }]], 1002],
    ["no mask", [[some, { masked: false }]], 1002],
    ["an opcode there is not", [[some, { opcode: 3 }]], 1002],
    ["9 MiB", [[some, { length: 9 << 20 }]], 1009],
    ["2^60 bytes", [[some, { length: 2 ** 60 }]], 1009],
    ["a ping in parts", [[some, { opcode: 9, fin: false }]], 1002],
    ["a ping too long", [[new Uint8Array(126), { opcode: 9 }]], 1002],
    ["a close of one byte", [[new Uint8Array(1), { opcode: 8 }]], 1002],
    ["a close with a code there is not", [[Uint8Array.of(0, 5), { opcode: 8 }]], 1002],
  ];
  it.each(bad)("%s: hung up on, with the reason", async (_, frames, code) => {
    const t = await target("ram");
    const { f, p } = await connected(t);
    f.send([...hello(), ...walks()]);
    for (const [data, how] of frames) p.frame(data, how);
    await f.hungUp();
    expect(p.code).toBe(code);
    await unharmed(t, []);
  });

  it("what is no handshake gets an answer or a hang-up, and what is cut off leaves nothing", async () => {
    const rnd = chance(seed());
    const t = await target("ram");
    const url = new URL(t.address("ws"));
    const good = `GET / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    const words: string[] = [
      "\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", good.replace("13", "8"), good.replace(/Sec-WebSocket-Key.*\r\n/, ""), good.replace("GET", "POST"), good.replace("websocket", "h2c"),
      good.replace("\r\n\r\n", `\r\nX: ${"x".repeat(70_000)}\r\n\r\n`), `${good}garbage`, `GET ${"/".repeat(20_000)} HTTP/1.1\r\n\r\n`, ...Array.from({ length: 60 }, (_, i) => good.slice(0, i * 4)),
      ...Array.from({ length: 60 }, () => String.fromCharCode(...Array.from({ length: 1 + rnd(300) }, () => rnd(256)))),
      // Nearly right: one character is another.
      ...Array.from({ length: 100 }, () => {
        const at = rnd(good.length);
        return good.slice(0, at) + String.fromCharCode(rnd(256)) + good.slice(at + 1);
      }),
    ];
    await Promise.all(words.map(async (w, i) => {
      const socket = await dialed(url);
      socket.on("error", () => {});
      socket.write(w, "latin1");
      socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
      if (i % 3 === 0) socket.resetAndDestroy();
      else socket.end();
      await once(socket, "close");
    }));
    const f = await foe(t, "ws");
    f.send([...hello(), ...walks()]);
    await f.settled();
    f.plug.cut("fin");
    await unharmed(t, []);
  });

  it("another protocol at the TCP listener is hung up on", async () => {
    const t = await target("ram");
    for (const w of ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\0\0\0\0\0\0\0"]) {
      const f = await foe(t, "tcp");
      f.send([Buffer.from(w, "latin1")]);
      expect(f.ledger.broken).toBeDefined();
      await f.hungUp();
    }
    await unharmed(t, []);
  });
});
