/**
 * Server: what somebody who writes a file server implements. srv.ts owns fids, qids, modes,
 * permission, stat records, directory packing, clamping, dialects, locks and flush; a server sees
 * none of them. Return a value or a promise of it, or throw a NineError; nothing to remember to answer.
 *
 * What srv has checked before it calls a Node:
 *   walk    the caller may search the directory; name is one legal element, never "." or ".."
 *   create, symlink, link, mknod, rename, remove   the caller may write the directory; names are legal
 *   open    permission for the mode; directories are opened by srv and never get here; at most one
 *           open of a DMEXCL file
 *   read, write   the file is open for it; 0 <= at <= 2^53-1; n is at least 0 and fits the reply
 *   setattr owner or write permission, as stat(5) wants for each field
 */
import type { Awaitable } from "./awaitable.ts";
import { Ebadoffset, Efbig, NineError } from "./errors.ts";
import { OAPPEND, OTRUNC } from "./perm.ts";
import type { Qid } from "./qid.ts";
import { decodeUtf8, utf8Length } from "./utf8.ts";
import { bytesOf } from "./words.ts";

/** Who asks, and how to learn that he no longer wants the answer. */
export interface Call {
  /** The attached user's name; "" becomes "none". */
  readonly uname: string;
  /** The user's number for .u and .L; a name without one has NOU32. */
  readonly uid: number;
  /** Aborts on Tflush and hang-up; made on first use. A call that may block must listen to it. */
  readonly signal: AbortSignal;
  /** Of a walk: the names behind the one that a DirNode is asked for, for whom each is a journey. Absent: none. */
  readonly ahead?: readonly string[];
  /** Of a read of a Device: the pid of the process that reads. Absent: nobody knows, or it is who opened the file. */
  readonly by?: number | undefined;
}

/** What there is to know of a file. mode is Plan 9's (DMDIR, DMAPPEND... with .u's bits) with rwx in the low nine. */
export interface Attr {
  mode: number;
  /** Owner and group by name; a number without a name is its decimal digits. */
  uid: string;
  gid: string;
  /** Last modifier, "" if unknown. */
  muid: string;
  length: number;
  /** Seconds since the epoch, and the nanoseconds of that second. */
  atime: number;
  atimeNsec: number;
  mtime: number;
  mtimeNsec: number;
  ctime: number;
  ctimeNsec: number;
  nlink: number;
  /** Linux dev_t of a DMDEVICE; `block` tells its kind. */
  rdev: number;
  block: boolean;
  blksize: number;
  /** In units of 512 bytes. */
  blocks: number;
}

/** A time to be set: seconds and nanoseconds, or the server's own clock. */
export type SetTime = "now" | { readonly sec: number; readonly nsec: number };

/** Changes of attributes: all or nothing. A field that is not there is not touched. */
export interface SetAttr {
  /** rwx and the DM bits; DMDIR never differs from what the file has. */
  mode?: number;
  uid?: string;
  gid?: string;
  length?: number;
  atime?: SetTime;
  mtime?: SetTime;
}

export interface Statfs {
  type: number; bsize: number; blocks: number; bfree: number; bavail: number; files: number; ffree: number; namelen: number;
}

/** Extended attributes of one file (xattr(7)); names are whole ("user.mime"). Absent: Enodata. */
export interface Xattrs {
  get(name: string, call: Call): Awaitable<Uint8Array>;
  list(call: Call): Awaitable<string[]>;
  /** flags: XATTR_CREATE, XATTR_REPLACE or 0. */
  set(name: string, value: Uint8Array, flags: number, call: Call): Awaitable<void>;
  remove(name: string, call: Call): Awaitable<void>;
}

/**
 * What files and directories share; all of it optional. Identity: one file is one Node object while
 * anything refers to it, or its `qid` says the same.
 */
