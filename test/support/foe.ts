/**
 * Foe: a client that means harm, on a real connection, with a ledger of what it is owed. Invariant:
 * for each complete message it gets an answer, or is hung up on: settled() waits for that, and tells
 * what the server did wrong otherwise.
 */
import { packMessage, Tflush, Tread, Twrite } from "../../proto/index.ts";
import { FUZZTAGS } from "./fuzz.ts";
import { Ledger } from "./ledger.ts";
import { type Plug, plug } from "./plug.ts";

/** How long a server may be silent: so long that only one that never answers is. */
const SILENCEMS = 30_000;
/** What is not answered in this time may wait for somebody else. */
const BLOCKEDMS = 50;

export class Foe {
  readonly plug: Plug;
  readonly ledger: Ledger;
  /** Bytes that must never come. */
  private readonly secret: Buffer;
  private tail: Buffer = Buffer.alloc(0);
  private woken: (() => void)[] = [];
  private flushTag = FUZZTAGS;

  private constructor(p: Plug, cap: number, secret: string) {
    this.plug = p;
    this.ledger = new Ledger(cap);
    this.secret = Buffer.from(secret);
    p.recv = (bytes) => this.recv(bytes);
    void p.over.then(() => this.wake());
  }

  /** cap: the largest message the server takes. */
  static async connect(address: string, cap: number, secret: string): Promise<Foe> {
    return new Foe(await plug(address), cap, secret);
  }

  /** Sends messages or parts of them; each is written by itself unless joined. */
  send(parts: readonly Uint8Array[], join = true): void {
    for (const part of join ? [new Uint8Array(Buffer.concat(parts))] : parts) {
      if (part.length === 0) continue;
      this.ledger.send(part);
      this.plug.send(part);
    }
  }

  /** Sends the same bytes in pieces that have nothing to do with messages. */
  shred(bytes: Uint8Array, rnd: (n: number) => number, most: number): void {
    for (let at = 0; at < bytes.length;) {
      const to = Math.min(bytes.length, at + 1 + rnd(most));
      this.send([bytes.subarray(at, to)]);
      at = to;
    }
  }

  /** Waits until everything is answered, or the other side has hung up as it may. */
  async answered(): Promise<void> {
    if (this.ledger.broken !== undefined) {
      await this.until(() => this.plug.ended, () => `still connected after ${this.ledger.broken}`);
      return;
    }
    await this.until(() => this.idle(), () => `no answer to ${JSON.stringify(this.ledger.owed())}`);
    if (this.plug.ended) this.ledger.over();
  }

  /** Finishes the message under way, takes back what blocks, and waits as answered() does. */
  async settled(): Promise<void> {
    this.send([this.ledger.rest()]);
    for (let had = -1; this.ledger.broken === undefined && !this.idle() && had !== this.ledger.replies;) {
      had = this.ledger.replies;
      const patience = AbortSignal.timeout(BLOCKEDMS);
      patience.addEventListener("abort", () => this.wake());
      while (!this.idle() && !patience.aborted) await new Promise<void>((resolve) => this.woken.push(resolve));
    }
    // Whatever stands behind a read or write that blocks goes on then.
    for (const { tag, type } of this.ledger.broken === undefined ? this.ledger.owed() : []) {
      if (type === Tread || type === Twrite) this.send([packMessage({ type: Tflush, oldtag: tag }, this.flushTag++, "9P2000")]);
    }
    await this.answered();
  }

  private idle(): boolean {
    return this.plug.ended || this.ledger.owed().length === 0;
  }

  /** Settles when the other side has ended it. */
  async hungUp(): Promise<void> {
    await this.until(() => this.plug.ended, () => "still connected");
  }

  async until(done: () => boolean, why: () => string): Promise<void> {
    const patience = AbortSignal.timeout(SILENCEMS);
    patience.addEventListener("abort", () => this.wake());
    while (!done()) {
      if (patience.aborted) throw new Error(why());
      await new Promise<void>((resolve) => this.woken.push(resolve));
    }
  }

  private recv(bytes: Uint8Array): void {
    const all = Buffer.concat([this.tail, bytes]);
    if (this.secret.length > 0 && all.includes(this.secret)) this.ledger.wrong.push("read what lies outside the exported tree");
    this.tail = Buffer.from(all.subarray(Math.max(0, all.length - this.secret.length + 1)));
    this.ledger.recv(bytes);
    this.wake();
  }

  private wake(): void {
    for (const f of this.woken.splice(0)) f();
  }
}
