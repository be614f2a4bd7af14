/**
 * Fcall: the messages of 9P2000, 9P2000.u and 9P2000.L as one discriminated union on `type`.
 * Each doc comment is the byte layout of the manual: size[4] Type[1] tag[2] come first in all of
 * them and are left out. Tags exist on wires only; in process the T object is its own tag.
 * `(u)` marks fields that are there in 9P2000.u, `(uL)` in .u and .L.
 * Integers are numbers; 64-bit ones must be at most 2^53-1 (pack.ts refuses more) but for `Cookie`.
 * Strings hold any bytes: a byte that is not part of valid UTF-8 is the lone surrogate
 * U+DC00 + byte, and is the same byte again on the wire.
 */
import type { Qid } from "./qid.ts";

export type Dialect = "9P2000" | "9P2000.u" | "9P2000.L";

/** A directory cookie of .L: opaque, all 64 bits used by some servers; a bigint when above 2^53-1. */
export type Cookie = number | bigint;

export const NOTAG = 0xffff;
export const NOFID = 0xffffffff;
/** "Don't touch" in a Twstat's uint32 fields, "no numeric id" in n_uname. */
export const NOU32 = 0xffffffff;
/** "Don't touch" in Dir.length of a Twstat: ~0 of 64 bits on the wire. */
export const NOLENGTH = -1;
export const MAXWELEM = 16;
/** Largest header of a Twrite or Rread: payload is at most msize - IOHDRSZ. */
export const IOHDRSZ = 24;

// 9P2000.L
export const Tlerror = 6;
export const Rlerror = 7;
export const Tstatfs = 8;
export const Rstatfs = 9;
export const Tlopen = 12;
export const Rlopen = 13;
export const Tlcreate = 14;
export const Rlcreate = 15;
export const Tsymlink = 16;
export const Rsymlink = 17;
export const Tmknod = 18;
export const Rmknod = 19;
export const Trename = 20;
export const Rrename = 21;
export const Treadlink = 22;
export const Rreadlink = 23;
export const Tgetattr = 24;
export const Rgetattr = 25;
export const Tsetattr = 26;
export const Rsetattr = 27;
export const Txattrwalk = 30;
export const Rxattrwalk = 31;
export const Txattrcreate = 32;
export const Rxattrcreate = 33;
export const Treaddir = 40;
export const Rreaddir = 41;
export const Tfsync = 50;
export const Rfsync = 51;
export const Tlock = 52;
export const Rlock = 53;
export const Tgetlock = 54;
export const Rgetlock = 55;
export const Tlink = 70;
export const Rlink = 71;
export const Tmkdir = 72;
export const Rmkdir = 73;
export const Trenameat = 74;
export const Rrenameat = 75;
export const Tunlinkat = 76;
export const Runlinkat = 77;
// 9P2000
export const Tversion = 100;
export const Rversion = 101;
export const Tauth = 102;
export const Rauth = 103;
export const Tattach = 104;
export const Rattach = 105;
export const Terror = 106;
export const Rerror = 107;
export const Tflush = 108;
export const Rflush = 109;
export const Twalk = 110;
export const Rwalk = 111;
export const Topen = 112;
export const Ropen = 113;
export const Tcreate = 114;
export const Rcreate = 115;
export const Tread = 116;
export const Rread = 117;
export const Twrite = 118;
export const Rwrite = 119;
export const Tclunk = 120;
export const Rclunk = 121;
export const Tremove = 122;
export const Rremove = 123;
export const Tstat = 124;
export const Rstat = 125;
export const Twstat = 126;
export const Rwstat = 127;

/**
 * A directory entry, stat(5):
 * size[2] type[2] dev[4] qid[13] mode[4] atime[4] mtime[4] length[8] name[s] uid[s] gid[s] muid[s]
 * and (uL) extension[s] n_uid[4] n_gid[4] n_muid[4].
 * In a Twstat: NOU32 in dev, mode, atime, mtime, n_*, 0xffff in type, NOLENGTH, "" and an all-ones
 * qid mean "don't touch". The whole record has at most 65535 bytes. Without (uL) on the wire, extension is "" and n_* are NOU32.
 */
