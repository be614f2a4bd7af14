/**
 * HistoryFile: the history of the shell in a file of this user, for all shells at once. Invariants: an
 * entry is appended in one write, so that shells do not mix theirs; whoever shortens the file takes what
 * was appended meanwhile along, and whoever appended to a file that was just replaced appends again: an
 * entry may be there twice, but is not lost. A file that cannot be read or written is no failure.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { decode, encode } from "../tools/lib/bytes.ts";
import { entriesOf, entryLine, HISTORYMAX, type HistoryStore } from "../edit/index.ts";

/** The file is shortened when it has so many lines more than are kept, or so many bytes. */
const SLACK = 2000;
const MAXBYTES = 8 << 20;
/** A lock this old was left behind. */
const STALEMS = 10_000;
const MODE = 0o600;

/** $NINEPLEX_HISTORY, by default nineplex/history where XDG keeps state; undefined when that is empty: no history is kept. */
export function historyPath(env: Readonly<Record<string, string | undefined>>, cwd: string): string | undefined {
  const { NINEPLEX_HISTORY: named, XDG_STATE_HOME: state } = env;
  if (named !== undefined) return named === "" ? undefined : resolve(cwd, named);
  return join(state?.startsWith("/") ? state : join(homedir(), ".local/state"), "nineplex/history");
}

export class HistoryFile implements HistoryStore {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  load(): readonly string[] {
    const text = attempt(() => statSync(this.path).isFile() ? decode(readFileSync(this.path)) : "") ?? "";
    const entries = entriesOf(text);
    if (entries.length > HISTORYMAX + SLACK || text.length > MAXBYTES) attempt(() => this.shorten());
    return entries;
  }

  append(entry: string): void {
    attempt(() => mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 }));
    attempt(() => this.write(entryLine(entry)));
  }

  /** Once more when the file was replaced between the opening and the write. */
  private write(line: string, again: boolean = true): void {
    const fd = openSync(this.path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, MODE);
    try {
      const { ino, size } = fstatSync(fd);
      // What somebody else has left without an end must not swallow this one.
      const last = new Uint8Array(1);
      const cut = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
      writeSync(fd, encode(cut ? `\n${line}` : line));
      if (!again || attempt(() => statSync(this.path).ino) === ino) return;
    } finally {
      closeSync(fd);
    }
    this.write(line, false);
  }

  private shorten(): void {
    const lock = `${this.path}.lock`;
    if (Date.now() - (attempt(() => statSync(lock).mtimeMs) ?? Date.now()) > STALEMS) rmSync(lock, { force: true });
    closeSync(openSync(lock, "wx", MODE));
    const old = openSync(this.path, "r");
    const fresh = `${this.path}.new`;
    try {
      rmSync(fresh, { force: true });
      const kept = readFileSync(old);
      const entries = entriesOf(decode(kept)).slice(-HISTORYMAX);
      const lines = entries.map(entryLine);
      for (let bytes = lines.reduce((n, line) => n + line.length, 0); bytes > MAXBYTES / 2 && lines.length > 0;) bytes -= lines.shift()!.length;
      const fd = openSync(fresh, "wx", MODE);
      writeSync(fd, encode(lines.join("")));
      closeSync(fd);
      renameSync(fresh, this.path);
      const since = readFileSync(old);
      if (since.length > 0) this.write(decode(since), false);
    } finally {
      closeSync(old);
      rmSync(lock, { force: true });
    }
  }
}

function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch {
    return undefined;
  }
}
