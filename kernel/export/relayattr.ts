/** RelayAttr: what a server behind a relay says of a file, as a Node says it, and changes the other way round. Pure. */
import {
  type Attr, type Changes, type Dir, dirMode, DMDEVICE, Einval, makedev, NineError, NOU32, type RgetattrMsg, S_IFBLK, S_IFDIR, S_IFMT, type SetAttr, SETATTR_ATIME, SETATTR_ATIME_SET,
  SETATTR_GID, SETATTR_MODE, SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE, SETATTR_UID, type SetTime, statMode, Tsetattr, type TsetattrMsg,
} from "../../proto/index.ts";

/** A device of .u: "c 1 3". */
const DEVICE = /^([bc]) (\d+) (\d+)$/;
const LINKS = /^HARDLINKCOUNT (\d+)$/;

export function fromDir(d: Dir): Partial<Attr> {
  const dev = d.mode & DMDEVICE ? DEVICE.exec(d.extension) : undefined;
  const links = LINKS.exec(d.extension);
  return {
    mode: d.mode, uid: d.uid, gid: d.gid, muid: d.muid, length: d.length, atime: d.atime, atimeNsec: 0, mtime: d.mtime, mtimeNsec: 0,
    ...(links && { nlink: Number(links[1]) }),
    ...(dev && { block: dev[1] === "b", rdev: makedev(Number(dev[2]), Number(dev[3])) }),
  };
}

/** Users and groups are numbers there. */
export function fromGetattr(r: RgetattrMsg): Partial<Attr> {
  return {
    mode: dirMode(r.mode), uid: String(r.uid), gid: String(r.gid), muid: "", length: (r.mode & S_IFMT) === S_IFDIR ? 0 : r.size,
    atime: r.atime_sec, atimeNsec: r.atime_nsec, mtime: r.mtime_sec, mtimeNsec: r.mtime_nsec, ctime: r.ctime_sec, ctimeNsec: r.ctime_nsec,
    nlink: r.nlink, rdev: r.rdev, block: (r.mode & S_IFMT) === S_IFBLK, blksize: r.blksize, blocks: r.blocks,
  };
}

/** nowSec: for a server that cannot be told to take its own clock. */
export function toChanges(set: SetAttr, nowSec: number): Changes {
  const time = (t: SetTime): number => (t === "now" ? nowSec : t.sec);
  return {
    ...(set.mode !== undefined && { mode: set.mode }), ...(set.uid !== undefined && { uid: set.uid }), ...(set.gid !== undefined && { gid: set.gid }),
    ...(set.length !== undefined && { length: set.length }), ...(set.atime && { atime: time(set.atime) }), ...(set.mtime && { mtime: time(set.mtime) }),
  };
}

export function toSetattr(fid: number, set: SetAttr): TsetattrMsg {
  let valid = 0;
  if (set.mode !== undefined) valid |= SETATTR_MODE;
  if (set.uid !== undefined) valid |= SETATTR_UID;
  if (set.gid !== undefined) valid |= SETATTR_GID;
  if (set.length !== undefined) valid |= SETATTR_SIZE;
  if (set.atime) valid |= set.atime === "now" ? SETATTR_ATIME : SETATTR_ATIME | SETATTR_ATIME_SET;
  if (set.mtime) valid |= set.mtime === "now" ? SETATTR_MTIME : SETATTR_MTIME | SETATTR_MTIME_SET;
  const { sec: atime_sec, nsec: atime_nsec } = moment(set.atime);
  const { sec: mtime_sec, nsec: mtime_nsec } = moment(set.mtime);
  return {
    type: Tsetattr, fid, valid, mode: statMode(set.mode ?? 0) & 0o7777, uid: numberOf(set.uid), gid: numberOf(set.gid), size: set.length ?? 0,
    atime_sec, atime_nsec, mtime_sec, mtime_nsec,
  };
}

function moment(t: SetTime | undefined): { sec: number; nsec: number } {
  return t === undefined || t === "now" ? { sec: 0, nsec: 0 } : t;
}

function numberOf(name: string | undefined): number {
  if (name === undefined) return NOU32;
  if (!/^\d+$/.test(name) || Number(name) >= NOU32) throw new NineError(`${Einval}: this server knows users by number, not "${name}"`);
  return Number(name);
}
