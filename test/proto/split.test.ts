import { describe, expect, it } from "vitest";
import { NineError } from "../../proto/errors.ts";
import { Splitter } from "../../proto/split.ts";
import { golden } from "../support/golden.ts";
import { chance, seed } from "../support/random.ts";

const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");

function message(size: number): Uint8Array {
  const m = new Uint8Array(size).fill(0xab);
  new DataView(m.buffer).setUint32(0, size, true);
  return m;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** What a splitter makes of these chunks. */
function split(chunks: readonly Uint8Array[], msize = 8192): string[] {
  const s = new Splitter(msize);
  const got: string[] = [];
  for (const c of chunks) s.push(c, (buf, at, end) => got.push(hex(buf.subarray(at, end))));
  expect(s.pending).toBe(0);
  return got;
}

describe("splitter", () => {
  it("held after any message, and with chunks coming meanwhile, hands on the same", () => {
    const rnd = chance(seed());
    const stream = joined(golden("9P2000.L").map((g) => g.bytes));
    const want = split([stream], 1 << 20);
    for (let n = 0; n < 200; n++) {
      const s = new Splitter(1 << 20);
      const got: string[] = [];
      const each = (buf: Uint8Array, at: number, end: number): void => {
        got.push(hex(buf.subarray(at, end)));
        if (rnd(3) === 0) s.hold();
      };
      for (let at = 0; at < stream.length;) {
        const chunk = stream.slice(at, at + 1 + rnd(200));
        at += chunk.length;
        const before = s.holding ? got.length : -1;
        s.push(chunk, each);
        // What was lent is not kept.
        chunk.fill(0);
        if (before >= 0) expect(got.length).toBe(before);
        if (rnd(2) === 0) s.go(each);
      }
      while (s.holding) s.go(each);
      expect(got, `SEED=${seed()} ${n}`).toEqual(want);
      expect(s.pending).toBe(0);
    }
  });

  const few = [message(7), message(8), message(30), message(7)];
  const all = golden("9P2000.L").map((g) => g.bytes);

  it("finds the same messages wherever the stream is cut in two or three", () => {
    const stream = joined(few);
    const want = few.map(hex);
    for (let i = 0; i <= stream.length; i++) {
      for (let j = i; j <= stream.length; j++) expect(split([stream.slice(0, i), stream.slice(i, j), stream.slice(j)])).toEqual(want);
    }
  });

  it("and byte by byte, and in random pieces", () => {
    const stream = joined(all);
    const want = all.map(hex);
    expect(split([...stream].map((b) => Uint8Array.of(b)))).toEqual(want);
    const rnd = chance(seed());
    for (let n = 0; n < 200; n++) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length;) {
        const next = at + rnd(rnd(10) === 0 ? 500 : 12);
        chunks.push(stream.slice(at, next));
        at = next;
      }
      expect(split(chunks), `SEED=${seed()}`).toEqual(want);
    }
  });

  it("hands on in place what lies whole in a chunk, and copies only what spans two", () => {
    const stream = joined(few);
    const s = new Splitter(8192);
    const places: [boolean, number][] = [];
    const chunk = stream.slice(0, 20);
    s.push(chunk, (buf, at) => places.push([buf === chunk, at]));
    expect([places, s.pending]).toEqual([[[true, 0], [true, 7]], 5]);
    const rest = stream.slice(20);
    s.push(rest, (buf, at) => places.push([buf === rest, at]));
    expect(places.slice(2)).toEqual([[false, 0], [true, 25]]);
  });

  it("never writes into a chunk", () => {
    const stream = joined([message(100), message(100)]);
    const chunks = [stream.slice(0, 50), stream.slice(50, 60), stream.slice(60, 150), stream.slice(150)];
    const before = chunks.map(hex);
    const s = new Splitter(8192);
    const kept: Uint8Array[] = [];
    for (const c of chunks) s.push(c, (buf, at, end) => kept.push(buf.subarray(at, end)));
    expect(chunks.map(hex)).toEqual(before);
    expect(kept.map(hex)).toEqual([hex(message(100)), hex(message(100))]);
  });

  it("joins a long message in linear time and memory, however small the pieces", () => {
    const size = 1 << 20;
    const big = message(size);
    const s = new Splitter(size);
    let got = 0;
    let copied = 0;
    let last: unknown;
    for (let i = 0; i < size; i++) {
      s.push(big.subarray(i, i + 1), (_, at, end) => (got = end - at));
      const part: unknown = Reflect.get(s, "part");
      if (part !== last) copied += s.pending;
      last = part;
    }
    expect(got).toBe(size);
    expect(copied).toBeLessThan(2 * size);
  });

  it("keeps no more than twice what arrived, and 4 KiB at least", () => {
    const s = new Splitter(0xffffffff);
    s.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3), () => expect.fail());
    for (let i = 0; i < 10_000; i++) s.push(Uint8Array.of(i & 0xff), () => expect.fail());
    const part: unknown = Reflect.get(s, "part");
    expect(part instanceof Uint8Array && part.length).toBeLessThanOrEqual(2 * s.pending);
  });

  it.each([[0], [6], [8193], [0x80000000], [0xffffffff]])("refuses a size of %i as soon as it is there", (size) => {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, size, true);
    for (const cut of [0, 1, 3]) {
      const s = new Splitter(8192);
      s.push(head.slice(0, cut), () => expect.fail());
      expect(() => s.push(head.slice(cut), () => expect.fail())).toThrow(NineError);
      expect(s.pending).toBe(0);
      s.push(message(7), () => expect.fail());
    }
  });

  it("takes a message of exactly msize, and a new msize from the next message on", () => {
    const s = new Splitter(100);
    const sizes: number[] = [];
    s.push(joined([message(100), message(50)]), (_, at, end) => {
      sizes.push(end - at);
      s.msize = 50;
    });
    expect(sizes).toEqual([100, 50]);
    expect(() => s.push(message(51), () => expect.fail())).toThrow("protocol botch: message of 51 bytes, msize is 50");
  });

  it("is over after stop, and after a throw", () => {
    const s = new Splitter(100);
    let n = 0;
    s.push(joined([message(7), message(7)]), () => {
      n++;
      s.stop();
    });
    s.push(message(7), () => n++);
    expect(n).toBe(1);
    const t = new Splitter(100);
    expect(() => t.push(joined([message(7), message(7)]), () => {
      throw new Error("mine");
    })).toThrow("mine");
    t.push(message(7), () => expect.fail());
  });
});
