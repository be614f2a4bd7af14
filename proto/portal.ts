/**
 * Portal: the calling convention. One T message in, one R message out; everything in nineplex that
 * serves files is one: a server in process (srv.ts), a wire (mux.ts), and every function of
 * portals/ takes and gives one.
 */
import type { Dialect, Rmsg, Tmsg } from "./fcall.ts";

export interface Portal {
  /** What the peer speaks. In process: 9P2000.L, and the messages of 9P2000 as well. */
  readonly dialect: Dialect;
  /** Bounds a whole message: payload is at most msize - 24 (IOHDRSZ). */
  readonly msize: number;
  /**
   * The `.x` promise: messages on one fid take effect in the order of the calls, a message naming a
   * fid still being created waits for it, and in .L the messages of 9P2000 are answered too (their
   * stat in .u's layout) and an error whose sentence no number stands for is .u's Rerror. Only then may dependent messages be sent together.
   */
  readonly ordered: boolean;
  /** Rread.data stays as it is for good (a wire's own chunk): whoever keeps it need not copy. */
  readonly lasting?: boolean;
  /** Calls that have settled though the server is not done with them: flushed, or of a session that ended. Absent: none. */
  readonly lingering?: number;
  /** The data that those may still hold, in bytes. */
  readonly lingeringBytes?: number;
  /**
   * An Rerror or Rlerror is a reply, not a throw. Settles exactly once, never rejects. The T object
   * is the tag: it may not be given again, nor changed, before its reply.
   */
  call(t: Tmsg): Rmsg | Promise<Rmsg>;
  /**
   * Ask that call(t) settle soon; nothing of t happens after it has settled. Unknown t: nothing. Asked
   * again, a wire whose peer answers no Tflush settles it unanswered (Enoanswer): what becomes of t is not known.
   */
  flush(t: Tmsg): void;
  /** End the session: every fid is clunked, every call settles. Calls after it get Ehungup. Twice is fine. */
  hangup(): void;
}
