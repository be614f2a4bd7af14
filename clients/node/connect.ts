/**
 * connect, listen: addresses as portals, and portals at addresses. What `nineplex/node` offers to
 * programs, and all that the command line uses to reach the outside.
 */
import { dial, Ehungup, errno, NineError, open, type Portal, serve, type Session9P, unless, type WireLimits } from "../../proto/index.ts";
import { type Addr, formatAddr, parseAddr } from "./addr.ts";
import { newToken } from "./gate.ts";
import { nodeHost } from "./host.ts";
import type { Listener } from "./listener.ts";
import { loadServer } from "./module.ts";
import { late, punctual } from "./punctual.ts";
import { connectTransport, listenTransport } from "./transports.ts";
import { Watch } from "./watch.ts";

export interface ConnectOptions {
  /** Bytes of the largest message; default 1 MiB. */
  readonly msize?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** Default 10 s to connect and agree on a version, and as much again for the first answer, which is the attach's. */
  readonly timeoutMs?: number;
  /** Directory that file names in an address are relative to; default the process's. */
  readonly cwd?: string;
}

/** A portal to the server at an address; attaching is the caller's. Rejects with a NineError that says why. */
export async function connect(addr: string | Addr, options: ConnectOptions = {}): Promise<Portal> {
  const a = typeof addr === "string" ? parseAddr(addr) : addr;
  const timeoutMs = options.timeoutMs ?? 10_000;
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timer.signal]) : timer.signal;
  try {
    if (a.kind === "module") {
      const server = await unless(signal, loadServer(formatAddr(a).slice("module:".length), options.cwd));
      return punctual(open(server, { bug: (e) => reportBug(e, a.file) }), timeoutMs);
    }
    const transport = await connectTransport(a, { timeoutMs, signal, ...(options.cwd !== undefined && { cwd: options.cwd }) });
    return punctual(await dial(transport, { msize: options.msize ?? 1 << 20, signal }), timeoutMs);
  } catch (e) {
    if (timer.signal.aborted && !options.signal?.aborted) throw a.kind === "module" ? new NineError(`${a.file}: not loaded in ${timeoutMs / 1000} s`, errno.ETIMEDOUT) : late(timeoutMs);
    if (e instanceof NineError && e.message === Ehungup) throw new NineError(`${Ehungup}: the other side ended it without an answer`, e.errno);
    throw e;
  } finally {
    clearTimeout(timeout);
  }
}

/** A frame is collected whole before it is looked at. No sender gains by one that is much longer than a message, or than what is sent in a tick. */
const LEASTFRAME = 256 * 1024;

export interface ServeAt {
  /** Largest message; default 1 MiB. */
  readonly msize?: number;
  /** Bounds of one connection; default those of serve(). */
  readonly limits?: WireLimits;
  /** Who watches over the connections; default a Watch of the listener's own. */
  readonly watch?: Watch;
  /** WebSocket only: what clients must show. Default a new random token; "none" wants none. */
  readonly token?: string;
  /** WebSocket only: pages of these origins may connect, besides the listener's own ("https://example.org"). */
  readonly origins?: readonly string[];
  /** Told of each connection and of its end. */
  readonly log?: (line: string) => void;
}

/**
 * Serves what `open` gives, a portal for each session, at an address: ws://HOST:PORT, tcp://HOST:PORT
 * or unix:PATH; port 0 takes a free one. The listener's `address` is complete, token included.
 */
export function listen(addr: string | Addr, open: (session: Session9P) => Portal, options: ServeAt = {}): Promise<Listener> {
  const a = typeof addr === "string" ? parseAddr(addr) : addr;
  const token = options.token === "none" ? undefined : (options.token ?? (a.kind === "ws" ? (a.token ?? newToken()) : undefined));
  const watch = options.watch ?? new Watch();
  const msize = options.msize ?? 1 << 20;
  const host = nodeHost();
  return listenTransport(a, (transport) => {
    const { peer } = transport;
    options.log?.(`${peer}: connected`);
    const served = serve(transport, open, {
      msize, host, limits: { budget: watch.budget, ...options.limits },
      closed: (why) => {
        watch.remove(served);
        options.log?.(`${peer}: ${why ?? "hung up"}`);
      },
    });
    watch.add(served);
  }, { maxConnections: watch.limits.connections, maxFrame: Math.max(LEASTFRAME, 2 * msize), ...(token !== undefined && { token }), ...(options.origins && { origins: options.origins }) });
}

/** What a server in this process threw that is no NineError: its peer is told "i/o error" only. */
export function reportBug(e: unknown, where: string): void {
  nodeHost().log(`nineplex: bug: ${where}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
}
