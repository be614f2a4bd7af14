/**
 * Nsfile: a name space written down, as namespace(6) has it: one command a line, words as rc quotes
 * them, $name from the environment. What ns(1) prints is such a file. Invariant: a command that fails
 * ends the reading, with file, line and command in the error; Plan 9's newns goes on, and leaves a
 * name space that nobody asked for. Used for --ns, and line by line for what is written to /proc/n/ns.
 *
 *   mount [-abcC] server old [spec]   bind [-abcC] new old   unmount [new] old
 *   cd dir   clear   . file   # a comment
 */
import { decodeUtf8, Efbig, isInterrupted, NineError } from "../proto/index.ts";
import { quote } from "./quote.ts";
import { MAFTER, MBEFORE, MCREATE, MREPL, type Sys } from "./sys.ts";

/** A command: its words without quotes and with $name replaced, and the line it begins on, from 1. */
export interface NsLine {
  readonly words: readonly string[];
  readonly line: number;
}

/** Files that call files that call files, at most. */
const MAXDEPTH = 16;
/** Bytes of a file. */
const MAXFILE = 256 * 1024;
/** The flags of each command that has any, and how many operands it takes. */
const COMMANDS: Readonly<Record<string, { readonly flags: string; readonly operands: readonly [number, number]; readonly usage: string }>> = {
  mount: { flags: "abcC", operands: [2, 3], usage: "mount [-abcC] server old [spec]" },
  bind: { flags: "abcC", operands: [2, 2], usage: "bind [-abcC] new old" },
  unmount: { flags: "", operands: [1, 2], usage: "unmount [new] old" },
  cd: { flags: "", operands: [1, 1], usage: "cd dir" },
  clear: { flags: "", operands: [0, 0], usage: "clear" },
  ".": { flags: "", operands: [1, 1], usage: ". file" },
};

/** What an environment variable is worth: the first element of a list. */
export type Getenv = (name: string) => readonly string[] | undefined;

/**
 * The commands of a text. A quoted word may have spaces, $, # and line ends in it. Each is parsed when
 * it is asked for. Throws a NineError, which begins with the file's name, on a quote that does not end.
 */
export function* parseNs(text: string, getenv: Getenv, name: string): Generator<NsLine> {
  let line = 1;
  for (let at = 0; at < text.length;) {
    const first = line;
    const words: string[] = [];
    for (;;) {
      while (/[ \t\r]/.test(text.charAt(at))) at++;
      if (words.length === 0 && text[at] === "#") at = lineEnd(text, at);
      if (at >= text.length || text[at] === "\n") break;
      const begin = at;
      at = wordEnd(text, at);
      if (at > text.length) throw new NineError(`${name}:${line}: a quote does not end`);
      const raw = text.slice(begin, at);
      words.push(expand(raw, getenv));
      line += raw.split("\n").length - 1;
    }
    at++;
    line++;
    if (words.length > 0) yield { words, line: first };
  }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/** Beyond the text's end when a quote does not end. */
function wordEnd(text: string, at: number): number {
  let quoted = false;
  for (; at < text.length && (quoted || !/[ \t\r\n]/.test(text.charAt(at))); at++) if (text[at] === "'") quoted = !quoted;
  return quoted ? at + 1 : at;
}

/** A word without its quotes, '' in them being one; a $name outside them ends before any of / . ! ' $. */
function expand(raw: string, getenv: Getenv): string {
  return raw.replace(/'((?:[^']|'')*)'|\$([^/.!'$]*)/g, (_, quoted: string | undefined, name: string) =>
    (quoted === undefined ? (getenv(name)?.[0] ?? "") : quoted.replaceAll("''", "'")));
}

/** Does one command. True when it was a cd to an absolute name. Rejects with a NineError that names the command. */
export async function nsCommand(sys: Sys, { words }: NsLine, depth = 0): Promise<boolean> {
  const [verb = "", ...rest] = words;
  const how = COMMANDS[verb];
  const said = words.map(quote).join(" ");
  if (!how) throw new NineError(`${said}: unknown command; there are mount, bind, unmount, cd, clear and .`);
  const { flags, operands } = split(rest);
  const [a = "", b = "", aname = ""] = operands;
  if (flags.some((f) => !how.flags.includes(f)) || operands.length < how.operands[0] || operands.length > how.operands[1]) {
    throw new NineError(`${said}: usage: ${how.usage}`);
  }
  const flag = flags.reduce((all, f) => all | ({ a: MAFTER, b: MBEFORE, c: MCREATE }[f] ?? 0), MREPL);
  if (verb === ".") return nsFile(sys, await contents(sys, a).catch((e: unknown) => named(said, e)), a, depth + 1);
  try {
    if (verb === "mount") await sys.mount(a, b, flag, aname);
    else if (verb === "bind") await sys.bind(a, b, flag);
    else if (verb === "unmount") await (operands.length === 1 ? sys.unmount(undefined, a) : sys.unmount(a, b));
    else if (verb === "cd") await sys.chdir(a);
    else sys.rfork({ ns: "clean" });
  } catch (e) {
    return named(said, e, `${a}: `);
  }
  return verb === "cd" && a.startsWith("/");
}

/** Does all of a file, whose name is for errors. True when it went to an absolute directory. */
export async function nsFile(sys: Sys, text: string, name: string, depth = 0): Promise<boolean> {
  if (depth > MAXDEPTH) throw new NineError(`${name}: files call one another more than ${MAXDEPTH} deep`);
  let placed = false;
  for (const command of parseNs(text, (v) => sys.getenv(v), name)) {
    try {
      placed = (await nsCommand(sys, command, depth)) || placed;
    } catch (e) {
      return named(`${name}:${command.line}`, e);
    }
  }
  return placed;
}

/** Options in the style of ARGBEGIN (arg(2)). */
function split(words: readonly string[]): { flags: string[]; operands: readonly string[] } {
  const flags: string[] = [];
  for (const [i, word] of words.entries()) {
    if (word === "--") return { flags, operands: words.slice(i + 1) };
    if (word.length < 2 || !word.startsWith("-")) return { flags, operands: words.slice(i) };
    flags.push(...word.slice(1).split(""));
  }
  return { flags, operands: [] };
}

async function contents(sys: Sys, file: string): Promise<string> {
  const fd = await sys.openRead(file);
  try {
    const all = new Uint8Array(MAXFILE);
    let n = 0;
    for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) {
      if (n + data.length > all.length) throw new NineError(Efbig);
      all.set(data, n);
      n += data.length;
    }
    return decodeUtf8(all, 0, n);
  } finally {
    await sys.close(fd);
  }
}

/** Throws e with its place in front, without what the place tells already; a note stays one. */
function named(where: string, e: unknown, told = ""): never {
  if (!(e instanceof NineError) || isInterrupted(e)) throw e;
  throw new NineError(`${where}: ${e.message.startsWith(told) ? e.message.slice(told.length) : e.message}`, e.errno);
}
