/** Regexp: against JavaScript's own on what both mean the same, against regexp(6) on the rest, and its time. */
import { expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { Regexp } from "../../../clients/tools/lib/regexp.ts";
import { chance, seed as seedOf } from "../../support/random.ts";

function matches(pattern: string, line: string | Uint8Array, fold = false): boolean {
  const b = typeof line === "string" ? encode(line) : line;
  return new Regexp(pattern, fold).test(b, 0, b.length);
}

const seed = seedOf();

test("regexp(6)", () => {
  const yes: [string, string][] = [
    ["", ""], ["", "x"], ["abc", "xabcx"], ["^$", ""], ["a|b", "b"], ["a\nb", "b"], ["^a\n^b", "b"], ["(ab)+c", "ababc"], ["x*", ""],
    ["[a\\]-]", "]"], ["[^a]", "b"], ["\\.", "."], ["a.c", "aéc"], ["^.$", "é"], ["^.$", "𝄞"], ["[à-ü]", "é"], ["^[^a]$", "€"], ["*a.b", "a.b"], ["*[", "["],
    ["a$", "ba"], ["(^a|b)c", "xbc"], ["$", "a"], ["a**", "aa"], ["a+?", ""], ["(a|)b", "b"], ["[.]", "."], ["[a-c]x", "bx"], ["{", "{"],
    ["^(aa|aab)c$", "aabc"],
  ];
  for (const [pattern, line] of yes) expect([pattern, line, matches(pattern, line)]).toEqual([pattern, line, true]);
  const no: [string, string][] = [
    ["abc", "abx"], ["^$", "x"], ["^..$", "é"], ["[^a]", "a"], ["\\.", "x"], ["*a.b", "axb"], ["(^a|b)c", "xac"], ["a^b", "a^b"], ["a+", ""], ["[à-ü]", "z"],
  ];
  for (const [pattern, line] of no) expect([pattern, line, matches(pattern, line)]).toEqual([pattern, line, false]);
  for (const bad of ["(", ")", "a)", "[", "[]", "[a", "*", "+a", "a|*b", "[z-a]", "a\\"]) expect(() => new Regexp(bad)).toThrow(/^malformed expression/);
});

test("case, and bytes that are no UTF-8", () => {
  expect(matches("ÄRGER", "ärger", true)).toBe(true);
  expect(matches("[a-c]", "B", true)).toBe(true);
  expect(matches("[^a]", "A", true)).toBe(false);
  expect(matches("a", "A")).toBe(false);
  const broken = Uint8Array.of(97, 0xff, 98, 0xc3);
  expect(matches("^a.b.$", broken)).toBe(true);
  expect(matches("^a..b", broken)).toBe(false);
  expect(matches("\udcff", broken)).toBe(true);
  expect(matches("é", Uint8Array.of(0xc3))).toBe(false);
});

test("random expressions agree with JavaScript's", () => {
  const next = chance(seed);
  const make = (depth: number): string => {
    switch (next(depth > 0 ? 9 : 4)) {
      case 0: return "a";
      case 1: return "b";
      case 2: return "[ab]";
      case 3: return ".";
      case 4: return make(depth - 1) + make(depth - 1);
      case 5: return `(${make(depth - 1)}|${make(depth - 1)})`;
      case 6: return `(${make(depth - 1)})*`;
      case 7: return `(${make(depth - 1)})+`;
      default: return `(${make(depth - 1)})?`;
    }
  };
  for (let i = 0; i < 400; i++) {
    const pattern = `${next(3) === 0 ? "^" : ""}${make(3)}${next(3) === 0 ? "$" : ""}`;
    const ours = new Regexp(pattern), theirs = new RegExp(pattern);
    for (let k = 0; k < 20; k++) {
      const line = Array.from({ length: next(8) }, () => "abc".charAt(next(3))).join("");
      const b = encode(line);
      expect([`SEED=${seed}`, pattern, line, ours.test(b, 0, b.length)]).toEqual([`SEED=${seed}`, pattern, line, theirs.test(line)]);
    }
  }
});

test("no expression is slow", () => {
  const a = "a".repeat(200_000);
  expect(matches("(a*)*b", a)).toBe(false);
  expect(matches("a*b", a)).toBe(false);
  expect(matches(`${"a?".repeat(30)}${"a".repeat(30)}$`, "a".repeat(30))).toBe(true);
  // Exponentially many states: the table is dropped now and then, the answer stays right.
  const b = encode(Array.from({ length: 300_000 }, (_, i) => ((i * i) >> 3) % 3 === 0 ? "a" : "b").join(""));
  expect(new Regexp(`(a|b)*a${"(a|b)".repeat(14)}c`).test(b, 0, b.length)).toBe(false);
  expect(() => new Regexp("(".repeat(100_000))).toThrow("too deep");
});
