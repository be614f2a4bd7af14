import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect, createServer as createTcpServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { newToken } from "../../../clients/node/gate.ts";
import type { Listener } from "../../../clients/node/listener.ts";
import { connectWs, type ListenWsOptions, listenWs } from "../../../clients/node/ws.ts";
import { errno, NineError, type Transport } from "../../../proto/index.ts";
import { type Ends, later, peek, Sink, transportSuite } from "../../support/transportsuite.ts";

async function ends(options: ListenWsOptions = {}): Promise<Ends & { l: Listener }> {
  const accepted = later<Transport>();
  const l = await listenWs({ port: 0 }, accepted.resolve, options);
  const a = await connectWs(l.address);
  const b = await accepted.promise;
  return { a, b, l, crash: () => peek<{ ws: WebSocket }>(b).ws.terminate(), done: () => l.close() };
}

transportSuite("ws", () => ends({ token: newToken() }), { slack: 24 * 1024 * 1024 });

async function failure(p: Promise<unknown>): Promise<NineError> {
  const e: unknown = await p.then(() => undefined, (x: unknown) => x);
  if (e instanceof NineError) return e;
  throw new Error(`not a NineError: ${String(e)}`);
}

async function bound(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = server.address();
  return typeof at === "object" && at ? at.port : 0;
}

/** The HTTP status a WebSocket request gets; 101 is success. */
function status(url: string, headers: Record<string, string> = {}, upgrade = true): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request(url.replace(/^ws/, "http"), {
      agent: false,
      headers: { ...(upgrade && { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" }), ...headers },
    });
    req.on("response", (res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    });
    req.on("upgrade", (_res, socket) => {
      socket.destroy();
      resolve(101);
    });
    req.on("error", reject);
    req.end();
  });
}

describe("gate", () => {
  const token = "t0ken-T_1";

  it("wants the token, in the URL or as a subprotocol", async () => {
    let accepted = 0;
    const l = await listenWs({ port: 0 }, (t) => (accepted++, t.start(new Sink())), { token });
    expect(l.address).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/\?token=t0ken-T_1$/);
    const base = l.address.replace(/\?.*/, "");
    expect(await status(l.address)).toBe(101);
    expect(await status(base, { "Sec-WebSocket-Protocol": `9p, 9p.token.${token}` })).toBe(101);
    expect(await status(base, { "Sec-WebSocket-Protocol": `9p.token.${token}` })).toBe(101);
    expect(accepted).toBe(3);
    for (const wrong of ["", "?token=", "?token=t0ken-T_", "?token=t0ken-T_12", "?Token=t0ken-T_1", "?x=t0ken-T_1"]) expect(await status(base + wrong)).toBe(401);
    expect(await status(base, { "Sec-WebSocket-Protocol": "9p, 9p.token.nope" })).toBe(401);
    expect(accepted).toBe(3);
    const e = await failure(connectWs(base));
    expect(e.message).toMatch(/^wrong token: give the complete address/);
    expect(e.errno).toBe(errno.EACCES);
    await l.close();
  });

  it("makes tokens that differ and fit a URL", () => {
    const all = new Set(Array.from({ length: 100 }, newToken));
    expect(all.size).toBe(100);
    for (const t of all) expect(t).toMatch(/^[\w-]{24}$/);
  });

  it("answers the subprotocol it was offered", async () => {
    const l = await listenWs({ port: 0 }, (t) => t.start(new Sink()), { token });
    const base = l.address.replace(/\?.*/, "");
    for (const [offer, answer] of [[["9p", `9p.token.${token}`], "9p"], [[`9p.token.${token}`, "9p"], "9p"], [[`9p.token.${token}`], `9p.token.${token}`]] as const) {
      const ws = new WebSocket(base, [...offer]);
      await once(ws, "open");
      expect(ws.protocol).toBe(answer);
      ws.terminate();
    }
    await l.close();
  });

  it("checks Origin: absent, own and listed pass, with the token or not", async () => {
    const l = await listenWs({ port: 0 }, (t) => t.start(new Sink()), { origins: ["https://good.example"] });
    const url = l.address;
    const { host, port } = new URL(url);
    expect(await status(url)).toBe(101);
    expect(await status(url, { Origin: `http://${host}` })).toBe(101);
    expect(await status(url, { Origin: `http://localhost:${port}`, Host: `localhost:${port}` })).toBe(101);
    expect(await status(url, { Origin: "https://good.example" })).toBe(101);
    for (const origin of ["https://evil.example", `https://127.0.0.1:1`, "null", "http://good.example", "https://good.example.evil", "garbage", `http://localhost:${port}`]) {
      expect(await status(url, { Origin: origin })).toBe(403);
    }
    // A name of the attacker's that resolves to 127.0.0.1.
    expect(await status(url, { Origin: `http://rebind.example:${port}`, Host: `rebind.example:${port}` })).toBe(403);
    const e = await failure(connectWs(url, { origin: "https://evil.example" }));
    expect(e.message).toBe("permission denied: the server refuses this origin");
    await l.close();
    const t = await listenWs({ port: 0 }, () => {}, { token });
    expect(await status(t.address, { Origin: "https://evil.example" })).toBe(403);
    await t.close();
  });

  it("serves one path when told, and HTTP beside it", async () => {
    const l = await listenWs({ port: 0 }, (t) => t.start(new Sink()), { path: "/9p", http: (_req, res) => res.end("page") });
    expect(l.address).toMatch(/\/9p$/);
    expect(await status(l.address)).toBe(101);
    expect(await status(l.address.replace("/9p", "/"))).toBe(404);
    expect((await failure(connectWs(l.address.replace("/9p", "/x")))).message).toContain("no WebSocket at this path");
    expect(await (await fetch(l.address.replace("ws:", "http:"))).text()).toBe("page");
    await l.close();
  });

  it("answers other HTTP with what it is, and garbage with an error", async () => {
    const l = await listenWs({ port: 0 }, () => {}, {});
    expect(await status(l.address, {}, false)).toBe(426);
    expect(await status(l.address, { Upgrade: "h2c" })).toBe(400);
    expect(await status(l.address, { "Sec-WebSocket-Key": "short" })).toBe(400);
    expect(await status(l.address, { "Sec-WebSocket-Protocol": ",," })).toBe(400);
    for (const junk of ["\0\0\0\x13\x64\xff\xff\0\x20\0\0\x06\x009P2000", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n"]) {
      const s = connect(Number(new URL(l.address).port), "127.0.0.1");
      s.write(junk, "latin1");
      if (junk.trim() === "") s.end();
      let got = "";
      for await (const d of s) got += String(d);
      expect(got).toMatch(/^(HTTP\/1.1 (400|505) |$)/);
    }
    expect(await status(l.address)).toBe(101);
    await l.close();
  });
});

