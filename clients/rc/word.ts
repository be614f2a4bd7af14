/**
 * Expansion: words to lists of strings, rc(1) "Arguments and Variables". Results of expand() are
 * patterns (glob.ts); words() has matched them against files. Invariant: a promise appears only
 * where a command or a directory is waited for, so plain words cost none.
 */
import type { Word } from "./ast.ts";
import { RcError } from "./error.ts";
import type { Shell } from "./eval.ts";
import { glob, isPattern, unmark } from "./glob.ts";
import { namechr } from "./lex.ts";

export type Later<T> = T | Promise<T>;
type List = readonly string[];

function then<T, U>(value: Later<T>, f: (value: T) => Later<U>): Later<U> {
  return value instanceof Promise ? value.then(f) : f(value);
}

/** The words' values one after the other, as patterns. */
export function expandAll(sh: Shell, words: readonly Word[]): Later<List> {
  if (words.length === 1) return expand(sh, words[0]!);
  // The first value is copied as a whole: x=($x more) is what scripts make long lists with.
  let out: string[] | undefined;
  for (let i = 0; i < words.length; i++) {
    const value = expand(sh, words[i]!);
    if (value instanceof Promise) return expandRest(sh, words, i, value, out ?? []);
    if (out) append(out, value);
    else out = value.slice();
  }
  return out ?? [];
}

async function expandRest(sh: Shell, words: readonly Word[], at: number, first: Promise<List>, out: string[]): Promise<List> {
  append(out, await first);
  for (let i = at + 1; i < words.length; i++) append(out, await expand(sh, words[i]!));
  return out;
}

function append(out: string[], list: List): void {
  for (let i = 0; i < list.length; i++) out.push(list[i]!);
}

/** Do these words hold a pattern? */
function globs(list: readonly Word[]): boolean {
  for (let i = 0; i < list.length; i++) {
    const word = list[i]!;
    if ("globs" in word && word.globs) return true;
  }
  return false;
}

/** The words' values with patterns replaced by the files they match. */
export function words(sh: Shell, list: readonly Word[]): Later<List> {
  const patterns = expandAll(sh, list);
  return globs(list) ? then(patterns, (all) => globAll(sh, all)) : patterns;
}

async function globAll(sh: Shell, patterns: List): Promise<List> {
  const out: string[] = [];
  for (const pattern of patterns) {
    const found = isPattern(pattern) ? await glob(sh.sys, pattern) : [];
    if (found.length === 0) out.push(unmark(pattern));
    append(out, found);
  }
  return out;
}

/** The words' values as plain strings, patterns standing for themselves. */
export function literal(sh: Shell, list: readonly Word[]): Later<List> {
  const patterns = expandAll(sh, list);
  return globs(list) ? then(patterns, (all) => all.map(unmark)) : patterns;
}

/** The same as one string. */
export function joined(sh: Shell, word: Word): Later<string> {
  const list = literal(sh, [word]);
  return list instanceof Promise ? list.then((all) => all.join(" ")) : list.length === 1 ? list[0]! : list.join(" ");
}

/** Can it be expanded without running a command or reading a directory? */
export function isPlain(word: Word): boolean {
  switch (word.kind) {
    case "lit": return !word.globs;
    case "var": return isPlain(word.name) && (word.index ?? []).every(isPlain);
    case "count": case "join": return isPlain(word.name);
    case "cat": return isPlain(word.left) && isPlain(word.right);
    case "list": return word.words.every(isPlain);
    default: return false;
  }
}

