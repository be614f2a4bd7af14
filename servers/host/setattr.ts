/**
 * setattr: changes of attributes of a held file, all or nothing as far as a system without such a
 * call allows: everything that can be known to fail is checked first, the length goes last because
 * it cannot be undone, and what was done is undone when a later step fails. Used by node.ts.
 */
import {
  after, attempt, type Awaitable, AWRITE, type Call, Eisdir, Einval, Enotowner, Eperm, errno, got, NineError, NOU32, OWRITE, S_IFDIR, S_IFLNK, S_IFMT,
  S_IFREG, type SetAttr, type SetTime, statMode, type Steps, steps,
} from "../../proto/index.ts";
import type { Handle, HostStat } from "./files.ts";
import type { Ident } from "./ident.ts";
import { type Cred, permits, type Tree } from "./tree.ts";

/** Applies `set` to the file h is on, whose stat is st. */
export function setattr(tree: Tree, id: Ident, h: Handle, st: HostStat, set: SetAttr, call: Call): Awaitable<void> {
  return steps(() => setting(tree, id, h, st, set, call));
}

function* setting(tree: Tree, id: Ident, h: Handle, st: HostStat, set: SetAttr, call: Call): Steps<void> {
  const { files } = tree;
  const cred = tree.cred(call);
  const uid = set.uid === undefined ? st.uid : number(tree, set.uid, "unknown user");
  const gid = set.gid === undefined ? st.gid : number(tree, set.gid, "unknown group");
  let perm = set.mode === undefined ? undefined : statMode(set.mode) & 0o7777;
  if (set.length !== undefined) {
    if ((st.mode & S_IFMT) === S_IFDIR) throw new NineError(Eisdir);
    if ((st.mode & S_IFMT) !== S_IFREG) throw new NineError(Einval);
  }
  if (cred) {
    mayset(tree, id, st, set, uid, gid, cred);
    // chmod(2): the set-group-ID bit of a group one is not in is dropped.
    if (perm !== undefined && !cred.groups.includes(gid)) perm &= ~0o2000;
    if (perm === undefined && set.length !== undefined) perm = stripped(st.mode);
  }
  const undo: (() => Awaitable<void>)[] = [];
  try {
    if (uid !== st.uid || gid !== st.gid) {
      yield* got(files.chown(h, uid, gid));
      undo.push(() => after(files.chown(h, st.uid, st.gid), () => ((st.mode & S_IFMT) === S_IFLNK ? undefined : files.chmod(h, st.mode & 0o7777))));
    }
    // chown takes the set-ID bits away, so the mode follows it.
    if (perm !== undefined) {
      yield* got(files.chmod(h, perm));
      undo.push(() => files.chmod(h, st.mode & 0o7777));
    }
    const times = set.atime !== undefined || set.mtime !== undefined;
    const atimeNs = timeOf(set.atime, st.atimeNs, tree);
    const mtimeNs = timeOf(set.mtime, st.mtimeNs, tree);
    // Not the owner, but one who may write, may set both to the present and nothing else.
    const present = set.atime === "now" && set.mtime === "now";
    const settimes = (): Awaitable<void> => attempt(() => files.utimes(h, atimeNs, mtimeNs), (e) => {
      if (!present || !(e instanceof NineError) || e.errno !== errno.EPERM) throw e;
      return files.touch(h);
    });
    if (times) {
      yield* got(settimes());
      undo.push(() => files.utimes(h, st.atimeNs, st.mtimeNs));
    }
    if (set.length !== undefined) {
      yield* truncate(tree, id, h, set.length);
      if (times) yield* got(settimes());
    }
  } catch (e) {
    // What cannot be undone stays; the caller learns why the whole failed.
    for (const back of undo.toReversed()) yield* got(attempt(back, () => undefined));
    throw e;
  }
}

/** The rules of chmod(2), chown(2), utimensat(2) and truncate(2) for a user the system does not check. */
function mayset(tree: Tree, id: Ident, st: HostStat, set: SetAttr, uid: number, gid: number, cred: Cred): void {
  const owner = st.uid === cred.uid;
  if (uid !== st.uid) throw new NineError("Operation not permitted");
  if (gid !== st.gid && owner && !cred.groups.includes(gid)) throw new NineError("not a member of proposed group");
  const writable = permits(st, AWRITE, cred);
  // Linux takes the set-ID bits away itself before it writes: whoever may write may do that.
  const strips = set.mode !== undefined && writable && (statMode(set.mode) & 0o7777) === stripped(st.mode);
  if (!owner && ((set.mode !== undefined && !strips) || gid !== st.gid)) throw new NineError(Enotowner);
  if (!owner && (set.atime !== undefined || set.mtime !== undefined)) {
    if ((set.atime ?? "now") !== "now" || (set.mtime ?? "now") !== "now") throw new NineError(Enotowner);
    if (!writable) throw new NineError(Eperm);
  }
  if (set.length !== undefined && !writable && !tree.opens.writes(id.key, cred.uid)) throw new NineError(Eperm);
}

/** The permission bits a write by somebody without privilege leaves, or undefined when that is all of them. */
export function stripped(mode: number): number | undefined {
  const bits = (mode & 0o4000) | ((mode & 0o2010) === 0o2010 ? 0o2000 : 0);
  return bits ? mode & 0o7777 & ~bits : undefined;
}

function* truncate(tree: Tree, id: Ident, h: Handle, length: number): Steps<void> {
  const { files } = tree;
  const open = tree.opens.find(id.key);
  if (open?.writable) {
    yield* got(open.held.use((fd) => files.truncate(fd, length)));
    return;
  }
  const fd = yield* got(tree.opening(() => files.reopen(h, OWRITE)));
  try {
    yield* got(files.truncate(fd, length));
  } finally {
    yield* got(files.drop(fd));
  }
}

function number(tree: Tree, name: string, why: string): number {
  const n = tree.files.users.idOf(name);
  if (n === NOU32) throw new NineError(`${why}: ${name}`);
  return n;
}

function timeOf(t: SetTime | undefined, now: bigint, tree: Tree): bigint {
  if (t === undefined) return now;
  if (t === "now") return BigInt(Math.floor(tree.now() * 1000)) * 1000n;
  return BigInt(t.sec) * 1_000_000_000n + BigInt(t.nsec);
}