export interface NodeCommon {
  /** Without it srv numbers the Node objects themselves, version 0: do not cache. The object returned is never changed. */
  qid?(): Qid;
  /**
   * What differs from the default, which is: a directory 0555 (0775 with create), a file 0444, 0666
   * or as `mode` says, owned by the caller, length from `length()`, times those of srv's start.
   */
  stat?(call: Call): Awaitable<Partial<Attr>>;
  /** Plan 9 mode bits when there is no stat: permissions, DMAPPEND, DMEXCL. */
  readonly mode?: number;
  setattr?(set: SetAttr, call: Call): Awaitable<void>;
  /** Throw Eperm (or Enotowner) unless the caller may: any of AREAD, AWRITE, AEXEC. Default: Attr's mode, uid and gid, and uid 0 may all. */
  access?(want: number, call: Call): Awaitable<void>;
  statfs?(call: Call): Awaitable<Statfs>;
  /** To stable storage. */
  sync?(datasync: boolean, call: Call): Awaitable<void>;
  readonly xattrs?: Xattrs;
}

/**
 * An entry of a directory. Without a node, it is looked up by `walk` when it is wanted, and left out
 * when it is gone by then. type: DT_ of dirent.h, of files that are no regular ones.
 */
export type Entry = readonly [name: string, node?: Node | undefined, type?: number | undefined];

export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;

export interface DirNode extends NodeCommon {
  /** The child, or undefined when there is none. */
  walk(name: string, call: Call): Awaitable<Node | undefined>;
  /** What is in it, without "." and "..", read lazily while a client reads the directory; called anew for each rewind. */
  list(call: Call): Awaitable<Iterable<Entry> | AsyncIterable<Entry>>;
  /**
   * What differs whenever the list does: names, which files they are, their types; undefined when that
   * cannot be told at the moment. With it a listing is kept and given again, to whoever asks.
   */
  version?(call: Call): Awaitable<string | number | undefined>;
  /**
   * Make a file or (DMDIR in mode) a directory; Eexist when the name is taken. mode is masked
   * already. With openMode, a file is also opened and `opened` is its OpenFile: creation and opening
   * are one step, allowed whatever the mode (open(5)).
   */
  create?(name: string, mode: number, openMode: number | undefined, call: Call): Awaitable<{ node: Node; opened?: OpenFile }>;
  /** Remove `node`, known here as `name`. srv has not checked that a directory is empty: throw Enotempty. */
  remove?(name: string, node: Node, call: Call): Awaitable<void>;
  /**
   * Move `node` from here to newdir (of the same server) as newname. `replace`: rename(2)'s rules
   * for an existing target; else Eexist. Same directory: newdir is this.
   */
  rename?(name: string, node: Node, newdir: DirNode, newname: string, replace: boolean, call: Call): Awaitable<void>;
  symlink?(name: string, target: string, call: Call): Awaitable<Node>;
  /** A further name for `node`, a file of this server. */
  link?(name: string, node: Node, call: Call): Awaitable<void>;
  /** mode has DMDEVICE, DMNAMEDPIPE or DMSOCKET; rdev is a Linux dev_t. */
  mknod?(name: string, mode: number, rdev: number, block: boolean, call: Call): Awaitable<Node>;
}

export interface FileNode extends NodeCommon {
  /** mode: OREAD OWRITE ORDWR OEXEC, with OTRUNC and OAPPEND (every write goes to the end). */
  open(mode: number, call: Call): Awaitable<OpenFile>;
  /** Bytes, when there is no stat. */
  length?(): number;
}

export interface LinkNode extends NodeCommon {
  readlink(call: Call): Awaitable<string>;
}

export type Node = DirNode | FileNode | LinkNode;

