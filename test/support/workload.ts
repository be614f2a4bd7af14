/**
 * Workload: what a client has under way in the middle of its work, in 9P2000.L.x: files made, open,
 * locked, exclusive, to be removed on close, moved, unlinked, directories being read, attributes half
 * written, reads that block. In directory `dir` of the root, which it makes. Any number of them is a
 * session that broke off there; sent all at once, those that name a file others make may come too early.
 */
import {
  AT_REMOVEDIR, DMEXCL, type Fcall, GETATTR_ALL, L_O_CREAT, L_O_EXCL, L_O_RDWR, LOCK_FLAGS_BLOCK, LOCK_TYPE_RDLCK, LOCK_TYPE_UNLCK, LOCK_TYPE_WRLCK, NOFID, NOTAG, NOU32, ORCLOSE, ORDWR,
  OREAD, packMessage, SETATTR_SIZE, Tattach, Tclunk, Tcreate, Tflush, Tfsync, Tgetattr, Tgetlock, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Topen, Tread, Treaddir, Treadlink, Trename,
  Trenameat, Tsetattr, Tstatfs, Tsymlink, Tunlinkat, Tversion, Twalk, Twrite, Txattrcreate, Txattrwalk,
} from "../../proto/index.ts";

const attach = (fid: number, aname: string): Fcall => ({ type: Tattach, fid, afid: NOFID, uname: "glenda", aname, n_uname: NOU32 });
const walk = (fid: number, newfid: number, ...wname: string[]): Fcall => ({ type: Twalk, fid, newfid, wname });
const make = (fid: number, name: string, perm: number, mode: number): Fcall => ({ type: Tcreate, fid, name, perm, mode, extension: "" });
const write = (fid: number, offset: number, length: number): Fcall => ({ type: Twrite, fid, offset, data: new Uint8Array(length).fill(65) });
const read = (fid: number): Fcall => ({ type: Tread, fid, offset: 0, count: 100 });
const lock = (fid: number, ltype: number, start: number, length: number, proc_id = 1): Fcall => ({ type: Tlock, fid, ltype, flags: LOCK_FLAGS_BLOCK, start, length, proc_id, client_id: "c" });

/** Names in the directory whose fate matters. */
export const LOCKED = "locked";
export const EXCLUSIVE = "exclusive";
/** Made, or opened, to be removed at the clunk: the first never outlives its fid. */
export const GONE = "gone";
export const TEMP = "temp";
/** Removed while it is open. */
export const UNLINKED = "unlinked";

export interface Work {
  readonly messages: readonly Uint8Array[];
  /** Tags of messages that are not answered before the end: they block. */
  readonly blocked: ReadonlySet<number>;
  /** How many messages it takes until TEMP goes with the connection, and until UNLINKED is gone. */
  readonly temp: number;
  readonly unlinked: number;
}

export function workload(dir: string): Work {
  const all: Fcall[] = [
    { type: Tversion, msize: 65536, version: "9P2000.L.x" }, attach(0, ""), attach(1, "pipe"), walk(1, 2, "data"), { type: Topen, fid: 2, mode: ORDWR },
    { type: Tmkdir, dfid: 0, name: dir, mode: 0o777, gid: NOU32 }, walk(0, 3, dir), walk(3, 4),
    { type: Tlcreate, fid: 4, name: LOCKED, flags: L_O_RDWR | L_O_CREAT | L_O_EXCL, mode: 0o666, gid: NOU32 }, write(4, 0, 100), lock(4, LOCK_TYPE_WRLCK, 0, 10), lock(4, LOCK_TYPE_RDLCK, 20, 10),
    walk(3, 5, LOCKED), { type: Tlopen, fid: 5, flags: L_O_RDWR }, lock(5, LOCK_TYPE_WRLCK, 5, 0, 2), lock(5, LOCK_TYPE_RDLCK, 25, 50, 2),
    { type: Tgetlock, fid: 5, ltype: LOCK_TYPE_WRLCK, start: 0, length: 0, proc_id: 3, client_id: "other" }, read(2),
    walk(3, 6), make(6, EXCLUSIVE, (DMEXCL | 0o666) >>> 0, ORDWR), write(6, 0, 5000), walk(3, 7), make(7, GONE, 0o666, ORDWR | ORCLOSE), write(7, 0, 10),
    walk(3, 8), make(8, TEMP, 0o666, ORDWR), { type: Tclunk, fid: 8 }, walk(3, 8, TEMP), { type: Topen, fid: 8, mode: OREAD | ORCLOSE }, read(8),
    walk(3, 9, LOCKED), { type: Txattrcreate, fid: 9, name: "user.half", attr_size: 10, flags: 0 }, write(9, 0, 5), { type: Txattrwalk, fid: 4, newfid: 10, name: "" }, { type: Tread, fid: 10, offset: 0, count: 100 },
    { type: Tsymlink, fid: 3, name: "link", symtgt: LOCKED, gid: NOU32 }, walk(3, 11, "link"), { type: Treadlink, fid: 11 }, { type: Tlink, dfid: 3, fid: 4, name: "second" },
    walk(3, 12), { type: Tlopen, fid: 12, flags: 0 }, { type: Treaddir, fid: 12, offset: 0, count: 60 }, { type: Treaddir, fid: 12, offset: 2, count: 200 }, read(2),
    walk(3, 13), { type: Topen, fid: 13, mode: OREAD }, { type: Tread, fid: 13, offset: 0, count: 400 },
    { type: Trenameat, olddirfid: 3, oldname: "second", newdirfid: 3, newname: "third" }, { type: Trename, fid: 5, dfid: 0, name: `${dir}.moved` }, { type: Trename, fid: 5, dfid: 3, name: LOCKED },
    { type: Tunlinkat, dirfid: 3, name: "third", flags: 0 }, walk(3, 14), make(14, UNLINKED, 0o666, ORDWR), write(14, 0, 9), { type: Tunlinkat, dirfid: 3, name: UNLINKED, flags: 0 }, read(14),
    { type: Tsetattr, fid: 14, valid: SETATTR_SIZE, mode: 0, uid: 0, gid: 0, size: 4, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0 }, { type: Tgetattr, fid: 14, request_mask: GETATTR_ALL },
    { type: Tfsync, fid: 4, datasync: 0 }, { type: Tstatfs, fid: 0 }, { type: Tmkdir, dfid: 3, name: "sub", mode: 0o777, gid: NOU32 }, walk(3, 15, "sub"), { type: Tunlinkat, dirfid: 3, name: "sub", flags: AT_REMOVEDIR },
    { type: Tflush, oldtag: 17 }, lock(4, LOCK_TYPE_UNLCK, 3, 4), lock(4, LOCK_TYPE_WRLCK, 1000, 0), read(2), write(2, 0, 50), walk(6, 16), { type: Tclunk, fid: 15 },
  ];
  return {
    messages: all.map((f, i) => packMessage(f, f.type === Tversion ? NOTAG : i, f.type === Tversion ? "9P2000" : "9P2000.L")),
    blocked: new Set(all.flatMap((f, i) => (f.type === Tread && f.fid === 2 ? [i] : []))),
    temp: all.findIndex((f) => f.type === Topen && f.fid === 8) + 1,
    unlinked: all.findIndex((f) => f.type === Tunlinkat && f.name === UNLINKED) + 1,
  };
}
