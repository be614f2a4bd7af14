/**
 * hostFiles: HostFiles with node:fs. Node has no openat(2); on Linux a held descriptor stands for it:
 * /proc/self/fd/N is the very file N is on, whatever its name is now, and /proc/self/fd/N/name one
 * element below it, of which no call here follows a symbolic link. Where there is no /proc, a
 * Handle is a path that is looked through for symbolic links before each use (`exact` is false).
 * Invariants: a name is one legal element; no open waits for a FIFO or a lock; a call is synchronous
 * only while its file system is fast (guard.ts).
 */
import { spawn } from "node:child_process";
import fs, { type BigIntStats } from "node:fs";
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Awaitable, Enonexist, Enotdir, errno, Etoomany, NineError, type Statfs,
} from "../../proto/index.ts";
import type { Entries, Fd, Handle, HostFiles, HostStat, HostUsers } from "../../servers/index.ts";
import { Quota } from "./quota.ts";
import { type Device, Guard, hostError, WHILE_MS } from "./guard.ts";
import { AsyncDirStream, DirStream, fromLatin1, later, type Source } from "./dirstream.ts";
import { flagsOf, hostStat, join, legal, native, type Path, spaceOf, timeOf } from "./native.ts";
import { descriptorLimit, ownFds, processorWaits } from "./procfs.ts";
import { fresh, Spare } from "./spare.ts";
import { hostUsers } from "./users.ts";

const C = fs.constants;
/** open(2): a descriptor that only says which file; the same number on every Linux Node runs on. */
const O_PATH = 0o10000000;
/** Reads and writes above this are left to the thread pool. */
const LARGE = 1 << 20;
/** Bytes of memory for reads by way of the thread pool, at a time. */
const WAITING = 16 << 20;
/** Descriptors kept back for holding a directory or a file during one call. */
const HOLDS = 8;
/** statfs f_type of overlayfs. */
const OVERLAY = 0x794c7630;
/** touch(1) at a time. */
const PROCESSES = 4;
/** And of file systems on disks of this host, or in its memory: ext4, xfs, btrfs, f2fs, zfs, bcachefs, tmpfs, ramfs. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x01021994, 0x858458f6]);

export interface HostFilesOptions {
  readonly users?: HostUsers;
  /** Monotonic time in ms. */
  readonly now?: () => number;
  /** False: do without /proc, as on other systems. */
  readonly proc?: boolean;
  /** Descriptors it may have open; more are refused as by the system. Default: three quarters of what the process may have. */
  readonly descriptors?: number;
}

export interface NodeHostFiles extends HostFiles {
  /** Lets go of the root: nothing works afterwards. */
  close(): void;
}

/** The directory `root`, by whatever name it is given now. Throws a NineError when it is none. */
export function hostFiles(root: string, options: HostFilesOptions = {}): NodeHostFiles {
  try {
    return new NodeFiles(root, options);
  } catch (e) {
    throw hostError(e);
  }
}

class NodeFiles implements NodeHostFiles {
  readonly exact: boolean;
  readonly uid: number = process.geteuid?.() ?? 65534;
  readonly gid: number = process.getegid?.() ?? 65534;
  readonly users: HostUsers;
  readonly root: Handle;
  private readonly guard: Guard;
  private readonly devices = new Map<number, Device>();
  /** The device of each descriptor, and of each path Handle. */
  private readonly on = new Map<Handle, Device>();
  /** Path Handles, by negative numbers, where descriptors cannot stand for directories. */
  private readonly paths = new Map<Handle, string>();
  private nextPath = -1;
  private readonly top: string;
  /** Where descriptors are paths. */
  private readonly fdDir: string = ownFds();
  /** Descriptors open or being opened, and how many that may be. */
  private fds = 0;
  private readonly most: number;
  private readonly memory = new Spare();
  private readonly waiting = new Quota(WAITING);
  private readonly processes = new Quota(PROCESSES);

  constructor(root: string, options: HostFilesOptions) {
    this.exact = options.proc ?? (process.platform === "linux" && fs.existsSync("/proc/self/fd"));
    this.users = options.users ?? hostUsers();
    this.guard = options.now ? new Guard(options.now) : new Guard(() => performance.now(), processorWaits());
    this.most = options.descriptors ?? Math.floor(descriptorLimit() * 0.75);
    this.top = fromLatin1(fs.realpathSync.native(native(root), "latin1"));
    this.root = this.exact ? fs.openSync(native(this.top), O_PATH | C.O_DIRECTORY | C.O_NOFOLLOW) : this.pathHandle(this.top, undefined);
    const st = fs.statSync(native(this.top), { bigint: true });
    if (!st.isDirectory()) throw new NineError(Enotdir);
    this.on.set(this.root, this.device(Number(st.dev), native(this.top)));
  }

