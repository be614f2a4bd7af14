/**
 * Patterns of rc(1): matching a string, and matching names in directories. A pattern is a string in
 * which each * ? [ that means something has GLOB in front; without GLOB a character is itself.
 * Invariant: GLOB is a high surrogate with no low one after it, which no decoded text contains, so
 * variables and file names (lone low surrogates, bytes that are not UTF-8, included) cannot forge one.
 */
import { DMDIR, DMSYMLINK } from "../../proto/index.ts";
import type { Sys } from "../../kernel/sys.ts";
import { quietly } from "./error.ts";

/** The mark in front of a character that is part of a pattern. */
export const GLOB = "\udbff";

/** An unquoted word as a pattern. */
export function mark(word: string): string {
  return word.replace(/[*?[]/g, (c) => GLOB + c);
}

/** A pattern as the text it was written as. */
export function unmark(pattern: string): string {
  return pattern.includes(GLOB) ? pattern.replace(/\udbff(?=[*?[])/g, "") : pattern;
}

/** Is there anything in it that would match more than itself? */
export function isPattern(word: string): boolean {
  return word.includes(GLOB) && /\udbff[*?[]/.test(word);
}

/** Does the whole of subject match? Linear but for `*`, which costs at most the product of the lengths. */
export function match(subject: string, pattern: string): boolean {
  let s = 0;
  let p = 0;
  let starS = -1;
  let starP = -1;
  for (;;) {
    if (pattern[p] === GLOB && pattern[p + 1] === "*") {
      p += 2;
      starP = p;
      starS = s;
      continue;
    }
    if (s === subject.length && p === pattern.length) return true;
    const next = s < subject.length ? one(subject, s, pattern, p) : -1;
    if (next >= 0) {
      s += width(subject, s);
      p = next;
      continue;
    }
    if (starP < 0 || starS >= subject.length) return false;
    starS += width(subject, starS);
    s = starS;
    p = starP;
  }
}

/** Does subject match one of them? */
export function matchesAny(subject: string, patterns: readonly string[]): boolean {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]!;
    if (pattern.includes(GLOB) ? match(subject, pattern) : subject === pattern) return true;
  }
  return false;
}

/** One character of the subject against the pattern at p: where the pattern goes on, or -1. */
function one(subject: string, s: number, pattern: string, p: number): number {
  if (p >= pattern.length) return -1;
  const c = subject.codePointAt(s);
  if (pattern[p] === GLOB && pattern[p + 1] === "?") return p + 2;
  if (pattern[p] === GLOB && pattern[p + 1] === "[") return classOf(c!, pattern, p + 2);
  return pattern.codePointAt(p) === c ? p + width(pattern, p) : -1;
}

/** A class whose first member is at p: -1 when c is not in it or it has no end. */
function classOf(c: number, pattern: string, p: number): number {
  const complement = pattern[p] === "~";
  if (complement) p++;
  let hit = false;
  const member = (): number => {
    if (pattern[p] === GLOB && width(pattern, p) === 1) p++;
    const at = pattern.codePointAt(p);
    p += width(pattern, p);
    return at ?? -1;
  };
  while (pattern[p] !== "]") {
    if (p >= pattern.length) return -1;
    const lo = member();
    let hi = lo;
    if (pattern[p] === "-") {
      p++;
      if (p >= pattern.length) return -1;
      hi = member();
    }
    if (Math.min(lo, hi) <= c && c <= Math.max(lo, hi)) hit = true;
  }
  return hit === complement ? -1 : p + 1;
}

function width(s: string, at: number): number {
  return (s.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** Order of strings by code point, which is that of their UTF-8 bytes. */
export function byCodePoint(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates sort above the rest of the basic plane, as their code points do. */
function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
}

/**
 * Path names that match, sorted; [] for none. `/` must be matched explicitly, and so must the names
 * . and ..; names that merely begin with a dot need not. A directory that cannot be read has no names.
 */
export async function glob(sys: Sys, pattern: string): Promise<string[]> {
  const elements = pattern.split("/");
  let paths = [""];
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]!;
    const last = i === elements.length - 1;
    const literal = unmark(element);
    if (!isPattern(element)) {
      const tail = last ? literal : `${literal}/`;
      const next = paths.map((path) => path + tail);
      // Only after something has matched can a name that is spelled out be missing.
      paths = last && literal !== "" && i > 0 ? await existing(sys, next) : next;
      continue;
    }
    const next: string[] = [];
    for (const path of paths) {
      for (const name of await names(sys, path, element, !last)) next.push(last ? path + name : `${path}${name}/`);
    }
    paths = next;
    if (paths.length === 0) break;
  }
  return paths.toSorted(byCodePoint);
}

async function names(sys: Sys, path: string, pattern: string, dirs: boolean): Promise<string[]> {
  const found: string[] = [];
  const entries = await quietly(() => sys.readDir(path === "" ? "." : path));
  for (const entry of entries ?? []) {
    const { name } = entry;
    if (name === "." || name === ".." || !match(name, pattern)) continue;
    if (dirs && (entry.mode & DMDIR) === 0) {
      if ((entry.mode & DMSYMLINK) === 0) continue;
      const target = await quietly(() => sys.stat(path + name));
      if (!target || (target.mode & DMDIR) === 0) continue;
    }
    found.push(name);
  }
  // A union lists a name once for each element that has it.
  return [...new Set(found)];
}

async function existing(sys: Sys, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if (await quietly(() => sys.stat(path))) found.push(path);
  return found;
}
