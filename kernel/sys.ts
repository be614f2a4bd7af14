/**
 * Sys: the kernel calls of a host process, section 2 of the Plan 9 manual as async functions.
 * Every call throws a NineError whose sentence ends up in front of the user; a note that arrives
 * while a call waits makes it throw Eintr. Paths are absolute, relative to the current directory,
 * or begin with '#' and a server's name.
 */
import type { Awaitable, Dialect, Dir, Portal, Server, Transport } from "../proto/index.ts";

/** A program run as a host process: returns its exit status, "" (or nothing) for success. */
export type Program = (sys: Sys, argv: readonly string[]) => Promise<string | void>;

/** bind(2), mount(2) flags. */
export const MREPL = 0;
export const MBEFORE = 1;
export const MAFTER = 2;
export const MCREATE = 4;

/** wait(2) */
export interface Waitmsg {
  readonly pid: number;
  /** "" for success, else what the process returned, or the note that ended it. */
  readonly status: string;
  /** Milliseconds from its start to its end. */
  readonly realMs: number;
  /** It has not ended but been stopped; only a wait that asks for stops is told (WUNTRACED). */
  readonly stopped?: true;
}

export interface SpawnOptions {
  /** argv[0] is the program's name as typed. */
  readonly argv: readonly string[];
  /** A file to execute (its first line tells what it is), or a function. */
  readonly path?: string;
  readonly main?: Program;
  /** The child's fd table: child fd to parent fd; all of them, copied (RFFDG, the default) or shared; or none (RFCFDG). */
  readonly fds?: ReadonlyMap<number, number> | "copy" | "share" | "clean";
  /** Name space: shared with the parent (default), a copy (RFNAMEG), or empty (RFCNAMEG). */
  readonly ns?: "share" | "copy" | "clean";
  /** Environment: shared with the parent (default), a copy (RFENVG), a copy with these changes, or empty (RFCENVG). */
  readonly env?: "share" | "copy" | "clean" | ReadonlyMap<string, readonly string[]>;
  /** A note group of its own (RFNOTEG), which has its pid for number: interrupts from the terminal do not reach it; or the living group of that number. */
  readonly noteGroup?: "share" | "new" | number;
  /** Tags of rendezvous: the parent's (default), or a group of its own (RFREND). */
  readonly rend?: "share" | "new";
  /** The parent is not told when it ends (RFNOWAIT). */
  readonly nowait?: boolean;
  /** It begins stopped: "start" written to its ctl lets it make its first call (proc(3)). */
  readonly stopped?: boolean;
}

/** What rfork(2) changes of a process in place; the flag of each is in brackets. */
export interface Rfork {
  /** [RFNAMEG, RFCNAMEG] */
  readonly ns?: "copy" | "clean";
  /** [RFENVG, RFCENVG] */
  readonly env?: "copy" | "clean";
  /** [RFFDG, RFCFDG] */
  readonly fds?: "copy" | "clean";
  /** [RFNOTEG] */
  readonly noteGroup?: "new";
  /** [RFREND] */
  readonly rend?: "new";
  /** [RFNOMNT] From now on nothing is mounted in this name space, no address is dialled, and of '#' names only | d e c p are left. */
  readonly nomnt?: true;
  /** [RFNOWAIT] This process's parent is not told when it ends. */
  readonly nowait?: true;
}

/** What wstat(2) may change; fields that are not there are not touched. */
export interface Wstat {
  readonly name?: string;
  readonly mode?: number;
  readonly gid?: string;
  readonly uid?: string;
  readonly length?: number;
  readonly mtime?: number;
  readonly atime?: number;
}

/** export */
export interface ExportOptions {
  /** Nothing can be changed, but in `trees`. */
  readonly readonly?: boolean;
  /** Servers that other anames attach to, besides "", "/" and the paths of directories. */
  readonly trees?: Readonly<Record<string, Server>>;
  /** What a client speaks, if not 9P2000.L: plain 9P2000 has symbolic links followed. */
  readonly dialect?: Dialect;
  /** Default 1 MiB. */
  readonly msize?: number;
}

export interface Sys {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  /** The number of its note group. */
  readonly noteid: number;

