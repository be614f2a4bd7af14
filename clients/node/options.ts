/**
 * Options: what the command line can say, in one table: how each option is called, what it goes with,
 * what -h says of it and what it means. What cannot be meant throws UsageError, one line that says what
 * to write instead. Pure: nothing is opened. Used by commandline.ts and help.ts.
 */
import { errno, NineError } from "../../proto/index.ts";
import { type Addr, isListenable, type MountSpec, noListener, parseAddr, parseMount } from "./addr.ts";

/** A wrong command line: exit status 2. */
export class UsageError extends Error {}

export interface Options {
  readonly mounts: MountSpec[];
  readonly listen: { addr: Addr | "stdio"; text: string }[];
  readonly limits: Map<string, number>;
  command: string | undefined;
  /** A host file that says what the name space is, in place of the usual one. */
  ns: string | undefined;
  rw: boolean | undefined;
  host: boolean;
  unsafeHost: boolean;
  token: string | undefined;
  uname: string | undefined;
  msize: number;
  /** Chance and the clock come from it; undefined: from the host. */
  seed: number | undefined;
  /** Bytes of RAM of the machine that x86-64 programs run on. */
  ram: number | undefined;
  /** Calls of those programs, to stderr. */
  strace: boolean;
  /** A directory of the host that is / with ours on top. */
  root: { readonly dir: string; readonly writable: boolean; readonly first?: boolean } | undefined;
  /** undefined: no trace; "": to stderr; else a file. */
  trace: string | undefined;
  verbose: boolean;
  stats: boolean;
  help: boolean;
  version: boolean;
  long: boolean;
}

export type Verb = "shell" | "script" | "serve" | "9p" | "help" | "run" | "disk" | "web" | "key";
/** Those whose -h tells of options; a script's are the shell's. */
export type Told = "shell" | "run" | "serve" | "9p";

export interface Option {
  /** What stands for its value in -h; a flag has none. */
  readonly value?: string;
  /** The value may be left out, and stands behind "=" only. */
  readonly optional?: true;
  /** What -h says, of each that it goes with; none: of a later version. */
  readonly told: Readonly<Partial<Record<Told, string>>>;
  /** It is read wherever it stands: what it goes with is not looked at. */
  readonly anywhere?: true;
  apply(o: Options, value: string): void;
}

/** Keys of --limit: what proto bounds (limit, serve), then what needs a clock or counts connections (watch). */
const BOUNDS: readonly string[] = ["fids", "opens", "calls", "bytes", "depth", "unread", "budget", "connections"];
const SECONDS: readonly string[] = ["hello", "idle", "stall"];
const LIMITKEYS: readonly string[] = [...BOUNDS, ...SECONDS];

const MSIZE = "largest 9P message, with K or M; 1M otherwise";
const TRACE = "every 9P message as a line of text, to FILE or standard error";
const RAM = "memory of the machine that x86-64 programs run on, with M or G; 512M otherwise";
const STRACE = "every call of an x86-64 program as a line of text, to standard error";
const HELP = "this help";
/** In every -h. */
const all = (text: string): Option["told"] => ({ shell: text, run: text, serve: text, "9p": text });

