/**
 * Attr of a Node: defaults, the permission rule, and its forms on the wire (Dir of stat(5), Rgetattr
 * of .L). Pure but for asking the Node; used by srv.ts alone.
 */
import type { Awaitable } from "../awaitable.ts";
import { Eperm, NineError } from "../errors.ts";
import { type Dialect, type Dir, GETATTR_BASIC, NOU32, Rgetattr, type RgetattrMsg } from "../fcall.ts";
import {
  AEXEC, AREAD, AWRITE, DMAPPEND, DMAUTH, DMDEVICE, DMDIR, DMEXCL, DMMOUNT, DMNAMEDPIPE, DMSOCKET, DMSYMLINK, DMTMP, OEXEC, ORDWR, OREAD, OTRUNC,
  OWRITE, statMode,
} from "../perm.ts";
import type { Qid } from "../qid.ts";
import { type Attr, type Call, isDir, isLink, type Node } from "../server.ts";
import type { Users } from "../users.ts";

/** The mode of a Node that has no stat, without asking it. */
function plainMode(node: Node): number {
  if (isDir(node)) return (DMDIR | (node.mode ?? (node.create ? 0o775 : 0o555))) >>> 0;
  if (isLink(node)) return DMSYMLINK | 0o777;
  return node.mode ?? 0o444;
}

/** All attributes; what the Node does not say is filled in. bootSec: the times of Nodes without any. */
export function attrOf(node: Node, call: Call, bootSec: number): Awaitable<Attr> {
  const some = node.stat?.(call);
  return some instanceof Promise ? some.then((s) => fill(node, s, call, bootSec)) : fill(node, some, call, bootSec);
}

function fill(node: Node, some: Partial<Attr> | undefined, call: Call, bootSec: number): Attr {
  const length = some?.length ?? ("open" in node ? (node.length?.() ?? 0) : 0);
  const mtime = some?.mtime ?? bootSec;
  const mtimeNsec = some?.mtimeNsec ?? 0;
  return {
    mode: some?.mode ?? plainMode(node), uid: some?.uid ?? call.uname, gid: some?.gid ?? some?.uid ?? call.uname, muid: some?.muid ?? "",
    length, atime: some?.atime ?? mtime, atimeNsec: some?.atimeNsec ?? mtimeNsec, mtime, mtimeNsec,
    ctime: some?.ctime ?? mtime, ctimeNsec: some?.ctimeNsec ?? mtimeNsec, nlink: some?.nlink ?? 1, rdev: some?.rdev ?? 0,
    block: some?.block ?? false, blksize: some?.blksize ?? 4096, blocks: some?.blocks ?? Math.ceil(length / 512),
  };
}

/** Whether the caller is the owner, or root. */
export function owns(a: Attr, call: Call): boolean {
  return call.uid === 0 || a.uid === call.uname;
}

/** The three-class rule: the first class the caller belongs to decides; uid 0 may all. */
export function permits(a: Pick<Attr, "mode" | "uid" | "gid">, want: number, call: Call, users: Users): boolean {
  return allows(a.mode, a.uid, a.gid, want, call, users);
}

function allows(mode: number, uid: string, gid: string, want: number, call: Call, users: Users): boolean {
  if (call.uid === 0) return true;
  const bits = uid === call.uname ? mode >>> 6 : users.member(call.uname, gid) ? mode >>> 3 : mode;
  return (bits & want) === want;
}

/** Throws Eperm unless the caller may `want`. A Node without stat belongs to whoever asks. */
export function mayAccess(node: Node, want: number, call: Call, users: Users): Awaitable<void> {
  if (node.access) return node.access(want, call);
  const some = node.stat?.(call);
  if (some instanceof Promise) return some.then((a) => mustAllow(node, a, want, call, users));
  mustAllow(node, some, want, call, users);
}

function mustAllow(node: Node, a: Partial<Attr> | undefined, want: number, call: Call, users: Users): void {
  const uid = a?.uid ?? call.uname;
  if (!allows(a?.mode ?? plainMode(node), uid, a?.gid ?? uid, want, call, users)) throw new NineError(Eperm);
}

/** What Topen's mode asks for. */
export function wantOf(mode: number): number {
  const acc = mode & 3;
  const want = acc === OREAD ? AREAD : acc === OWRITE ? AWRITE : acc === ORDWR ? AREAD | AWRITE : acc === OEXEC ? AEXEC : 0;
  return mode & OTRUNC ? want | AWRITE : want;
}

/** Bits of Dir.mode that plain 9P2000 has. */
const PLAIN = (DMDIR | DMAPPEND | DMEXCL | DMMOUNT | DMAUTH | DMTMP | 0o777) >>> 0;

const u32 = (n: number): number => Math.min(Math.max(Math.floor(n), 0), 0xffffffff);

/** extension of .u: a link's target, or "c major minor", or of files and directories what Linux and QEMU say there. */
function extensionOf(a: Attr, target: string, dialect: Dialect): string {
  if (a.mode & DMDEVICE) return `${a.block ? "b" : "c"} ${major(a.rdev)} ${minor(a.rdev)}`;
  if (a.mode & DMSYMLINK) return target;
  return dialect === "9P2000.u" && !(a.mode & (DMNAMEDPIPE | DMSOCKET)) ? `HARDLINKCOUNT ${a.nlink}` : "";
}

/** Attr as a stat(5) entry; target is a symbolic link's. */
export function toDir(a: Attr, qid: Qid, name: string, target: string, dialect: Dialect, users: Users): Dir {
  const plain = dialect === "9P2000";
  return {
    type: 0, dev: 0, qid, mode: plain ? (a.mode & PLAIN) >>> 0 : a.mode, atime: u32(a.atime), mtime: u32(a.mtime),
    length: a.mode & DMDIR ? 0 : a.length, name, uid: a.uid, gid: a.gid, muid: a.muid,
    extension: plain ? "" : extensionOf(a, target, dialect), n_uid: plain ? NOU32 : users.idOf(a.uid), n_gid: plain ? NOU32 : users.idOf(a.gid),
    n_muid: plain ? NOU32 : users.idOf(a.muid),
  };
}

export function toGetattr(a: Attr, qid: Qid, users: Users): RgetattrMsg {
  return {
    type: Rgetattr, valid: GETATTR_BASIC, qid, mode: statMode(a.mode, a.block), uid: users.idOf(a.uid), gid: users.idOf(a.gid),
    nlink: a.nlink, rdev: a.rdev, size: a.length, blksize: a.blksize, blocks: a.blocks, atime_sec: a.atime, atime_nsec: a.atimeNsec,
    mtime_sec: a.mtime, mtime_nsec: a.mtimeNsec, ctime_sec: a.ctime, ctime_nsec: a.ctimeNsec, btime_sec: 0, btime_nsec: 0,
    gen: 0, data_version: qid.vers,
  };
}

/** Linux dev_t, glibc's 64-bit layout restricted to the 32 bits that stat(2) of x86-64 gives. */
export function makedev(maj: number, min: number): number {
  return ((min & 0xff) | ((maj & 0xfff) << 8) | ((min & ~0xff) << 12)) >>> 0;
}
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}
