/**
 * Pack: message <-> bytes, pure. The layout of each message is the doc comment of its type in
 * fcall.ts; sizeOf, pack and unpack follow it field by field, which is why this file is long.
 * Invariants: no length or count that came from a peer is trusted (bytes.ts checks each against the
 * bytes that are there); a message must end where its fields end; payloads are views when decoded
 * and copied once when encoded; every message of one type is an object of one shape.
 * Dialects:
 * - a dialect knows its own messages: those of 9P2000 in all three, type numbers below 100 in .L
 *   only. Anything else is "unknown message type N" with EOPNOTSUPP (v9fs falls back to an older
 *   message on that number, on ENOSYS it does not); only messages that break the layout are "protocol botch";
 * - .L has .u's n_uname and stat records (Linux, net/9p/protocol.c), not Tcreate's extension[s];
 * - Rerror in .L, from a server that did not turn it into Rlerror, is accepted in both forms, with
 *   and without errno[4], and written with it;
 * - a field the dialect has no room for is not written, and decodes to "" or NOU32, errno to 0.
 * A well-formed message with a number above 2^53-1 (no Cookie) is an error with EOVERFLOW, not EPROTO:
 * the peer may go on. Fields of Tsetattr and Rgetattr whose bit in `valid` is clear are not judged.
 */
import {
  QIDSZ, botch, get1, get2, get4, get8, getCookie, getData, getMask8, getQid, getSigned8, getString, left, put1, put2, put4, put8,
  putCookie, putData, putMask8, putQid, putSigned8, putString, readFrom, stringSize, writeTo, written,
} from "./bytes.ts";
import { getDir, putDir, sizeofDir } from "./dir.ts";
import { NineError, errno } from "./errors.ts";
import {
  GETATTR_ATIME, GETATTR_BLOCKS, GETATTR_BTIME, GETATTR_CTIME, GETATTR_MTIME, GETATTR_NLINK, GETATTR_RDEV, GETATTR_SIZE,
  MAXWELEM, NOU32, Rattach, Rauth, Rclunk, Rcreate, Rerror, Rflush, Rfsync, Rgetattr, Rgetlock, Rlcreate, Rlerror, Rlink, Rlock,
  Rlopen, Rmkdir, Rmknod, Ropen, Rread, Rreaddir, Rreadlink, Rremove, Rrename, Rrenameat, Rsetattr, Rstat, Rstatfs, Rsymlink,
  Runlinkat, Rversion, Rwalk, Rwrite, Rwstat, Rxattrcreate, Rxattrwalk, SETATTR_ATIME_SET, SETATTR_MTIME_SET, SETATTR_SIZE,
  Tattach, Tauth, Tclunk, Tcreate, Tflush, Tfsync, Tgetattr, Tgetlock, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Tmknod, Topen,
  Tread, Treaddir, Treadlink, Tremove, Trename, Trenameat, Tsetattr, Tstat, Tstatfs, Tsymlink, Tunlinkat, Tversion, Twalk,
  Twrite, Twstat, Txattrcreate, Txattrwalk, type Dialect, type Fcall,
} from "./fcall.ts";
import type { Qid } from "./qid.ts";

const HDRSZ = 7;
/** size[4] Rread tag[2] count[4]: where the data of an Rread begins. */
export const RREADHDR = 11;

/** size[4] of the message at `at`; 4 bytes must be there. */
export function sizeAt(buf: Uint8Array, at: number): number {
  return (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24)) >>> 0;
}

/** Type[1] of the message at `at`; 7 bytes must be there, as in whatever split.ts hands on. */
export function typeOf(buf: Uint8Array, at: number): number {
  return buf[at + 4]!;
}

/** tag[2] of the message at `at`; 7 bytes must be there. */
export function tagOf(buf: Uint8Array, at: number): number {
  return buf[at + 5]! | (buf[at + 6]! << 8);
}

function unknown(type: number): never {
  throw new NineError(`unknown message type ${type}`, errno.EOPNOTSUPP);
}

/** The header of an Rread whose n bytes of data stand behind it already; returns the message's size. */
export function packRread(buf: Uint8Array, n: number, tag: number): number {
  writeTo(buf, 0);
  put4(RREADHDR + n);
  put1(Rread);
  put2(tag);
  put4(n);
  return RREADHDR + n;
}

