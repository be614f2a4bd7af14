/**
 * WebSockets as transports, through `ws`. Invariants: binary frames only, no compression, frames in
 * bounded size; all frames of one turn of the event loop leave in one write; a connection without
 * the token or from a foreign page never becomes a transport (gate.ts).
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { Eintr, errno, NineError, type Transport } from "../../proto/index.ts";
import { MAXFRAME, Medium } from "../browser/medium.ts";
import { formatHost, WSPORT } from "./addr.ts";
import { chooseProtocol, type GateOptions, refusal, SUBPROTOCOL } from "./gate.ts";
import { type Listener, listener, listening, type OnTransport } from "./listener.ts";
import { netError } from "./neterror.ts";
import { GRACEMS, plain, watchClose } from "./stream.ts";
import { KEEPALIVEMS, type ListenAt } from "./tcp.ts";

interface WsOptions {
  /** Largest frame taken (default 8 MiB); the peer is hung up on for a larger one. */
  readonly maxFrame?: number;
  /** Ping when this long has passed, hang up when there was no answer to the last one; 0 (default) never. */
  readonly pingMs?: number;
  /** Milliseconds close() waits for a peer that takes nothing. */
  readonly graceMs?: number;
}

export interface ConnectWsOptions extends WsOptions {
  /** Milliseconds for connection and handshake (default 10000). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly origin?: string;
  /** PEM certificates to trust instead of Node's own. */
  readonly ca?: string;
}

export interface ListenWsOptions extends WsOptions, Omit<GateOptions, "host"> {
  readonly maxConnections?: number;
  /** Answers what is no WebSocket request; by default with 426. */
  readonly http?: RequestListener;
}

const TIMEOUTMS = 10_000;
/** Pieces a frame may come in: each costs some hundred bytes, however small. */
const MAXCHUNKS = 16_384;
/** Longest reason in a close frame, in bytes. */
const REASONMAX = 123;
/** Close codes that are no error, and what others mean when no reason came with them. */
const ORDERLY = new Set([1000, 1001, 1005]);
const codes: Record<number, string> = { 1002: "WebSocket protocol error", 1003: "text frame refused", 1006: "connection lost", 1008: "refused by peer", 1009: "frame too large" };

class WsTransport extends Medium {
  override readonly framed = true;
  private readonly ws: WebSocket;
  private readonly socket: Duplex;
  private readonly graceMs: number;
  private readonly wrote: () => void;
  private corked = false;
  private unwatch: (() => void) | undefined;

  constructor(ws: WebSocket, socket: Duplex, peer: string, options: WsOptions) {
    super(peer);
    this.ws = ws;
    this.socket = socket;
    this.graceMs = options.graceMs ?? GRACEMS;
    this.wrote = () => this.sent();
    ws.pause();
    ws.on("message", (data, binary) => {
      if (!binary) this.refuse();
      else if (Buffer.isBuffer(data)) this.take(plain(data));
    });
    ws.on("error", (e: Error & { code?: string }) => {
      this.finish(e.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? `frame too large: at most ${options.maxFrame ?? MAXFRAME} bytes`
        : e.code?.startsWith("WS_ERR_") ? `WebSocket protocol error: ${e.message}` : netError(e, "talk").message);
    });
    ws.on("close", (code, text) => {
      this.unwatch?.();
      clearInterval(pinging);
      this.finish(ORDERLY.has(code) ? undefined : text.toString() || codes[code] || `WebSocket close code ${code}`);
    });
    const pinging = options.pingMs ? this.keepAlive(options.pingMs) : undefined;
  }

  get buffered(): number {
    return this.ws.bufferedAmount;
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    if (this.over || chunk.length === 0) return;
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
      // A tick asked for in a microtask comes when all microtasks of this turn have run.
      queueMicrotask(() => process.nextTick(() => this.uncork()));
    }
    let at = 0;
    for (; chunk.length - at > MAXFRAME; at += MAXFRAME) this.ws.send(chunk.subarray(at, at + MAXFRAME), this.wrote);
    this.ws.send(chunk.subarray(at), sent ? (e) => this.last(e, sent) : this.wrote);
  }

  private last(e: Error | null | undefined, sent: () => void): void {
    if (!e) sent();
    this.sent();
  }

  protected flow(on: boolean): void {
    if (on) this.ws.resume();
    else this.ws.pause();
  }

  protected shut(why: string | undefined): void {
    this.bye(why === undefined ? 1000 : 4000, why);
  }

  private bye(code: number, why: string | undefined): void {
    this.uncork();
    this.ws.close(code, why === undefined ? undefined : fit(why));
    // The peer's close frame must get through.
    this.ws.resume();
    this.unwatch = watchClose(this.graceMs, () => this.ws.bufferedAmount, () => this.ws.terminate());
  }

  private uncork(): void {
    if (!this.corked) return;
    this.corked = false;
    this.socket.uncork();
  }

  private refuse(): void {
    if (this.over) return;
    const why = "text frame: 9P goes in binary frames";
    this.bye(1003, why);
    this.finish(why);
  }

  private keepAlive(pingMs: number): NodeJS.Timeout {
    let alive = true;
    this.ws.on("pong", () => (alive = true));
    return setInterval(() => {
      if (!alive) {
        this.finish(`no answer to a ping in ${pingMs / 1000} s`);
        this.ws.terminate();
      }
      alive = false;
      this.ws.ping();
    }, pingMs).unref();
  }
}

