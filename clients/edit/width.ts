/**
 * Width: columns that characters take on a terminal, and how what has none is shown. A character goes
 * by itself, as terminals have it: a letter takes one, East Asian ones and emoji two, marks that
 * combine none. Pure.
 */
import { eastAsianWidth } from "get-east-asian-width";

/** Nothing but printable ASCII: a column each. */
const PLAIN = /^[ -~]*$/;
const NONE = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const TABSTOP = 8;
// oxlint-disable-next-line eslint/no-control-regex -- what begins with ESC takes no columns
const ESCAPE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/y;

/** Columns of a code point that is no control character. */
export function columns(code: number): number {
  if (code < 0x300) return 1;
  return NONE.test(String.fromCodePoint(code)) ? 0 : eastAsianWidth(code);
}

/** Is it a character that a terminal would obey, or not show at all? */
export function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029 || (code >= 0xd800 && code < 0xe000) || isTurn(code);
}

/** What makes a terminal change its direction of writing. */
function isTurn(code: number): boolean {
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/** A control character as it is shown: ^X; a byte that is no text as \xNN. */
export function shown(code: number): string {
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  if (code >= 0xdc80 && code < 0xdd00) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x100 ? `\\x${code.toString(16)}` : `\\u${code.toString(16)}`;
}

/** Text with nothing in it that a terminal would obey. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  let out = "";
  for (const c of text) {
    const code = c.codePointAt(0)!;
    out += isControl(code) ? shown(code) : c;
  }
  return out;
}

/** Columns of a visible text. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let n = 0;
  for (const c of text) n += columns(c.codePointAt(0)!);
  return n;
}

/** Columns from column `at` to the next tab stop. */
export function tab(at: number): number {
  return TABSTOP - (at % TABSTOP);
}

/** The length of the escape sequence at `at` of a text, 0 if there is none. */
export function escapeLength(text: string, at: number): number {
  ESCAPE.lastIndex = at;
  return ESCAPE.exec(text)?.[0].length ?? 0;
}

/** Where the character after `at` ends: with the marks that combine with it. */
export function after(text: string, at: number): number {
  let i = at;
  if (i < text.length) i += size(text, i);
  while (i < text.length && combines(text, i)) i += size(text, i);
  return i;
}

/** Where the character before `at` begins. */
export function before(text: string, at: number): number {
  let i = at;
  do i -= i > 1 && isLow(text.charCodeAt(i - 1)) && text.codePointAt(i - 2)! > 0xffff ? 2 : 1; while (i > 0 && combines(text, i));
  return Math.max(0, i);
}

/** Is the character at i a mark on the one before it? */
export function combines(text: string, i: number): boolean {
  const code = text.codePointAt(i)!;
  return code >= 0x300 && !isControl(code) && columns(code) === 0 && i > 0 && text[i - 1] !== "\n";
}

function size(text: string, i: number): number {
  return text.codePointAt(i)! > 0xffff ? 2 : 1;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
