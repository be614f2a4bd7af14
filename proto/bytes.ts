/**
 * Bytes: the two cursors under pack.ts and dir.ts, one that reads and one that writes, little-endian.
 * Module state instead of objects: packing a message makes no garbage but the message. Each cursor
 * is used by one synchronous pack or unpack at a time, which calls nobody else's code.
 * Invariants: nothing is read at or behind the reading cursor's end; whatever does not fit is a
 * NineError, never a RangeError; a count is compared with the bytes that are there before anything
 * is made of it. Only pack.ts and dir.ts call these.
 */
import { Ebadarg, Ebotch, Enametoolong, NineError, errno } from "./errors.ts";
import type { Cookie } from "./fcall.ts";
import type { Qid } from "./qid.ts";
import { decodeUtf8, encodeUtf8, utf8Length } from "./utf8.ts";

export const MAXU16 = 0xffff;
export const QIDSZ = 13;
const TWO32 = 0x1_0000_0000;

let rbuf: Uint8Array = new Uint8Array(0);
let rat = 0;
let rend = 0;

/** A malformed message: "protocol botch: detail". */
export function botch(detail: string): never {
  throw new NineError(`${Ebotch}: ${detail}`, errno.EPROTO);
}

/** Puts the reading cursor on buf[at..end). */
export function readFrom(buf: Uint8Array, at: number, end: number): void {
  if (at < 0 || at > end || end > buf.length) botch("message too short");
  rbuf = buf;
  rat = at;
  rend = end;
}

/** Bytes left before the reading cursor's end. */
export function left(): number {
  return rend - rat;
}

/** Moves the reading cursor over n bytes and returns where they begin. */
function take(n: number): number {
  const at = rat;
  if (n > rend - at) botch("message too short");
  rat = at + n;
  return at;
}

export function get1(): number {
  return rbuf[take(1)]!;
}

export function get2(): number {
  const i = take(2);
  return rbuf[i]! | (rbuf[i + 1]! << 8);
}

export function get4(): number {
  const i = take(4);
  return (rbuf[i]! | (rbuf[i + 1]! << 8) | (rbuf[i + 2]! << 16) | (rbuf[i + 3]! << 24)) >>> 0;
}

/**
 * An unsigned 64-bit number. Above 2^53-1: 0 where nobody looks at the value (`used` false), else an
 * error with EOVERFLOW, so that a caller can tell a well-formed message it cannot serve.
 */
export function get8(used = true): number {
  const lo = get4();
  const hi = get4();
  if (hi > 0x1fffff) return used ? overflow() : 0;
  return hi * TWO32 + lo;
}

/** A signed 64-bit number (two's complement), otherwise as get8. */
export function getSigned8(used = true): number {
  const lo = get4();
  const n = (get4() | 0) * TWO32 + lo;
  return Number.isSafeInteger(n) ? n : used ? overflow() : 0;
}

/** The low half of a 64-bit mask; the high half is not kept. */
export function getMask8(): number {
  const lo = get4();
  take(4);
  return lo;
}

/** Any 64-bit number. */
export function getCookie(): Cookie {
  const lo = get4();
  const hi = get4();
  return hi > 0x1fffff ? (BigInt(hi) << 32n) | BigInt(lo) : hi * TWO32 + lo;
}

function overflow(): never {
  throw new NineError(`${Ebotch}: number above 2^53-1`, errno.EOVERFLOW);
}

export function getString(): string {
  const n = get2();
  const i = take(n);
  return decodeUtf8(rbuf, i, i + n);
}

export function getQid(): Qid {
  return { type: get1(), vers: get4(), pathlo: get4(), pathhi: get4() };
}

/** count[4] data[count] as a view; a plain Uint8Array even when buf is a subclass of it. */
export function getData(): Uint8Array {
  const n = get4();
  return new Uint8Array(rbuf.buffer, rbuf.byteOffset + take(n), n);
}

let wbuf: Uint8Array = rbuf;
let wat = 0;

/** Puts the writing cursor at `at`; the caller has made sure of the room. */
export function writeTo(buf: Uint8Array, at: number): void {
  wbuf = buf;
  wat = at;
}

/** Where the writing cursor is. */
export function written(): number {
  return wat;
}

function range(v: number | bigint, bits: number): never {
  throw new NineError(`${Ebadarg}: ${v} is no ${bits}-bit number`, errno.EINVAL);
}

export function put1(v: number): void {
  if ((v & 0xff) !== v) range(v, 8);
  wbuf[wat++] = v;
}

export function put2(v: number): void {
  if ((v & MAXU16) !== v) range(v, 16);
  wbuf[wat] = v;
  wbuf[wat + 1] = v >> 8;
  wat += 2;
}

export function put4(v: number): void {
  if (v >>> 0 !== v) range(v, 32);
  wbuf[wat] = v;
  wbuf[wat + 1] = v >>> 8;
  wbuf[wat + 2] = v >>> 16;
  wbuf[wat + 3] = v >>> 24;
  wat += 4;
}

export function put8(v: number): void {
  if (v < 0) range(v, 53);
  putSigned8(v);
}

export function putSigned8(v: number): void {
  const lo = v >>> 0;
  if (lo !== v && !Number.isSafeInteger(v)) range(v, 53);
  put4(lo);
  put4(lo === v ? 0 : Math.floor(v / TWO32) >>> 0);
}

export function putMask8(v: number): void {
  put4(v);
  put4(0);
}

export function putCookie(v: Cookie): void {
  if (typeof v === "number") return put8(v);
  if (BigInt.asUintN(64, v) !== v) range(v, 64);
  put4(Number(v & 0xffffffffn));
  put4(Number(v >> 32n));
}

export function putString(s: string): void {
  const from = wat;
  wat = encodeUtf8(s, wbuf, from + 2);
  const n = wat - from - 2;
  if (n > MAXU16) throw new NineError(Enametoolong);
  wbuf[from] = n;
  wbuf[from + 1] = n >> 8;
}

export function putQid(q: Qid): void {
  put1(q.type);
  put4(q.vers);
  put4(q.pathlo);
  put4(q.pathhi);
}

/** count[4] data[count]: the one copy of a payload. */
export function putData(data: Uint8Array): void {
  put4(data.length);
  wbuf.set(data, wat);
  wat += data.length;
}

/** Bytes of a string with its length[2]; Enametoolong above 65535. */
export function stringSize(s: string): number {
  const n = utf8Length(s);
  if (n > MAXU16) throw new NineError(Enametoolong);
  return n + 2;
}
