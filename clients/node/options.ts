/**
 * Options: the command line as DESIGN's contract has it, taken apart and checked. Pure: nothing is
 * opened. What cannot be meant throws UsageError, one line that says what to write instead; what a
 * later version will know says `not available`.
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
  /** undefined: no trace; "": to stderr; else a file. */
  trace: string | undefined;
  verbose: boolean;
  stats: boolean;
  help: boolean;
  version: boolean;
  long: boolean;
}

export type Verb = "shell" | "script" | "serve" | "9p" | "run" | "disk" | "web" | "key";

export interface CommandLine {
  readonly verb: Verb;
  readonly options: Options;
  readonly args: readonly string[];
}

const VERBS = new Set(["run", "serve", "9p", "disk", "web", "key"]);
/** Verbs of a later version. */
const LATERVERBS = new Set<string>(["run", "disk", "web", "key"]);
/** Keys of --limit: what proto bounds (limit, serve), then what needs a clock or counts connections (watch). */
const BOUNDS: readonly string[] = ["fids", "opens", "calls", "bytes", "depth", "unread", "budget", "connections"];
const SECONDS: readonly string[] = ["hello", "idle", "stall"];
export const LIMITKEYS: readonly string[] = [...BOUNDS, ...SECONDS];
/** Options of a later version. */
const LATER = new Set(["root", "disk", "pager", "checkpoint", "fresh", "boot", "ram", "strace"]);
const VALUES = new Set(["mount", "listen", "token", "uname", "msize", "limit", "ns", "root", "disk", "pager", "checkpoint", "ram", "seed", "c"]);
const FLAGS = new Set(["rw", "ro", "host", "no-host", "unsafe-host", "trace", "v", "l", "h", "help", "version", "fresh", "boot", "strace", "stats"]);
/** What each option goes with, where that is not everything. */
const GOES: Readonly<Record<string, readonly Verb[]>> = {
  mount: ["shell", "script", "serve"], ns: ["shell", "script", "serve"], c: ["shell"], host: ["shell", "script", "serve"], "no-host": ["shell", "script", "serve"],
  rw: ["shell", "script", "serve"], ro: ["shell", "script", "serve"], uname: ["shell", "script", "serve", "9p"], seed: ["shell", "script"],
  listen: ["serve"], limit: ["serve"], token: ["serve"], "unsafe-host": ["serve"], v: ["serve"], stats: ["serve"], l: ["9p"],
};

/** SIZE: digits and K M G T, powers of 1024. */
export function parseSize(text: string, option: string): number {
  const m = /^(\d+)([KMGT]?)$/i.exec(text);
  const n = m ? Number(m[1]) * 1024 ** " KMGT".indexOf(m[2]?.toUpperCase() || " ") : NaN;
  if (!Number.isSafeInteger(n)) throw new UsageError(`--${option} ${text}: a size is digits and K, M, G or T, like 64K`);
  return n;
}

export function parseCommandLine(argv: readonly string[]): CommandLine {
  const o: Options = {
    mounts: [], listen: [], limits: new Map(), command: undefined, ns: undefined, rw: undefined, host: true, unsafeHost: false, token: undefined,
    uname: undefined, msize: 1 << 20, seed: undefined, trace: undefined, verbose: false, stats: false, help: false, version: false, long: false,
  };
  const args: string[] = [];
  const given = new Set<string>();
  let verb: Verb | undefined;
  let rest = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (rest || word === "-" || !word.startsWith("-")) {
      if (verb !== undefined) {
        args.push(word);
        continue;
      }
      verb = VERBS.has(word) ? (word as Verb) : "script";
      if (LATERVERBS.has(verb)) throw new UsageError(`${verb}: not available in this version`);
      if (verb === "script") args.push(word);
      // After a script's name everything belongs to it.
      rest ||= verb === "script";
      continue;
    }
    if (word === "--") {
      rest = true;
      continue;
    }
    const { name, value } = optionOf(word);
    let v = value;
    if (VALUES.has(name) && v === undefined) {
      v = argv[++i];
      if (v === undefined) throw new UsageError(`${dashed(name)}: wants a value; see nineplex -h`);
    }
    given.add(name);
    apply(o, name, v);
    if (name === "c" && verb === undefined) {
      verb = "shell";
      rest = true;
    }
  }
  verb ??= "shell";
  if (verb === "serve" && !given.has("host")) o.host = false;
  for (const name of given) goes(name, verb);
  return { verb, options: o, args };
}

function goes(name: string, verb: Verb): void {
  const verbs = GOES[name];
  if (!verbs || verbs.includes(verb)) return;
  const where = verbs.filter((v) => v !== "script").map((v) => (v === "shell" ? "the shell" : v)).join(" and ");
  throw new UsageError(`${dashed(name)}: not with ${verb === "shell" || verb === "script" ? "the shell" : verb}; it goes with ${where}`);
}

function optionOf(word: string): { name: string; value: string | undefined } {
  const eq = word.startsWith("--") ? word.indexOf("=") : -1;
  const name = word.slice(word.startsWith("--") ? 2 : 1, eq < 0 ? undefined : eq);
  const long = word.startsWith("--");
  const known = (VALUES.has(name) || FLAGS.has(name)) && long === name.length > 1;
  if (!known) throw new UsageError(`${word}: unknown option; see nineplex -h`);
  if (eq >= 0 && FLAGS.has(name) && name !== "trace") throw new UsageError(`--${name}: takes no value`);
  return { name, value: eq < 0 ? undefined : word.slice(eq + 1) };
}

function dashed(name: string): string {
  return name.length > 1 ? `--${name}` : `-${name}`;
}

function apply(o: Options, name: string, value = ""): void {
  if (LATER.has(name)) throw new UsageError(`--${name}: not available in this version`);
  switch (name) {
    case "mount": o.mounts.push(checked(() => parseMount(value), "--mount")); break;
    case "listen": o.listen.push({ addr: listenAddr(value), text: value }); break;
    case "limit": limit(o, value); break;
    case "c": o.command = value; break;
    case "ns": o.ns = value; break;
    case "rw": o.rw = true; break;
    case "ro": o.rw = false; break;
    case "host": o.host = true; break;
    case "no-host": o.host = false; break;
    case "unsafe-host": o.unsafeHost = true; break;
    case "token":
      if (value === "") throw new UsageError("--token: an empty token; write none to want no token");
      o.token = value;
      break;
    case "uname":
      if (value === "") throw new UsageError("--uname: an empty name");
      o.uname = value;
      break;
    case "msize":
      o.msize = parseSize(value, "msize");
      if (o.msize < 256 || o.msize > 64 << 20) throw new UsageError(`--msize ${value}: between 256 and 64M`);
      break;
    case "seed":
      if (!/^\d+$/.test(value) || Number(value) >= 2 ** 32) throw new UsageError(`--seed ${value}: a whole number below 4294967296`);
      o.seed = Number(value);
      break;
    case "trace": o.trace = value; break;
    case "v": o.verbose = true; break;
    case "stats": o.stats = true; break;
    case "l": o.long = true; break;
    case "h": case "help": o.help = true; break;
    case "version": o.version = true; break;
    default: throw new UsageError(`${dashed(name)}: unknown option; see nineplex -h`);
  }
}

function listenAddr(text: string): Addr | "stdio" {
  if (text === "stdio") return text;
  const addr = checked(() => parseAddr(text), "--listen");
  if (!isListenable(addr)) throw new UsageError(`--listen ${text}: ${noListener(addr)}`);
  return addr;
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