  /** open(2): OREAD OWRITE ORDWR OEXEC, OTRUNC, ORCLOSE. */
  open(path: string, mode: number): Promise<number>;
  /**
   * open(path, OREAD) for a caller who will read the file from its start to its end: the walk, the
   * open, the stat and the first read go out together when the server keeps order, and the end is
   * known from the length when it can be.
   */
  openRead(path: string): Promise<number>;
  /** create(2): an existing file is truncated and keeps its permissions; with OEXCL it is an error. */
  create(path: string, mode: number, perm: number): Promise<number>;
  /** Create or truncate, write all of data, close: one round trip where order is kept. */
  writeFile(path: string, data: Uint8Array, perm?: number): Promise<void>;
  /**
   * At most n bytes (default: the file's iounit) at the fd's offset, or at `at` without moving it; empty
   * at the end. The bytes are the caller's: with `into` they are there, no more than fit, and it is not
   * to be touched before the call has settled.
   */
  read(fd: number, n?: number, at?: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Writes all of data, or throws; in as many messages as needed. Returns its length. */
  write(fd: number, data: Uint8Array, at?: number): Promise<number>;
  /** whence: 0 start, 1 current, 2 end. */
  seek(fd: number, offset: number, whence: 0 | 1 | 2): Promise<number>;
  close(fd: number): Promise<void>;
  /** fd `to` (closed first) becomes another name of `from`; without to, the lowest free fd. */
  dup(from: number, to?: number): Promise<number>;
  pipe(): Promise<[number, number]>;
  /** The name the fd was opened by. */
  fd2path(fd: number): string;
  /** The next entries of an open directory; [] at the end. Of a union: of all its elements. */
  dirread(fd: number): Promise<Dir[]>;
  /** All entries of a directory, in few round trips. */
  readDir(path: string): Promise<Dir[]>;

  /** stat(2); a symbolic link is followed unless nofollow. */
  stat(path: string, nofollow?: boolean): Promise<Dir>;
  fstat(fd: number): Promise<Dir>;
  wstat(path: string, changes: Wstat): Promise<void>;
  fwstat(fd: number, changes: Wstat): Promise<void>;
  remove(path: string): Promise<void>;
  /** Within one server, also across directories where the dialect can; else Exdev, and the caller copies. */
  rename(from: string, to: string): Promise<void>;
  mkdir(path: string, perm: number): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readlink(path: string): Promise<string>;
  link(from: string, to: string): Promise<void>;

  chdir(path: string): Promise<void>;
  /** The current directory as an absolute, lexically clean path. */
  getwd(): string;
  /** bind(2): flag is MREPL, MBEFORE or MAFTER, with MCREATE or not. */
  bind(name: string, old: string, flag: number): Promise<void>;
  /**
   * mount(2): attaches as the process's user to the tree aname of a server: a portal; an open file that
   * 9P is spoken on, by its fd, which may be closed then; the name of such a file or of one posted in
   * /srv; or an address ("tcp://...", where boot was told how to dial): errors of a server that is named
   * begin with the name. `spec` is how ns prints it.
   */
  mount(server: Portal | number | string, old: string, flag: number, aname: string, spec?: string): Promise<void>;
  /**
   * exportfs(4): this process's name space from `root` on as a portal, for as long as the process
   * lives. Permission is what the servers grant this process, whoever attaches.
   */
  export(root: string, options?: ExportOptions): Portal;
  /** unmount(2): `name` off old, or everything off old. */
  unmount(name: string | undefined, old: string): Promise<void>;
  /** The name space as lines of a script that recreates it (ns(1)). */
  ns(): string[];
  /** rfork(2) without RFPROC: a host process is made by spawn. */
  rfork(what: Rfork): void;
  /**
   * Posts in /srv what is open as an fd, or what gives each who mounts it a session of his own: a
   * listener, or an address that is dialled then.
   */
  post(name: string, what: number | string | ((signal: AbortSignal) => Awaitable<Portal>), perm?: number): void;
  /** Connects to an address, as mount does. The portal is the caller's. */
  dial(addr: string): Promise<Portal>;
  /** What is open as fd as a stream for serve() or dial(); it ends with the process. The fd may be closed. */
  transport(fd: number): Transport;

  /** Starts a child process and returns its pid. */
  spawn(options: SpawnOptions): Promise<number>;
  /** Waits for a child: that one, or whichever ends first; with `stops`, or is stopped. Enochild when there is none. */
  wait(pid?: number, stops?: boolean): Promise<Waitmsg>;
  /** What wait would give at once, if there is anything (WNOHANG). */
  waited(pid?: number, stops?: boolean): Waitmsg | undefined;
  /** Posts a note to a process, or to a process's whole note group. "stop" and "start" stop and start it. */
  postNote(pid: number, note: string, group?: boolean): void;
  /** The same to the note group of that number. */
  postNoteGroup(noteid: number, note: string): void;
  /** How many processes are in the note group of that number; 0 when it has ended. */
  groupSize(noteid: number): number;
  /** Waits until it has. */
  waitGroup(noteid: number): Promise<void>;
  /**
   * notify(2): what to do with notes. The handler returns true when it has dealt with the note (the
   * waiting call throws Eintr all the same, and the process goes on); without one, or with false,
   * the process ends with the note as its status. "kill" cannot be handled. The note "stop" stops a
   * process, "start" lets it go on, whatever its handler; but with `jobs` it is the handler that is told
   * of them, and of the stop of a child as "stopped PID": they interrupt what it waits for if they are
   * taken, and are nothing to it if not.
   */
  notify(handler: ((note: string) => boolean) | undefined, jobs?: boolean): void;
  /** alarm(2): the note "alarm" after so many milliseconds; 0: none. What was left of the alarm before, or 0. */
  alarm(ms: number): number;
  /** rendezvous(2): meets who comes to the same tag of the group, and gets his value for its own. Eintr takes it back. */
  rendezvous(tag: unknown, value: unknown): Promise<unknown>;

  /** Environment variables, /env: lists of strings. */
  getenv(name: string): readonly string[] | undefined;
  setenv(name: string, value: readonly string[] | undefined): void;
  environ(): ReadonlyMap<string, readonly string[]>;

  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
