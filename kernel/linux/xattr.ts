/**
 * Xattr: Linux's calls on extended attributes: Txattrwalk makes a fid to read them from, Txattrcreate one
 * to write to, and what was written counts when it is clunked. Other servers have none: ENOTSUP.
 */
import { after, type Awaitable, errno, got, type Steps, steps, Txattrcreate, Txattrwalk } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { isLinux } from "./attr.ts";
import type { Call, Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { AT, fail, onFile, onPath, opened } from "./paths.ts";

/** XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX. */
const NAMEMAX = 255;
const SIZEMAX = 65536;
const XATTR = { create: 1, replace: 2 } as const;

/** A name that can be one. */
function nameOf(l: Linux, at: number): string {
  const name = l.user.string(at, NAMEMAX + 1);
  return name === "" ? fail(errno.ERANGE) : name;
}

/** What a name has, or "" the names there are; how long it is, with no room given. */
function* reading(l: Linux, c: Chan, name: string, to: number, n: number): Steps<number> {
  if (!isLinux(c)) return -errno.EOPNOTSUPP;
  const { client } = c.mnt;
  const fid = client.alloc();
  let made = false;
  try {
    const { size } = yield* got(client.rpc({ type: Txattrwalk, fid: c.fid, newfid: fid, name }, l.proc.intr));
    made = true;
    if (n === 0) return size;
    if (size > n) return -errno.ERANGE;
    const all = new Uint8Array(Math.min(size, SIZEMAX));
    let filled = 0;
    while (filled < all.length) {
      const some = yield* got(client.read(fid, filled, all.length - filled, l.proc.intr));
      if (some.length === 0) break;
      all.set(some, filled);
      filled += some.length;
    }
    l.user.put(to, all.subarray(0, filled));
    return filled;
  } finally {
    if (made) client.clunk(fid);
    else client.release(fid);
  }
}

function* writing(l: Linux, c: Chan, name: string, value: Uint8Array, flags: number): Steps<number> {
  if (!isLinux(c)) return -errno.EOPNOTSUPP;
  const { client } = c.mnt;
  const fid = yield* got(client.clone(c.fid, l.proc.intr));
  let open = true;
  try {
    yield* got(client.rpc({ type: Txattrcreate, fid, name, attr_size: value.length, flags }, l.proc.intr));
    if (value.length > 0) yield* got(client.write(fid, 0, value, l.proc.intr));
    open = false;
    yield* got(client.close(fid));
    return 0;
  } finally {
    if (open) client.clunk(fid);
  }
}

type OnFile = (l: Linux, which: number, f: (c: Chan) => Awaitable<number>) => Awaitable<number>;

/** The file by name, the link itself, the open file. */
const WHICH: Readonly<Record<string, OnFile>> = {
  "": (l, name, f) => onFile(l, AT.fdcwd, name, 0, f),
  l: (l, name, f) => onFile(l, AT.fdcwd, name, AT.symlinkNofollow, f),
  // An open fid is not walked.
  f: (l, fd, f) => onPath(l, opened(l, fd).path, true, f),
};

function calls(on: OnFile): { get: Call; set: Call; list: Call; remove: Call } {
  return {
    get(l, file, at, to, n) {
      const name = nameOf(l, at);
      l.user.room(to, Math.min(n, SIZEMAX));
      return on(l, file, (c) => steps(() => reading(l, c, name, to, n)));
    },
    list(l, file, to, n) {
      l.user.room(to, Math.min(n, SIZEMAX));
      return on(l, file, (c) => steps(() => reading(l, c, "", to, n)));
    },
    set(l, file, at, from, n, flags) {
      if (flags & ~(XATTR.create | XATTR.replace)) return -errno.EINVAL;
      const name = nameOf(l, at);
      if (n > SIZEMAX) return -errno.E2BIG;
      const value = l.user.bytes(from, n);
      return on(l, file, (c) => steps(() => writing(l, c, name, value, flags)));
    },
    // As Linux's own client of 9P has it: a replacement of no bytes.
    remove(l, file, at) {
      const name = nameOf(l, at);
      return on(l, file, (c) => after(has(l, c, name), () => steps(() => writing(l, c, name, new Uint8Array(0), XATTR.replace))));
    },
  };
}

/** ENODATA when there is none. */
function has(l: Linux, c: Chan, name: string): Awaitable<number> {
  return after(steps(() => reading(l, c, name, 0, 0)), (n) => (n < 0 ? fail(-n) : n));
}

export const xattrs: Calls = Object.fromEntries(Object.entries(WHICH).flatMap(([letter, on]) => {
  const { get, set, list, remove } = calls(on);
  return [[`${letter}getxattr`, get], [`${letter}setxattr`, set], [`${letter}listxattr`, list], [`${letter}removexattr`, remove]];
}));
