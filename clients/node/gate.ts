/**
 * Gate: which HTTP upgrade requests a WebSocket listener lets through. A browser sends Origin and
 * cannot help it, so a page of a foreign site is refused by that; a request without Origin comes
 * from a program and is left to the token.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "./addr.ts";

export interface GateOptions {
  /** Wanted as ?token=T or as subprotocol `9p.token.T`; undefined lets everybody in. */
  readonly token?: string | undefined;
  /** Origins that are let in besides the listener's own, as browsers write them: https://example.org */
  readonly origins?: readonly string[];
  /** Only this path, when given. */
  readonly path?: string | undefined;
  /** The host name the listener was given: as good as an address in a Host line. */
  readonly host?: string;
}

/** The subprotocol of 9P, and what begins one that carries a token. */
export const SUBPROTOCOL = "9p";
export const TOKENPROTOCOL = "9p.token.";

/** A token nobody guesses, fit for a URL and for a subprotocol. */
export function newToken(): string {
  return randomBytes(18).toString("base64url");
}

/** The status and sentence a request is refused with; undefined lets it through. */
export function refusal(req: IncomingMessage, options: GateOptions): { status: number; why: string } | undefined {
  const [path, query] = (req.url ?? "/").split("?", 2);
  if (options.path !== undefined && path !== options.path) return { status: 404, why: `no 9P server at ${path}` };
  const { origin } = req.headers;
  if (origin !== undefined && !options.origins?.includes(origin) && !ownOrigin(origin, req.headers.host, options.host)) {
    return { status: 403, why: `origin ${origin} is not allowed` };
  }
  if (options.token === undefined) return undefined;
  const offered = [...new URLSearchParams(query).getAll("token"), ...subprotocols(req).flatMap((p) => (p.startsWith(TOKENPROTOCOL) ? [p.slice(TOKENPROTOCOL.length)] : []))];
  const wanted = options.token;
  return offered.some((t) => same(t, wanted)) ? undefined : { status: 401, why: offered.length > 0 ? "wrong token" : "no token" };
}

/** What the server answers in Sec-WebSocket-Protocol: a browser wants one of those it offered. */
export function chooseProtocol(offered: ReadonlySet<string>): string | false {
  if (offered.has(SUBPROTOCOL)) return SUBPROTOCOL;
  for (const p of offered) if (p.startsWith(TOKENPROTOCOL)) return p;
  return false;
}

function hash(s: string): Buffer {
  return createHash("sha256").update(s).digest();
}

/** Hashed first: equal lengths, and no byte of the token decides how long it takes. */
function same(a: string, b: string): boolean {
  return timingSafeEqual(hash(a), hash(b));
}

function subprotocols(req: IncomingMessage): string[] {
  return (req.headers["sec-websocket-protocol"] ?? "").split(",").map((p) => p.trim());
}

/**
 * The page came from this listener's host and port. A name that merely resolves to this machine does
 * not count (DNS rebinding): only addresses, localhost and the listener's own name do.
 */
function ownOrigin(origin: string, hostLine: string | undefined, ownName: string | undefined): boolean {
  let from: URL;
  let to: URL;
  try {
    from = new URL(origin);
    to = new URL(`${from.protocol}//${hostLine}`);
  } catch {
    return false;
  }
  const name = to.hostname.replace(/^\[(.*)\]$/, "$1");
  return from.host !== "" && from.host === to.host && (isIP(name) !== 0 || isLoopback(name) || name === ownName);
}