/** At most REASONMAX bytes, cut at a character. */
function fit(why: string): string {
  let s = why.slice(0, REASONMAX);
  while (Buffer.byteLength(s) > REASONMAX) s = s.slice(0, -1);
  return s.toWellFormed();
}

/** `url` is complete, token included; `peer` shows it without its query. */
export async function connectWs(url: string, options: ConnectWsOptions = {}): Promise<Transport> {
  try {
    return await handshake(url, [SUBPROTOCOL], options);
  } catch (e) {
    // Servers that know no subprotocols answer with none, which RFC 6455 allows and ws does not.
    if (!(e instanceof NineError) || e.message !== "Server sent no subprotocol") throw e;
    return handshake(url, [], options);
  }
}

function handshake(url: string, protocols: string[], options: ConnectWsOptions): Promise<Transport> {
  const { signal, timeoutMs = TIMEOUTMS, maxFrame = MAXFRAME } = options;
  const settings: ClientOptions = {
    perMessageDeflate: false, maxPayload: maxFrame,
    ...(options.origin !== undefined && { origin: options.origin }),
    ...(options.ca !== undefined && { ca: options.ca }),
  };
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, protocols, settings);
    let socket: Duplex | undefined;
    const settled = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      ws.off("error", failed);
    };
    const failed = (e: unknown): void => {
      settled();
      ws.on("error", () => {});
      ws.terminate();
      reject(handshakeError(e));
    };
    const aborted = (): void => failed(new NineError(Eintr));
    const timer = setTimeout(() => failed(new NineError(`not a WebSocket server: no answer in ${timeoutMs / 1000} s`, errno.ETIMEDOUT)), timeoutMs);
    ws.on("error", failed);
    ws.on("unexpected-response", (_req, res) => failed(refused(res.statusCode ?? 0)));
    ws.on("upgrade", (res) => (socket = res.socket));
    ws.on("open", () => {
      if (!socket) return;
      settled();
      resolve(new WsTransport(ws, socket, url.replace(/\?.*$/s, ""), options));
    });
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted);
  });
}

function refused(status: number): NineError {
  switch (status) {
    case 401: return new NineError("wrong token: give the complete address as the server printed it, with ?token=", errno.EACCES);
    case 403: return new NineError("permission denied: the server refuses this origin", errno.EACCES);
    case 404: return new NineError("file does not exist: no WebSocket at this path (HTTP 404)", errno.ENOENT);
    default: return new NineError(`not a WebSocket server: HTTP ${status}`, errno.EPROTO);
  }
}

function handshakeError(e: unknown): NineError {
  if (e instanceof Error && "code" in e && e.code === "ECONNRESET") return new NineError("not a WebSocket server: it hung up in the handshake", errno.ECONNRESET);
  if (e instanceof Error && /^Invalid (Upgrade|Sec-WebSocket)/.test(e.message)) return new NineError(`not a WebSocket server: ${e.message}`, errno.EPROTO);
  return netError(e, "connect");
}

/**
 * An HTTP server of its own whose upgrades to WebSocket become transports. `address` has the token
 * in it. There is no TLS here: a proxy in front speaks wss.
 */
export async function listenWs(where: ListenAt, onTransport: OnTransport, options: ListenWsOptions = {}): Promise<Listener> {
  const { host = "127.0.0.1", port = WSPORT } = where;
  const open = new Set<Transport>();
  // By default Node looks every 30 s only for those that never finish their request.
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVEMS, connectionsCheckingInterval: 1000 }, options.http ?? noPage);
  server.headersTimeout = TIMEOUTMS;
  server.maxConnections = options.maxConnections ?? 1024;
  upgrades(server, open, onTransport, { ...options, host });
  await listening(server, () => server.listen({ host, port }));
  const at = server.address();
  const token = options.token === undefined ? "" : `?token=${encodeURIComponent(options.token)}`;
  return listener(`ws://${formatHost(host, typeof at === "object" && at ? at.port : port)}${options.path ?? "/"}${token}`, server, open);
}

function upgrades(server: Server, open: Set<Transport>, onTransport: OnTransport, options: ListenWsOptions & GateOptions): void {
  const wss = new WebSocketServer({
    noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: options.maxFrame ?? MAXFRAME,
    maxBufferedChunks: MAXCHUNKS, handleProtocols: chooseProtocol,
  });
  server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const no = refusal(req, options);
    if (no) {
      refuse(socket, no.status, no.why);
      return;
    }
    wss.handleUpgrade(req, socket, head, (ws) => {
      const { remoteAddress = "?", remotePort = 0 } = req.socket;
      const t = new WsTransport(ws, socket, `ws://${formatHost(remoteAddress, remotePort)}`, options);
      open.add(t);
      ws.on("close", () => open.delete(t));
      onTransport(t);
    });
  });
}

function refuse(socket: Duplex, status: number, why: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  const body = `${why}\n`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const noPage: RequestListener = (_req, res) => {
  res.writeHead(426, { "Content-Type": "text/plain; charset=utf-8", Upgrade: "websocket", Connection: "Upgrade" });
  res.end("This is a 9P server: connect with a WebSocket.\n");
};
