/**
 * Completion: what the word at the cursor of a command line could become: a command, a variable or the
 * name of a file. Where a word begins the lexer tells, and where a command may the parser, which is
 * asked whether a "{" could stand there: there is no second grammar. Invariant: directories are read
 * by a process of their own, so that giving up ends it, and flushes what it waits for.
 */
import { DMDIR, DMSYMLINK, Eintr, NineError } from "../../proto/index.ts";
import type { Dir } from "../../proto/index.ts";
import type { Sys } from "../../kernel/sys.ts";
import type { Completion } from "../edit/index.ts";
import { builtins } from "./builtins.ts";
import { quietly } from "./error.ts";
import type { Shell } from "./eval.ts";
import { byCodePoint } from "./glob.ts";
import { JOBCOMMANDS } from "./jobcmds.ts";
import { Incomplete, Lexer, RcSyntax, type Token } from "./lex.ts";
import { parseLine } from "./parse.ts";
import { quote } from "./print.ts";

/** A word that ends at the cursor. */
interface Place {
  readonly kind: "command" | "file" | "variable";
  /** Its last part without quotes, whether it has some, and where it begins. */
  readonly part: string;
  readonly quoted: boolean;
  readonly start: number;
  /** The whole of it, variables replaced. */
  readonly word: string;
}

interface Spot {
  readonly token: Token;
  readonly end: number;
}

/** Rejects when signal aborts. Undefined where nothing can be said. */
export async function complete(sh: Shell, text: string, cursor: number, signal: AbortSignal): Promise<Completion | undefined> {
  const place = placeAt(sh, text.slice(0, cursor));
  if (!place) return undefined;
  const { kind, word, part } = place;
  sh.export();
  const slash = word.lastIndexOf("/") + 1;
  const base = kind === "file" || slash > 0 ? word.slice(slash) : word;
  const found = kind === "variable" ? ["status", ...sh.vars.names()]
    : await apart(sh.sys, signal, (sys) => kind === "command" && slash === 0 ? commands(sh, sys) : files(sys, word.slice(0, slash), base));
  const names = [...new Set(found)].filter((name) => name.startsWith(base)).toSorted(byCodePoint);
  const [only] = names;
  if (only === undefined) return undefined;
  const common = names.reduce(prefix);
  // In the middle of a line what follows the word is there.
  const over = names.length === 1 && !only.endsWith("/");
  const spelled = kind === "variable" ? common : spell(part + common.slice(base.length), place.quoted, over);
  return { start: place.start, insert: over && kind !== "variable" && /^$|^\n/.test(text.slice(cursor)) ? `${spelled} ` : spelled, names };
}

/** A part of a word as it is typed: if it needs quotes, without the closing one while more may follow. */
function spell(part: string, quoted: boolean, over: boolean): string {
  if (part === "" || (!quoted && quote(part) === part)) return part;
  return `'${part.replaceAll("'", "''")}${over ? "'" : ""}`;
}

function prefix(a: string, b: string): string {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  if (n > 0 && a.charCodeAt(n - 1) >> 10 === 0x36 && n < a.length) n--;
  return a.slice(0, n);
}