/** By name, in the order of -h; a name of one letter has one dash before it, others two. */
export const OPTIONS: Readonly<Record<string, Option>> = {
  c: { value: "CMD", told: { shell: "runs CMD; what follows it are its arguments, $*" }, apply: (o, v) => void (o.command = v) },
  listen: {
    value: "ADDR", apply: (o, v) => void o.listen.push({ addr: listenAddr(v), text: v }),
    told: { serve: "ws://HOST:PORT, tcp://HOST:PORT, unix:PATH or stdio; repeats. ws://127.0.0.1:5640 otherwise; port 0 takes a free one" },
  },
  rw: {
    told: { shell: "the reverse of --ro", run: "/host, the current directory, may be written", serve: "clients may write; without DIR to /proc too, where they can bind, not mount" },
    apply: (o) => void (o.rw = true),
  },
  ro: { told: { shell: "/host, the current directory, is read-only", run: "the reverse of --rw", serve: "the reverse of --rw" }, apply: (o) => void (o.rw = false) },
  host: { told: { shell: "the reverse of --no-host", run: "the reverse of --no-host", serve: "without DIR: with /host, the current directory" }, apply: (o) => void (o.host = true) },
  "no-host": { told: { shell: "no /host: nothing of this machine is visible", run: "no /host: nothing of this machine is visible", serve: "the reverse of --host" }, apply: (o) => void (o.host = false) },
  mount: {
    value: "ADDR:/PATH", apply: (o, v) => void o.mounts.push(checked(() => parseMount(v), "--mount")),
    told: {
      shell: "mounts a server at boot; behind the path may stand :ro, and :before, :after or :replace; repeats",
      run: "mounts a server before PROG runs, as for the shell",
      serve: "without DIR: as for the shell, see nineplex -h",
    },
  },
  ns: {
    value: "FILE", apply: (o, v) => void (o.ns = v),
    told: {
      run: "as for the shell",
      shell: 'the name space as FILE has it, in place of the usual one: namespace(6)\'s bind, mount, unmount, cd, clear, . and $name. The usual one is the file /lib/namespace; begin with ". /lib/namespace" to add to it',
      serve: "without DIR: as for the shell",
    },
  },
  uname: {
    value: "NAME", told: { shell: "attaches to servers as NAME", run: "attaches to servers as NAME", serve: "without DIR: attaches to servers as NAME", "9p": "attaches as NAME" },
    apply(o, v) {
      if (v === "") throw new UsageError("--uname: an empty name");
      o.uname = v;
    },
  },
  token: {
    value: "T|none", told: { serve: "what WebSocket clients must show; a new random token otherwise" },
    apply(o, v) {
      if (v === "") throw new UsageError("--token: an empty token; write none to want no token");
      o.token = v;
    },
  },
  limit: {
    value: "KEY=N", apply: limit,
    told: {
      serve: "bounds of one connection: fids, opens, calls and bytes under way, depth of paths, unread bytes of replies; of all: budget (bytes under way); of a listener: connections; in seconds, 0 for ever: "
        + "hello (until a version is agreed), idle (without a request), stall (without taking a reply); repeats",
    },
  },
  "unsafe-host": { told: { serve: "exports writable on a system where confinement has a race" }, apply: (o) => void (o.unsafeHost = true) },
  stats: {
    told: { serve: "connections, fids, calls and bytes on standard error, every 10 seconds and at the end; they are also the file stats of the tree ctl: mount ADDR /n/ctl ctl; cat /n/ctl/stats" },
    apply: (o) => void (o.stats = true),
  },
  l: { told: { "9p": "of ls: with attributes" }, apply: (o) => void (o.long = true) },
  msize: {
    value: "N", told: all(MSIZE), anywhere: true,
    apply(o, v) {
      o.msize = parseSize(v, "msize");
      if (o.msize < 256 || o.msize > 64 << 20) throw new UsageError(`--msize ${v}: between 256 and 64M`);
    },
  },
  seed: {
    value: "N",
    told: {
      run: "as for the shell",
      shell: "chance, the clock and the order of things come from N: what is run again with the same N prints the same, /dev/random, date and sleep included. Time begins in September 2001 and passes by sleeping, "
        + "which takes none of yours. Files of the host, the input and connections are as they are",
    },
    apply(o, v) {
      if (!/^\d+$/.test(v) || Number(v) >= 2 ** 32) throw new UsageError(`--seed ${v}: a whole number below 4294967296`);
      o.seed = Number(v);
    },
  },
  root: {
    value: "DIR[:rw]", apply: (o, v) => void (o.root = rootOf(v)),
    told: {
      shell: "/ is DIR of this machine, read-only unless :rw, with the usual directories in it; its /bin comes behind the tools",
      run: "/ is DIR of this machine, read-only unless :rw, with /dev, /proc, /tmp and the like in it",
    },
  },
  ram: {
    value: "SIZE", told: { shell: RAM, run: RAM },
    apply(o, v) {
      o.ram = parseSize(v, "ram");
      if (o.ram < 1 << 20 || o.ram > 3584 * 2 ** 20) throw new UsageError(`--ram ${v}: between 1M and 3584M`);
    },
  },
  strace: { told: { shell: STRACE, run: STRACE }, apply: (o) => void (o.strace = true) },
  trace: { value: "FILE", optional: true, told: all(TRACE), anywhere: true, apply: (o, v) => void (o.trace = v) },
  v: { told: { serve: "tells of connections on standard error" }, apply: (o) => void (o.verbose = true) },
  h: { told: all(HELP), anywhere: true, apply: (o) => void (o.help = true) },
  help: { told: all(HELP), anywhere: true, apply: (o) => void (o.help = true) },
  version: { told: { shell: "which version this is" }, anywhere: true, apply: (o) => void (o.version = true) },
  ...Object.fromEntries(["disk", "pager", "checkpoint"].map((name) => [name, later(name, "VALUE")])),
  ...Object.fromEntries(["fresh", "boot"].map((name) => [name, later(name)])),
};

/** An option of a later version. */
function later(name: string, value?: string): Option {
  return {
    ...(value !== undefined && { value }), told: {}, anywhere: true,
    apply() {
      throw new UsageError(`--${name}: not available in this version`);
    },
  };
}

/** SIZE: digits and K M G T, powers of 1024. */
export function parseSize(text: string, option: string): number {
  const m = /^(\d+)([KMGT]?)$/i.exec(text);
  const n = m ? Number(m[1]) * 1024 ** " KMGT".indexOf(m[2]?.toUpperCase() || " ") : NaN;
  if (!Number.isSafeInteger(n)) throw new UsageError(`--${option} ${text}: a size is digits and K, M, G or T, like 64K`);
  return n;
}

function listenAddr(text: string): Addr | "stdio" {
  if (text === "stdio") return text;
  const addr = checked(() => parseAddr(text), "--listen");
  if (!isListenable(addr)) throw new UsageError(`--listen ${text}: ${noListener(addr)}`);
  return addr;
}

function rootOf(text: string): NonNullable<Options["root"]> {
  const writable = text.endsWith(":rw");
  const dir = writable ? text.slice(0, -3) : text;
  if (dir === "") throw new UsageError("--root: an empty name");
  return { dir, writable };
}

function limit(o: Options, value: string): void {
  const eq = value.indexOf("=");
  const key = value.slice(0, eq);
  if (eq < 1 || !LIMITKEYS.includes(key)) throw new UsageError(`--limit ${value}: write KEY=NUMBER; keys are ${LIMITKEYS.join(", ")}`);
  const number = value.slice(eq + 1);
  if (!/^\d+[KMGT]?$/i.test(number)) throw new UsageError(`--limit ${value}: ${SECONDS.includes(key) ? "a whole number of seconds" : "a number, with K, M, G or T if it is large, like 64K"}`);
  const n = parseSize(number, "limit");
  if (n < 1 && !SECONDS.includes(key)) throw new UsageError(`--limit ${value}: at least 1`);
  o.limits.set(key, n);
}

/** An address that cannot be meant is a mistake of the command line. */
export function checked<T>(f: () => T, what: string): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof NineError && (e.errno === errno.EINVAL || e.errno === errno.ENOSYS)) throw new UsageError(`${what}: ${e.message}`);
    throw e;
  }
}
