/**
 * Attr: what a file's server tells of it, as Linux has it, and what kind of file it is to a program. Of a
 * .L server it is all there is (Tgetattr); a server of plain 9P2000 knows no links, no owners by number
 * and whole seconds: a file of its has one link, the owner the process's own number or nobody's, and its
 * change time is that of its last modification. Pipes and consoles are what Linux would show of them.
 */
import {
  after, type Awaitable, type Dir, DMDEVICE, errno, LinkFound, makedev, NOU32, QTSYMLINK, type RgetattrMsg, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, statMode,
} from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { linkAt } from "../filecalls.ts";
import { at } from "../namec.ts";
import type { Linux } from "./linux.ts";
import { fail } from "./paths.ts";

/** What of Rgetattr is shown. */
export type Attr = Omit<RgetattrMsg, "type" | "valid" | "gen" | "data_version"> & { readonly dev: number };

/** A user that is not known by number. */
const NOBODY = 65534;
const BLOCK = 4096;

/** Numbers of Linux's devices (devices.txt), of files that have the same name and meaning here. */
const DEVICES: Readonly<Record<string, number>> = {
  null: makedev(1, 3), zero: makedev(1, 5), full: makedev(1, 7), random: makedev(1, 8), urandom: makedev(1, 9), tty: makedev(5, 0), cons: makedev(5, 1),
};
const STREAMS: ReadonlySet<string> = new Set(["cons", "tty", "stdin", "stdout", "stderr"]);

export function isLinux(c: Chan): boolean {
  return c.mnt.client.portal.dialect === "9P2000.L";
}

/** The last element of the name a file was reached by. */
export function lastName(c: Chan): string {
  return c.path.slice(c.path.lastIndexOf("/") + 1);
}

export function attrOf(l: Linux, c: Chan): Awaitable<Attr> {
  return after(asked(l, c, NONAMES, lastName(c)), (a) => special(c, lastName(c), a));
}

/** The same by name, with no more messages than it takes. */
export function attrAt(l: Linux, path: string, nofollow: boolean): Awaitable<Attr> {
  return at(l.proc, path, { nofollow }, (w) => {
    const name = w.path.slice(w.path.lastIndexOf("/") + 1);
    return after(asked(l, w.c, w.names, name), (a) => {
      // The walk met no link, but what it ended at may be one.
      if (!nofollow && a.qid.type & QTSYMLINK && w.names.length > 0) throw new LinkFound(linkAt(w, a.qid));
      return special(w.c, name, a);
    });
  });
}

const NONAMES: readonly string[] = [];

function asked(l: Linux, c: Chan, names: readonly string[], name: string): Awaitable<Attr> {
  const { client, dev } = c.mnt;
  return isLinux(c)
    ? after(client.getattr(c.fid, names, l.proc.intr), (r) => fromGetattr(r, dev))
    : after(names.length === 0 ? client.statFid(c.fid, name, l.proc.intr) : client.stat(c.fid, names, l.proc.intr), (d) => fromDir(l, d, dev));
}

function fromGetattr({ qid, mode, uid, gid, nlink, rdev, size, blksize, blocks, atime_sec, atime_nsec, mtime_sec, mtime_nsec, ctime_sec, ctime_nsec, btime_sec, btime_nsec }: RgetattrMsg, dev: number): Attr {
  return { qid, mode, uid: known(uid), gid: known(gid), nlink, rdev, size, blksize, blocks, atime_sec, atime_nsec, mtime_sec, mtime_nsec, ctime_sec, ctime_nsec, btime_sec, btime_nsec, dev };
}

function known(id: number): number {
  return id === NOU32 ? NOBODY : id;
}

function fromDir(l: Linux, d: Dir, dev: number): Attr {
  const { uid } = l.proc.kernel;
  const id = (n: number, name: string): number => (n !== NOU32 ? n : name === l.proc.user ? uid : NOBODY);
  const device = d.mode & DMDEVICE ? /^([bc]) (\d+) (\d+)$/.exec(d.extension) : undefined;
  return {
    qid: d.qid, mode: statMode(d.mode, device?.[1] === "b"), uid: id(d.n_uid, d.uid), gid: id(d.n_gid, d.gid), nlink: 1,
    rdev: device ? makedev(Number(device[2]), Number(device[3])) : 0, size: d.length, blksize: BLOCK, blocks: Math.ceil(d.length / 512),
    atime_sec: d.atime, atime_nsec: 0, mtime_sec: d.mtime, mtime_nsec: 0, ctime_sec: d.mtime, ctime_nsec: 0, btime_sec: 0, btime_nsec: 0, dev,
  };
}

/** Files of the kernel's devices say nothing of being devices. */
function special(c: Chan, name: string, a: Attr): Attr {
  if ((a.mode & S_IFMT) !== S_IFREG) return a;
  const { spec } = c.mnt;
  if (spec === "#pipe") return { ...a, mode: (a.mode & ~S_IFMT) | S_IFIFO };
  if (spec !== "#dev" && spec !== "#cons") return a;
  if (STREAMS.has(name)) return { ...a, mode: (a.mode & ~S_IFMT) | S_IFIFO };
  const rdev = DEVICES[name];
  return rdev === undefined ? a : { ...a, rdev, mode: (a.mode & ~S_IFMT) | S_IFCHR };
}

/** A file has places to be read from; a device is always ready, a stream and a terminal when there is something. */
export type Kind = "file" | "dir" | "device" | "stream" | "tty";

const kinds = new WeakMap<Chan, Kind>();

/** Asked once of each open file. */
export function kindOf(l: Linux, c: Chan): Awaitable<Kind> {
  const kind = kinds.get(c);
  return kind ?? after(attrOf(l, c), (a) => {
    const k = kindBy(c, a);
    kinds.set(c, k);
    return k;
  });
}

function kindBy(c: Chan, a: Attr): Kind {
  switch (a.mode & S_IFMT) {
    case S_IFDIR: return "dir";
    case S_IFCHR: return STREAMS.has(lastName(c)) && c.mnt.perProc ? "tty" : "device";
    case S_IFIFO: case S_IFSOCK: return "stream";
    default: return "file";
  }
}

/** f with the kind of an open file; ESPIPE for what has no places. */
export function seekable<T>(l: Linux, c: Chan, f: (kind: Kind) => Awaitable<T>): Awaitable<T> {
  return after(kindOf(l, c), (kind) => (kind === "stream" || kind === "tty" ? fail(errno.ESPIPE) : f(kind)));
}
