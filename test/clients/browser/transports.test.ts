import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { MessageChannel, Worker } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { overPort, type PortLike } from "../../../clients/browser/messageport.ts";
import { connectWs, type WebSocketLike } from "../../../clients/browser/ws.ts";
import { listenWs } from "../../../clients/node/ws.ts";
import { NineError, type Transport } from "../../../proto/index.ts";
import { type Ends, later, peek, Sink, transportSuite } from "../../support/transportsuite.ts";

const Socket = peek<new (url: string, protocols: string[]) => WebSocketLike>(WebSocket);

/** b is the browser's end: a's crash is what it must survive, so the ends are the other way round. */
async function wsEnds(): Promise<Ends> {
  const accepted = later<Transport>();
  const l = await listenWs({ port: 0 }, accepted.resolve, { token: "abc" });
  const a = await connectWs(l.address.replace(/\?.*/, ""), { token: "abc", WebSocket: Socket });
  const b = await accepted.promise;
  return { a, b, crash: () => peek<{ ws: WebSocket }>(b).ws.terminate(), done: () => l.close() };
}

transportSuite("browser's WebSocket as sender", wsEnds, { slack: 24 * 1024 * 1024 });
transportSuite("browser's WebSocket as receiver", async () => {
  const { a, b, done } = await wsEnds();
  return { a: b, b: a, ...(done && { done }) };
}, { stops: false });

transportSuite("message port", () => {
  const { port1, port2 } = new MessageChannel();
  return Promise.resolve({ a: overPort(peek<PortLike>(port1)), b: overPort(peek<PortLike>(port2)), crash: () => port2.close() } satisfies Ends);
});

describe("browser's WebSocket", () => {
  it("says what it can of a failure", async () => {
    const l = await listenWs({ port: 0 }, (t) => t.close(), { token: "abc" });
    for (const url of [l.address.replace("abc", "x"), "ws://127.0.0.1:1/"]) {
      const e = await connectWs(url, { WebSocket: Socket }).then(() => undefined, (x: unknown) => x);
      expect(e).toBeInstanceOf(NineError);
      expect(String(e)).toContain("cannot connect");
    }
    await l.close();
  });

  it("refuses a text frame", async () => {
    const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(wss, "listening");
    const at = wss.address();
    const closed = new Promise<[number, string]>((resolve) => wss.on("connection", (ws) => {
      ws.send("text");
      ws.on("close", (code, why) => resolve([code, String(why)]));
    }));
    const t = await connectWs(`ws://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/?token=x`, { WebSocket: Socket });
    expect(t.peer).not.toContain("token");
    const sink = new Sink();
    t.start(sink);
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBe("text frame: 9P goes in binary frames");
    expect(await closed).toEqual([4003, "text frame: 9P goes in binary frames"]);
    wss.close();
  });
});

describe("message port", () => {
  it("leaves the sender his buffer, and says at once that it is sent", async () => {
    const { port1, port2 } = new MessageChannel();
    const a = overPort(peek<PortLike>(port1));
    const b = overPort(peek<PortLike>(port2));
    const sink = new Sink();
    b.start(sink);
    const own = Uint8Array.of(1, 2, 3);
    const shared = Uint8Array.of(4, 5, 6, 7);
    let sent = 0;
    a.send(own, () => sent++);
    own.fill(9);
    expect(sent).toBe(1);
    a.send(shared.subarray(1, 3));
    a.send(new Uint8Array(new SharedArrayBuffer(2)));
    await sink.until(() => sink.size === 7);
    expect([...sink.bytes()]).toEqual([1, 2, 3, 5, 6, 0, 0]);
    expect([own.length, shared.length]).toEqual([3, 4]);
    a.close();
  });

  it("ends on a message that is not its own", async () => {
    for (const junk of ["text", 1e9, -1, NaN, null, [1], new Uint8Array(3)]) {
      const { port1, port2 } = new MessageChannel();
      const t = overPort(peek<PortLike>(port1));
      const sink = new Sink();
      t.start(sink);
      port2.postMessage(junk);
      await sink.until(() => sink.ends > 0);
      expect(sink.why).toBe("message on the port that is not 9P");
    }
  });

  it("talks to a worker, and tells of its end", async () => {
    const worker = new Worker(`
      const { parentPort } = require("node:worker_threads");
      parentPort.on("message", (m) => {
        if (!(m instanceof ArrayBuffer)) return;
        parentPort.postMessage(m.byteLength);
        if (m.byteLength === 3) process.exit(7);
        parentPort.postMessage(m, [m]);
      });`, { eval: true });
    const t = overPort(peek<PortLike>(worker), "worker");
    const sink = new Sink();
    t.start(sink);
    t.send(Uint8Array.of(1, 2));
    await sink.until(() => sink.size === 2);
    expect(t.buffered).toBe(0);
    t.send(Uint8Array.of(1, 2, 3));
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBe("worker exited with status 7");
  });
});