describe("ws frames", () => {
  it("refuses a text frame with 1003 and a reason", async () => {
    const got = new Sink();
    const l = await listenWs({ port: 0 }, (t) => t.start(got));
    const ws = new WebSocket(l.address, ["9p"]);
    await once(ws, "open");
    ws.send(Buffer.from("ok"));
    ws.send("hello");
    ws.send(Buffer.from("late"));
    const [code, reason] = peek<[number, Buffer]>(await once(ws, "close"));
    expect([code, String(reason)]).toEqual([1003, "text frame: 9P goes in binary frames"]);
    expect(got.why).toBe("text frame: 9P goes in binary frames");
    expect([got.ends, String(got.bytes())]).toEqual([1, "ok"]);
    await l.close();
  });

  it("refuses a frame above the bound, whole or in fragments", async () => {
    for (const send of [
      (ws: WebSocket) => ws.send(Buffer.alloc(2000)),
      (ws: WebSocket) => {
        for (let i = 0; i < 30; i++) ws.send(Buffer.alloc(100), { fin: false });
      },
    ]) {
      const got = new Sink();
      const l = await listenWs({ port: 0 }, (t) => t.start(got), { maxFrame: 1024 });
      const ws = new WebSocket(l.address);
      await once(ws, "open");
      ws.send(Buffer.alloc(1024));
      send(ws);
      const [code] = peek<[number]>(await once(ws, "close"));
      expect(code).toBe(1009);
      expect(got.why).toBe("frame too large: at most 1024 bytes");
      expect(got.size).toBe(1024);
      await l.close();
    }
  });

  it("hangs up on a peer that breaks the framing", async () => {
    const got = new Sink();
    const l = await listenWs({ port: 0 }, (t) => t.start(got));
    const ws = new WebSocket(l.address);
    const [res] = await Promise.all([once(ws, "upgrade"), once(ws, "open")]);
    peek<{ socket: { write(b: Buffer): void } }>(res[0]).socket.write(Buffer.from([0xff, 0xff, 0xff]));
    await got.until(() => got.ends > 0);
    expect(got.why).toMatch(/^WebSocket protocol error: /);
    await l.close();
  });

  it("splits chunks above the frame bound, makes one frame of others", async () => {
    const sizes: number[] = [];
    const l = await listenWs({ port: 0 }, (t) => {
      t.start({ recv: () => {}, closed: () => {} });
      t.send(new Uint8Array(9 * 1024 * 1024));
      t.send(new Uint8Array(3));
    });
    const ws = new WebSocket(l.address);
    ws.on("message", (d: Buffer) => sizes.push(d.length));
    await expect.poll(() => sizes, { timeout: 3000 }).toEqual([8 * 1024 * 1024, 1024 * 1024, 3]);
    ws.terminate();
    await l.close();
  });

  it("tells the peer why it closes, cut to fit", async () => {
    const { a, b, l } = await ends();
    const sa = new Sink();
    const sb = new Sink();
    a.start(sa);
    b.start(sb);
    b.close("é".repeat(100));
    await sa.until(() => sa.ends > 0);
    expect(sa.why).toBe("é".repeat(61));
    await l.close();
  });

  it("hangs up on a peer that answers no ping", async () => {
    const got = new Sink();
    const l = await listenWs({ port: 0 }, (t) => t.start(got), { pingMs: 30 });
    const dead = new WebSocket(l.address, { autoPong: false });
    await got.until(() => got.ends > 0);
    expect(got.why).toMatch(/^no answer to a ping/);
    dead.terminate();
    const alive = await connectWs(l.address);
    const sink = new Sink();
    alive.start(sink);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(sink.ends).toBe(0);
    await l.close();
  });

  it("joins the frames of one turn into one write", async () => {
    const { a, b, l } = await ends();
    const got = new Sink();
    let reads = 0;
    peek<{ socket: { on(e: string, f: () => void): void } }>(a).socket.on("data", () => reads++);
    a.start(got);
    b.start(new Sink());
    for (let i = 0; i < 200; i++) b.send(new Uint8Array(20));
    await got.until(() => got.size === 4000);
    expect(reads).toBe(1);
    expect(got.chunks.length).toBe(200);
    await l.close();
  });
});

