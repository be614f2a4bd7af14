/** Patterns against strings; what they match in directories is in oracle.txt and shell.test.ts. */
import { describe, expect, it } from "vitest";
import { byCodePoint, GLOB, isPattern, mark, match, unmark } from "../../../clients/rc/glob.ts";

describe("match", () => {
  // subject, unquoted pattern, does 9base's ~ match
  it.each([
    ["", "", true], ["", "*", true], ["", "?", false], ["abc", "a*b*c", true], ["abc", "a*b", false], ["a/b", "a/*", true], ["x/y", "x*y", true],
    [".x", "*x", true], ["a", "[a-c]", true], ["b", "[~a]", true], ["a", "[~a]", false], ["]", "[]]", false], ["-", "[a-]", false], ["c", "[d-b]", true],
    ["-", "[+--]", true], ["a", "[a", false], ["a", "[]", false], ["a", "[~]", true], ["", "[~]", false], ["ü", "?", true], ["日本", "??", true],
    ["😀", "?", true], ["😀", "[😀]", true], ["😀x", "*x", true], ["*", "[*]", true], ["?", "[?]", true], ["[", "[[]", true], ["é", "[a-é]", true],
  ])("~ %j %j: %j", (subject, pattern, want) => expect(match(subject, mark(pattern))).toBe(want));

  it("takes bytes that are no UTF-8 as one character each", () => {
    expect(match("a\udcffb", mark("a?b"))).toBe(true);
    expect(match("\udcff", "\udcff")).toBe(true);
    expect(match("\udcff\udcfe", mark("[\udcf0-\udcff]?"))).toBe(true);
  });

  it("takes unmarked characters as they are", () => {
    expect(match("a*", "a*")).toBe(true);
    expect(match("ab", "a*")).toBe(false);
    expect(match("[x]", "[x]")).toBe(true);
    expect(match("a*b", `a*${GLOB}*`)).toBe(true);
  });

  it("does not mistake half of a character for the mark", () => {
    const last = "\u{10fffd}*";
    expect(isPattern(last)).toBe(false);
    expect(unmark(mark(last))).toBe(last);
    expect(match(`\u{10fffd}x`, mark(last))).toBe(true);
    expect(match("\u{10fffd}", mark("[\u{10fc00}-\u{10fffd}]"))).toBe(true);
  });

  it("is not exponential", () => expect(match("a".repeat(5000), mark(`${"a*".repeat(50)}b`))).toBe(false));
});

it("sorts as the bytes of UTF-8 do", () => {
  const names = ["b", "a", "ab", "", "é", "😀", "\uffee", "z", "日", "Z", "\u{10000}"];
  const bytes = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
  expect(names.toSorted(byCodePoint)).toEqual(bytes);
});
