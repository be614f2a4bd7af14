/**
 * Outbox: messages on their way into a transport. All messages of a tick leave in one send, or, on a
 * framed transport whose peer is not `.x`, one send each. Invariant: bytes given to the transport are
 * never written again; a slab is filled once, from its start to its end.
 */
import type { Dialect, Fcall } from "./fcall.ts";
import { pack, sizeOf } from "./pack.ts";
import type { Transport } from "./transport.ts";

const SLAB = 65536;

export class Outbox {
  dialect: Dialect = "9P2000";
  /** Join the messages of a tick also where each send is a frame. */
  joined = false;
  private readonly transport: Transport;
  private slab: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;
  private scheduled = false;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Packs a message; NineError when it cannot be packed, then nothing was queued. Payloads are copied. */
  put(f: Fcall, tag: number): void {
    const size = sizeOf(f, this.dialect);
    if (this.end + size > this.slab.length) {
      this.send();
      this.slab = new Uint8Array(Math.max(SLAB, size));
      this.start = this.end = 0;
    }
    this.end = pack(f, tag, this.dialect, this.slab, this.end);
    if (this.transport.framed && !this.joined) this.send();
    else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(() => this.send());
    }
  }

  /** Sends what is queued now. */
  send(): void {
    this.scheduled = false;
    if (this.end === this.start) return;
    const chunk = this.slab.subarray(this.start, this.end);
    this.start = this.end;
    this.transport.send(chunk);
  }
}
