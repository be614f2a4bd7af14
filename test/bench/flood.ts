/**
 * Flood: the client of the bench: W slots on one Link, each a list of steps said one after the other
 * for as long as the run lasts. It looks at size, type and tag of each reply where it lies and makes
 * no object for it. Invariants: a slot's next step is sent when all replies to the last have come; a
 * reply that is not of the type expected, or not of the size, fails the run; a run ends with all
 * slots at their first step and nothing outstanding. The tag's low byte is the slot, its high byte
 * the message's number in the step.
 */
import { performance } from "node:perf_hooks";
import { Rlerror, sizeAt, tagOf, typeOf } from "../../proto/index.ts";
import type { Link, LinkReceiver } from "./link.ts";

export interface Step {
  /** One message, or several that leave together. */
  readonly send: Buffer;
  /** The types of their replies. */
  readonly expect: readonly number[];
  /** Bytes of each reply; 0 where they vary. */
  readonly size: readonly number[];
}

export interface Slot {
  readonly steps: readonly Step[];
  /** Called before a step is sent: it may change its offsets. */
  ready?(step: Step): void;
  /** Is given each whole reply and says how much was done by it; without, the last step is one operation. */
  got?(buf: Buffer, at: number, end: number): number;
  /** Whether a run must not end at the first step, because more belongs to what was begun. */
  midway?(): boolean;
}

export interface Result { readonly ops: number; readonly seconds: number }

const HDRSZ = 7;

export class Flood implements LinkReceiver {
  readonly link: Link;
  private slots: readonly Slot[] = [];
  /** By slot: the step under way, replies it still waits for. */
  private readonly step = new Uint16Array(256);
  private readonly due = new Uint16Array(256);
  private active = 0;
  private ops = 0;
  private since = 0;
  private until = 0;
  private done: ((r: Result) => void) | undefined;
  private broken: ((e: Error) => void) | undefined;
  private error: Error | undefined;
  /** A header that came in pieces. */
  private readonly head = Buffer.alloc(HDRSZ);
  private have = 0;
  /** Bytes of the message under way still to come. */
  private left = 0;
  private slot = 0;
  /** A whole message that came in pieces, when its slot wants it; -1: it does not. */
  private whole: Buffer = Buffer.alloc(0);
  private kept = -1;

  constructor(link: Link) {
    this.link = link;
    link.start(this);
  }

  /** Runs the slots for so long; 0 is once each. */
  run(slots: readonly Slot[], seconds: number): Promise<Result> {
    if (this.error) return Promise.reject(this.error);
    this.slots = slots;
    slots.forEach((slot, i) => slot.steps.forEach((step) => setTags(step.send, i)));
    this.ops = 0;
    this.active = slots.length;
    this.since = performance.now();
    this.until = this.since + seconds * 1000;
    return new Promise((resolve, reject) => {
      this.done = resolve;
      this.broken = reject;
      for (let i = 0; i < slots.length; i++) this.send(i, 0);
      this.link.flush();
    });
  }

  failed(e: Error): void {
    this.error ??= e;
    this.broken?.(this.error);
  }

  recv(buf: Buffer, at: number, end: number): void {
    try {
      this.scan(buf, at, end);
    } catch (e) {
      this.failed(e instanceof Error ? e : new Error(String(e)));
      this.link.close();
    }
  }

  private scan(buf: Buffer, from: number, end: number): void {
    let at = from;
    const late = performance.now() >= this.until;
    while (at < end) {
      if (this.left > 0) {
        const n = Math.min(this.left, end - at);
        if (this.kept >= 0) {
          buf.copy(this.whole, this.kept, at, at + n);
          this.kept += n;
        }
        this.left -= n;
        at += n;
        if (this.left === 0) this.finish(this.whole, 0, this.kept, late);
        continue;
      }
      if (this.have > 0 || end - at < HDRSZ) {
        while (this.have < HDRSZ && at < end) this.head[this.have++] = buf[at++]!;
        if (this.have < HDRSZ) return;
        this.have = 0;
        this.begin(this.head, 0);
        this.left = sizeAt(this.head, 0) - HDRSZ;
        this.keep(this.head, 0, HDRSZ);
        if (this.left === 0) this.finish(this.whole, 0, this.kept, late);
        continue;
      }
      this.begin(buf, at);
      const size = sizeAt(buf, at);
      if (size <= end - at) {
        this.finish(buf, at, at + size, late);
        at += size;
      } else {
        this.left = size - HDRSZ;
        this.keep(buf, at, at + HDRSZ);
        at += HDRSZ;
      }
    }
  }

  /** The first bytes of a message that comes in pieces. */
  private keep(buf: Buffer, at: number, end: number): void {
    this.kept = -1;
    if (this.slots[this.slot]!.got === undefined) return;
    const size = sizeAt(buf, at);
    if (this.whole.length < size) this.whole = Buffer.allocUnsafeSlow(size);
    buf.copy(this.whole, 0, at, end);
    this.kept = end - at;
  }

  /** The header of a reply is there: is it one that was waited for? */
  private begin(buf: Buffer, at: number): void {
    const tag = tagOf(buf, at);
    const i = tag & 255;
    const slot = this.slots[i];
    const step = slot?.steps[this.step[i]!];
    const type = typeOf(buf, at);
    const size = sizeAt(buf, at);
    if (!step || this.due[i] === 0 || type !== step.expect[tag >> 8]) {
      const ecode = type === Rlerror && buf.length >= at + 11 ? `, ecode ${sizeAt(buf, at + 7)}` : "";
      throw new Error(`a reply of type ${type}${ecode} to tag ${tag}, ${step ? `not ${step.expect[tag >> 8]}` : "which is not in use"}`);
    }
    const wanted = step.size[tag >> 8]!;
    if (wanted !== 0 && size !== wanted) throw new Error(`a reply of type ${type} with ${size} bytes, not ${wanted}`);
    this.slot = i;
  }

  /** A reply is there with all its bytes, which are only looked at when the slot asks for them. */
  private finish(buf: Buffer, at: number, end: number, late: boolean): void {
    const i = this.slot;
    const slot = this.slots[i]!;
    if (slot.got !== undefined) this.ops += slot.got(buf, at, end);
    if (--this.due[i]! > 0) return;
    let next = this.step[i]! + 1;
    if (next === slot.steps.length) {
      next = 0;
      if (slot.got === undefined) this.ops++;
    }
    if (next === 0 && late && !slot.midway?.()) {
      if (--this.active > 0) return;
      const seconds = (performance.now() - this.since) / 1000;
      this.done?.({ ops: this.ops, seconds });
      return;
    }
    this.send(i, next);
  }

  private send(i: number, next: number): void {
    const slot = this.slots[i]!;
    const step = slot.steps[next]!;
    this.step[i] = next;
    this.due[i] = step.expect.length;
    if (slot.ready !== undefined) slot.ready(step);
    this.link.put(step.send);
  }
}

function setTags(send: Buffer, slot: number): void {
  for (let at = 0, k = 0; at < send.length; at += sizeAt(send, at), k++) send.writeUInt16LE(slot | (k << 8), at + 5);
}
