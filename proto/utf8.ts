/**
 * Strings on the wire are bytes; here they are JavaScript strings, and nothing is lost on the way.
 * Invariant: encodeUtf8(decodeUtf8(bytes)) is `bytes`, whatever they are. A byte that is not part of
 * valid UTF-8 (overlong forms, surrogates and anything above U+10FFFF included) is the lone
 * surrogate U+DC00 + byte, U+DC80..U+DCFF, and is that byte again when encoded. A surrogate that
 * stands alone and cannot come from decoding is encoded as U+FFFD. Pure functions; anybody may call.
 */

const plain = new TextDecoder("utf-8", { ignoreBOM: true });
/** From this length on TextDecoder is faster than concatenation. */
const LONG = 32;

/** Bytes buf[at..end) as a string. */
export function decodeUtf8(buf: Uint8Array, at: number, end: number): string {
  let i = at;
  while (i < end && buf[i]! < 0x80) i++;
  if (i < end) return decodeAny(buf, at, end);
  if (end - at >= LONG) return plain.decode(buf.subarray(at, end));
  let s = "";
  for (i = at; i < end; i++) s += String.fromCharCode(buf[i]!);
  return s;
}

function decodeAny(buf: Uint8Array, at: number, end: number): string {
  let s = "";
  let i = at;
  while (i < end) {
    const b = buf[i]!;
    const n = sequence(buf, i, end);
    if (n === 1) s += String.fromCharCode(b);
    else if (n === 2) s += String.fromCharCode(((b & 0x1f) << 6) | (buf[i + 1]! & 0x3f));
    else if (n === 3) s += String.fromCharCode(((b & 0x0f) << 12) | ((buf[i + 1]! & 0x3f) << 6) | (buf[i + 2]! & 0x3f));
    else if (n === 4) {
      const c = ((b & 7) << 18) | ((buf[i + 1]! & 0x3f) << 12) | ((buf[i + 2]! & 0x3f) << 6) | (buf[i + 3]! & 0x3f);
      s += String.fromCodePoint(c);
    } else s += String.fromCharCode(0xdc00 + b);
    i += n || 1;
  }
  return s;
}

/** Length of the valid UTF-8 sequence at i, 0 when there is none (Unicode table 3-7). */
function sequence(buf: Uint8Array, i: number, end: number): number {
  const b = buf[i]!;
  if (b < 0x80) return 1;
  if (b < 0xc2 || b > 0xf4) return 0;
  const n = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
  if (i + n > end) return 0;
  const second = buf[i + 1]!;
  const lo = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80;
  const hi = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf;
  if (second < lo || second > hi) return 0;
  for (let k = i + 2; k < i + n; k++) if ((buf[k]! & 0xc0) !== 0x80) return 0;
  return n;
}

/** Bytes the UTF-16 unit at i stands for; 4 when it begins a surrogate pair. */
function width(s: string, i: number): number {
  const c = s.charCodeAt(i);
  if (c < 0x80) return 1;
  if (c < 0x800) return 2;
  if (c < 0xd800 || c > 0xdfff) return 3;
  if (c < 0xdc00) return (s.charCodeAt(i + 1) & 0xfc00) === 0xdc00 ? 4 : 3;
  return c >= 0xdc80 && c <= 0xdcff ? 1 : 3;
}

/** Bytes encodeUtf8 will write. */
export function utf8Length(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length; i++) {
    if (s.charCodeAt(i) < 0x80) continue;
    const w = width(s, i);
    n += w - 1;
    if (w === 4) {
      n--;
      i++;
    }
  }
  return n;
}

/** Writes s at `at` (room for utf8Length(s) is there) and returns the offset behind it. */
export function encodeUtf8(s: string, buf: Uint8Array, at: number): number {
  for (let i = 0; i < s.length; i++) {
    let c = s.charCodeAt(i);
    if (c < 0x80) {
      buf[at++] = c;
      continue;
    }
    const w = width(s, i);
    if (w === 1) buf[at++] = c & 0xff;
    else if (w === 2) {
      buf[at++] = 0xc0 | (c >> 6);
      buf[at++] = 0x80 | (c & 0x3f);
    } else if (w === 3) {
      if ((c & 0xf800) === 0xd800) c = 0xfffd;
      buf[at++] = 0xe0 | (c >> 12);
      buf[at++] = 0x80 | ((c >> 6) & 0x3f);
      buf[at++] = 0x80 | (c & 0x3f);
    } else {
      c = s.codePointAt(i++)!;
      buf[at++] = 0xf0 | (c >> 18);
      buf[at++] = 0x80 | ((c >> 12) & 0x3f);
      buf[at++] = 0x80 | ((c >> 6) & 0x3f);
      buf[at++] = 0x80 | (c & 0x3f);
    }
  }
  return at;
}

/** The longest prefix of s, cut between characters, of at most maxBytes bytes. */
export function truncateUtf8(s: string, maxBytes: number): string {
  let n = 0;
  for (let i = 0; i < s.length; i++) {
    const w = width(s, i);
    if (n + w > maxBytes) return s.slice(0, i);
    n += w;
    if (w === 4) i++;
  }
  return s;
}
