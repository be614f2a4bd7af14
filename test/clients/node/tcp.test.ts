import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Listener } from "../../../clients/node/listener.ts";
import { netError } from "../../../clients/node/neterror.ts";
import { connectTcp, connectUnix, listenTcp, listenUnix } from "../../../clients/node/tcp.ts";
import { parseAddr } from "../../../clients/node/addr.ts";
import { errno, NineError, pair, type Transport } from "../../../proto/index.ts";
import { type Ends, later, peek, Sink, transportSuite } from "../../support/transportsuite.ts";

const dir = mkdtempSync(join(tmpdir(), "nx-tcp-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let files = 0;
const file = (): string => join(dir, `s${files++}`);

/** The ends of one connection, the accepted one being b. */
async function ends(listen: (f: (t: Transport) => void) => Promise<Listener>, dial: (address: string) => Promise<Transport>): Promise<Ends> {
  const accepted = later<Transport>();
  const l = await listen(accepted.resolve);
  const a = await dial(l.address);
  const b = await accepted.promise;
  const done = (): Promise<void> => l.close();
  // A Unix socket has no reset: a peer that dies ends in order.
  if (a.peer.startsWith("unix")) return { a, b, done };
  return { a, b, crash: () => peek<{ readable: Socket }>(b).readable.resetAndDestroy(), done };
}

function portOf(address: string): number {
  const addr = parseAddr(address);
  return addr.kind === "tcp" ? addr.port : 0;
}

const tcpEnds = (): Promise<Ends> => ends((f) => listenTcp({ port: 0 }, f), (address) => connectTcp("127.0.0.1", portOf(address)));

async function failure(p: Promise<unknown>): Promise<NineError> {
  const e: unknown = await p.then(() => undefined, (x: unknown) => x);
  if (e instanceof NineError) return e;
  throw new Error(`not a NineError: ${String(e)}`);
}

transportSuite("memory pair", () => {
  const [a, b] = pair();
  return Promise.resolve({ a, b });
});

transportSuite("tcp", tcpEnds, { slack: 24 * 1024 * 1024 });

transportSuite("unix", () => ends((f) => listenUnix(file(), f), (address) => connectUnix(address.slice("unix:".length))));

describe("tcp", () => {
  it("listens on loopback unless told otherwise, and says where", async () => {
    const l = await listenTcp({ port: 0 }, (t) => t.close());
    expect(l.address).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
    expect(portOf(l.address)).toBeGreaterThan(0);
    await l.close();
    await l.close();
  });

  it("connects over IPv6 and by name", async (test) => {
    const l = await listenTcp({ host: "::1", port: 0 }, (t) => t.close()).catch(() => test.skip());
    expect(l.address).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
    (await connectTcp("::1", portOf(l.address))).close();
    await l.close();
    const l4 = await listenTcp({ port: 0 }, (t) => t.close());
    (await connectTcp("localhost", portOf(l4.address))).close();
    await l4.close();
  });

  it("tells why there is no connection", async () => {
    const l = await listenTcp({ port: 0 }, (t) => t.close());
    const inUse = await failure(listenTcp({ port: portOf(l.address) }, () => {}));
    expect(inUse.message).toBe("address in use: choose another with --listen");
    expect(inUse.errno).toBe(errno.EADDRINUSE);
    await l.close();
    const refused = await failure(connectTcp("127.0.0.1", portOf(l.address)));
    expect(refused.message).toBe("connection refused: no server listens there");
    expect(refused.errno).toBe(errno.ECONNREFUSED);
    expect((await failure(connectTcp("127.0.0.1", 0))).message).toBe("port 0 is for listening only");
    expect((await failure(listenTcp({ host: "192.0.2.1", port: 0 }, () => {}))).message).toBe("this machine has no such address");
    const lookup = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere.invalid"), { code: "ENOTFOUND", hostname: "nowhere.invalid" });
    expect(netError(lookup, "connect").message).toBe("host not found: nowhere.invalid");
    expect(netError(Object.assign(new Error("x"), { code: "EACCES", port: 80 }), "listen").message).toContain("those below 1024");
    expect(netError(Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" }), "connect").message).toBe("TLS failed: certificate has expired");
  });

  it("gives up on a silent host and when told to", async () => {
    const controller = new AbortController();
    const p = failure(connectTcp("192.0.2.1", 9, { signal: controller.signal }));
    controller.abort();
    expect((await p).errno).toBe(errno.EINTR);
    expect((await failure(connectTcp("127.0.0.1", 9, { signal: AbortSignal.abort() }))).errno).toBe(errno.EINTR);
  });

  it("joins what is sent in one turn into one write", async () => {
    const writes: number[] = [];
    const server = createServer((s) => s.on("data", (d) => writes.push(d.length)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const t = await connectTcp("127.0.0.1", typeof at === "object" && at ? at.port : 0);
    const sink = new Sink();
    t.start(sink);
    const socket = peek<{ writable: Socket }>(t).writable;
    const sizes: number[] = [];
    const write = socket.write.bind(socket);
    socket.write = peek((d: Uint8Array, f: () => void) => {
      sizes.push(d.length);
      return write(d, f);
    });
    for (let i = 0; i < 10; i++) t.send(new Uint8Array(100));
    await Promise.resolve();
    queueMicrotask(() => queueMicrotask(() => t.send(new Uint8Array(50))));
    t.send(new Uint8Array(5000));
    t.send(new Uint8Array(7));
    await expect.poll(() => sizes).toEqual([1000, 5000, 57]);
    await expect.poll(() => writes.reduce((x, y) => x + y, 0)).toBe(6057);
    t.close();
    await sink.until(() => sink.ends > 0);
    server.close();
  });

  it("closes in the end though the peer neither reads nor closes", async () => {
    const sockets: Socket[] = [];
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (s) => sockets.push(s));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const t = await connectTcp("127.0.0.1", typeof at === "object" && at ? at.port : 0, { graceMs: 50 });
    const sink = new Sink();
    t.start(sink);
    for (let i = 0; i < 100; i++) t.send(new Uint8Array(256 * 1024));
    t.close("enough");
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBe("enough");
    for (const s of sockets) s.destroy();
    server.close();
  });

  it("still answers a peer that has ended its half in the same breath", async () => {
    const l = await listenTcp({ port: 0 }, (t) => t.start({ recv: (c) => t.send(c.slice()), closed: () => {} }));
    const s = connect({ port: portOf(l.address), host: "127.0.0.1" });
    s.end("ping");
    let got = "";
    for await (const d of s) got += String(d);
    expect(got).toBe("ping");
    await l.close();
  });

  it("closes its connections with the listener, and hangs up on too many", async () => {
    const l = await listenTcp({ port: 0 }, (t) => t.start(new Sink()), { maxConnections: 1 });
    const one = new Sink();
    const two = new Sink();
    (await connectTcp("127.0.0.1", portOf(l.address))).start(one);
    (await connectTcp("127.0.0.1", portOf(l.address))).start(two);
    await two.until(() => two.ends > 0);
    expect(one.ends).toBe(0);
    await l.close();
    await one.until(() => one.ends > 0);
    expect(one.why).toBeUndefined();
  });
});

describe("unix", () => {
  it("makes a socket for nobody else and removes it", async () => {
    const path = file();
    const before = process.umask();
    const l = await listenUnix(path, (t) => t.close());
    expect(process.umask()).toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(l.address).toBe(`unix:${path}`);
    await l.close();
    expect(existsSync(path)).toBe(false);
  });

  it("replaces a stale socket, and nothing else", async () => {
    const path = file();
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    const { spawnSync } = await import("node:child_process");
    spawnSync(process.execPath, ["-e", script]);
    expect(statSync(path).isSocket()).toBe(true);
    expect((await failure(connectUnix(path))).message).toBe("connection refused: no server listens there");
    const l = await listenUnix(path, (t) => t.close());
    const second = await failure(listenUnix(path, () => {}));
    expect(second.message).toBe(`address in use: a server listens at ${path}, choose another with --listen`);
    (await connectUnix(path)).close();
    await l.close();

    const text = file();
    writeFileSync(text, "precious");
    expect((await failure(listenUnix(text, () => {}))).message).toBe(`address in use: ${text} exists and is not a socket`);
    const link = file();
    symlinkSync(text, link);
    expect((await failure(listenUnix(link, () => {}))).message).toContain("is not a socket");
    expect(existsSync(text)).toBe(true);
  });

  it("tells why there is no connection", async () => {
    expect((await failure(connectUnix(file()))).message).toBe("file does not exist");
    expect((await failure(listenUnix(join(dir, "no", "such"), () => {}))).message).toBe(`file does not exist: ${join(dir, "no")}`);
    const long = join(dir, "x".repeat(120));
    expect((await failure(connectUnix(long))).message).toMatch(/^socket path too long: \d+ bytes, at most 107$/);
    expect((await failure(listenUnix(long, () => {}))).errno).toBe(errno.ENAMETOOLONG);
    const plain = file();
    writeFileSync(plain, "");
    chmodSync(plain, 0o600);
    expect((await failure(connectUnix(plain))).message).toMatch(/connection refused|not a socket/);
  });
});