export interface Dir {
  type: number;
  dev: number;
  qid: Qid;
  mode: number;
  atime: number;
  mtime: number;
  length: number;
  name: string;
  uid: string;
  gid: string;
  muid: string;
  extension: string;
  n_uid: number;
  n_gid: number;
  n_muid: number;
}

/** msize[4] version[s] */
export interface TversionMsg { type: typeof Tversion; msize: number; version: string }
/** msize[4] version[s] */
export interface RversionMsg { type: typeof Rversion; msize: number; version: string }
/** afid[4] uname[s] aname[s] (uL) n_uname[4] */
export interface TauthMsg { type: typeof Tauth; afid: number; uname: string; aname: string; n_uname: number }
/** aqid[13] */
export interface RauthMsg { type: typeof Rauth; aqid: Qid }
/** fid[4] afid[4] uname[s] aname[s] (uL) n_uname[4] */
export interface TattachMsg { type: typeof Tattach; fid: number; afid: number; uname: string; aname: string; n_uname: number }
/** qid[13] */
export interface RattachMsg { type: typeof Rattach; qid: Qid }
/** ename[s] (uL) errno[4]; errno is 0 in plain 9P2000, and when a .L server that should have sent Rlerror leaves it out */
export interface RerrorMsg { type: typeof Rerror; ename: string; errno: number }
/** (L) ecode[4] */
export interface RlerrorMsg { type: typeof Rlerror; ecode: number }
/** oldtag[2] */
export interface TflushMsg { type: typeof Tflush; oldtag: number }
/** no fields */
export interface RflushMsg { type: typeof Rflush }
/** fid[4] newfid[4] nwname[2] nwname*(wname[s]) */
export interface TwalkMsg { type: typeof Twalk; fid: number; newfid: number; wname: readonly string[] }
/** nwqid[2] nwqid*(wqid[13]) */
export interface RwalkMsg { type: typeof Rwalk; wqid: readonly Qid[] }
/** fid[4] mode[1] */
export interface TopenMsg { type: typeof Topen; fid: number; mode: number }
/** qid[13] iounit[4] */
export interface RopenMsg { type: typeof Ropen; qid: Qid; iounit: number }
/** fid[4] name[s] perm[4] mode[1] (u) extension[s] */
export interface TcreateMsg { type: typeof Tcreate; fid: number; name: string; perm: number; mode: number; extension: string }
/** qid[13] iounit[4] */
export interface RcreateMsg { type: typeof Rcreate; qid: Qid; iounit: number }
/**
 * fid[4] offset[8] count[4]. In process only: `into` is where the data may be put, pinned until the
 * reply; with `forfeit` a flush may be answered before the server is done with it, and it is lost to the holder.
 * `by` is the process that reads, where another may have opened the file.
 */
export interface TreadMsg { type: typeof Tread; fid: number; offset: number; count: number; into?: Uint8Array | undefined; forfeit?: boolean; by?: number }
/**
 * count[4] data[count]; data is borrowed by the receiver until its next await. In process only: `lasting`
 * data is the receiver's, to keep.
 */
export interface RreadMsg { type: typeof Rread; data: Uint8Array; lasting?: boolean }
/** fid[4] offset[8] count[4] data[count]; data is borrowed by the server until its reply */
export interface TwriteMsg { type: typeof Twrite; fid: number; offset: number; data: Uint8Array }
/** count[4] */
export interface RwriteMsg { type: typeof Rwrite; count: number }
/** fid[4] */
export interface TclunkMsg { type: typeof Tclunk; fid: number }
/** no fields */
export interface RclunkMsg { type: typeof Rclunk }
/** fid[4] */
export interface TremoveMsg { type: typeof Tremove; fid: number }
/** no fields */
export interface RremoveMsg { type: typeof Rremove }
/** fid[4] */
export interface TstatMsg { type: typeof Tstat; fid: number }
/** stat[n], with its own size[2] before the entry's size[2] */
export interface RstatMsg { type: typeof Rstat; stat: Dir }
/** fid[4] stat[n], with its own size[2] before the entry's size[2] */
export interface TwstatMsg { type: typeof Twstat; fid: number; stat: Dir }
/** no fields */
export interface RwstatMsg { type: typeof Rwstat }

