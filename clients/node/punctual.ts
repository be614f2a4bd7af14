/**
 * Punctual: a portal whose server must answer the first call, which is the attach, in time. Invariant:
 * until that answer has come nobody depends on the connection, so it is hung up on when the answer
 * does not come, and when the call is flushed: a server that is stuck answers no Tflush either.
 * Used by connect.ts.
 */
import { type Dialect, Eintr, errno, NineError, type Portal, Rerror, type Rmsg, type Tmsg } from "../../proto/index.ts";

export function punctual(portal: Portal, timeoutMs: number): Portal {
  return new Punctual(portal, timeoutMs);
}

/** The error of a server that does not answer. */
export function late(timeoutMs: number): NineError {
  return new NineError(`Connection timed out: no 9P answer in ${timeoutMs / 1000} s`, errno.ETIMEDOUT);
}

class Punctual implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly timeoutMs: number;
  private asked = false;
  /** The first call while it waits, and what hangs up on it. */
  private first: { t: Tmsg; giveUp: (why: NineError) => void } | undefined;

  constructor(portal: Portal, timeoutMs: number) {
    this.portal = portal;
    this.timeoutMs = timeoutMs;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    const first = !this.asked;
    this.asked = true;
    const r = this.portal.call(t);
    return first && r instanceof Promise ? this.wait(t, r) : r;
  }

  flush(t: Tmsg): void {
    if (this.first?.t === t) this.first.giveUp(new NineError(Eintr));
    else this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }

  private async wait(t: Tmsg, r: Promise<Rmsg>): Promise<Rmsg> {
    let failed: NineError | undefined;
    const giveUp = (why: NineError): void => {
      failed = why;
      this.portal.hangup();
    };
    this.first = { t, giveUp };
    const timer = setTimeout(() => giveUp(late(this.timeoutMs)), this.timeoutMs);
    const reply = await r;
    clearTimeout(timer);
    this.first = undefined;
    return failed ? { type: Rerror, ename: failed.message, errno: failed.errno } : reply;
  }
}