/** Bytes of the whole message. Throws NineError when a string or stat record is too long to have a length. */
export function sizeOf(f: Fcall, d: Dialect): number {
  return HDRSZ + bodySize(f, d);
}

function bodySize(f: Fcall, d: Dialect): number {
  switch (f.type) {
    case Tversion: case Rversion: return 4 + stringSize(f.version);
    case Tauth: return 4 + stringSize(f.uname) + stringSize(f.aname) + (d === "9P2000" ? 0 : 4);
    case Tattach: return 8 + stringSize(f.uname) + stringSize(f.aname) + (d === "9P2000" ? 0 : 4);
    case Rerror: return stringSize(f.ename) + (d === "9P2000" ? 0 : 4);
    case Tflush: return 2;
    case Twalk: {
      let n = 10;
      for (const name of f.wname) n += stringSize(name);
      return n;
    }
    case Rwalk: return 2 + f.wqid.length * QIDSZ;
    case Topen: return 5;
    case Tcreate: return 9 + stringSize(f.name) + (d === "9P2000.u" ? stringSize(f.extension) : 0);
    case Ropen: case Rcreate: case Rlopen: case Rlcreate: return QIDSZ + 4;
    case Tread: case Treaddir: return 16;
    case Rread: case Rreaddir: return 4 + f.data.length;
    case Twrite: return 16 + f.data.length;
    case Rauth: case Rattach: case Rsymlink: case Rmknod: case Rmkdir: return QIDSZ;
    case Rwrite: case Rlerror: case Tclunk: case Tremove: case Tstat: case Tstatfs: case Treadlink: return 4;
    case Rflush: case Rclunk: case Rremove: case Rwstat: case Rrename: case Rsetattr: case Rxattrcreate: case Rfsync: case Rlink:
    case Rrenameat: case Runlinkat: return 0;
    case Rstat: return 2 + sizeofDir(f.stat, d);
    case Twstat: return 6 + sizeofDir(f.stat, d);
    case Rstatfs: return 60;
    case Tlopen: case Tfsync: return 8;
    case Tlcreate: return 16 + stringSize(f.name);
    case Tsymlink: return 8 + stringSize(f.name) + stringSize(f.symtgt);
    case Tmknod: return 20 + stringSize(f.name);
    case Trename: case Tlink: case Txattrwalk: case Tunlinkat: return 8 + stringSize(f.name);
    case Rreadlink: return stringSize(f.target);
    case Tgetattr: return 12;
    case Rgetattr: return 153;
    case Tsetattr: return 60;
    case Rxattrwalk: return 8;
    case Txattrcreate: return 16 + stringSize(f.name);
    case Tlock: return 29 + stringSize(f.client_id);
    case Rlock: return 1;
    case Tgetlock: return 25 + stringSize(f.client_id);
    case Rgetlock: return 21 + stringSize(f.client_id);
    case Tmkdir: return 12 + stringSize(f.name);
    case Trenameat: return 8 + stringSize(f.oldname) + stringSize(f.newname);
    default: return unknown((f satisfies never as Fcall).type);
  }
}

/**
 * Writes the message at `at`, where there is room for sizeOf(f, d) bytes, and returns the offset behind
 * it. Throws NineError when a field cannot be encoded; what was written then is no message.
 */
export function pack(f: Fcall, tag: number, d: Dialect, buf: Uint8Array, at: number): number {
  if (f.type < Tversion && d !== "9P2000.L") unknown(f.type);
  writeTo(buf, at + 4);
  put1(f.type);
  put2(tag);
  putBody(f, d);
  const end = written();
  writeTo(buf, at);
  put4(end - at);
  return end;
}

/** The message in a buffer of its own. */
export function packMessage(f: Fcall, tag: number, d: Dialect): Uint8Array {
  const buf = new Uint8Array(sizeOf(f, d));
  pack(f, tag, d, buf, 0);
  return buf;
}