/** (L) fid[4] */
export interface TstatfsMsg { type: typeof Tstatfs; fid: number }
/** (L) type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]; `fstype` is type[4] */
export interface RstatfsMsg {
  type: typeof Rstatfs; fstype: number; bsize: number; blocks: number; bfree: number; bavail: number;
  files: number; ffree: number; fsid: Cookie; namelen: number;
}
/** (L) fid[4] flags[4] */
export interface TlopenMsg { type: typeof Tlopen; fid: number; flags: number }
/** (L) qid[13] iounit[4] */
export interface RlopenMsg { type: typeof Rlopen; qid: Qid; iounit: number }
/** (L) fid[4] name[s] flags[4] mode[4] gid[4] */
export interface TlcreateMsg { type: typeof Tlcreate; fid: number; name: string; flags: number; mode: number; gid: number }
/** (L) qid[13] iounit[4] */
export interface RlcreateMsg { type: typeof Rlcreate; qid: Qid; iounit: number }
/** (L) fid[4] name[s] symtgt[s] gid[4] */
export interface TsymlinkMsg { type: typeof Tsymlink; fid: number; name: string; symtgt: string; gid: number }
/** (L) qid[13] */
export interface RsymlinkMsg { type: typeof Rsymlink; qid: Qid }
/** (L) dfid[4] name[s] mode[4] major[4] minor[4] gid[4] */
export interface TmknodMsg { type: typeof Tmknod; dfid: number; name: string; mode: number; major: number; minor: number; gid: number }
/** (L) qid[13] */
export interface RmknodMsg { type: typeof Rmknod; qid: Qid }
/** (L) fid[4] dfid[4] name[s] */
export interface TrenameMsg { type: typeof Trename; fid: number; dfid: number; name: string }
/** (L) no fields */
export interface RrenameMsg { type: typeof Rrename }
/** (L) fid[4] */
export interface TreadlinkMsg { type: typeof Treadlink; fid: number }
/** (L) target[s] */
export interface RreadlinkMsg { type: typeof Rreadlink; target: string }
/** (L) fid[4] request_mask[8]; only the low 32 bits of a mask have a meaning and are kept */
export interface TgetattrMsg { type: typeof Tgetattr; fid: number; request_mask: number }
/**
 * (L) valid[8] qid[13] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] blocks[8]
 * atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8] ctime_sec[8] ctime_nsec[8]
 * btime_sec[8] btime_nsec[8] gen[8] data_version[8]. mode is st_mode; times before 1970 are
 * negative here and two's complement on the wire. Of valid only the low 32 bits are kept; a field it
 * does not name holds anything, 0 when above 2^53-1.
 */
export interface RgetattrMsg {
  type: typeof Rgetattr; valid: number; qid: Qid; mode: number; uid: number; gid: number; nlink: number; rdev: number;
  size: number; blksize: number; blocks: number; atime_sec: number; atime_nsec: number; mtime_sec: number;
  mtime_nsec: number; ctime_sec: number; ctime_nsec: number; btime_sec: number; btime_nsec: number;
  gen: Cookie; data_version: Cookie;
}
/**
 * (L) fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8].
 * Seconds are signed as in Rgetattr. A field that `valid` does not name holds anything, 0 when above 2^53-1.
 */
