/**
 * Plug: a client's end of a TCP or WebSocket connection with nothing between the test and the socket:
 * frames as they should be, or not; an end in order, or a reset; a reader that does not read.
 * Invariant: `recv` gets the bytes of 9P in order, `over` settles once.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export type Cut = "fin" | "rst";

export abstract class Plug {
  readonly socket: Socket;
  /** Settles when the other side, or the test, has ended it. */
  readonly over: Promise<void>;
  ended = false;
  recv: (bytes: Uint8Array) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    this.over = new Promise((resolve) => {
      socket.on("close", () => {
        this.ended = true;
        resolve();
      });
    });
    // The other side has ended: nothing is left to wait for.
    socket.on("end", () => socket.destroy());
  }

  /** Sends bytes of 9P. */
  abstract send(bytes: Uint8Array): void;

  /** Bytes straight onto the socket. */
  raw(bytes: Uint8Array | string): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Ends its own half, and still reads. */
  half(): void {
    this.socket.end();
  }

  cut(how: Cut): void {
    if (how === "rst") this.socket.resetAndDestroy();
    else {
      this.socket.end();
      this.socket.resume();
    }
  }

  /** Stops reading for good. */
  deafen(): void {
    this.socket.pause();
  }

  /** Settles when all that was sent is with the system. */
  async flushed(): Promise<void> {
    while (!this.socket.destroyed && this.socket.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

class TcpPlug extends Plug {
  constructor(socket: Socket) {
    super(socket);
    socket.on("data", (d: Buffer) => this.recv(d));
  }

  send(bytes: Uint8Array): void {
    this.raw(bytes);
  }
}

/** How a frame departs from what it should be. */
export interface Frame {
  /** Default 2, binary. */
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** The length it says it has. */
  readonly length?: number;
  readonly reserved?: number;
}

export class WsPlug extends Plug {
  private held: Buffer = Buffer.alloc(0);
  /** The code of the server's close frame. */
  code: number | undefined;

  constructor(socket: Socket) {
    super(socket);
    socket.on("data", (d: Buffer) => {
      this.held = this.held.length > 0 ? Buffer.concat([this.held, d]) : d;
      while (this.take()) { /* the next frame */ }
    });
  }

  send(bytes: Uint8Array): void {
    this.frame(bytes);
  }

  frame(bytes: Uint8Array, f: Frame = {}): void {
    const n = f.length ?? bytes.length;
    const mask = f.masked === false ? 0 : 0x80;
    const first = (f.fin === false ? 0 : 0x80) | ((f.reserved ?? 0) << 4) | (f.opcode ?? 2);
    const head = n < 126 ? Buffer.from([first, mask | n]) : n < 65536 ? Buffer.from([first, mask | 126, n >> 8, n & 255]) : Buffer.alloc(10);
    if (n >= 65536) {
      head[0] = first;
      head[1] = mask | 127;
      head.writeBigUInt64BE(BigInt(n), 2);
    }
    // A mask of zeros changes nothing.
    this.raw(Buffer.concat([head, Buffer.alloc(mask ? 4 : 0), bytes]));
  }

  override cut(how: Cut): void {
    if (how === "fin") this.frame(Buffer.from([0x03, 0xe8]), { opcode: 8 });
    super.cut(how);
  }

  private take(): boolean {
    const b = this.held;
    const short = (b[1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (b.length < head) return false;
    const n = short === 126 ? b.readUInt16BE(2) : short === 127 ? Number(b.readBigUInt64BE(2)) : short;
    if (b.length < head + n) return false;
    const data = b.subarray(head, head + n);
    this.held = b.subarray(head + n);
    const opcode = (b[0] ?? 0) & 15;
    if (opcode === 8) {
      this.code = n >= 2 ? data.readUInt16BE(0) : 1005;
      this.socket.end();
    } else if (opcode === 2 || opcode === 0) this.recv(data);
    return true;
  }
}

/** A connection to an address as listeners print it; of a WebSocket, past the handshake. */
export async function plug(address: string): Promise<Plug> {
  const url = new URL(address);
  const socket = await dialed(url);
  if (url.protocol === "tcp:") return new TcpPlug(socket);
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
    + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Protocol: 9p\r\n\r\n`);
  let got = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    const ended = (): void => {
      socket.destroy();
      reject(new Error(`no WebSocket: ${got.toString()}`));
    };
    const data = (d: Buffer): void => {
      got = Buffer.concat([got, d]);
      const end = got.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", data);
      for (const e of ["end", "close", "error"]) socket.off(e, ended);
      if (!got.toString().startsWith("HTTP/1.1 101")) {
        ended();
        return;
      }
      socket.pause();
      if (got.length > end + 4) socket.unshift(got.subarray(end + 4));
      resolve();
    };
    socket.on("data", data);
    for (const e of ["end", "close", "error"]) socket.on(e, ended);
  });
  const p = new WsPlug(socket);
  socket.resume();
  return p;
}

/** A bare TCP connection to where an address points. */
export function dialed(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}