function putBody(f: Fcall, d: Dialect): void {
  switch (f.type) {
    case Tversion: case Rversion: put4(f.msize); putString(f.version); return;
    case Tauth:
      put4(f.afid); putString(f.uname); putString(f.aname);
      if (d !== "9P2000") put4(f.n_uname);
      return;
    case Rauth: putQid(f.aqid); return;
    case Tattach:
      put4(f.fid); put4(f.afid); putString(f.uname); putString(f.aname);
      if (d !== "9P2000") put4(f.n_uname);
      return;
    case Rattach: case Rsymlink: case Rmknod: case Rmkdir: putQid(f.qid); return;
    case Rerror:
      putString(f.ename);
      if (d !== "9P2000") put4(f.errno);
      return;
    case Tflush: put2(f.oldtag); return;
    case Twalk:
      put4(f.fid); put4(f.newfid); putCount(f.wname.length);
      for (const name of f.wname) putString(name);
      return;
    case Rwalk:
      putCount(f.wqid.length);
      for (const qid of f.wqid) putQid(qid);
      return;
    case Topen: put4(f.fid); put1(f.mode); return;
    case Ropen: case Rcreate: case Rlopen: case Rlcreate: putQid(f.qid); put4(f.iounit); return;
    case Tcreate:
      put4(f.fid); putString(f.name); put4(f.perm); put1(f.mode);
      if (d === "9P2000.u") putString(f.extension);
      return;
    case Tread: put4(f.fid); put8(f.offset); put4(f.count); return;
    case Rread: case Rreaddir: putData(f.data); return;
    case Twrite: put4(f.fid); put8(f.offset); putData(f.data); return;
    case Rwrite: put4(f.count); return;
    case Tclunk: case Tremove: case Tstat: case Tstatfs: case Treadlink: put4(f.fid); return;
    case Rflush: case Rclunk: case Rremove: case Rwstat: case Rrename: case Rsetattr: case Rxattrcreate: case Rfsync: case Rlink:
    case Rrenameat: case Runlinkat: return;
    case Rstat: put2(sizeofDir(f.stat, d)); putDir(f.stat, d); return;
    case Twstat: put4(f.fid); put2(sizeofDir(f.stat, d)); putDir(f.stat, d); return;
    case Rlerror: put4(f.ecode); return;
    case Rstatfs:
      put4(f.fstype); put4(f.bsize); put8(f.blocks); put8(f.bfree); put8(f.bavail); put8(f.files); put8(f.ffree);
      putCookie(f.fsid); put4(f.namelen);
      return;
    case Tlopen: put4(f.fid); put4(f.flags); return;
    case Tlcreate: put4(f.fid); putString(f.name); put4(f.flags); put4(f.mode); put4(f.gid); return;
    case Tsymlink: put4(f.fid); putString(f.name); putString(f.symtgt); put4(f.gid); return;
    case Tmknod: put4(f.dfid); putString(f.name); put4(f.mode); put4(f.major); put4(f.minor); put4(f.gid); return;
    case Trename: put4(f.fid); put4(f.dfid); putString(f.name); return;
    case Rreadlink: putString(f.target); return;
    case Tgetattr: put4(f.fid); putMask8(f.request_mask); return;
    case Rgetattr:
      putMask8(f.valid); putQid(f.qid); put4(f.mode); put4(f.uid); put4(f.gid); put8(f.nlink); put8(f.rdev); put8(f.size);
      put8(f.blksize); put8(f.blocks); putSigned8(f.atime_sec); put8(f.atime_nsec); putSigned8(f.mtime_sec); put8(f.mtime_nsec);
      putSigned8(f.ctime_sec); put8(f.ctime_nsec); putSigned8(f.btime_sec); put8(f.btime_nsec);
      putCookie(f.gen); putCookie(f.data_version);
      return;
    case Tsetattr:
      put4(f.fid); put4(f.valid); put4(f.mode); put4(f.uid); put4(f.gid); put8(f.size);
      putSigned8(f.atime_sec); put8(f.atime_nsec); putSigned8(f.mtime_sec); put8(f.mtime_nsec);
      return;
    case Txattrwalk: put4(f.fid); put4(f.newfid); putString(f.name); return;
    case Rxattrwalk: put8(f.size); return;
    case Txattrcreate: put4(f.fid); putString(f.name); put8(f.attr_size); put4(f.flags); return;
    case Treaddir: put4(f.fid); putCookie(f.offset); put4(f.count); return;
    case Tfsync: put4(f.fid); put4(f.datasync); return;
    case Tlock:
      put4(f.fid); put1(f.ltype); put4(f.flags); put8(f.start); put8(f.length); put4(f.proc_id); putString(f.client_id);
      return;
    case Rlock: put1(f.status); return;
    case Tgetlock: put4(f.fid); put1(f.ltype); put8(f.start); put8(f.length); put4(f.proc_id); putString(f.client_id); return;
    case Rgetlock: put1(f.ltype); put8(f.start); put8(f.length); put4(f.proc_id); putString(f.client_id); return;
    case Tlink: put4(f.dfid); put4(f.fid); putString(f.name); return;
    case Tmkdir: put4(f.dfid); putString(f.name); put4(f.mode); put4(f.gid); return;
    case Trenameat: put4(f.olddirfid); putString(f.oldname); put4(f.newdirfid); putString(f.newname); return;
    case Tunlinkat: put4(f.dirfid); putString(f.name); put4(f.flags); return;
    default: unknown((f satisfies never as Fcall).type);
  }
}