export interface TsetattrMsg {
  type: typeof Tsetattr; fid: number; valid: number; mode: number; uid: number; gid: number; size: number;
  atime_sec: number; atime_nsec: number; mtime_sec: number; mtime_nsec: number;
}
/** (L) no fields */
export interface RsetattrMsg { type: typeof Rsetattr }
/** (L) fid[4] newfid[4] name[s] */
export interface TxattrwalkMsg { type: typeof Txattrwalk; fid: number; newfid: number; name: string }
/** (L) size[8] */
export interface RxattrwalkMsg { type: typeof Rxattrwalk; size: number }
/** (L) fid[4] name[s] attr_size[8] flags[4] */
export interface TxattrcreateMsg { type: typeof Txattrcreate; fid: number; name: string; attr_size: number; flags: number }
/** (L) no fields */
export interface RxattrcreateMsg { type: typeof Rxattrcreate }
/** (L) fid[4] offset[8] count[4] */
export interface TreaddirMsg { type: typeof Treaddir; fid: number; offset: Cookie; count: number }
/** (L) count[4] data[count], data being qid[13] offset[8] type[1] name[s] repeated (dir.ts) */
export interface RreaddirMsg { type: typeof Rreaddir; data: Uint8Array }
/** (L) fid[4] datasync[4] (the field is missing from older clients: then 0) */
export interface TfsyncMsg { type: typeof Tfsync; fid: number; datasync: number }
/** (L) no fields */
export interface RfsyncMsg { type: typeof Rfsync }
/** (L) fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]; `ltype` is type[1] */
export interface TlockMsg {
  type: typeof Tlock; fid: number; ltype: number; flags: number; start: number; length: number; proc_id: number; client_id: string;
}
/** (L) status[1] */
export interface RlockMsg { type: typeof Rlock; status: number }
/** (L) fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] */
export interface TgetlockMsg {
  type: typeof Tgetlock; fid: number; ltype: number; start: number; length: number; proc_id: number; client_id: string;
}
/** (L) type[1] start[8] length[8] proc_id[4] client_id[s] */
export interface RgetlockMsg { type: typeof Rgetlock; ltype: number; start: number; length: number; proc_id: number; client_id: string }
/** (L) dfid[4] fid[4] name[s] */
export interface TlinkMsg { type: typeof Tlink; dfid: number; fid: number; name: string }
/** (L) no fields */
export interface RlinkMsg { type: typeof Rlink }
/** (L) dfid[4] name[s] mode[4] gid[4] */
export interface TmkdirMsg { type: typeof Tmkdir; dfid: number; name: string; mode: number; gid: number }
/** (L) qid[13] */
export interface RmkdirMsg { type: typeof Rmkdir; qid: Qid }
/** (L) olddirfid[4] oldname[s] newdirfid[4] newname[s] */
export interface TrenameatMsg { type: typeof Trenameat; olddirfid: number; oldname: string; newdirfid: number; newname: string }
/** (L) no fields */
export interface RrenameatMsg { type: typeof Rrenameat }
/** (L) dirfid[4] name[s] flags[4]; protocol.md calls the first dirfd */
export interface TunlinkatMsg { type: typeof Tunlinkat; dirfid: number; name: string; flags: number }
/** (L) no fields */
export interface RunlinkatMsg { type: typeof Runlinkat }

/** T messages a Portal takes: all but Tversion and Tflush, which exist on wires only. */
export type Tmsg =
  | TauthMsg | TattachMsg | TwalkMsg | TopenMsg | TcreateMsg | TreadMsg | TwriteMsg | TclunkMsg | TremoveMsg
  | TstatMsg | TwstatMsg | TstatfsMsg | TlopenMsg | TlcreateMsg | TsymlinkMsg | TmknodMsg | TrenameMsg | TreadlinkMsg
  | TgetattrMsg | TsetattrMsg | TxattrwalkMsg | TxattrcreateMsg | TreaddirMsg | TfsyncMsg | TlockMsg | TgetlockMsg
  | TlinkMsg | TmkdirMsg | TrenameatMsg | TunlinkatMsg;

/** R messages a Portal gives. */
export type Rmsg =
  | RerrorMsg | RlerrorMsg | RauthMsg | RattachMsg | RwalkMsg | RopenMsg | RcreateMsg | RreadMsg | RwriteMsg | RclunkMsg
  | RremoveMsg | RstatMsg | RwstatMsg | RstatfsMsg | RlopenMsg | RlcreateMsg | RsymlinkMsg | RmknodMsg | RrenameMsg
  | RreadlinkMsg | RgetattrMsg | RsetattrMsg | RxattrwalkMsg | RxattrcreateMsg | RreaddirMsg | RfsyncMsg | RlockMsg
  | RgetlockMsg | RlinkMsg | RmkdirMsg | RrenameatMsg | RunlinkatMsg;

/** Everything that can stand on a wire. */
export type Fcall = Tmsg | Rmsg | TversionMsg | RversionMsg | TflushMsg | RflushMsg;

