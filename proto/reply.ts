/**
 * Reply: an error as an R message, and the error in one; what a call may hold in memory until its
 * reply. Errors inside are Rerror with the sentence and the number, whatever the dialect; serve.ts
 * gives them the dialect's form.
 */
import { asNineError, errno, NineError, sentenceOf } from "./errors.ts";
import { Rerror, type RerrorMsg, Rlerror, type Rmsg, type Tmsg, Tread, Treaddir, Twrite } from "./fcall.ts";

/** What a caller is told of anything thrown. */
export function rerror(e: unknown): RerrorMsg {
  const n = asNineError(e);
  return { type: Rerror, ename: n.message, errno: n.errno };
}

/** The error a reply carries, or undefined. */
export function errorOf(r: Rmsg): NineError | undefined {
  if (r.type === Rerror) return r.errno ? new NineError(r.ename, r.errno) : new NineError(r.ename);
  if (r.type === Rlerror) return new NineError(sentenceOf(r.ecode), r.ecode);
  return undefined;
}

export function isError(r: Rmsg): boolean {
  return r.type === Rerror || r.type === Rlerror;
}

/** The reply of a call that was flushed before anything came of it. */
export function isEintr(r: Rmsg): boolean {
  return (r.type === Rerror && r.errno === errno.EINTR) || (r.type === Rlerror && r.ecode === errno.EINTR);
}

/** Bytes of data that the call carries, or asks for. */
export function payload(t: Tmsg): number {
  return t.type === Twrite ? t.data.length : t.type === Tread || t.type === Treaddir ? t.count : 0;
}