describe("connectWs", () => {
  it("tells why there is no connection", async () => {
    const l = await listenWs({ port: 0 }, () => {});
    const inUse = await failure(listenWs({ port: Number(new URL(l.address).port) }, () => {}));
    expect(inUse.message).toBe("address in use: choose another with --listen");
    await l.close();
    expect((await failure(connectWs(l.address))).message).toBe("connection refused: no server listens there");
    const web = createServer((_req, res) => res.end("hello"));
    const url = `ws://127.0.0.1:${await bound(web)}/`;
    expect((await failure(connectWs(url))).message).toBe("not a WebSocket server: HTTP 200");
    expect((await failure(connectWs(url.replace("ws:", "wss:")))).message).toBe("TLS failed: the server does not speak TLS (is it ws://?)");
    web.close();
    const ninep = createTcpServer((s) => s.on("error", () => {}).end("\x13\0\0\0\x65\xff\xff\0\x20\0\0\x06\x009P2000", "latin1"));
    expect((await failure(connectWs(`ws://127.0.0.1:${await bound(ninep)}/`))).message).toBe("not a WebSocket server: it does not answer in HTTP (is it tcp://?)");
    ninep.close();
    const hangup = createTcpServer((s) => s.on("error", () => {}).destroy());
    expect((await failure(connectWs(`ws://127.0.0.1:${await bound(hangup)}/`))).message).toBe("not a WebSocket server: it hung up in the handshake");
    hangup.close();
    const silent = createTcpServer((s) => s.on("error", () => {}));
    const at = `ws://127.0.0.1:${await bound(silent)}/`;
    expect((await failure(connectWs(at, { timeoutMs: 50 }))).message).toBe("not a WebSocket server: no answer in 0.05 s");
    expect((await failure(connectWs(at, { signal: AbortSignal.timeout(20) }))).errno).toBe(errno.EINTR);
    silent.close();
  });

  it("puts up with a server that knows no subprotocols", async () => {
    const { WebSocketServer } = await import("ws");
    const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => false });
    await once(wss, "listening");
    wss.on("connection", (ws) => ws.on("message", (d) => ws.send(d)));
    const at = wss.address();
    const t = await connectWs(`ws://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`);
    const sink = new Sink();
    t.start(sink);
    t.send(Uint8Array.of(7));
    await sink.until(() => sink.size === 1);
    t.close();
    await sink.until(() => sink.ends === 1);
    wss.close();
  });

  it("closes in the end though the peer reads nothing", async () => {
    const raw = new Promise<WebSocket>((resolve) => {
      void import("ws").then(({ WebSocketServer }) => {
        const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
        wss.on("connection", (ws) => ws.pause());
        wss.on("listening", async () => {
          const at = wss.address();
          const t = await connectWs(`ws://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`, { graceMs: 50 });
          const sink = new Sink();
          t.start(sink);
          for (let i = 0; i < 100; i++) t.send(new Uint8Array(256 * 1024));
          t.close();
          await sink.until(() => sink.ends > 0);
          expect(sink.why).toBeUndefined();
          for (const ws of wss.clients) {
            ws.terminate();
            resolve(ws);
          }
          wss.close();
        });
      });
    });
    await raw;
  });
});