function expand(sh: Shell, word: Word): Later<List> {
  switch (word.kind) {
    case "lit": return word.value;
    case "var": {
      const { name, index } = word;
      if (index) return then(nameOf(sh, name), (known) => then(literal(sh, index), (at) => select(lookup(sh, known), at)));
      return name.kind === "lit" ? lookup(sh, name.text) : then(nameOf(sh, name), (known) => lookup(sh, known));
    }
    case "count": return then(nameOf(sh, word.name), (name) => [String(lookup(sh, name).length)]);
    case "join": return then(nameOf(sh, word.name), (name) => [lookup(sh, name).join(" ")]);
    case "cat": return catenate(sh, word);
    case "list": return expandAll(sh, word.words);
    case "back": {
      const { body, sep } = word;
      if (!sep) return sh.backquote(body, undefined);
      return then(literal(sh, [sep]), (chars) => sh.backquote(body, chars.join("")));
    }
    default: return sh.pipefd(word).then((name) => [name]);
  }
}

/** a^b^c ..., from left to right. */
function catenate(sh: Shell, word: Word): Later<List> {
  const rights: Word[] = [];
  let first = word;
  for (; first.kind === "cat"; first = first.left) rights.push(first.right);
  let left = expand(sh, first);
  for (let right = rights.pop(); right; right = rights.pop()) {
    if (left instanceof Promise) return catenateRest(sh, left, right, rights);
    const value = expand(sh, right);
    if (value instanceof Promise) {
      const known = left;
      left = value.then((list) => concat(known, list));
    } else left = concat(left, value);
  }
  return left;
}

async function catenateRest(sh: Shell, first: Promise<List>, second: Word, rights: Word[]): Promise<List> {
  let left = await first;
  for (let right: Word | undefined = second; right; right = rights.pop()) left = concat(left, await expand(sh, right));
  return left;
}

function nameOf(sh: Shell, word: Word): Later<string> {
  if (word.kind === "lit") return word.text;
  return then(literal(sh, [word]), (names) => {
    if (names.length !== 1) throw new RcError("variable name not singleton!");
    return names[0]!;
  });
}

/** A variable's value; $1, $2 ... are elements of $*. */
export function lookup(sh: Shell, name: string): List {
  if (name === "status") return sh.status;
  if (isNumber(name)) {
    const arg = sh.vars.get("*")[Number(name) - 1];
    return arg === undefined ? [] : [arg];
  }
  return sh.vars.get(name);
}

/** All digits, and not nothing but zeros. */
function isNumber(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 48 && first <= 57 && /^0*[1-9][0-9]*$/.test(name);
}

/** The elements at these subscripts, origin 1: n, n-m or n- (through the last). */
function select(list: List, subscripts: List): List {
  const out: string[] = [];
  for (const subscript of subscripts) {
    const range = /^\s*(\d*)(-(\d*))?/.exec(subscript)!;
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : range[3] === "" ? list.length : Math.min(Number(range[3]), list.length);
    for (let n = Math.max(first, 1); n <= last && n <= list.length; n++) if (first > 0) out.push(list[n - 1]!);
  }
  return out;
}

function concat(left: List, right: List): List {
  if (left.length === 1 && right.length === 1) return [left[0]! + right[0]!];
  if (left.length === 0 && right.length === 0) return left;
  if (left.length === 0 || right.length === 0) throw new RcError("null list in concatenation");
  if (left.length === right.length) return left.map((s, i) => s + right[i]!);
  if (left.length === 1) return right.map((s) => left[0]! + s);
  if (right.length === 1) return left.map((s) => s + right[0]!);
  throw new RcError("mismatched list lengths in concatenation");
}

/** A here document's text: $name is replaced, $$ is a dollar, a caret after the name goes away. */
export function expandHere(sh: Shell, body: string): string {
  let out = "";
  for (let at = 0; ;) {
    const dollar = body.indexOf("$", at);
    if (dollar < 0) return out + body.slice(at);
    out += body.slice(at, dollar);
    at = dollar + 1;
    if (body[at] === "$") {
      out += "$";
      at++;
      continue;
    }
    const start = at;
    while (namechr(body[at])) at++;
    out += lookup(sh, body.slice(start, at)).join(" ");
    if (body[at] === "^") at++;
  }
}