function placeAt(sh: Shell, before: string): Place | undefined {
  // Within quotes the text is one token when they are closed.
  const open = tokens(before) === undefined;
  const spots = tokens(open ? `${before}'` : before);
  if (!spots) return undefined;
  let at = before.length + (open ? 1 : 0);
  const last = spots.at(-1);
  const gap = before.slice(last?.end ?? 0);
  // A comment, and a here document, are passed over by the lexer.
  if (last?.end !== at && gap.includes("#")) return undefined;
  if (last?.token.kind === "nl" && before[last.end - 1] !== "\n") return undefined;
  const parts: { readonly token: Token; readonly start: number }[] = [];
  let i = spots.length - 1;
  for (; i >= 0 && spots[i]!.end === at; i--) {
    const length = lengthOf(spots[i]!, spots[i - 1]?.end ?? 0);
    if (length === undefined) break;
    at -= length;
    parts.unshift({ token: spots[i]!.token, start: at });
  }
  const tail = parts.at(-1);
  const literal = tail?.token.kind === "word" ? tail.token : undefined;
  const start = literal ? tail!.start : before.length;
  const part = literal?.text ?? "";
  const quoted = literal?.quoted ?? false;
  if (!quoted && /[*?[]/.test(part)) return undefined;
  const dollar = parts.at(literal ? -2 : -1)?.token.kind;
  if (dollar === "$" || dollar === "$#" || dollar === '$"') return { kind: "variable", part, quoted, start, word: part };
  const word = valueOf(sh, parts.map((p) => p.token));
  if (word === undefined) return undefined;
  const command = spots[i]?.token.kind !== "redir" && mayBegin(before.slice(0, parts[0]?.start ?? before.length));
  return { kind: command ? "command" : "file", part, quoted, start, word };
}

/** The tokens of a text; undefined if it ends within quotes, or cannot be read. */
function tokens(text: string): Spot[] | undefined {
  const lexer = new Lexer(text, 0, 1, true);
  const spots: Spot[] = [];
  try {
    for (;;) {
      const token = lexer.next();
      if (token.kind === "eof") return spots;
      spots.push({ token, end: lexer.pos });
    }
  } catch (e) {
    if (e instanceof RcSyntax) return undefined;
    throw e;
  }
}

/** Characters of a token that can be part of a word; `from` is where the one before it ends. */
function lengthOf({ token, end }: Spot, from: number): number | undefined {
  switch (token.kind) {
    case "word": return token.quoted ? token.text.length + token.text.split("'").length + 1 : token.text.length;
    // A free caret is none.
    case "^": return end === from ? 0 : 1;
    case "$": return 1;
    case "$#": case '$"': return 2;
    default: return undefined;
  }
}

/** What the parts of a word give, undefined if that is not one string. */
function valueOf(sh: Shell, parts: readonly Token[]): string | undefined {
  let word = "";
  for (let i = 0; i < parts.length; i++) {
    const token = parts[i]!;
    if (token.kind === "word") word += token.text;
    else if (token.kind === "$") {
      const name = parts[++i];
      const value = name?.kind === "word" ? sh.vars.get(name.text) : [];
      if (value.length !== 1) return undefined;
      word += value[0]!;
    } else if (token.kind !== "^") return undefined;
  }
  return word;
}

/** May a command begin behind this text? */
function mayBegin(text: string): boolean {
  const source = { text: `${text}{`, pos: 0, line: 1, final: false, afterIf: true };
  try {
    while (source.pos < source.text.length && parseLine(source));
    return false;
  } catch (e) {
    if (e instanceof Incomplete) return true;
    if (e instanceof RcSyntax) return false;
    throw e;
  }
}

async function commands(sh: Shell, sys: Sys): Promise<string[]> {
  const fns = [...sys.environ().keys()].filter((name) => name.startsWith("fn#")).map((name) => name.slice(3));
  const lists = await Promise.all(sh.vars.get("path").map((dir) => list(sys, dir === "" ? "." : dir)));
  const programs = lists.flat().filter(({ mode }) => (mode & DMDIR) === 0 && (mode & 0o111) !== 0);
  return [...builtins.keys(), ...(sh.control ? JOBCOMMANDS : []), ...fns, ...programs.map(({ name }) => name)];
}

/** Names in a directory that begin so, those of directories with a slash. */
async function files(sys: Sys, dir: string, base: string): Promise<string[]> {
  const found = (await list(sys, dir === "" ? "." : dir)).filter(({ name }) => name.startsWith(base) && (base.startsWith(".") || !name.startsWith(".")));
  const [only] = found;
  const target = found.length === 1 && only && (only.mode & DMSYMLINK) !== 0 ? await quietly(() => sys.stat(dir + only.name)) : undefined;
  return found.map(({ name, mode }) => ((target?.mode ?? mode) & DMDIR ? `${name}/` : name));
}

async function list(sys: Sys, dir: string): Promise<Dir[]> {
  return (await quietly(() => sys.readDir(dir))) ?? [];
}

/** What f gives in a process of its own, which ends when signal aborts. */
async function apart<T>(sys: Sys, signal: AbortSignal, f: (sys: Sys) => Promise<T>): Promise<T> {
  let settle: { resolve(value: T): void; reject(why: unknown): void } | undefined;
  const result = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  const main = async (own: Sys): Promise<void> => {
    try {
      settle?.resolve(await f(own));
    } catch (e) {
      settle?.reject(e);
    }
  };
  const pid = await sys.spawn({ argv: ["rc"], main, fds: "clean", noteGroup: "new", nowait: true });
  const stop = (): void => {
    settle?.reject(new NineError(Eintr));
    try {
      sys.postNote(pid, "kill");
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await result;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
