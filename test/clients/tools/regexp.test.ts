/** Regexp: against JavaScript's own on what both mean the same, against regexp(6) on the rest, and its time. */
import { expect, test } from "vitest";
import { decode, encode } from "../../../clients/tools/lib/bytes.ts";
import { compile } from "../../../clients/tools/lib/expr.ts";
import { lineEnd } from "../../../clients/tools/lib/lines.ts";
import { Regexp } from "../../../clients/tools/lib/regexp.ts";
import { Search } from "../../../clients/tools/lib/search.ts";
import { chance, seed as seedOf } from "../../support/random.ts";

function matches(pattern: string, line: string | Uint8Array, fold = false): boolean {
  const b = typeof line === "string" ? encode(line) : line;
  return new Regexp(compile(pattern, fold), false).test(b, 0, b.length);
}

const seed = seedOf();

test("regexp(6)", () => {
  const yes: [string, string][] = [
    ["", ""], ["", "x"], ["abc", "xabcx"], ["^$", ""], ["a|b", "b"], ["a\nb", "b"], ["^a\n^b", "b"], ["(ab)+c", "ababc"], ["x*", ""],
    ["[a\\]-]", "]"], ["[^a]", "b"], ["\\.", "."], ["a.c", "aéc"], ["^.$", "é"], ["^.$", "𝄞"], ["[à-ü]", "é"], ["^[^a]$", "€"],
    ["a$", "ba"], ["(^a|b)c", "xbc"], ["$", "a"], ["a**", "aa"], ["a+?", ""], ["(a|)b", "b"], ["[.]", "."], ["[a-c]x", "bx"], ["{", "{"],
    ["^(aa|aab)c$", "aabc"],
  ];
  for (const [pattern, line] of yes) expect([pattern, line, matches(pattern, line)]).toEqual([pattern, line, true]);
  const no: [string, string][] = [
    ["abc", "abx"], ["^$", "x"], ["^..$", "é"], ["[^a]", "a"], ["\\.", "x"], ["(^a|b)c", "xac"], ["a^b", "a^b"], ["a+", ""], ["[à-ü]", "z"],
  ];
  for (const [pattern, line] of no) expect([pattern, line, matches(pattern, line)]).toEqual([pattern, line, false]);
  for (const bad of ["(", ")", "a)", "[", "[]", "[a", "*", "+a", "a|*b", "[z-a]", "a\\"]) expect(() => compile(bad)).toThrow(/^malformed expression/);
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

/** An expression that means the same to JavaScript. */
function random(next: ReturnType<typeof chance>, most: number): string {
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
  return make(most);
}

test("the leftmost match, of those the longest, and its groups", () => {
  const next = chance(seed);
  for (let i = 0; i < 400; i++) {
    const pattern = random(next, 3);
    const search = new Search(compile(pattern)), whole = new RegExp(`^(?:${pattern})$`);
    const line = Array.from({ length: next(8) }, () => "abc".charAt(next(3))).join("");
    const from = next(line.length + 1);
    let best: string | undefined, begin = from;
    for (; begin <= line.length && best === undefined; begin++) {
      for (let end = line.length; end >= begin && best === undefined; end--) if (whole.test(line.slice(begin, end))) best = `${begin}-${end}`;
    }
    const found = search.find(encode(line), from) ? `${search.places[0]}-${search.places[1]}` : undefined;
    expect([`SEED=${seed}`, pattern, line, from, found]).toEqual([`SEED=${seed}`, pattern, line, from, best]);
  }
  const groups = (pattern: string, line: string): (string | undefined)[] => {
    const search = new Search(compile(pattern)), text = encode(line);
    return search.find(text, 0) ? Array.from({ length: search.groups + 1 }, (_, n) =>
      search.places[2 * n]! < 0 ? undefined : decode(text.subarray(search.places[2 * n], search.places[2 * n + 1]))) : [];
  };
  expect(groups("(é+)(.)?(x)?", "aééb")).toEqual(["ééb", "éé", "b", undefined]);
  expect(groups("(a*)(a*)(b|ab?c)", "xaab")).toEqual(["aab", "aa", "", "b"]);
  expect(groups("^b$", "a\nb\nc")).toEqual(["b"]);
  expect(groups("(a|(b))*", "ba")).toEqual(["ba", "a", "b"]);
  expect(groups("((.)+)+", "ababa")).toEqual(["ababa", "a", "a"]);
  expect(groups("(".repeat(12) + "a" + ")".repeat(12), "a")).toEqual(Array.from({ length: 10 }, () => "a"));
});

test("random expressions agree with JavaScript's", () => {
  const next = chance(seed);
  for (let i = 0; i < 400; i++) {
    const pattern = `${next(3) === 0 ? "^" : ""}${random(next, 3)}${next(3) === 0 ? "$" : ""}`;
    const ours = new Regexp(compile(pattern), next(2) === 0), theirs = new RegExp(pattern);
    for (let k = 0; k < 20; k++) {
      const line = Array.from({ length: next(8) }, () => "abc".charAt(next(3))).join("");
      const b = encode(line);
      expect([`SEED=${seed}`, pattern, line, ours.test(b, 0, b.length)]).toEqual([`SEED=${seed}`, pattern, line, theirs.test(line)]);
    }
  }
});

test("the lines of a text that have a match, one after the other", () => {
  const next = chance(seed);
  for (let i = 0; i < 400; i++) {
    const pattern = `${next(3) === 0 ? "^" : ""}${random(next, 3)}${next(3) === 0 ? "$" : ""}`;
    const ours = new Regexp(compile(pattern), true), theirs = new RegExp(pattern);
    const lines = Array.from({ length: next(12) }, () => Array.from({ length: next(6) }, () => "abcé".charAt(next(4))).join(""));
    // The last line may lack its newline.
    const text = lines.map((line, k) => (k === lines.length - 1 && line !== "" && next(2) === 0 ? line : `${line}\n`)).join("");
    const b = encode(text);
    const found: string[] = [];
    for (let at = 0, hit: number; (hit = ours.find(b, at, b.length)) >= 0;) {
      const begin = hit === 0 ? 0 : b.lastIndexOf(10, hit - 1) + 1;
      at = lineEnd(b, hit);
      found.push(decode(b.subarray(begin, at)).replace("\n", ""));
    }
    expect([`SEED=${seed}`, pattern, text, found]).toEqual([`SEED=${seed}`, pattern, text, lines.filter((line) => theirs.test(line))]);
  }
});

test("no expression is slow", () => {
  expect(new Search(compile("(a*)*b")).find(encode("a".repeat(5000)), 0)).toBe(false);
  expect(new Search(compile("((a*)*(a|b)*)*")).find(encode("ab".repeat(2500)), 0)).toBe(true);
  const a = "a".repeat(200_000);
  expect(matches("(a*)*b", a)).toBe(false);
  expect(matches("a*b", a)).toBe(false);
  expect(matches(`${"a?".repeat(30)}${"a".repeat(30)}$`, "a".repeat(30))).toBe(true);
  // Exponentially many states: the table is dropped now and then, the answer stays right.
  const b = encode(Array.from({ length: 300_000 }, (_, i) => ((i * i) >> 3) % 3 === 0 ? "a" : "b").join(""));
  expect(new Regexp(compile(`(a|b)*a${"(a|b)".repeat(14)}c`), false).test(b, 0, b.length)).toBe(false);
  expect(() => compile("(".repeat(100_000))).toThrow("too deep");
});
