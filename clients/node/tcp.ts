/**
 * TCP and Unix sockets as transports. A listener is on loopback unless another host is named; a Unix
 * socket is mode 0600, and a socket file that no server listens at any more is replaced.
 */
import { chmodSync, existsSync, lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { isMainThread } from "node:worker_threads";
import { Eintr, errno, NineError, type Transport } from "../../proto/index.ts";
import { formatHost, TCPPORT } from "./addr.ts";
import { Inlet, reread } from "./inlet.ts";
import { type Listener, listener, listening, type OnTransport } from "./listener.ts";
import { netError } from "./neterror.ts";
import { type StreamOptions, StreamTransport } from "./stream.ts";

export interface SocketOptions extends Pick<StreamOptions, "graceMs"> {
  /** Milliseconds to wait for a connection (default 10000). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ListenOptions extends Pick<StreamOptions, "graceMs"> {
  /** More connections than this are hung up on at once (default 1024). */
  readonly maxConnections?: number;
}

/** sockaddr_un holds 108 bytes with the NUL; a longer path would be cut without a word. */
const UNIXPATHMAX = 107;
const TIMEOUTMS = 10_000;
/** Idle sockets of listeners and clients ask after the peer in this interval. */
export const KEEPALIVEMS = 60_000;

export function connectTcp(host: string, port: number, options: SocketOptions = {}): Promise<Transport> {
  if (port === 0) return Promise.reject(new NineError("port 0 is for listening only", errno.EINVAL));
  const inlet = new Inlet();
  const { onread } = inlet;
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVEMS, allowHalfOpen: true, onread });
  return connected(socket, inlet, `tcp://${formatHost(host, port)}`, options);
}

export function connectUnix(path: string, options: SocketOptions = {}): Promise<Transport> {
  const wrong = badPath(path);
  if (wrong) return Promise.reject(wrong);
  const inlet = new Inlet();
  return connected(connect({ path, allowHalfOpen: true, onread: inlet.onread }), inlet, `unix:${path}`, options);
}

/** Where to listen: 127.0.0.1 unless said otherwise; port 0 takes a free one, which `address` names. */
export interface ListenAt {
  readonly host?: string;
  readonly port?: number;
}

export async function listenTcp(where: ListenAt, onTransport: OnTransport, options: ListenOptions = {}): Promise<Listener> {
  const { host = "127.0.0.1", port = TCPPORT } = where;
  const { server, open } = accept(onTransport, options, (s) => `tcp://${formatHost(s.remoteAddress ?? "?", s.remotePort ?? 0)}`);
  await listening(server, () => server.listen({ host, port }));
  const at = server.address();
  return listener(`tcp://${formatHost(host, typeof at === "object" && at ? at.port : port)}`, server, open);
}

export async function listenUnix(path: string, onTransport: OnTransport, options: ListenOptions = {}): Promise<Listener> {
  const wrong = badPath(path);
  if (wrong) throw wrong;
  // libuv would say that permission is denied.
  if (!existsSync(dirname(path))) throw new NineError(`file does not exist: ${dirname(path)}`, errno.ENOENT);
  const attempt = async (): Promise<Listener> => {
    const { server, open } = accept(onTransport, options, () => `unix:${path}`);
    await listening(server, () => listenPrivate(server, path));
    chmodSync(path, 0o600);
    return listener(`unix:${path}`, server, open);
  };
  try {
    return await attempt();
  } catch (e) {
    if (!(e instanceof NineError) || e.errno !== errno.EADDRINUSE) throw e;
    await removeStale(path);
    return attempt();
  }
}

/** The file is made by bind, inside this call, so a umask keeps others out from its first moment. Worker threads cannot set one. */
function listenPrivate(server: Server, path: string): void {
  if (!isMainThread) {
    server.listen({ path });
    return;
  }
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    throw new NineError(`address in use: ${path} exists and is not a socket`, errno.EADDRINUSE);
  }
  try {
    (await connectUnix(path)).close();
  } catch (e) {
    if (!(e instanceof NineError) || e.errno !== errno.ECONNREFUSED) throw e;
    unlinkSync(path);
    return;
  }
  throw new NineError(`address in use: a server listens at ${path}, choose another with --listen`, errno.EADDRINUSE);
}

function badPath(path: string): NineError | undefined {
  const length = Buffer.byteLength(path);
  if (length <= UNIXPATHMAX) return undefined;
  return new NineError(`socket path too long: ${length} bytes, at most ${UNIXPATHMAX}`, errno.ENAMETOOLONG);
}

function accept(onTransport: OnTransport, options: ListenOptions, peer: (s: Socket) => string): { server: Server; open: Set<Transport> } {
  const open = new Set<Transport>();
  const settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVEMS, allowHalfOpen: true, pauseOnConnect: true };
  const server = createServer(settings, (accepted) => {
    const inlet = new Inlet();
    const again = reread(accepted, inlet);
    const socket = again ?? accepted;
    const t = new StreamTransport(socket, socket, peer(socket), { ...options, ...(again && { inlet }) });
    open.add(t);
    socket.on("close", () => open.delete(t));
    onTransport(t);
  });
  server.maxConnections = options.maxConnections ?? 1024;
  return { server, open };
}

function connected(socket: Socket, inlet: Inlet, peer: string, options: SocketOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const { signal, timeoutMs = TIMEOUTMS } = options;
    const settled = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      socket.off("error", failed);
    };
    const failed = (e: unknown): void => {
      settled();
      socket.on("error", () => {});
      socket.destroy();
      reject(netError(e, "connect"));
    };
    const aborted = (): void => failed(new NineError(Eintr));
    const timer = setTimeout(() => failed(new NineError(`connection timed out: no answer in ${timeoutMs / 1000} s`, errno.ETIMEDOUT)), timeoutMs);
    socket.on("error", failed);
    socket.once("connect", () => {
      settled();
      resolve(new StreamTransport(socket, socket, peer, { ...options, inlet }));
    });
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted);
  });
}
