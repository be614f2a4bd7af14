/**
 * Native: values of node:fs and ours, there and back: names and paths, open modes, times, stats.
 * Pure functions; used by hostfiles.ts.
 */
import fs, { type BigIntStats } from "node:fs";
import { Ebadname, encodeUtf8, NineError, OAPPEND, ORDWR, OWRITE, type Statfs, utf8Length } from "../../proto/index.ts";
import type { HostStat } from "../../servers/index.ts";

const C = fs.constants;

/** A path of node:fs; bytes when it is not valid Unicode. */
export type Path = string | Buffer;

/** The name, if it is one element that names an entry. */
export function legal(name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) throw new NineError(Ebadname);
  return name;
}

/** The path of an entry. */
export function join(dir: string, name: string): string {
  return dir === "/" ? `/${name}` : `${dir}/${name}`;
}

/** A lossless string as node:fs takes it. */
export function native(s: string): Path {
  if (s.isWellFormed()) return s;
  const b = Buffer.allocUnsafe(utf8Length(s));
  encodeUtf8(s, b, 0);
  return b;
}

/** An open mode as open(2)'s flags. */
export function flagsOf(mode: number): number {
  const acc = mode & 3;
  return (acc === OWRITE ? C.O_WRONLY : acc === ORDWR ? C.O_RDWR : C.O_RDONLY) | (mode & OAPPEND ? C.O_APPEND : 0);
}

/** libuv cuts to the microsecond from a double: half a one more keeps what was meant. Before 1970 only Dates pass. */
export function timeOf(ns: bigint): number | Date {
  if (ns < 0n) return new Date(Math.floor(Number(ns) / 1e6));
  return Number(ns / 1_000_000_000n) + (Number((ns % 1_000_000_000n) / 1000n) + 0.5) / 1e6;
}

/** lstat's answer; births: whether the time of birth can be relied on. */
export function hostStat(s: BigIntStats, births: boolean): HostStat {
  return {
    dev: Number(s.dev), ino: s.ino, birthNs: births ? s.birthtimeNs : 0n, mode: Number(s.mode), nlink: Number(s.nlink), uid: Number(s.uid),
    gid: Number(s.gid), rdev: Number(s.rdev), size: Number(s.size), blksize: Number(s.blksize), blocks: Number(s.blocks),
    atimeNs: s.atimeNs, mtimeNs: s.mtimeNs, ctimeNs: s.ctimeNs,
  };
}

/** statfs's answer. */
export function spaceOf(s: fs.StatsFs): Statfs {
  return {
    type: s.type >>> 0, bsize: s.bsize, blocks: s.blocks, bfree: s.bfree, bavail: s.bavail, files: s.files, ffree: s.ffree, namelen: 255,
  };
}
