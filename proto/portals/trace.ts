/**
 * trace: a portal that tells of every message, in the language of print.ts: `-> ` before a T when it
 * is called, `<- ` before its R. The trace is what a wire would have carried: each call has a tag of
 * its own while it is outstanding, a flush is a Tflush whose Rflush comes when the call has settled,
 * and a call that the flush ended has no R. Payloads are shortened; without a `max` the trace is a
 * transcript (test/transcripts).
 */
import { type Dialect, type Fcall, type Rmsg, Rflush, Tflush, type Tmsg } from "../fcall.ts";
import type { Portal } from "../portal.ts";
import { print } from "../print.ts";
import { isEintr } from "../reply.ts";

export interface TraceOptions {
  /** Stands in a comment at the end of each line. */
  readonly name?: string;
  /** Bytes of payload shown of a message; default 64. */
  readonly max?: number;
}

/** log gets one line at a time, without newline. */
export function trace(portal: Portal, log: (line: string) => void, options: TraceOptions = {}): Portal {
  return new Trace(portal, log, options);
}

interface Outstanding {
  readonly tag: number;
  /** Tags of its Tflushes. */
  readonly flushes: number[];
}

class Trace implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly log: (line: string) => void;
  private readonly max: number;
  private readonly comment: string;
  private readonly pending = new Map<Tmsg, Outstanding>();
  /** Tags in use. */
  private readonly tags: boolean[] = [];

  constructor(portal: Portal, log: (line: string) => void, options: TraceOptions) {
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
    this.log = log;
    this.max = options.max ?? 64;
    this.comment = options.name === undefined ? "" : ` # ${options.name}`;
    log(`# ${this.dialect}${this.ordered ? ".x" : ""} msize ${this.msize}${options.name === undefined ? "" : ` ${options.name}`}`);
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    const tag = this.take();
    this.line("->", t, tag);
    const r = this.portal.call(t);
    if (r instanceof Promise) {
      const o: Outstanding = { tag, flushes: [] };
      this.pending.set(t, o);
      void r.then((x) => this.settled(t, o, x));
    } else this.answered(r, tag);
    return r;
  }

  flush(t: Tmsg): void {
    const o = this.pending.get(t);
    if (o) {
      const tag = this.take();
      o.flushes.push(tag);
      this.line("->", { type: Tflush, oldtag: o.tag }, tag);
    }
    this.portal.flush(t);
  }

  hangup(): void {
    this.log(`# hangup${this.comment.replace(" #", "")}`);
    this.portal.hangup();
  }

  private settled(t: Tmsg, o: Outstanding, r: Rmsg): void {
    this.pending.delete(t);
    if (o.flushes.length > 0 && isEintr(r)) this.tags[o.tag] = false;
    else this.answered(r, o.tag);
    for (const tag of o.flushes) this.answered({ type: Rflush }, tag);
  }

  private answered(f: Fcall, tag: number): void {
    this.tags[tag] = false;
    this.line("<-", f, tag);
  }

  private line(arrow: string, f: Fcall, tag: number): void {
    this.log(`${arrow} ${print(f, tag, this.max)}${this.comment}`);
  }

  /** The lowest tag that is free. */
  private take(): number {
    const free = this.tags.indexOf(false);
    const tag = free < 0 ? this.tags.length : free;
    this.tags[tag] = true;
    return tag;
  }
}
