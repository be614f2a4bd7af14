/**
 * The browser's WebSocket as a transport. Caveats of its API: it cannot be told to hold, so what
 * arrives during pause() waits in memory (9P bounds that: a peer answers what was asked); and it
 * does not say why a connection failed.
 */
import { errno, NineError, type Transport } from "../../proto/index.ts";
import { LOW, MAXFRAME, Medium } from "./medium.ts";

/** What is used of a WebSocket; the DOM's is one, and so is that of `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error" | "close", f: () => void): void;
  addEventListener(type: "message", f: (e: { data: unknown }) => void): void;
  addEventListener(type: "close", f: (e: { code: number; reason: string }) => void): void;
}

export interface ConnectWsOptions {
  /** Sent as a subprotocol, where it stays out of addresses and logs; a ?token= in the URL does as well. */
  readonly token?: string;
  /** Default: the global one. */
  readonly WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  readonly timeoutMs?: number;
}

/** bufferedAmount has no event: how often it is looked at while somebody waits for it to fall. */
const POLLMS = 5;
const TIMEOUTMS = 10_000;
/** The longest reason close() takes, in bytes. */
const REASONMAX = 123;
const ORDERLY = new Set([1000, 1001, 1005]);

class BrowserWs extends Medium {
  override readonly framed = true;
  private readonly ws: WebSocketLike;
  private polling = false;

  constructor(ws: WebSocketLike, peer: string) {
    super(peer);
    this.ws = ws;
    ws.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) {
        this.take(new Uint8Array(data));
      } else if (!this.over) {
        const why = "text frame: 9P goes in binary frames";
        ws.close(4003, why);
        this.finish(why);
      }
    });
    ws.addEventListener("close", ({ code, reason }) => {
      this.finish(ORDERLY.has(code) ? undefined : reason || (code === 1006 ? "connection lost" : `WebSocket close code ${code}`));
    });
  }

  get buffered(): number {
    return this.ws.bufferedAmount;
  }

  send(chunk: Uint8Array): void {
    if (this.over) return;
    for (let at = 0; at < chunk.length; at += MAXFRAME) this.ws.send(unshared(chunk.subarray(at, at + MAXFRAME)));
  }

  override drain(): Promise<void> {
    const low = super.drain();
    if (!this.over && this.buffered > LOW && !this.polling) this.poll();
    return low;
  }

  protected flow(): void {}

  protected shut(why: string | undefined): void {
    if (why === undefined) this.ws.close(1000);
    else this.ws.close(4000, fit(why));
  }

  private poll(): void {
    this.polling = !this.over && this.buffered > LOW;
    if (this.polling) setTimeout(() => this.poll(), POLLMS);
    else this.sent();
  }
}

/** WebSocket.send does not take shared memory. */
function unshared(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = chunk;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(chunk);
}

/** At most REASONMAX bytes. */
function fit(why: string): string {
  let s = why.slice(0, REASONMAX);
  while (new TextEncoder().encode(s).length > REASONMAX) s = s.slice(0, -1);
  return s;
}

/** Settles when the connection is open. */
export function connectWs(url: string, options: ConnectWsOptions = {}): Promise<Transport> {
  const protocols = ["9p", ...(options.token === undefined ? [] : [`9p.token.${options.token}`])];
  return new Promise((resolve, reject) => {
    const ws = new (options.WebSocket ?? WebSocket)(url, protocols);
    ws.binaryType = "arraybuffer";
    const failed = (why: string): void => {
      clearTimeout(timer);
      reject(new NineError(why, errno.ECONNREFUSED));
    };
    const timer = setTimeout(() => {
      failed("no answer from the WebSocket server");
      ws.close();
    }, options.timeoutMs ?? TIMEOUTMS);
    // After "open" the promise is settled and these do nothing more.
    ws.addEventListener("error", () => failed("cannot connect: no WebSocket server there, or it refused the token or this page's origin"));
    ws.addEventListener("close", () => failed("connection closed in the handshake"));
    ws.addEventListener("open", () => {
      clearTimeout(timer);
      resolve(new BrowserWs(ws, url.replace(/\?.*$/s, "")));
    });
  });
}