  close(): void {
    if (this.exact) fs.closeSync(this.root);
  }

  hold(dir: Handle, name: string): Awaitable<Handle> {
    const d = this.deviceOf(dir);
    if (!this.exact) return this.pathHandle(join(this.inside(dir), legal(name)), d);
    return this.opened(d, this.below(dir, name), O_PATH | C.O_NOFOLLOW);
  }

  drop(h: Handle): Awaitable<void> {
    const d = this.deviceOf(h);
    this.on.delete(h);
    if (h < 0) {
      this.paths.delete(h);
      return undefined;
    }
    // Closed it is, also when that fails.
    this.fds--;
    return this.guard.run(d, () => fs.closeSync(h), () => later((cb) => fs.close(h, cb)));
  }

  stat(h: Handle): Awaitable<HostStat> {
    const d = this.deviceOf(h);
    const big = { bigint: true } as const;
    const p = h < 0 ? this.self(h) : undefined;
    const st = p === undefined
      ? this.guard.run(d, () => fs.fstatSync(h, big), () => later<BigIntStats>((cb) => fs.fstat(h, big, cb)))
      : this.guard.run(d, () => fs.lstatSync(p, big), () => later<BigIntStats>((cb) => fs.lstat(p, big, cb)));
    const note = (s: BigIntStats): HostStat => {
      const device = this.device(Number(s.dev), s.isSymbolicLink() ? undefined : (p ?? this.self(h)));
      if (device !== d) this.on.set(h, device);
      return hostStat(s, device.births);
    };
    return after(st, note);
  }

  lstat(dir: Handle, name: string): Awaitable<HostStat | undefined> {
    const d = this.deviceOf(dir);
    const p = this.below(dir, name);
    if (!this.guard.slow(d)) return this.guard.sync(d, () => this.lstatSync(p));
    return this.guard.wait(() => later<BigIntStats>((cb) => fs.lstat(p, { bigint: true }, cb))).then((s) => this.known(s, p), (e: unknown) => {
      if (e instanceof NineError && e.errno === errno.ENOENT) return undefined;
      throw e;
    });
  }

  private lstatSync(p: Path): HostStat | undefined {
    const s = fs.lstatSync(p, { bigint: true, throwIfNoEntry: false });
    return s && this.known(s, p);
  }

  /** A stat of what p names. */
  private known(s: BigIntStats, p: Path): HostStat {
    return hostStat(s, this.device(Number(s.dev), s.isSymbolicLink() ? undefined : p).births);
  }

  access(h: Handle, want: number): Awaitable<void> {
    const p = this.self(h);
    const mode = (want & AREAD ? C.R_OK : 0) | (want & AWRITE ? C.W_OK : 0) | (want & AEXEC ? C.X_OK : 0);
    return this.path(h, () => fs.accessSync(p, mode), (cb) => fs.access(p, mode, cb));
  }

  statfs(h: Handle): Awaitable<Statfs> {
    const p = this.self(h);
    const r = this.guard.run(this.deviceOf(h), () => fs.statfsSync(p), () => later<fs.StatsFs>((cb) => fs.statfs(p, cb)));
    return after(r, spaceOf);
  }

  local(h: Handle): boolean {
    return this.deviceOf(h).local;
  }

  readlink(dir: Handle, name: string): Awaitable<string> {
    const p = this.below(dir, name);
    const r = this.guard.run(this.deviceOf(dir), () => fs.readlinkSync(p, "latin1"), () => later<string>((cb) => fs.readlink(p, "latin1", cb)));
    return after(r, fromLatin1);
  }

  list(dir: Handle): Awaitable<Entries> {
    const d = this.deviceOf(dir);
    const p = this.inside(dir);
    const options = { encoding: "latin1", bufferSize: 128 } as const;
    const source: Source = { guard: this.guard, device: d, closed: () => void this.fds-- };
    const entries = this.counted(HOLDS, () => this.guard.run(d, () => fs.opendirSync(p, options), () => later<fs.Dir>((cb) => fs.opendir(p, options, cb))));
    return entries instanceof Promise ? entries.then((x) => new AsyncDirStream(x, source)) : new DirStream(entries, source);
  }

  open(dir: Handle, name: string, mode: number): Awaitable<Fd> {
    return this.opened(this.deviceOf(dir), this.below(dir, name), flagsOf(mode) | C.O_NOFOLLOW | C.O_NONBLOCK | C.O_NOCTTY);
  }

