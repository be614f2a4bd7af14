import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, encodeUtf8, truncateUtf8, utf8Length } from "../../proto/utf8.ts";
import { seed } from "../support/random.ts";

const decode = (b: Uint8Array): string => decodeUtf8(b, 0, b.length);

function encode(s: string): Uint8Array {
  const b = new Uint8Array(utf8Length(s) + 1).fill(0x55);
  expect(encodeUtf8(s, b, 0)).toBe(b.length - 1);
  expect(b[b.length - 1]).toBe(0x55);
  return b.subarray(0, -1);
}

function same(b: Uint8Array): void {
  expect([...encode(decode(b))]).toEqual([...b]);
}

/** Bytes out of which the interesting sequences come up often. */
const awkward = fc.constantFrom(
  0x00, 0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x90, 0x8f, 0xbb,
);

describe("strings", () => {
  it("keep every sequence of bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), same), { seed: seed(), numRuns: 500 });
    fc.assert(fc.property(fc.array(awkward, { maxLength: 12 }).map((a) => Uint8Array.from(a)), same), { seed: seed(), numRuns: 3000 });
  });

  it("keep every two bytes", () => {
    for (let n = 0; n < 65536; n++) {
      const b = Uint8Array.of(n >> 8, n & 0xff);
      const back = new Uint8Array(2);
      if (encodeUtf8(decode(b), back, 0) !== 2 || back[0] !== b[0] || back[1] !== b[1]) throw new Error(`bytes ${n.toString(16)}`);
    }
  });

  it("are UTF-8 where they can be", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (s) => {
      const b = new TextEncoder().encode(s);
      expect([...encode(s)]).toEqual([...b]);
      expect(decode(b)).toBe(s);
    }), { seed: seed(), numRuns: 1000 });
  });

  it("agree with TextDecoder on what is UTF-8", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    fc.assert(fc.property(fc.array(awkward, { maxLength: 8 }).map((a) => Uint8Array.from(a)), (b) => {
      let want: string | undefined;
      try {
        want = strict.decode(b);
      } catch {
        expect(decode(b)).toMatch(/[\udc80-\udcff]/);
        return;
      }
      expect(decode(b)).toBe(want);
    }), { seed: seed(), numRuns: 3000 });
  });

  it.each([
    ["a byte that begins nothing", [0x61, 0xff, 0x62], "a\udcffb"],
    ["a lone continuation", [0x80], "\udc80"],
    ["an overlong slash", [0xc0, 0xaf], "\udcc0\udcaf"],
    ["a surrogate in three bytes (CESU)", [0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
    ["above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    ["a sequence cut short", [0xe2, 0x82], "\udce2\udc82"],
    ["a pair, then a stray byte", [0xf0, 0x9f, 0x98, 0x80, 0x80], "\u{1f600}\udc80"],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
    ["NUL", [0x00], "\0"],
  ])("decode %s", (_, bytes, s) => {
    expect(decode(Uint8Array.from(bytes))).toBe(s);
    expect([...encode(s)]).toEqual(bytes);
  });

  it("that no bytes decode to become U+FFFD", () => {
    for (const s of ["\ud800", "a\udbffb", "\udc00", "\udc7f", "\udd00", "\udfff"]) {
      expect(decode(encode(s))).toBe(s.replace(/[\ud800-\udfff]/, "\ufffd"));
    }
  });

  it("long and short read the same", () => {
    for (let n = 0; n < 100; n++) {
      const s = "abcdefghij".repeat(10).slice(0, n);
      expect(decode(encode(s))).toBe(s);
      expect(decode(encode(`${s}\udc80`))).toBe(`${s}\udc80`);
    }
  });

  it("are cut between characters", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(45), (b, max) => {
      const s = decode(b);
      const cut = truncateUtf8(s, max);
      expect(s.startsWith(cut)).toBe(true);
      expect(utf8Length(cut)).toBeLessThanOrEqual(max);
      const next = String.fromCodePoint(s.codePointAt(cut.length) ?? 0);
      if (cut !== s) expect(utf8Length(cut + next)).toBeGreaterThan(max);
    }), { seed: seed(), numRuns: 1000 });
    expect(truncateUtf8("aé\u{1f600}", 6)).toBe("aé");
    expect(truncateUtf8("aé\u{1f600}", 7)).toBe("aé\u{1f600}");
  });
});