function putCount(n: number): void {
  if (n > MAXWELEM) botch(`${n} names`);
  put2(n);
}

/** nwname[2] or nwqid[2]. */
function getCount(): number {
  const n = get2();
  if (n > MAXWELEM) botch(`${n} names`);
  return n;
}

/**
 * The message buf[at..end), all of it. Throws NineError: "protocol botch: ..." on anything malformed,
 * "unknown message type N" on a type this dialect does not have.
 */
export function unpack(buf: Uint8Array, at: number, end: number, d: Dialect): Fcall {
  readFrom(buf, at, end);
  if (end - at < HDRSZ || sizeAt(buf, at) !== end - at) botch("size does not fit the message");
  readFrom(buf, at + HDRSZ, end);
  const f = getBody(typeOf(buf, at), d);
  if (left() !== 0) botch(`${left()} bytes behind the message`);
  return f;
}

function getBody(type: number, d: Dialect): Fcall {
  if (type < Tversion && d !== "9P2000.L") unknown(type);
  const plain = d === "9P2000";
  switch (type) {
    case Tversion: case Rversion: return { type, msize: get4(), version: getString() };
    case Tauth: return { type, afid: get4(), uname: getString(), aname: getString(), n_uname: plain ? NOU32 : get4() };
    case Rauth: return { type, aqid: getQid() };
    case Tattach:
      return { type, fid: get4(), afid: get4(), uname: getString(), aname: getString(), n_uname: plain ? NOU32 : get4() };
    case Rattach: case Rsymlink: case Rmknod: case Rmkdir: return { type, qid: getQid() };
    case Rerror: {
      const ename = getString();
      return { type, ename, errno: plain || (d === "9P2000.L" && left() === 0) ? 0 : get4() };
    }
    case Tflush: return { type, oldtag: get2() };
    case Twalk: {
      const fid = get4();
      const newfid = get4();
      const wname: string[] = [];
      for (let n = getCount(); n > 0; n--) wname.push(getString());
      return { type, fid, newfid, wname };
    }
    case Rwalk: {
      const wqid: Qid[] = [];
      for (let n = getCount(); n > 0; n--) wqid.push(getQid());
      return { type, wqid };
    }
    case Topen: return { type, fid: get4(), mode: get1() };
    case Ropen: case Rcreate: case Rlopen: case Rlcreate: return { type, qid: getQid(), iounit: get4() };
    case Tcreate:
      return { type, fid: get4(), name: getString(), perm: get4(), mode: get1(), extension: d === "9P2000.u" ? getString() : "" };
    case Tread: return { type, fid: get4(), offset: get8(), count: get4(), into: undefined };
    case Rread: case Rreaddir: return { type, data: getData() };
    case Twrite: return { type, fid: get4(), offset: get8(), data: getData() };
    case Rwrite: return { type, count: get4() };
    case Tclunk: case Tremove: case Tstat: case Tstatfs: case Treadlink: return { type, fid: get4() };
    case Rflush: case Rclunk: case Rremove: case Rwstat: case Rrename: case Rsetattr: case Rxattrcreate: case Rfsync: case Rlink:
    case Rrenameat: case Runlinkat: return { type };
    case Rstat: {
      if (get2() !== left()) botch("stat does not fill the message");
      return { type, stat: getDir(d) };
    }
    case Twstat: {
      const fid = get4();
      if (get2() !== left()) botch("stat does not fill the message");
      return { type, fid, stat: getDir(d) };
    }
    case Rlerror: return { type, ecode: get4() };
    case Rstatfs:
      return {
        type, fstype: get4(), bsize: get4(), blocks: get8(), bfree: get8(), bavail: get8(), files: get8(), ffree: get8(),
        fsid: getCookie(), namelen: get4(),
      };
    case Tlopen: return { type, fid: get4(), flags: get4() };
    case Tlcreate: return { type, fid: get4(), name: getString(), flags: get4(), mode: get4(), gid: get4() };
    case Tsymlink: return { type, fid: get4(), name: getString(), symtgt: getString(), gid: get4() };
    case Tmknod: return { type, dfid: get4(), name: getString(), mode: get4(), major: get4(), minor: get4(), gid: get4() };
    case Trename: return { type, fid: get4(), dfid: get4(), name: getString() };
    case Rreadlink: return { type, target: getString() };
    case Tgetattr: return { type, fid: get4(), request_mask: getMask8() };
    case Rgetattr: {
      const valid = getMask8();
      return {
        type, valid, qid: getQid(), mode: get4(), uid: get4(), gid: get4(), nlink: get8((valid & GETATTR_NLINK) !== 0),
        rdev: get8((valid & GETATTR_RDEV) !== 0), size: get8((valid & GETATTR_SIZE) !== 0), blksize: get8(false),
        blocks: get8((valid & GETATTR_BLOCKS) !== 0),
        atime_sec: getSigned8((valid & GETATTR_ATIME) !== 0), atime_nsec: get8((valid & GETATTR_ATIME) !== 0),
        mtime_sec: getSigned8((valid & GETATTR_MTIME) !== 0), mtime_nsec: get8((valid & GETATTR_MTIME) !== 0),
        ctime_sec: getSigned8((valid & GETATTR_CTIME) !== 0), ctime_nsec: get8((valid & GETATTR_CTIME) !== 0),
        btime_sec: getSigned8((valid & GETATTR_BTIME) !== 0), btime_nsec: get8((valid & GETATTR_BTIME) !== 0),
        gen: getCookie(), data_version: getCookie(),
      };
    }
    case Tsetattr: {
      const fid = get4();
      const valid = get4();
      return {
        type, fid, valid, mode: get4(), uid: get4(), gid: get4(), size: get8((valid & SETATTR_SIZE) !== 0),
        atime_sec: getSigned8((valid & SETATTR_ATIME_SET) !== 0), atime_nsec: get8((valid & SETATTR_ATIME_SET) !== 0),
        mtime_sec: getSigned8((valid & SETATTR_MTIME_SET) !== 0), mtime_nsec: get8((valid & SETATTR_MTIME_SET) !== 0),
      };
    }
    case Txattrwalk: return { type, fid: get4(), newfid: get4(), name: getString() };
    case Rxattrwalk: return { type, size: get8() };
    case Txattrcreate: return { type, fid: get4(), name: getString(), attr_size: get8(), flags: get4() };
    case Treaddir: return { type, fid: get4(), offset: getCookie(), count: get4() };
    case Tfsync: return { type, fid: get4(), datasync: left() === 0 ? 0 : get4() };
    case Tlock:
      return {
        type, fid: get4(), ltype: get1(), flags: get4(), start: get8(), length: get8(), proc_id: get4(), client_id: getString(),
      };
    case Rlock: return { type, status: get1() };
    case Tgetlock:
      return { type, fid: get4(), ltype: get1(), start: get8(), length: get8(), proc_id: get4(), client_id: getString() };
    case Rgetlock: return { type, ltype: get1(), start: get8(), length: get8(), proc_id: get4(), client_id: getString() };
    case Tlink: return { type, dfid: get4(), fid: get4(), name: getString() };
    case Tmkdir: return { type, dfid: get4(), name: getString(), mode: get4(), gid: get4() };
    case Trenameat: return { type, olddirfid: get4(), oldname: getString(), newdirfid: get4(), newname: getString() };
    case Tunlinkat: return { type, dirfid: get4(), name: getString(), flags: get4() };
    default: return unknown(type);
  }
}
