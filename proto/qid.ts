/**
 * Qid: the server's own name for a file (intro(5)).
 * Invariant: two files of one server are the same file exactly when pathlo and pathhi are equal;
 * a path is never used again in a server's life. A Qid object is never changed once handed out.
 */

/** qid[13] = type[1] vers[4] path[8]; path is two uint32, a bigint only where it is printed. */
export interface Qid {
  readonly type: number;
  readonly vers: number;
  readonly pathlo: number;
  readonly pathhi: number;
}

export const QTDIR = 0x80;
export const QTAPPEND = 0x40;
export const QTEXCL = 0x20;
export const QTMOUNT = 0x10;
export const QTAUTH = 0x08;
export const QTTMP = 0x04;
export const QTSYMLINK = 0x02;
export const QTFILE = 0x00;

/** Whether a value is a qid. */
export function isQid(v: unknown): v is Qid {
  return typeof v === "object" && v !== null && "pathlo" in v;
}

/** Same file of the same server, whatever the version (chan.c eqqid, without type's low bits). */
export function sameFile(a: Qid, b: Qid): boolean {
  return a.pathlo === b.pathlo && a.pathhi === b.pathhi && (a.type & QTDIR) === (b.type & QTDIR);
}

/** qid.path as one number, for printing. */
export function qidPath(q: Qid): bigint {
  return (BigInt(q.pathhi) << 32n) | BigInt(q.pathlo);
}