/** The reply to a T of this `type` that is no error. */
export type ReplyTo<T extends Tmsg> =
  T extends TauthMsg ? RauthMsg : T extends TattachMsg ? RattachMsg : T extends TwalkMsg ? RwalkMsg
  : T extends TopenMsg ? RopenMsg : T extends TcreateMsg ? RcreateMsg : T extends TreadMsg ? RreadMsg
  : T extends TwriteMsg ? RwriteMsg : T extends TclunkMsg ? RclunkMsg : T extends TremoveMsg ? RremoveMsg
  : T extends TstatMsg ? RstatMsg : T extends TwstatMsg ? RwstatMsg : T extends TstatfsMsg ? RstatfsMsg
  : T extends TlopenMsg ? RlopenMsg : T extends TlcreateMsg ? RlcreateMsg : T extends TsymlinkMsg ? RsymlinkMsg
  : T extends TmknodMsg ? RmknodMsg : T extends TrenameMsg ? RrenameMsg : T extends TreadlinkMsg ? RreadlinkMsg
  : T extends TgetattrMsg ? RgetattrMsg : T extends TsetattrMsg ? RsetattrMsg : T extends TxattrwalkMsg ? RxattrwalkMsg
  : T extends TxattrcreateMsg ? RxattrcreateMsg : T extends TreaddirMsg ? RreaddirMsg : T extends TfsyncMsg ? RfsyncMsg
  : T extends TlockMsg ? RlockMsg : T extends TgetlockMsg ? RgetlockMsg : T extends TlinkMsg ? RlinkMsg
  : T extends TmkdirMsg ? RmkdirMsg : T extends TrenameatMsg ? RrenameatMsg : T extends TunlinkatMsg ? RunlinkatMsg
  : never;

// Tgetattr request_mask and Rgetattr valid (protocol.md)
export const GETATTR_MODE = 0x1;
export const GETATTR_NLINK = 0x2;
export const GETATTR_UID = 0x4;
export const GETATTR_GID = 0x8;
export const GETATTR_RDEV = 0x10;
export const GETATTR_ATIME = 0x20;
export const GETATTR_MTIME = 0x40;
export const GETATTR_CTIME = 0x80;
export const GETATTR_INO = 0x100;
export const GETATTR_SIZE = 0x200;
export const GETATTR_BLOCKS = 0x400;
export const GETATTR_BTIME = 0x800;
export const GETATTR_GEN = 0x1000;
export const GETATTR_DATA_VERSION = 0x2000;
export const GETATTR_BASIC = 0x7ff;
export const GETATTR_ALL = 0x3fff;

// Tsetattr valid
export const SETATTR_MODE = 0x1;
export const SETATTR_UID = 0x2;
export const SETATTR_GID = 0x4;
export const SETATTR_SIZE = 0x8;
export const SETATTR_ATIME = 0x10;
export const SETATTR_MTIME = 0x20;
export const SETATTR_CTIME = 0x40;
export const SETATTR_ATIME_SET = 0x80;
export const SETATTR_MTIME_SET = 0x100;

// Tlock type, flags; Rlock status
export const LOCK_TYPE_RDLCK = 0;
export const LOCK_TYPE_WRLCK = 1;
export const LOCK_TYPE_UNLCK = 2;
export const LOCK_FLAGS_BLOCK = 1;
export const LOCK_FLAGS_RECLAIM = 2;
export const LOCK_SUCCESS = 0;
export const LOCK_BLOCKED = 1;
export const LOCK_ERROR = 2;
export const LOCK_GRACE = 3;

/** Tunlinkat flag: remove a directory. */
export const AT_REMOVEDIR = 0x200;

// Txattrcreate flags
export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

/** Twstat's stat with nothing touched; all of it untouched asks for sync to stable storage. */
export function untouched(): Dir {
  return {
    type: 0xffff, dev: NOU32, qid: { type: 0xff, vers: NOU32, pathlo: NOU32, pathhi: NOU32 }, mode: NOU32, atime: NOU32,
    mtime: NOU32, length: NOLENGTH, name: "", uid: "", gid: "", muid: "", extension: "", n_uid: NOU32, n_gid: NOU32, n_muid: NOU32,
  };
}
