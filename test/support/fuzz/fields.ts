/**
 * Fields: any message of any type, its fields drawn from what servers trip over: the edges of 16, 32,
 * 53, 63 and 64 bits, names that are none, fids nobody has. Numbers too large for our own encoder are
 * put in afterwards (widen). Used by fuzz.ts and acts.ts.
 */
import {
  type Dialect, type Fcall, NineError, NOFID, NOTAG, NOU32, packMessage, Tgetattr, Tgetlock, Tlock, Tread, Treaddir, Tsetattr, Tversion,
  Twrite, Twstat, Txattrcreate, typeOf, untouched,
} from "../../../proto/index.ts";
import { type Field, type Layout, layouts } from "../../../proto/layout.ts";

export type Rnd = (n: number) => number;

export function pick<T>(rnd: Rnd, from: readonly T[]): T {
  const x = from[rnd(from.length)];
  if (x === undefined) throw new Error("pick: nothing to choose from");
  return x;
}

export const NAMES: readonly string[] = [
  "a", "b", "c", "d", "", ".", "..", "out", "up", "secret", "x".repeat(255), "x".repeat(300), "a/b", "../a", "/", "\0", "a\0b", "\udcff\udc80", "ä\u0301", "🙂", "\n",
];
export const VERSIONS: readonly string[] = ["9P2000", "9P2000.u", "9P2000.L", "9P2000.x", "9P2000.u.x", "9P2000.L.x", "9P2000.q", "9P2001", "unknown", "", "9P2000.L.x.x", "v".repeat(200)];
export const MSIZES: readonly number[] = [8192, 65536, 1 << 20, 1 << 30, NOU32, 8192, 65536, 300];
const UNAMES: readonly string[] = ["glenda", "none", "", "bob", "u".repeat(300), "\udcff"];
const NUMBERS: readonly number[] = [0, 1000, 65534, NOU32];
export const U32: readonly number[] = [0, 1, 0xffff, 0x10000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 24, 2 ** 32 - 1];
export const U53: readonly number[] = [0, 1, 4095, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 43, 2 ** 53 - 2, 2 ** 53 - 1];
const U64: readonly bigint[] = [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 63n - 4096n, 2n ** 64n - 1n, 2n ** 64n - 512n];

/** What values are drawn from besides the usual. */
export interface Vocabulary {
  readonly names: readonly string[];
  readonly anames: readonly string[];
  /** Where symbolic links are made to lead. */
  readonly targets: readonly string[];
}

/** All messages, requests far more often than replies. */
const requests = [...layouts.values()].filter((l) => l.type % 2 === 0);
const replies = [...layouts.values()].filter((l) => l.type % 2 === 1);

/** Fields that the same message has twice get different numbers as often as not. */
function value(x: Field, rnd: Rnd, v: Vocabulary): unknown {
  const small = rnd(4) > 0;
  switch (x.kind) {
    case "fid": return small ? rnd(10) : pick(rnd, [NOFID, NOFID - 1, 77, 0x7fffffff]);
    case "tag": return small ? rnd(40) : pick(rnd, [NOTAG, 0, 65534]);
    case "string":
      if (x.name === "version") return pick(rnd, VERSIONS);
      if (x.name === "uname" || x.name === "uid" || x.name === "gid") return pick(rnd, UNAMES);
      if (x.name === "aname") return pick(rnd, v.anames);
      if (x.name === "symtgt") return pick(rnd, v.targets);
      return pick(rnd, v.names);
    case "names": return Array.from({ length: rnd(small ? 3 : 17) }, () => pick(rnd, v.names));
    case "data": return new Uint8Array(rnd(small ? 20 : 9000)).fill(rnd(256));
    case "dirents": return new Uint8Array(rnd(20));
    case "qid": return { type: rnd(256), vers: 0, pathlo: rnd(9), pathhi: 0 };
    case "qids": return Array.from({ length: rnd(17) }, (_, i) => ({ type: 0, vers: 0, pathlo: i, pathhi: 0 }));
    case "u1": return rnd(small ? 4 : 256);
    case "u2": return rnd(65536);
    case "perm": return pick(rnd, [0o644, 0o777, 0o000, 0x800001ff, NOU32, 0x40000180, 0x20000180, 0x020001ff, 0x00800180, 0x00200180, 0x01000180, 0xa00001ff]);
    case "octal": return small ? rnd(0o10000) : rnd(0o200000);
    case "mask": return small ? rnd(0x400) : pick(rnd, U32);
    case "errno": return rnd(200);
    case "length": return pick(rnd, [-1, 0, 1, 5000, ...U53]);
    case "i8": return small ? rnd(1000) : pick(rnd, [-1, -(2 ** 40), 2 ** 32, 2 ** 53 - 1]);
    case "u4": return x.name.startsWith("n_") || x.name === "gid" || x.name === "uid" ? pick(rnd, NUMBERS) : small ? rnd(1000) : pick(rnd, U32);
    default: return small ? rnd(1000) : pick(rnd, U53);
  }
}

export function anyMessage(rnd: Rnd, v: Vocabulary): Fcall {
  return ofLayout(pick(rnd, rnd(20) === 0 ? replies : requests), rnd, v);
}

/** Every reply there is once, from any on: sent as if they were requests. */
export function allReplies(rnd: Rnd, v: Vocabulary): Fcall[] {
  return rotated(replies, rnd).map((l) => ofLayout(l, rnd, v));
}

/** Every request once, from any on, but Tversion. */
export function allRequests(rnd: Rnd, v: Vocabulary): Fcall[] {
  return rotated(requests, rnd).filter((l) => l.type !== Tversion).map((l) => ofLayout(l, rnd, v));
}

function rotated<T>(all: readonly T[], rnd: Rnd): T[] {
  const from = rnd(all.length);
  return [...all.slice(from), ...all.slice(0, from)];
}

function ofLayout(l: Layout, rnd: Rnd, v: Vocabulary): Fcall {
  const f: Record<string, unknown> = { type: l.type };
  const stat: Record<string, unknown> = { ...untouched() };
  for (const x of l.fields) {
    if (x.inStat) {
      if (rnd(5) === 0) stat[x.name] = value(x, rnd, v);
      f["stat"] = stat;
    } else f[x.name] = value(x, rnd, v);
  }
  if (l.type === Tversion) f["msize"] = pick(rnd, rnd(8) === 0 ? [0, 255, 100] : MSIZES);
  return f as unknown as Fcall;
}

/** The message in bytes, or undefined when it cannot be encoded at all (a name too long to have a length). */
export function encoded(f: Fcall, tag: number, d: Dialect): Uint8Array | undefined {
  try {
    return packMessage(f, tag, d);
  } catch (e) {
    if (e instanceof NineError) return undefined;
    throw e;
  }
}

/** Where the 8-byte numbers of a message begin. */
const WIDE: Readonly<Record<number, readonly number[]>> = {
  [Tread]: [11], [Twrite]: [11], [Treaddir]: [11], [Tgetattr]: [11], [Tlock]: [16, 24], [Tgetlock]: [12, 20], [Tsetattr]: [27, 35, 43, 51, 59], [Twstat]: [46],
  [Txattrcreate]: [-12],
};

/** Puts a number near 2^53, 2^63 or 2^64 where the message has 8 bytes for one. */
export function widen(rnd: Rnd, bytes: Uint8Array): void {
  const at = WIDE[typeOf(bytes, 0)];
  if (!at) return;
  const i = pick(rnd, at);
  const from = i < 0 ? bytes.length + i : i;
  if (from + 8 <= bytes.length) new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(from, pick(rnd, U64), true);
}