export interface OpenFile {
  /**
   * At most n bytes from byte `at`; empty at the end. May return a view of `into` when that is given,
   * or a view of its own memory: unless `lasting`, the receiver copies before its next await.
   */
  read?(at: number, n: number, call: Call, into?: Uint8Array): Awaitable<Uint8Array>;
  /** Bytes taken. data is borrowed until the result settles: who keeps it copies. */
  write?(at: number, data: Uint8Array, call: Call): Awaitable<number>;
  close?(): Awaitable<void>;
  /**
   * Reads and writes are two independent streams (a console, a pipe): a blocked read does not hold
   * up a write on the same fid. Otherwise operations on one fid take effect in order.
   */
  readonly stream?: boolean;
  /** What read gives is the receiver's: nobody here uses those bytes again. */
  readonly lasting?: boolean;
  /** Bytes of an atomic unit; only when there really is one. */
  readonly iounit?: number;
}

export interface Server {
  readonly name: string;
  /** The root of the tree aname selects; "" and "/" are the same. Throw Enonexist for a tree there is not. */
  attach(call: Call, aname: string): Awaitable<Node>;
}

export function isDir(n: Node): n is DirNode {
  return "walk" in n;
}

export function isLink(n: Node): n is LinkNode {
  return "readlink" in n;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A directory with these children. Those of a Map may come and go: it is looked at anew each time. */
export function dir(children: Readonly<Record<string, Node>> | ReadonlyMap<string, Node>, mode?: number): DirNode {
  const map = children instanceof Map ? children as ReadonlyMap<string, Node> : new Map(Object.entries(children));
  return {
    ...(mode === undefined ? {} : { mode }),
    walk: (name) => map.get(name),
    list: () => map.entries(),
  };
}

/**
 * A small text file. `get` gives its text, taken once per open for reading, so that a reader sees
 * one state; `put` gets what each write wrote. Without put the mode is 0444, else 0666.
 */
export function textFile(get: (call: Call) => Awaitable<string>, put?: (text: string, call: Call) => Awaitable<void>): FileNode {
  return {
    mode: put ? 0o666 : 0o444,
    async open(mode, call) {
      const acc = mode & 3;
      const body = acc === 1 ? new Uint8Array(0) : utf8.encode(await get(call));
      return {
        read: (at, n) => body.subarray(at, at + n),
        ...(put && {
          async write(_at: number, data: Uint8Array, by: Call) {
            await put(text.decode(data), by);
            return data.length;
          },
        }),
      };
    },
  };
}

/** Bytes of text that a client may put together in a valueFile. */
const MAXVALUE = 16 << 20;

/**
 * A file that is a text, read and written as such by editors and `>`. `get` gives it, taken once per
 * open; `put` gets the whole text after each write, and "" when it was opened to be truncated and
 * nothing was written. Bytes that are no UTF-8 survive (utf8.ts). What put throws the writer is told.
 */
export function valueFile(get: (call: Call) => Awaitable<string>, put: (text: string, call: Call) => Awaitable<void>): FileNode {
  return {
    mode: 0o666,
    // What appends goes by the length.
    stat: async (call) => ({ mode: 0o666, length: utf8Length(await get(call)) }),
    async open(mode, call) {
      let body = mode & OTRUNC ? new Uint8Array(0) : bytesOf(await get(call));
      let untouched = (mode & OTRUNC) !== 0;
      return {
        read: (at, n) => body.subarray(at, at + n),
        async write(offset, data, by) {
          const at = mode & OAPPEND ? body.length : offset;
          if (at > body.length) throw new NineError(Ebadoffset);
          if (at + data.length > MAXVALUE) throw new NineError(Efbig);
          const next = new Uint8Array(Math.max(body.length, at + data.length));
          next.set(body);
          next.set(data, at);
          untouched = false;
          await put(decodeUtf8(next, 0, next.length), by);
          body = next;
          return data.length;
        },
        async close() {
          if (untouched) await put("", call);
        },
      };
    },
  };
}

/** UTF-8 bytes of a string, for read. */
export function encode(s: string): Uint8Array {
  return utf8.encode(s);
}
