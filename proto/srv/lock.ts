/**
 * Locks: POSIX byte-range locks between the clients of one server (Tlock, Tgetlock; fcntl(2)).
 * An owner is (session, client_id, proc_id). Invariant: of one file, no byte is locked for writing by
 * one owner and at all by another; one owner's ranges do not overlap. Lengths of 0 reach to the end.
 * Waiting for a lock is the client's: Tlock never blocks here, as in diod and QEMU (LOCK_BLOCKED).
 */
import { Ebadusefd, Einval, NineError } from "../errors.ts";
import {
  LOCK_BLOCKED, LOCK_SUCCESS, LOCK_TYPE_RDLCK, LOCK_TYPE_UNLCK, LOCK_TYPE_WRLCK, Rgetlock, Rlock, type Rmsg, type TgetlockMsg, type TlockMsg,
} from "../fcall.ts";
import { OREAD, OWRITE } from "../perm.ts";
import type { Session } from "../srv.ts";
import type { Request } from "./request.ts";
import { placeOf } from "./walk.ts";

/** Whoever holds locks. */
export interface LockOwner {
  readonly session: object;
  readonly client_id: string;
  readonly proc_id: number;
}

/** More on one file are refused: a peer must not fill memory with them. */
const MAXRANGES = 4096;
/** On all files of a server, and of those by one session, so that no peer takes them all. */
const MAXTOTAL = 65536;
const MAXSESSION = 16384;
const MAXCLIENTID = 256;

interface Range {
  readonly owner: LockOwner;
  /** The fid it was taken through: its clunk drops the range. */
  readonly holder: object;
  readonly ltype: number;
  readonly start: number;
  /** First byte behind; Infinity to the end. */
  readonly end: number;
}

const same = (a: LockOwner, b: LockOwner): boolean => a.session === b.session && a.client_id === b.client_id && a.proc_id === b.proc_id;

export class Locks {
  /** Ranges by file key; a file without locks has no entry. */
  private readonly files = new Map<string, Range[]>();
  private total = 0;
  private readonly bySession = new WeakMap<object, number>();

  /** Takes, changes or drops a range; LOCK_SUCCESS or LOCK_BLOCKED. */
  lock(file: string, owner: LockOwner, holder: object, ltype: number, start: number, length: number): number {
    const end = length === 0 ? Infinity : start + length;
    const held = this.files.get(file) ?? [];
    if (ltype !== LOCK_TYPE_UNLCK && this.conflict(held, owner, ltype, start, end)) return LOCK_BLOCKED;
    const next: Range[] = [];
    for (const r of held) {
      if (!same(r.owner, owner) || r.end <= start || r.start >= end) {
        next.push(r);
        continue;
      }
      if (r.start < start) next.push({ ...r, end: start });
      if (r.end > end) next.push({ ...r, start: end });
    }
    if (ltype !== LOCK_TYPE_UNLCK) next.push({ owner, holder, ltype, start, end });
    // What an owner lets go in the midst of a range makes two of it.
    const more = next.length - held.length;
    const own = (this.bySession.get(owner.session) ?? 0) + more;
    if (more > 0 && (next.length > MAXRANGES || own > MAXSESSION || this.total + more > MAXTOTAL)) throw new NineError("No locks available");
    this.bySession.set(owner.session, own);
    this.put(file, next);
    return LOCK_SUCCESS;
  }

  /** The range that stands in the way of this one, or undefined. */
  test(file: string, owner: LockOwner, ltype: number, start: number, length: number): (Range & { length: number }) | undefined {
    const r = this.conflict(this.files.get(file) ?? [], owner, ltype, start, length === 0 ? Infinity : start + length);
    return r && { ...r, length: r.end === Infinity ? 0 : r.end - r.start };
  }

  /** Drops what was taken on a file through a fid. */
  release(file: string, holder: object): void {
    const held = this.files.get(file);
    if (!held) return;
    const left: Range[] = [];
    for (const r of held) {
      if (r.holder !== holder) left.push(r);
      else this.bySession.set(r.owner.session, (this.bySession.get(r.owner.session) ?? 0) - 1);
    }
    this.put(file, left);
  }

  private conflict(held: Range[], owner: LockOwner, ltype: number, start: number, end: number): Range | undefined {
    return held.find((r) => !same(r.owner, owner) && r.start < end && start < r.end && !(r.ltype === LOCK_TYPE_RDLCK && ltype === LOCK_TYPE_RDLCK));
  }

  private put(file: string, ranges: Range[]): void {
    this.total += ranges.length - (this.files.get(file)?.length ?? 0);
    if (ranges.length > 0) this.files.set(file, ranges);
    else this.files.delete(file);
  }
}

export function lock(s: Session, q: Request, t: TlockMsg): Rmsg {
  const f = s.fidOf(q, t.fid);
  const acc = f.mode & 3;
  if (f.mode < 0) throw new NineError(Ebadusefd);
  if (t.ltype > LOCK_TYPE_UNLCK) throw new NineError(Einval);
  if ((t.ltype === LOCK_TYPE_WRLCK && acc === OREAD) || (t.ltype === LOCK_TYPE_RDLCK && acc === OWRITE)) throw new NineError(Ebadusefd);
  if (t.client_id.length > MAXCLIENTID) throw new NineError(`${Einval}: client_id above ${MAXCLIENTID} characters`);
  const { node } = placeOf(f);
  const owner = { session: s, client_id: t.client_id, proc_id: t.proc_id };
  f.locks = true;
  return { type: Rlock, status: s.shared.locks.lock(s.keyOf(node), owner, f, t.ltype, t.start, t.length) };
}

export function getlock(s: Session, q: Request, t: TgetlockMsg): Rmsg {
  const f = s.fidOf(q, t.fid);
  if (f.mode < 0) throw new NineError(Ebadusefd);
  const owner = { session: s, client_id: t.client_id, proc_id: t.proc_id };
  const r = s.shared.locks.test(s.keyOf(placeOf(f).node), owner, t.ltype, t.start, t.length);
  if (!r) return { ...t, type: Rgetlock, ltype: LOCK_TYPE_UNLCK };
  return { type: Rgetlock, ltype: r.ltype, start: r.start, length: r.length, proc_id: r.owner.proc_id, client_id: r.owner.client_id };
}
