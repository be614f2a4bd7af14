/**
 * Permission and open-mode bits: Plan 9's (stat(5), open(5)), 9P2000.u's additions (9p-rfc),
 * and the Linux ones that 9P2000.L carries (fcntl.h, stat.h of x86-64). No behaviour beyond
 * the translation between the two.
 */

import type { Dialect } from "./fcall.ts";

// Dir.mode, stat(5); the low nine bits are rwxrwxrwx.
export const DMDIR = 0x80000000;
export const DMAPPEND = 0x40000000;
export const DMEXCL = 0x20000000;
export const DMMOUNT = 0x10000000;
export const DMAUTH = 0x08000000;
export const DMTMP = 0x04000000;
// 9P2000.u
export const DMSYMLINK = 0x02000000;
export const DMDEVICE = 0x00800000;
export const DMNAMEDPIPE = 0x00200000;
export const DMSOCKET = 0x00100000;
export const DMSETUID = 0x00080000;
export const DMSETGID = 0x00040000;
export const DMSTICKY = 0x00010000;

export const AREAD = 4;
export const AWRITE = 2;
export const AEXEC = 1;

// Topen.mode, open(5)
export const OREAD = 0;
export const OWRITE = 1;
export const ORDWR = 2;
export const OEXEC = 3;
export const OTRUNC = 0x10;
export const OCEXEC = 0x20;
export const ORCLOSE = 0x40;
/** Linux in 9P2000.u: every write goes to the end. */
export const OAPPENDU = 0x80;
/** Never on the wire: the kernel's "create fails when the name exists". */
export const OEXCL = 0x1000;
/** Never on the wire as a Topen bit: tells an OpenFile that every write goes to the end (.L O_APPEND, .u OAPPENDU, DMAPPEND). */
export const OAPPEND = 0x4000;

// Tlopen.flags, Tlcreate.flags: Linux open(2) on x86-64
export const L_O_WRONLY = 0o1;
export const L_O_RDWR = 0o2;
export const L_O_ACCMODE = 0o3;
export const L_O_CREAT = 0o100;
export const L_O_EXCL = 0o200;
export const L_O_NOCTTY = 0o400;
export const L_O_TRUNC = 0o1000;
export const L_O_APPEND = 0o2000;
export const L_O_NONBLOCK = 0o4000;
export const L_O_DSYNC = 0o10000;
export const L_O_DIRECT = 0o40000;
export const L_O_LARGEFILE = 0o100000;
export const L_O_DIRECTORY = 0o200000;
export const L_O_NOFOLLOW = 0o400000;
export const L_O_NOATIME = 0o1000000;
export const L_O_CLOEXEC = 0o2000000;
export const L_O_SYNC = 0o4010000;

// Tgetattr's mode: Linux stat(2)
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

/** Dir.mode to st_mode. A DMDEVICE is a character device unless `block`. */
export function statMode(mode: number, block = false): number {
  let m = mode & 0o777;
  if (mode & DMSETUID) m |= 0o4000;
  if (mode & DMSETGID) m |= 0o2000;
  if (mode & DMSTICKY) m |= 0o1000;
  if (mode & DMDIR) return m | S_IFDIR;
  if (mode & DMSYMLINK) return m | S_IFLNK;
  if (mode & DMDEVICE) return m | (block ? S_IFBLK : S_IFCHR);
  if (mode & DMNAMEDPIPE) return m | S_IFIFO;
  if (mode & DMSOCKET) return m | S_IFSOCK;
  return m | S_IFREG;
}

/** st_mode to Dir.mode, as an unsigned 32-bit number. */
export function dirMode(st: number): number {
  let m = st & 0o777;
  if (st & 0o4000) m |= DMSETUID;
  if (st & 0o2000) m |= DMSETGID;
  if (st & 0o1000) m |= DMSTICKY;
  switch (st & S_IFMT) {
    case S_IFDIR: return (m | DMDIR) >>> 0;
    case S_IFLNK: return m | DMSYMLINK;
    case S_IFBLK: case S_IFCHR: return m | DMDEVICE;
    case S_IFIFO: return m | DMNAMEDPIPE;
    case S_IFSOCK: return m | DMSOCKET;
    default: return m;
  }
}

/** qid.type is the top byte of Dir.mode (intro(5)). */
export function qidType(mode: number): number {
  return mode >>> 24;
}

/** Dir.mode as a write by somebody without privilege leaves it: the set-ID bits go (inode(7)). */
export function writtenMode(mode: number): number {
  return (mode & ~(DMSETUID | (mode & 0o010 ? DMSETGID : 0))) >>> 0;
}

/** Topen's and Tcreate's mode off the wire, for a server. */
export function wireMode(mode: number, dialect: Dialect): number {
  const plain = mode & ~OAPPEND;
  return dialect === "9P2000.u" && mode & OAPPENDU ? (plain & ~OAPPENDU) | OAPPEND : plain;
}

/** Topen.mode to Linux flags, for a .L peer. ORCLOSE has no Linux form: the client removes. */
export function linuxFlags(mode: number): number {
  const acc = mode & 3;
  let f = acc === OWRITE ? L_O_WRONLY : acc === ORDWR ? L_O_RDWR : 0;
  if (mode & OTRUNC) f |= L_O_TRUNC;
  if (mode & OAPPEND) f |= L_O_APPEND;
  return f;
}

/** Linux flags to an open mode for a server; flags without a meaning here are masked (protocol.md). */
export function openMode(flags: number): number {
  const acc = flags & L_O_ACCMODE;
  let m = acc === L_O_WRONLY ? OWRITE : acc === 0 ? OREAD : ORDWR;
  if (flags & L_O_TRUNC) m |= OTRUNC;
  if (flags & L_O_APPEND) m |= OAPPEND;
  return m;
}
