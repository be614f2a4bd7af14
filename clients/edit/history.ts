/**
 * History: the commands that were typed, oldest first. Invariants: none is blank or the same as the
 * one before it, none begins with a blank (that is how one is kept out), and there are at most
 * HISTORYMAX. A store keeps them from session to session; the History does not know where. Their form
 * in a file is a line each, in which a newline is \n and a backslash \\.
 */

/** Entries that are kept. */
export const HISTORYMAX = 10_000;
/** Bytes of a longer one are kept for the session only. */
const MAXENTRY = 1 << 16;

/** What outlives the session. Nothing it does fails: without it there is a history all the same. */
export interface HistoryStore {
  /** Entries of earlier sessions, oldest first. */
  load(): readonly string[];
  append(entry: string): void;
}

export class History {
  private readonly list: string[];
  private readonly store: HistoryStore | undefined;

  constructor(store?: HistoryStore) {
    this.store = store;
    this.list = store ? store.load().slice(-HISTORYMAX) : [];
  }

  get entries(): readonly string[] {
    return this.list;
  }

  /** A command that is run now. */
  add(entry: string): void {
    if (/^\s/.test(entry) || entry === "" || entry === this.list.at(-1)) return;
    this.list.push(entry);
    if (this.list.length > HISTORYMAX) this.list.shift();
    if (entry.length <= MAXENTRY) this.store?.append(entry);
  }
}

/** An entry as a line of a file, with its newline. */
export function entryLine(entry: string): string {
  return `${entry.replace(/[\\\n]/g, (c) => (c === "\n" ? "\\n" : "\\\\"))}\n`;
}

/** The entries in a file's text; what is none, of a file that somebody has damaged, is left out. */
export function entriesOf(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.length > 2 * MAXENTRY || line.includes("\0") || line === found.at(-1)) continue;
    found.push(line.replace(/\\([\\n])/g, (_, c) => (c === "n" ? "\n" : "\\")));
  }
  return found;
}
