/**
 * Directory records: the stat record of stat(5) (Dir), which Rstat, Twstat and a Tread of a
 * directory carry, and the directory entry of 9P2000.L (Dirent), which Rreaddir carries.
 * .L has .u's stat layout: so does Linux (net/9p/protocol.c), and 9P2000's Tstat may be used in it.
 * Invariants: a record is decoded only when all of its size[2] is there and its strings fill it
 * exactly; sizes are known before anything is written, so records never straddle a reply's end.
 */
import { MAXU16, QIDSZ, botch, get1, get2, get4, getCookie, getQid, getString, left, put1, put2, put4, put8, putCookie,
  putQid, putString, readFrom, stringSize, writeTo, written } from "./bytes.ts";
import { Ebotch, NineError, errno } from "./errors.ts";
import { NOLENGTH, NOU32, type Cookie, type Dialect, type Dir } from "./fcall.ts";
import type { Qid } from "./qid.ts";
import { utf8Length } from "./utf8.ts";

/** size[2] type[2] dev[4] qid[13] mode[4] atime[4] mtime[4] length[8]: a record without its strings. */
const FIXED = 2 + 2 + 4 + QIDSZ + 4 + 4 + 4 + 8;

/** One entry of Rreaddir: qid[13] offset[8] type[1] name[s]. `type` is Linux's DT_*; offset reads on behind it. */
export interface Dirent { qid: Qid; offset: Cookie; type: number; name: string }

/** Bytes of the record with its own size[2]. Throws above 65535, which is all a stat[n] can hold (stat(5)). */
export function sizeofDir(d: Dir, dialect: Dialect): number {
  let n = FIXED + stringSize(d.name) + stringSize(d.uid) + stringSize(d.gid) + stringSize(d.muid);
  if (dialect !== "9P2000") n += stringSize(d.extension) + 12;
  if (n > MAXU16) throw new NineError("Message too long: stat", errno.EMSGSIZE);
  return n;
}

/** Writes the record at `at` (room for sizeofDir is there); returns the offset behind it. */
export function packDir(d: Dir, dialect: Dialect, buf: Uint8Array, at: number): number {
  writeTo(buf, at);
  putDir(d, dialect);
  return written();
}

/** The record at `at`. Throws NineError unless all of it lies before `end`. */
export function unpackDir(buf: Uint8Array, at: number, end: number, dialect: Dialect): Dir {
  readFrom(buf, at, dirEnd(buf, at, end));
  const d = getDir(dialect);
  if (left() !== 0) botch("stat record longer than its fields");
  return d;
}

/** The offset behind the record at `at`, which must not lie behind `end`. */
export function dirEnd(buf: Uint8Array, at: number, end: number): number {
  if (end > buf.length || at + 2 > end) botch("stat record cut short");
  const next = at + 2 + (buf[at]! | (buf[at + 1]! << 8));
  if (next > end) botch("stat record cut short");
  return next;
}

/** What a Tread of a directory gave: whole records. */
export function unpackDirs(data: Uint8Array, dialect: Dialect): Dir[] {
  const dirs: Dir[] = [];
  for (let at = 0; at < data.length; at = dirEnd(data, at, data.length)) dirs.push(unpackDir(data, at, data.length, dialect));
  return dirs;
}

/** The record at pack.ts's writing cursor. */
export function putDir(d: Dir, dialect: Dialect): void {
  put2(sizeofDir(d, dialect) - 2);
  put2(d.type);
  put4(d.dev);
  putQid(d.qid);
  put4(d.mode);
  put4(d.atime);
  put4(d.mtime);
  if (d.length === NOLENGTH) {
    put4(NOU32);
    put4(NOU32);
  } else put8(d.length);
  putString(d.name);
  putString(d.uid);
  putString(d.gid);
  putString(d.muid);
  if (dialect === "9P2000") return;
  putString(d.extension);
  put4(d.n_uid);
  put4(d.n_gid);
  put4(d.n_muid);
}

/** The record at pack.ts's reading cursor; its size[2] must be all that is left. */
export function getDir(dialect: Dialect): Dir {
  if (get2() !== left()) botch("stat record does not fill its place");
  const type = get2();
  const dev = get4();
  const qid = getQid();
  const mode = get4();
  const atime = get4();
  const mtime = get4();
  const long = getCookie();
  const length = typeof long === "number" ? long : long === 0xffff_ffff_ffff_ffffn ? NOLENGTH : tooLong();
  const name = getString();
  const uid = getString();
  const gid = getString();
  const muid = getString();
  const more = dialect !== "9P2000";
  const extension = more ? getString() : "";
  const n_uid = more ? get4() : NOU32;
  const n_gid = more ? get4() : NOU32;
  const n_muid = more ? get4() : NOU32;
  return { type, dev, qid, mode, atime, mtime, length, name, uid, gid, muid, extension, n_uid, n_gid, n_muid };
}

function tooLong(): never {
  throw new NineError(`${Ebotch}: length above 2^53-1`, errno.EOVERFLOW);
}

/** Whether this can be the name of a directory's entry: one element, not "." or "..". */
export function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
}

/** The entries, unless one has a name that leads elsewhere: whoever goes by it would touch another file than the directory's. */
export function wellNamed<T extends { readonly name: string }>(entries: T[]): T[] {
  for (const { name } of entries) if (!isName(name)) botch(`directory entry named ${JSON.stringify(name.slice(0, 64))}`);
  return entries;
}

/** Bytes of one entry of Rreaddir. */
export function sizeofDirent(name: string): number {
  return QIDSZ + 8 + 1 + 2 + utf8Length(name);
}

/** Writes one entry at `at`; returns the offset behind it, or -1 when it does not fit in buf. */
export function packDirent(qid: Qid, offset: Cookie, type: number, name: string, buf: Uint8Array, at: number): number {
  if (at + sizeofDirent(name) > buf.length) return -1;
  writeTo(buf, at);
  putQid(qid);
  putCookie(offset);
  put1(type);
  putString(name);
  return written();
}

/** The entries of an Rreaddir: whole ones. */
export function unpackDirents(data: Uint8Array): Dirent[] {
  const entries: Dirent[] = [];
  readFrom(data, 0, data.length);
  while (left() > 0) entries.push({ qid: getQid(), offset: getCookie(), type: get1(), name: getString() });
  return entries;
}
