/**
 * Link: a client's raw connection, TCP or WebSocket, made to cost next to nothing: bytes come in one
 * buffer that is used again, and leave from a ring, one write for all messages of a chunk received.
 * Invariant: a message given to put() is not changed before its reply has come; no more than half a
 * ring is outstanding, so that nothing in it is written over before it was sent. Flood calls it.
 */
import { connect, type Socket } from "node:net";

export interface LinkReceiver {
  /** Bytes buf[at..end), the receiver's for the time of this call. */
  recv(buf: Buffer, at: number, end: number): void;
  failed(e: Error): void;
}

const RING = 2 << 20;
const INPUT = 1 << 18;
/** Buffers of closed links: a connection is not to cost what they do. */
const spare: { ring: Buffer; input: Buffer }[] = [];
/** Messages longer than this are written as they are, shorter ones are copied together. */
const LONG = 8192;

export class Link {
  protected readonly ring: Buffer;
  protected from = 0;
  protected to = 0;
  protected to9p: LinkReceiver | undefined;
  private readonly socket: Socket;
  private corked = false;
  private ending = false;

  constructor(port: number, connected: () => void, failed: (e: Error) => void) {
    const fail = (e: Error): void => {
      if (this.ending) return;
      failed(e);
      this.to9p?.failed(e);
    };
    const buffers = spare.pop() ?? { ring: Buffer.allocUnsafeSlow(RING), input: Buffer.allocUnsafeSlow(INPUT) };
    this.ring = buffers.ring;
    this.socket = connect({
      host: "127.0.0.1", port, noDelay: true,
      onread: {
        buffer: buffers.input,
        callback: (n, buf) => {
          this.take(buf as Buffer, n);
          this.flush();
          return true;
        },
      },
    }, connected);
    this.socket.on("error", fail);
    this.socket.on("close", () => {
      spare.push(buffers);
      fail(new Error("the server hung up"));
    });
  }

  static open(port: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      const link = new Link(port, () => resolve(link), reject);
    });
  }

  start(to: LinkReceiver): void {
    this.to9p = to;
  }

  /** Queues one or several whole messages. */
  put(message: Buffer): void {
    this.append(message);
  }

  flush(): void {
    if (this.to > this.from) {
      this.socket.write(this.ring.subarray(this.from, this.to));
      this.from = this.to;
    }
    if (this.corked) {
      this.corked = false;
      this.socket.uncork();
    }
  }

  close(): void {
    this.ending = true;
    this.socket.destroy();
  }

  protected take(buf: Buffer, n: number): void {
    this.to9p?.recv(buf, 0, n);
  }

  protected append(bytes: Buffer): void {
    const n = bytes.length;
    if (n > LONG) {
      if (!this.corked) this.socket.cork();
      this.corked = true;
      if (this.to > this.from) this.socket.write(this.ring.subarray(this.from, this.to));
      this.from = this.to;
      this.socket.write(bytes);
      return;
    }
    this.room(n);
    if (n > 64) this.ring.set(bytes, this.to);
    else for (let i = 0; i < n; i++) this.ring[this.to + i] = bytes[i]!;
    this.to += n;
  }

  /** Room for n bytes behind what is queued. */
  protected room(n: number): void {
    if (this.to + n <= RING) return;
    this.flush();
    this.from = this.to = 0;
  }
}

/** Which framing a WebSocket link writes; it reads any. */
export type Framing = "message a frame" | "joined";

const KEY = [0x5a, 0x3c, 0xc3, 0xa5] as const;
const OPBINARY = 0x82;
/** Longest header of a client's frame. */
const HEAD = 14;

/** The same over WebSocket, framed by hand: what the client costs must not be what is measured. */
export class WsLink extends Link {
  private readonly framing: Framing;
  /** Bytes of the frame's payload still to come. */
  private payload = 0;
  /** The header under way; while the handshake lasts, what came of it. */
  private readonly head: number[] = [];
  private upgraded: (() => void) | undefined;

  constructor(port: number, framing: Framing, upgraded: () => void, failed: (e: Error) => void) {
    super(port, () => {
      this.append(Buffer.from(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`
        + "Sec-WebSocket-Key: bmluZXBsZXggOVAyMDAwLg==\r\nSec-WebSocket-Protocol: 9p\r\n\r\n",
      ));
      super.flush();
    }, failed);
    this.framing = framing;
    this.upgraded = upgraded;
  }

  static upgrade(port: number, framing: Framing): Promise<WsLink> {
    return new Promise((resolve, reject) => {
      const link = new WsLink(port, framing, () => resolve(link), reject);
    });
  }

  override put(message: Buffer): void {
    if (this.framing === "message a frame") {
      this.room(HEAD + message.length);
      this.from0();
      this.copy(message);
      this.frame(this.body);
      return;
    }
    this.room(HEAD + message.length);
    if (this.to === this.from) this.from0();
    this.copy(message);
  }

  override flush(): void {
    if (this.framing === "joined" && this.to > this.from) this.frame(this.body);
    super.flush();
  }

  /** Where the payload of the frame being written starts. */
  private body = 0;

  /** Leaves room for a frame's header; from stays where unsent frames start. */
  private from0(): void {
    this.body = this.to + HEAD;
    this.to = this.body;
  }

  private copy(message: Buffer): void {
    this.ring.set(message, this.to);
    this.to += message.length;
  }

  /** Masks ring[body..to) and puts its header before it, closing the gap that a short header leaves. */
  private frame(body: number): void {
    const { ring } = this;
    const n = this.to - body;
    const size = n < 126 ? 6 : n < 65536 ? 8 : 14;
    const start = body - HEAD;
    ring[start] = OPBINARY;
    if (size === 6) ring[start + 1] = 0x80 | n;
    else if (size === 8) {
      ring[start + 1] = 0x80 | 126;
      ring.writeUInt16BE(n, start + 2);
    } else {
      ring[start + 1] = 0x80 | 127;
      ring.writeUInt32BE(0, start + 2);
      ring.writeUInt32BE(n, start + 6);
    }
    for (let i = 0; i < 4; i++) ring[start + size - 4 + i] = KEY[i]!;
    for (let i = 0; i < n; i++) ring[start + size + i] = ring[body + i]! ^ KEY[i & 3]!;
    this.to = start + size + n;
  }

  protected override take(buf: Buffer, n: number): void {
    let at = 0;
    while (this.upgraded && at < n) {
      this.head.push(buf[at++]!);
      const text = String.fromCharCode(...this.head);
      if (!text.endsWith("\r\n\r\n")) continue;
      if (!text.startsWith("HTTP/1.1 101 ")) throw new Error(`no WebSocket: ${text}`);
      const { upgraded } = this;
      this.upgraded = undefined;
      this.head.length = 0;
      upgraded();
    }
    while (at < n) {
      if (this.payload === 0) {
        this.head.push(buf[at++]!);
        this.header();
        continue;
      }
      const end = Math.min(n, at + this.payload);
      this.payload -= end - at;
      this.to9p?.recv(buf, at, end);
      at = end;
    }
  }

  private header(): void {
    const { head } = this;
    const short = head[1];
    if (short === undefined || head.length < (short < 126 ? 2 : short === 126 ? 4 : 10)) return;
    const opcode = head[0]! & 15;
    if (opcode !== 2 && opcode !== 0) throw new Error(`the server sent a frame of opcode ${opcode}`);
    this.payload = short < 126 ? short : head.slice(2).reduce((sum, byte) => sum * 256 + byte, 0);
    head.length = 0;
  }
}
