/**
 * HostFiles: what the host server asks of a real file system. clients/node/hostfiles.ts implements
 * it with node:fs; nothing here knows a path. A Handle holds one file, whatever is renamed meanwhile
 * (`exact`), a Fd is a file opened for reading or writing, and is a Handle too. Invariants: a name is
 * one element, checked again by the implementation; no call follows a symbolic link; failures are
 * NineErrors with the system's errno; names and link targets are lossless (fcall.ts). Calls may
 * answer at once or later, as the implementation finds the file system fast or slow.
 */
import type { Awaitable } from "../../proto/index.ts";
import type { Statfs, Users } from "../../proto/index.ts";

/** Holds a file open without access to its contents; the holder drops it. */
export type Handle = number;
export type Fd = Handle;

/** stat(2). */
export interface HostStat {
  readonly dev: number;
  readonly ino: bigint;
  /** When the inode was made, in ns; 0n where the file system does not say, or not reliably. */
  readonly birthNs: bigint;
  /** st_mode */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  /** In units of 512 bytes. */
  readonly blocks: number;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * The host's users and groups. One number space serves both, as 9P wants it: a group whose name is
 * also a user's with another number goes by its digits. An unknown name is NOU32.
 */
export interface HostUsers extends Users {
  userName(uid: number): string;
  groupName(gid: number): string;
  /** The groups of a user; empty for a user who is in no table. */
  groups(uid: number): readonly number[];
}

/** An entry of a directory as DirNode.list gives it: name, no node yet, DT_ of dirent.h. */
export type HostEntry = readonly [name: string, node: undefined, type: number];

/** A directory being read; `return` frees what it holds, also before the first `next`. */
export type Entries = IterableIterator<HostEntry> | AsyncIterableIterator<HostEntry>;

export interface HostFiles {
  /**
   * A Handle stays on its file while anything is renamed or swapped, so confinement holds against
   * local programs. False: Handles are paths that are checked, then used.
   */
  readonly exact: boolean;
  /** The process's effective user and group. */
  readonly uid: number;
  readonly gid: number;
  readonly users: HostUsers;
  /** The exported directory; never dropped. */
  readonly root: Handle;

  hold(dir: Handle, name: string): Awaitable<Handle>;
  /** Closes a Handle or a Fd. */
  drop(h: Handle): Awaitable<void>;
  stat(h: Handle): Awaitable<HostStat>;
  /** undefined when there is no such name. */
  lstat(dir: Handle, name: string): Awaitable<HostStat | undefined>;
  /** access(2) for the process's user; throws EACCES. want: AREAD, AWRITE, AEXEC. */
  access(h: Handle, want: number): Awaitable<void>;
  statfs(h: Handle): Awaitable<Statfs>;
  /** On a local file system: every change of a directory's entries changes its ctime, by the host's own clock. */
  local(h: Handle): boolean;
  readlink(dir: Handle, name: string): Awaitable<string>;
  /** Every entry, without "." and "..". */
  list(dir: Handle): Awaitable<Entries>;

  /** mode: OREAD, OWRITE, ORDWR, with OAPPEND. Never waits for the other end of a FIFO. */
  open(dir: Handle, name: string, mode: number): Awaitable<Fd>;
  /** Opens what is held, whatever its name is now. */
  reopen(h: Handle, mode: number): Awaitable<Fd>;
  /** O_CREAT | O_EXCL. */
  create(dir: Handle, name: string, mode: number, perm: number): Awaitable<Fd>;
  mkdir(dir: Handle, name: string, perm: number): Awaitable<void>;
  symlink(target: string, dir: Handle, name: string): Awaitable<void>;
  link(dir: Handle, name: string, newdir: Handle, newname: string): Awaitable<void>;
  unlink(dir: Handle, name: string): Awaitable<void>;
  rmdir(dir: Handle, name: string): Awaitable<void>;
  /** rename(2): replaces what it may replace. */
  rename(dir: Handle, name: string, newdir: Handle, newname: string): Awaitable<void>;

  chmod(h: Handle, perm: number): Awaitable<void>;
  chown(h: Handle, uid: number, gid: number): Awaitable<void>;
  /** Both times; kept to the microsecond. */
  utimes(h: Handle, atimeNs: bigint, mtimeNs: bigint): Awaitable<void>;
  /** Both times to the present, as whoever may write the file may do; EPERM where there is no way. */
  touch(h: Handle): Awaitable<void>;

  /** At most n bytes at `at`: a view of `into`, or fresh memory; empty at the end. */
  read(fd: Fd, at: number, n: number, into?: Uint8Array): Awaitable<Uint8Array>;
  /** Bytes written; a Fd opened with OAPPEND writes at the end. */
  write(fd: Fd, at: number, data: Uint8Array): Awaitable<number>;
  truncate(fd: Fd, length: number): Awaitable<void>;
  sync(fd: Fd, datasync: boolean): Awaitable<void>;
}
