/**
 * One suite for every transport: what proto/transport.ts promises, over whatever medium.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Receiver, Transport } from "../../proto/index.ts";

/** Two joined ends, not started. */
export interface Ends {
  readonly a: Transport;
  readonly b: Transport;
  /** Kills b's side without a farewell. */
  crash?: () => void;
  /** Ends what is left (listeners, children). */
  done?: () => Promise<void> | void;
}

export interface Traits {
  /** pause() reaches the sender: its `buffered` stays up. Not so for a browser's WebSocket. */
  readonly stops?: boolean;
  /** Most bytes that may slip through to a paused receiver, and into the medium's own buffers. */
  readonly slack?: number;
}

/** A promise and its resolve (Node 20 has no Promise.withResolvers). */
export function later<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let settle: ((value: T) => void) | undefined;
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, resolve: (value) => settle?.(value) };
}

/** A look at what the types hide. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function peek<T>(x: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return x as T;
}

/** Receives, and remembers. */
export class Sink implements Receiver {
  readonly chunks: Uint8Array[] = [];
  size = 0;
  ends = 0;
  why: string | undefined;
  private waiting: (() => void)[] = [];

  recv(chunk: Uint8Array): void {
    if (this.ends > 0) throw new Error("recv after closed");
    this.chunks.push(chunk.slice());
    this.size += chunk.length;
    this.wake();
  }