  reopen(h: Handle, mode: number): Awaitable<Fd> {
    return this.opened(this.deviceOf(h), this.self(h), flagsOf(mode) | (h < 0 ? C.O_NOFOLLOW : 0) | C.O_NONBLOCK | C.O_NOCTTY);
  }

  create(dir: Handle, name: string, mode: number, perm: number): Awaitable<Fd> {
    return this.opened(this.deviceOf(dir), this.below(dir, name), flagsOf(mode) | C.O_CREAT | C.O_EXCL | C.O_NOFOLLOW, perm);
  }

  mkdir(dir: Handle, name: string, perm: number): Awaitable<void> {
    const p = this.below(dir, name);
    return this.path(dir, () => fs.mkdirSync(p, perm), (cb) => fs.mkdir(p, perm, (e) => cb(e)));
  }

  symlink(target: string, dir: Handle, name: string): Awaitable<void> {
    const p = this.below(dir, name);
    const to = native(target);
    return this.path(dir, () => fs.symlinkSync(to, p), (cb) => fs.symlink(to, p, cb));
  }

  link(dir: Handle, name: string, newdir: Handle, newname: string): Awaitable<void> {
    const p = this.below(dir, name);
    const q = this.below(newdir, newname);
    return this.path(dir, () => fs.linkSync(p, q), (cb) => fs.link(p, q, cb));
  }

  unlink(dir: Handle, name: string): Awaitable<void> {
    const p = this.below(dir, name);
    return this.path(dir, () => fs.unlinkSync(p), (cb) => fs.unlink(p, cb));
  }

  rmdir(dir: Handle, name: string): Awaitable<void> {
    const p = this.below(dir, name);
    return this.path(dir, () => fs.rmdirSync(p), (cb) => fs.rmdir(p, cb));
  }

  rename(dir: Handle, name: string, newdir: Handle, newname: string): Awaitable<void> {
    const p = this.below(dir, name);
    const q = this.below(newdir, newname);
    return this.path(dir, () => fs.renameSync(p, q), (cb) => fs.rename(p, q, cb));
  }

  chmod(h: Handle, perm: number): Awaitable<void> {
    const p = this.self(h);
    return this.path(h, () => fs.chmodSync(p, perm), (cb) => fs.chmod(p, perm, cb));
  }

  chown(h: Handle, uid: number, gid: number): Awaitable<void> {
    const p = this.self(h);
    // A path Handle may be on a symbolic link, a descriptor's path ends at the file itself.
    if (h < 0) return this.path(h, () => fs.lchownSync(p, uid, gid), (cb) => fs.lchown(p, uid, gid, cb));
    return this.path(h, () => fs.chownSync(p, uid, gid), (cb) => fs.chown(p, uid, gid, cb));
  }

  utimes(h: Handle, atimeNs: bigint, mtimeNs: bigint): Awaitable<void> {
    const p = this.self(h);
    const a = timeOf(atimeNs);
    const m = timeOf(mtimeNs);
    if (h < 0) return this.path(h, () => fs.lutimesSync(p, a, m), (cb) => fs.lutimes(p, a, m, cb));
    return this.path(h, () => fs.utimesSync(p, a, m), (cb) => fs.utimes(p, a, m, cb));
  }

  touch(h: Handle): Awaitable<void> {
    if (h < 0) throw NineError.fromErrno(errno.EPERM);
    return this.touching(h);
  }

  /** node:fs always names a time, and to name one is the owner's; touch(1) names none. */
  private async touching(h: Handle): Promise<void> {
    await this.processes.take(1);
    try {
      await new Promise<void>((resolve, reject) => {
        const failed = (): void => reject(NineError.fromErrno(errno.EPERM));
        const child = spawn("touch", ["-c", "--", "/proc/self/fd/3"], { stdio: ["ignore", "ignore", "ignore", h] });
        child.on("error", failed);
        child.on("exit", (status) => (status === 0 ? resolve() : failed()));
      });
    } finally {
      this.processes.give(1);
    }
  }

  read(fd: Fd, at: number, n: number, into?: Uint8Array): Awaitable<Uint8Array> {
    const d = this.deviceOf(fd);
    const given = into !== undefined && into.length >= n ? into : undefined;
    if (n > LARGE || this.guard.slow(d)) return this.readLater(fd, at, n, given);
    const buf = given ?? this.memory.room(n);
    const got = this.guard.sync(d, () => fs.readSync(fd, buf, 0, n, at));
    return given ? given.subarray(0, got) : this.memory.keep(buf, got);
  }

