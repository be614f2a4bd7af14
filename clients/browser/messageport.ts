/**
 * MessagePort as a transport: between a page and its worker, or two ends of a MessageChannel, the
 * DOM's or Node's. What travels: an ArrayBuffer is a chunk; a number acknowledges that many bytes,
 * which is all the flow control a port has; `{ close: why | null }` is the end.
 * A DOM port whose other side was merely dropped may never say so: the one who ends a worker closes
 * its transport.
 */
import type { Transport } from "../../proto/index.ts";
import { Medium } from "./medium.ts";

/** A MessagePort, a Worker, or a worker's global scope; Node's `parentPort` and Worker too. */
export interface PortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener?(type: string, f: (e: { data?: unknown; message?: string }) => void): void;
  on?(type: string, f: (arg: unknown) => void): unknown;
  start?(): void;
  close?(): void;
}

/** Taken bytes are acknowledged when there are this many; below LOW, so that drain settles without the rest. */
const ACK = 8 * 1024;

class PortTransport extends Medium {
  override readonly framed = true;
  buffered = 0;
  private readonly port: PortLike;
  private unacked = 0;

  constructor(port: PortLike, peer: string) {
    super(peer);
    this.port = port;
    listen(port, (data) => this.message(data), (why) => this.finish(why));
    port.start?.();
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    if (this.over || chunk.length === 0) return;
    // A copy: the port takes a buffer away from its owner.
    const { buffer } = new Uint8Array(chunk);
    this.buffered += buffer.byteLength;
    this.port.postMessage(buffer, [buffer]);
    sent?.();
  }

  protected flow(): void {}

  protected shut(why: string | undefined): void {
    this.port.postMessage({ close: why ?? null }, []);
    this.end(undefined);
  }

  protected override taken(n: number): void {
    this.unacked += n;
    if (this.unacked < ACK || this.over) return;
    this.port.postMessage(this.unacked, []);
    this.unacked = 0;
  }

  private message(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      this.take(new Uint8Array(data));
    } else if (typeof data === "number" && data >= 0 && data <= this.buffered) {
      this.buffered -= data;
      this.sent();
    } else if (typeof data === "object" && data !== null && "close" in data) {
      this.end(typeof data.close === "string" ? data.close : undefined);
    } else if (!this.over) {
      this.end("message on the port that is not 9P");
    }
  }

  private end(why: string | undefined): void {
    this.finish(why);
    // Of the three kinds only a MessagePort has both; a worker's close() would end the worker.
    if (this.port.start) this.port.close?.();
  }
}

function listen(port: PortLike, message: (data: unknown) => void, gone: (why: string) => void): void {
  const lost = "the other side of the port is gone";
  if (port.addEventListener) {
    const on = port.addEventListener.bind(port);
    on("message", (e) => message(e.data));
    on("messageerror", () => gone("message on the port that cannot be read"));
    on("error", (e) => gone(e.message ?? lost));
    on("close", () => gone(lost));
  } else {
    port.on?.("message", message);
    port.on?.("messageerror", () => gone("message on the port that cannot be read"));
    port.on?.("error", (e) => gone(e instanceof Error ? e.message : lost));
    port.on?.("exit", (code) => gone(`worker exited with status ${String(code)}`));
  }
}

/** The port is the transport's from now on. */
export function overPort(port: PortLike, peer = "port"): Transport {
  return new PortTransport(port, peer);
}
