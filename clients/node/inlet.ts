/**
 * Inlet: sockets that read into one buffer of the process instead of a fresh one for each read. At a
 * gigabyte a second the fresh ones cost more than all else that is done with the data. Invariant: a
 * chunk is lent to `take` until it returns, and is consumed before any socket reads again, since
 * everything happens in one thread. Used by tcp.ts.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

/** As much as the caches hold well; a socket with more to say is read again. */
const SIZE = 512 * 1024;
let buffer: Uint8Array | undefined;

export class Inlet {
  /** Who gets what arrives; the socket is paused until this is set. */
  take: ((chunk: Uint8Array) => void) | undefined;
  /** For net.connect and new Socket. */
  readonly onread: OnReadOpts = {
    buffer: (buffer ??= new Uint8Array(SIZE)),
    callback: (n, from) => {
      this.take?.(from.subarray(0, n));
      return true;
    },
  };
}

/**
 * The accepted socket again, reading through the inlet; it must be paused (pauseOnConnect). A server
 * gives its sockets no `onread`, so a second Socket takes over the handle. undefined: this Node does
 * not let go of it, and the socket is as it was.
 */
export function reread(accepted: Socket, inlet: Inlet): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (typeof handle !== "object" || handle === null || !("useUserBuffer" in handle)) return undefined;
  Reflect.set(accepted, "_handle", null);
  const options: SocketConstructorOpts & { handle: object; onread: OnReadOpts } = { handle, allowHalfOpen: true, onread: inlet.onread };
  const socket = new Socket(options);
  socket.pause();
  // The server counts its sockets, and is told of the end of those it knows.
  socket.once("close", () => accepted.destroy());
  return socket;
}