  closed(why?: string): void {
    this.ends++;
    this.why = why;
    this.wake();
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Bytes that differ from place to place. */
export function pattern(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let x = seed;
  for (let i = 0; i < words.length; i++) words[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  return new Uint8Array(words.buffer, 0, size);
}

/** Send all of data in chunks of these sizes in turn, waiting when much is buffered. */
async function pour(t: Transport, data: Uint8Array, sizes: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < data.length; i++) {
    const n = sizes[i % sizes.length] ?? 1;
    t.send(data.slice(at, at + n));
    at += n;
    if (t.buffered > 1024 * 1024) await t.drain();
  }
}

export function transportSuite(name: string, make: () => Promise<Ends>, traits: Traits = {}): void {
  describe(name, () => {
    const { stops = true, slack = 8 * 1024 * 1024 } = traits;
    const made: Ends[] = [];
    const ends = async (): Promise<Ends> => {
      const e = await make();
      made.push(e);
      return e;
    };
    const started = async (): Promise<Ends & { sa: Sink; sb: Sink }> => {
      const e = await ends();
      const sa = new Sink();
      const sb = new Sink();
      e.a.start(sa);
      e.b.start(sb);
      return { ...e, sa, sb };
    };
    afterEach(async () => {
      for (const e of made.splice(0)) {
        e.a.close();
        e.b.close();
        await e.done?.();
      }
    });

    it("keeps order and content under many chunk sizes", async () => {
      const { a, sb } = await started();
      const data = pattern(300_000);
      await pour(a, data, [1, 2, 7, 4095, 3, 4096, 4097, 1, 65_536, 11, 70_000, 5, 100]);
      await sb.until(() => sb.size >= data.length);
      expect(sb.bytes().equals(data)).toBe(true);
    });

    it("carries many small chunks of one turn", async () => {
      const { a, sb } = await started();
      const data = pattern(5000, 3);
      for (const byte of data) a.send(Uint8Array.of(byte));
      await sb.until(() => sb.size >= data.length);
      expect(sb.bytes().equals(data)).toBe(true);
    });

    it("carries both directions at once", async () => {
      const { a, b, sa, sb } = await started();
      const up = pattern(1_500_000, 5);
      const down = pattern(1_200_000, 6);
      await Promise.all([pour(a, up, [10_000, 7, 65_536]), pour(b, down, [9, 131_072]), sa.until(() => sa.size >= down.length), sb.until(() => sb.size >= up.length)]);
      expect(sb.bytes().equals(up)).toBe(true);
      expect(sa.bytes().equals(down)).toBe(true);
    });

    it("answers from inside recv", async () => {
      const { a, b } = await ends();
      const sa = new Sink();
      b.start({ recv: (chunk) => b.send(chunk.slice()), closed: () => {} });
      a.start(sa);
      for (let i = 0; i < 50; i++) {
        a.send(Uint8Array.of(i, i));
        await sa.until(() => sa.size === 2 * (i + 1));
      }
      expect([...sa.bytes()]).toEqual(Array.from({ length: 100 }, (_, i) => i >> 1));
    });

    it("carries 16 MiB, waiting for drain", async () => {
      const { a, sb } = await started();
      const data = pattern(1024 * 1024, 9);
      for (let i = 0; i < 16; i++) {
        a.send(data.slice());
        if (a.buffered > 2 * data.length) {
          await a.drain();
          expect(a.buffered).toBeLessThanOrEqual(16 * 1024);
        }
      }
      await a.drain();
      await sb.until(() => sb.size >= 16 * data.length);
      const got = sb.bytes();
      for (let i = 0; i < 16; i++) expect(got.subarray(i * data.length, (i + 1) * data.length).equals(data)).toBe(true);
    });

    it("delivers late what came before start", async () => {
      const { a, b } = await ends();
      a.start(new Sink());
      a.send(Uint8Array.of(1, 2));
      await sleep(10);
      a.send(Uint8Array.of(3));
      await sleep(10);
      const sb = new Sink();
      b.start(sb);
      expect(sb.size).toBe(0);
      await sb.until(() => sb.size === 3);
      expect([...sb.bytes()]).toEqual([1, 2, 3]);
    });

    it("delivers nothing while paused, and everything after", async () => {
      const { a, b, sb } = await started();
      a.send(Uint8Array.of(1));
      await sb.until(() => sb.size === 1);
      b.pause();
      await sleep(5);
      const before = sb.size;
      a.send(Uint8Array.of(2));
      a.send(Uint8Array.of(3));
      await sleep(20);
      expect(sb.size).toBe(before);
      b.resume();
      await sb.until(() => sb.size === 3);
      expect([...sb.bytes()]).toEqual([1, 2, 3]);
    });

    it.runIf(stops)("stops the flow when the reader pauses, with bounded memory", async () => {
      const { a, b, sb } = await started();
      b.pause();
      const data = pattern(256 * 1024, 11);
      let drained = false;
      let sent = 0;
      for (; sent < 128; sent++) {
        a.send(data.slice());
        if (a.buffered <= 1024 * 1024) continue;
        drained = false;
        const low = a.drain().then(() => (drained = true));
        await Promise.race([low, sleep(100)]);
        if (!drained) break;
      }
      expect(drained).toBe(false);
      expect(a.buffered).toBeGreaterThan(1024 * 1024);
      expect(sent * data.length).toBeLessThan(slack);
      expect(sb.size).toBeLessThanOrEqual(256 * 1024);
      b.resume();
      await sb.until(() => sb.size >= (sent + 1) * data.length);
      await a.drain();
      expect(sb.size).toBe((sent + 1) * data.length);
    });

    it("flushes, then closes both ends once", async () => {
      const { a, b, sa, sb } = await started();
      const data = pattern(3_000_000, 13);
      for (let at = 0; at < data.length; at += 100_000) a.send(data.slice(at, at + 100_000));
      a.close();
      a.close();
      a.send(Uint8Array.of(1));
      await Promise.all([sa.until(() => sa.ends > 0), sb.until(() => sb.ends > 0)]);
      b.close();
      b.send(Uint8Array.of(2));
      await sleep(20);
      expect(sb.bytes().equals(data)).toBe(true);
      expect([sa.ends, sb.ends]).toEqual([1, 1]);
      expect([sa.why, sb.why]).toEqual([undefined, undefined]);
      expect(sa.size).toBe(0);
    });

    it("closes from inside recv, and tells only the closer its own reason", async () => {
      const { a, b } = await ends();
      const sa = new Sink();
      a.start(sa);
      const whys: (string | undefined)[] = [];
      b.start({ recv: () => b.close("bad message"), closed: (why) => whys.push(why) });
      a.send(Uint8Array.of(1));
      await sa.until(() => sa.ends > 0);
      await expect.poll(() => whys).toEqual(["bad message"]);
      // Media that can carry the reason do.
      expect([undefined, "bad message"]).toContain(sa.why);
    });

    it("closes both ends at once", async () => {
      const { a, b, sa, sb } = await started();
      a.send(Uint8Array.of(1));
      b.send(Uint8Array.of(2));
      a.close();
      b.close();
      await Promise.all([sa.until(() => sa.ends > 0), sb.until(() => sb.ends > 0)]);
      await sleep(5);
      expect([sa.ends, sb.ends, sa.why, sb.why]).toEqual([1, 1, undefined, undefined]);
    });

    it("settles drain at close", async () => {
      const { a, b } = await started();
      b.pause();
      for (let i = 0; i < 20; i++) a.send(new Uint8Array(256 * 1024));
      const low = a.drain();
      a.close();
      await low;
      await a.drain();
      b.resume();
    });

    it("delivers what came before the peer's close, also to a late start", async () => {
      const { a, b } = await ends();
      a.start(new Sink());
      a.send(pattern(1000, 17));
      a.close();
      await sleep(10);
      const sb = new Sink();
      b.start(sb);
      await sb.until(() => sb.ends > 0);
      expect(sb.bytes().equals(pattern(1000, 17))).toBe(true);
    });

    it("gives chunks away for good", async () => {
      const { a, sb } = await started();
      const first = pattern(200_000, 19);
      await pour(a, first, [1000, 30, 20_000]);
      await sb.until(() => sb.size >= first.length);
      const kept = sb.chunks.slice();
      const copies = kept.map((c) => c.slice());
      await pour(a, pattern(2_000_000, 23), [1000, 30, 70_000]);
      await sb.until(() => sb.size >= 2_200_000);
      expect(kept.every((c, i) => Buffer.compare(c, copies[i] ?? new Uint8Array(0)) === 0)).toBe(true);
      // A Buffer's slice would not be a copy.
      expect(sb.chunks.every((c) => Object.getPrototypeOf(c) === Uint8Array.prototype)).toBe(true);
    });

    it("names its peer, without a token", async () => {
      const { a, b } = await ends();
      for (const t of [a, b]) {
        expect(t.peer).not.toBe("");
        expect(t.peer).not.toContain("token");
      }
    });

    it("gives a reason when the peer crashes", async (test) => {
      const e = await started();
      if (!e.crash) test.skip();
      e.b.send(Uint8Array.of(1));
      await e.sa.until(() => e.sa.size === 1);
      e.crash?.();
      await e.sa.until(() => e.sa.ends > 0);
      expect(e.sa.why).toMatch(/\w+ \w+/);
      e.a.send(Uint8Array.of(1));
      await sleep(5);
      expect(e.sa.ends).toBe(1);
    });
  });
}
