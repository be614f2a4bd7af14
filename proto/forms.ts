/**
 * Forms: what a client asks for as the message of the dialect it has to be, and what comes back as
 * one thing: Topen or Tlopen, Tcreate or Tlcreate, Tstat or Tgetattr, Twstat or Tsetattr. Pure; used
 * by the Client. `linux` is a .L server that is not `.x`: it answers none of 9P2000's own forms.
 */
import { Ebotch, Einval, Enotsup, NineError } from "./errors.ts";
import {
  type Dir, GETATTR_BASIC, NOLENGTH, NOU32, Rgetattr, type RgetattrMsg, type Rmsg, Rstat, SETATTR_ATIME, SETATTR_ATIME_SET, SETATTR_GID,
  SETATTR_MODE, SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE, SETATTR_UID, Tcreate, Tgetattr, Tlcreate, Tlopen, type Tmsg, Topen, Tsetattr,
  type TsetattrMsg, Tstat, Twstat, type TwstatMsg, untouched,
} from "./fcall.ts";
import { dirMode, L_O_CREAT, L_O_EXCL, linuxFlags, ORCLOSE, S_IFDIR, S_IFMT } from "./perm.ts";

/** What wstat can change; absent is untouched. */
export interface Changes {
  name?: string;
  mode?: number;
  uid?: string;
  gid?: string;
  length?: number;
  atime?: number;
  mtime?: number;
}

export function openMsg(linux: boolean, fid: number, mode: number): Tmsg {
  if (!linux) return { type: Topen, fid, mode: mode & 0xff };
  if (mode & ORCLOSE) throw new NineError(Enotsup);
  return { type: Tlopen, fid, flags: linuxFlags(mode) };
}

export function createMsg(linux: boolean, fid: number, name: string, mode: number, perm: number): Tmsg {
  if (!linux) return { type: Tcreate, fid, name, perm, mode: mode & 0xff, extension: "" };
  if (mode & ORCLOSE) throw new NineError(Enotsup);
  return { type: Tlcreate, fid, name, flags: linuxFlags(mode) | L_O_CREAT | L_O_EXCL, mode: perm & 0o777, gid: NOU32 };
}

export function statMsg(linux: boolean, fid: number): Tmsg {
  return linux ? { type: Tgetattr, fid, request_mask: GETATTR_BASIC } : { type: Tstat, fid };
}

/** The stat in a reply to statMsg; name is the file's, which Rgetattr does not know. */
export function dirOf(r: Rmsg | undefined, name: string): Dir {
  if (r?.type === Rstat) return r.stat;
  if (r?.type === Rgetattr) return fromGetattr(r, name);
  throw new NineError(Ebotch);
}

export function wstatMsg(fid: number, c: Changes): TwstatMsg {
  return {
    type: Twstat, fid, stat: {
      ...untouched(), name: c.name ?? "", mode: c.mode ?? NOU32, uid: c.uid ?? "", gid: c.gid ?? "", length: c.length ?? NOLENGTH,
      atime: c.atime ?? NOU32, mtime: c.mtime ?? NOU32,
    },
  };
}

/** All but the name, which .L changes by another message. */
export function setattrMsg(fid: number, c: Changes): TsetattrMsg {
  let valid = 0;
  if (c.mode !== undefined) valid |= SETATTR_MODE;
  if (c.uid !== undefined) valid |= SETATTR_UID;
  if (c.gid !== undefined) valid |= SETATTR_GID;
  if (c.length !== undefined) valid |= SETATTR_SIZE;
  if (c.atime !== undefined) valid |= SETATTR_ATIME | SETATTR_ATIME_SET;
  if (c.mtime !== undefined) valid |= SETATTR_MTIME | SETATTR_MTIME_SET;
  return {
    type: Tsetattr, fid, valid, mode: (c.mode ?? 0) & 0o777, uid: c.uid === undefined ? NOU32 : numberOf(c.uid),
    gid: c.gid === undefined ? NOU32 : numberOf(c.gid), size: c.length ?? 0, atime_sec: c.atime ?? 0, atime_nsec: 0,
    mtime_sec: c.mtime ?? 0, mtime_nsec: 0,
  };
}

/** A user or group for .L: decimal digits, else nobody can say. */
function numberOf(name: string): number {
  if (!/^\d+$/.test(name)) throw new NineError(`${Einval}: this server knows users by number, not "${name}"`);
  return Number(name);
}

/** Rgetattr as a stat(5) entry; users by number. */
function fromGetattr(r: RgetattrMsg, name: string): Dir {
  return {
    type: 0, dev: 0, qid: r.qid, mode: dirMode(r.mode), atime: r.atime_sec, mtime: r.mtime_sec, length: (r.mode & S_IFMT) === S_IFDIR ? 0 : r.size,
    name, uid: String(r.uid), gid: String(r.gid), muid: "", extension: "", n_uid: r.uid, n_gid: r.gid, n_muid: NOU32,
  };
}
