/**
 * Bytes: between strings and bytes without loss. A string holds any bytes (proto/fcall.ts): one that
 * is not part of valid UTF-8 is the lone surrogate U+DC00 + byte. Invariant: encode(decode(b)) is b.
 */
import { decodeUtf8, encodeUtf8, utf8Length } from "../../../proto/index.ts";

const encoder = new TextEncoder();
const loose = new TextDecoder("utf-8", { ignoreBOM: true });

export function encode(s: string): Uint8Array {
  if (s.isWellFormed()) return encoder.encode(s);
  const b = new Uint8Array(utf8Length(s));
  encodeUtf8(s, b, 0);
  return b;
}

export function decode(b: Uint8Array): string {
  return decodeUtf8(b, 0, b.length);
}

/**
 * The UTF-8 sequence at b[i], i < end, as code point * 8 + its length in bytes. A byte that begins
 * no valid sequence before end is 0xDC00 + byte, of length 1.
 */
export function rune(b: Uint8Array, i: number, end: number): number {
  const c = b[i] ?? 0;
  if (c < 0x80) return (c << 3) | 1;
  const bad = ((0xdc00 + c) << 3) | 1;
  const n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
  if (n === 1 || i + n > end) return bad;
  let r = c & (0xff >> (n + 1));
  for (let k = 1; k < n; k++) {
    const d = b[i + k] ?? 0;
    if ((d & 0xc0) !== 0x80) return bad;
    r = (r << 6) | (d & 0x3f);
  }
  if (n === 3 && (r < 0x800 || (r >= 0xd800 && r < 0xe000))) return bad;
  if (n === 4 && (r < 0x10000 || r > 0x10ffff)) return bad;
  return (r << 3) | n;
}

/** One character for each byte: such strings compare as bytes do, and take a byte a character. */
export function latin1(b: Uint8Array): string {
  const ascii = loose.decode(b);
  // A character above ASCII has more bytes than UTF-16 units, and one that is broken is not ASCII.
  if (ascii.length === b.length && !ascii.includes("\ufffd")) return ascii;
  if (b.length <= 4096) return Reflect.apply(String.fromCharCode, undefined, b);
  const parts: string[] = [];
  for (let i = 0; i < b.length; i += 4096) parts.push(Reflect.apply(String.fromCharCode, undefined, b.subarray(i, i + 4096)));
  return parts.join("");
}

/** The bytes of what latin1 gave. */
export function fromLatin1(s: string): Uint8Array {
  const ascii = encoder.encode(s);
  if (ascii.length === s.length) return ascii;
  const b = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
  return b;
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  let n = 0;
  for (const p of parts) n += p.length;
  const all = new Uint8Array(n);
  n = 0;
  for (const p of parts) {
    all.set(p, n);
    n += p.length;
  }
  return all;
}
