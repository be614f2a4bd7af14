/**
 * From an Addr to its transport: the one place that knows which module carries which kind of
 * address. `module:` is a server in this process, not a transport, and is left to the caller.
 */
import { resolve } from "node:path";
import { errno, NineError, type Transport } from "../../proto/index.ts";
import { type Addr, formatAddr, isListenable, noListener } from "./addr.ts";
import { connectExec } from "./exec.ts";
import type { Listener, OnTransport } from "./listener.ts";
import { connectTcp, connectUnix, listenTcp, listenUnix } from "./tcp.ts";
import { connectWs, listenWs, type ListenWsOptions } from "./ws.ts";

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Where exec: runs, and what unix: is relative to; default the process's. */
  readonly cwd?: string;
}

/** Listening on a WebSocket takes path and token from the address, and the rest from here. */
export type ListenOptions = Omit<ListenWsOptions, "path">;

/** Settles when the medium is there; no byte of 9P has been sent. */
export function connectTransport(addr: Addr, options: ConnectOptions = {}): Promise<Transport> {
  switch (addr.kind) {
    case "ws": return connectWs(formatAddr(addr), options);
    case "tcp": return connectTcp(addr.host, addr.port, options);
    case "unix": return connectUnix(options.cwd === undefined || options.cwd === process.cwd() ? addr.path : resolve(options.cwd, addr.path), options);
    case "exec": return connectExec(addr.command, options.cwd === undefined ? {} : { cwd: options.cwd });
    default: return no("module: is a server, not a connection");
  }
}

export function listenTransport(addr: Addr, onTransport: OnTransport, options: ListenOptions = {}): Promise<Listener> {
  if (!isListenable(addr)) return no(noListener(addr));
  switch (addr.kind) {
    case "ws": {
      const path = addr.path === "/" ? undefined : addr.path;
      return listenWs(addr, onTransport, { ...options, path, token: options.token ?? addr.token });
    }
    case "tcp": return listenTcp(addr, onTransport, options);
    default: return listenUnix(addr.path, onTransport, options);
  }
}

function no(why: string): Promise<never> {
  return Promise.reject(new NineError(why, errno.EINVAL));
}