  private async readLater(fd: Fd, at: number, n: number, given: Uint8Array | undefined): Promise<Uint8Array> {
    if (!given) await this.waiting.take(n);
    try {
      const buf = given ?? fresh(n);
      const got = await this.guard.wait(() => later<number>((cb) => fs.read(fd, buf, 0, n, at, cb)));
      return got < n / 2 && !given ? buf.slice(0, got) : buf.subarray(0, got);
    } finally {
      if (!given) this.waiting.give(n);
    }
  }

  write(fd: Fd, at: number, data: Uint8Array): Awaitable<number> {
    const d = this.deviceOf(fd);
    const n = data.length;
    const slow = (): Promise<number> => later<number>((cb) => fs.write(fd, data, 0, n, at, cb));
    return n <= LARGE ? this.guard.run(d, () => fs.writeSync(fd, data, 0, n, at), slow) : this.guard.wait(slow);
  }

  truncate(fd: Fd, length: number): Awaitable<void> {
    return this.path(fd, () => fs.ftruncateSync(fd, length), (cb) => fs.ftruncate(fd, length, cb));
  }

  sync(fd: Fd, datasync: boolean): Awaitable<void> {
    return this.guard.wait(() => later<void>((cb) => (datasync ? fs.fdatasync(fd, cb) : fs.fsync(fd, cb))));
  }

  private path(h: Handle, now: () => void, slow: (cb: fs.NoParamCallback) => void): Awaitable<void> {
    return this.guard.run(this.deviceOf(h), now, () => later<void>((cb) => slow((e) => cb(e, undefined))));
  }

  private opened(d: Device, p: Path, flags: number, perm?: number): Awaitable<Fd> {
    const fd = this.counted(flags & O_PATH ? 0 : HOLDS, () =>
      this.guard.run(d, () => fs.openSync(p, flags, perm), () => later<number>((cb) => fs.open(p, flags, perm, cb))));
    return after(fd, (n) => {
      this.on.set(n, d);
      return n;
    });
  }

  /** A call that opens a descriptor, if that leaves so many. */
  private counted<T>(reserve: number, open: () => Awaitable<T>): Awaitable<T> {
    if (this.fds + reserve >= this.most) throw new NineError(Etoomany);
    this.fds++;
    return attempt(open, (e) => {
      this.fds--;
      throw e;
    });
  }

  private deviceOf(h: Handle): Device {
    const d = this.on.get(h);
    if (!d) throw new Error(`host files: handle ${h} is not held`);
    return d;
  }

  /** What is known of a device; p, no symbolic link, is on it, for the first time it is seen. */
  private device(dev: number, p: Path | undefined): Device {
    let d = this.devices.get(dev);
    if (d) return d;
    let type = OVERLAY;
    try {
      if (p !== undefined) type = fs.statfsSync(p).type >>> 0;
    } catch {
      // Gone by now: nothing is known of the device, so nothing is relied on.
    }
    this.devices.set(dev, (d = { slowUntilMs: -Infinity, lateMs: -Infinity, whileMs: WHILE_MS, births: type !== OVERLAY, local: LOCAL.has(type) }));
    return d;
  }

  /** The path that is the held file itself, for calls on it. */
  private self(h: Handle): Path {
    if (h >= 0) return `${this.fdDir}${h}`;
    const p = this.pathOf(h);
    if (p !== this.top) this.straight(p.slice(0, p.lastIndexOf("/")) || "/");
    return native(p);
  }

  /** The path that is the held directory, for calls on what is in it. */
  private inside(h: Handle): string {
    if (h >= 0) return `${this.fdDir}${h}`;
    return this.straight(this.pathOf(h));
  }

  /** One element below a directory. */
  private below(dir: Handle, name: string): Path {
    return native(join(this.inside(dir), legal(name)));
  }

  private pathHandle(p: string, d: Device | undefined): Handle {
    const h = this.nextPath--;
    this.paths.set(h, p);
    if (d) this.on.set(h, d);
    return h;
  }

  private pathOf(h: Handle): string {
    const p = this.paths.get(h);
    if (p === undefined) throw new Error(`host files: handle ${h} is not held`);
    return p;
  }

  /** The path, if no element of it is a symbolic link at the moment. */
  private straight(p: string): string {
    let real: string;
    try {
      real = fromLatin1(fs.realpathSync.native(native(p), "latin1"));
    } catch (e) {
      throw hostError(e);
    }
    if (real !== p) throw new NineError(Enonexist);
    return p;
  }
}
