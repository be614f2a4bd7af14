/**
 * Outbox: messages on their way into a transport. All messages of a tick leave in one send, or, on a
 * framed transport whose peer is not `.x`, one send each; a message longer than a slab has a buffer
 * of its own. Invariant: bytes given to the transport are not written again before it has sent them.
 */
import type { Dialect, Fcall } from "./fcall.ts";
import { pack, packRread, sizeOf } from "./pack.ts";
import { give, take } from "./pool.ts";
import type { Transport } from "./transport.ts";

const SLAB = 65536;

/** A slab being filled from its start to its end. */
class Slab {
  readonly bytes: Uint8Array = take(SLAB);
  /** bytes[start..end) is packed and not with the transport yet. */
  start = 0;
  end = 0;
  /** Sends under way. */
  private sends = 0;
  readonly sent: () => void = () => {
    this.sends--;
    if (this.idle) this.done(this);
  };
  private readonly done: (s: Slab) => void;

  /** done: called whenever nothing of it is under way any more. */
  constructor(done: (s: Slab) => void) {
    this.done = done;
  }

  get idle(): boolean {
    return this.sends === 0 && this.start === this.end;
  }

  send(transport: Transport): void {
    const chunk = this.bytes.subarray(this.start, this.end);
    this.start = this.end;
    this.sends++;
    transport.send(chunk, this.sent);
  }
}

export class Outbox {
  dialect: Dialect = "9P2000";
  /** Join the messages of a tick also where each send is a frame. */
  joined = false;
  /** Given to the transport so far. */
  bytes = 0;
  private readonly transport: Transport;
  private slab: Slab | undefined;
  private scheduled = false;
  private readonly done = (s: Slab): void => {
    if (this.slab === s) this.slab = undefined;
    give(s.bytes);
  };

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Packs a message; NineError when it cannot be packed, then nothing was queued. Payloads are copied. */
  put(f: Fcall, tag: number): void {
    const size = sizeOf(f, this.dialect);
    if (size > SLAB) {
      const own = take(size);
      pack(f, tag, this.dialect, own, 0);
      this.sendOwn(own, size);
      return;
    }
    const slab = this.room(size);
    slab.end = pack(f, tag, this.dialect, slab.bytes, slab.end);
    this.ready();
  }

  /**
   * An Rread whose n bytes of data stand in `own`, a buffer of the pool, from RREADHDR on; it is the
   * outbox's now, and nothing is copied.
   */
  putRead(own: Uint8Array, n: number, tag: number): void {
    this.sendOwn(own, packRread(own, n, tag));
  }

  /** Sends what is queued now. */
  send(): void {
    this.scheduled = false;
    const { slab } = this;
    if (!slab || slab.end === slab.start) return;
    this.bytes += slab.end - slab.start;
    slab.send(this.transport);
  }

  private sendOwn(own: Uint8Array, size: number): void {
    this.send();
    this.bytes += size;
    this.transport.send(own.subarray(0, size), () => give(own));
  }

  private room(size: number): Slab {
    const { slab } = this;
    if (slab && slab.end + size <= SLAB) return slab;
    this.send();
    return (this.slab = new Slab(this.done));
  }

  private ready(): void {
    if (this.transport.framed && !this.joined) this.send();
    else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(() => this.send());
    }
  }
}
