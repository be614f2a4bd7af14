/**
 * Editor: one command at a time from a terminal that is a few functions, with Emacs keys, several
 * lines, history, search and completion. Invariants: the terminal is raw, brackets what is pasted, and
 * is read from, only while a command is being read; it is read no further than needed, so that what
 * follows a command is there for the program it runs; what is shown is painted when no more keys are
 * waiting, so that a long paste costs no more than its end. A completion holds up the keys for GRACEMS
 * at most; when the line has changed its answer comes too late, and is given up.
 */
import { Eintr, encode, NineError } from "../../proto/index.ts";
import { Draft } from "./draft.ts";
import type { History } from "./history.ts";
import { type Key, Keys } from "./keys.ts";
import type { View } from "./layout.ts";
import { listing } from "./listing.ts";
import { Painter, type Size } from "./painter.ts";
import { Search } from "./search.ts";

/** What the word at the cursor could become. */
export interface Completion {
  /** Where the word begins. */
  readonly start: number;
  /** What is to stand from start to the cursor: as much as all candidates have in common. */
  readonly insert: string;
  /** The candidates as they are listed. */
  readonly names: readonly string[];
}

/** What is asked for. */
export interface Ask {
  readonly prompt: string;
  /** The prompt of each further line. */
  readonly more: string;
  /** Is the text a whole command, or wrong? Otherwise Enter begins another line. */
  enough(text: string): boolean;
  complete?(text: string, cursor: number, signal: AbortSignal): Promise<Completion | undefined>;
}

/**
 * line: a command, without the newline at its end. end: the input is over, after that text; it goes on
 * all the same when it was C-d. dropped: C-c.
 */
export type Answer = { readonly kind: "line" | "end"; readonly text: string } | { readonly kind: "dropped" };

export interface EditorOptions {
  /** The next bytes typed, at least one; none at the end of input. A rejection by signal's abort must have taken none. */
  read(signal: AbortSignal): Promise<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  setRaw(on: boolean): Promise<void>;
  size(): Size;
  /** Calls f whenever the size has changed, until what it returns is called. */
  onResize?(f: () => void): () => void;
  /** Lets what is under way come in: other events, once. */
  pause(): Promise<void>;
  sleep(ms: number): Promise<void>;
  readonly history: History;
}

const GRACEMS = 100;
/** A terminal that does not say by then where its cursor is will not. */
const CURSORMS = 300;
/** Chunks that are taken in without anything being painted. */
const UNPAINTED = 512;
/** More candidates than that are listed only when that is what was wanted. */
const MANY = 100;
const PASTEON = "\x1b[?2004h";
const PASTEOFF = "\x1b[?2004l";
const BELL = "\x07";
const LASTWORD = /(?:'[^']*'|[^\s'])+\s*$/;

export class Editor {
  private readonly options: EditorOptions;
  private readonly draft = new Draft();
  private readonly keys = new Keys();
  private painter: Painter;
  private ask: Ask = { prompt: "", more: "", enough: () => true };
  private answer: Answer | undefined;
  private busy = false;
  /** Bytes that were read, and are no keys yet. */
  private readonly ahead: Uint8Array[] = [];
  private reading: AbortController | undefined;
  private ended = false;
  private failure: { readonly why: unknown } | undefined;
  private wake: (() => void) | undefined;
  private stirred = false;
  private dirty = false;
  /** What goes out besides what is painted. */
  private out = "";
  /** The size has changed, and the terminal was asked for its cursor. */
  private resizing: object | undefined;
  private search: Search | undefined;
  /** What was looked for last. */
  private pattern = "";
  private completing: { readonly stop: AbortController; readonly text: string; readonly cursor: number } | undefined;
  /** The last key was a Tab that changed nothing: candidates to be listed at the next one. */
  private candidates: readonly string[] | undefined;
  /** Waits for y or n. */
  private asking: readonly string[] | undefined;
  /** The entry of the history that the line began as; and lines that were left for others, as they are now. */
  private at = 0;
  private readonly left = new Map<number, string>();
  /** The last key was M-.: which entry it took, and how long what it inserted is. */
  private argument: { readonly at: number; readonly length: number } | undefined;

  /** Nothing is read or written before the first readLine. */
  constructor(options: EditorOptions) {
    this.options = options;
    this.painter = new Painter(options.size());
  }

  /** The next command. Rejects with Eintr when signal aborts: the command is lost then. One at a time. */
  async readLine(ask: Ask, signal?: AbortSignal): Promise<Answer> {
    if (this.busy) throw new Error("a line is being read already");
    if (signal?.aborted) throw new NineError(Eintr);
    if (this.ended && this.ahead.length === 0) return { kind: "end", text: "" };
    this.busy = true;
    this.begin(ask);
    const interrupt = (): void => this.fail(new NineError(Eintr));
    signal?.addEventListener("abort", interrupt);
    const deaf = this.options.onResize?.(() => this.resize());
    try {
      await this.options.setRaw(true);
      return await this.run();
    } finally {
      signal?.removeEventListener("abort", interrupt);
      deaf?.();
      this.giveUp();
      this.reading?.abort();
      try {
        if (!this.answer) this.out += this.painter.leave(this.view);
        this.out += PASTEOFF;
        await this.flush();
      } finally {
        this.busy = false;
        await this.options.setRaw(false);
      }
    }
  }

  private begin(ask: Ask): void {
    this.ask = ask;
    this.answer = undefined;
    this.failure = undefined;
    this.draft.set("");
    this.at = this.options.history.entries.length;
    this.left.clear();
    this.search = this.candidates = this.asking = this.argument = this.resizing = undefined;
    const size = this.options.size();
    this.painter = new Painter(size);
    // Behind output without a newline a mark and blanks wrap to the next row; else they are on this one, and go.
    this.out = `${PASTEON}\x1b[7m%\x1b[m${" ".repeat(Math.max(0, (size.cols || 80) - 1))}\r\x1b[J`;
    this.dirty = true;
  }

  private async run(): Promise<Answer> {
    for (let unpainted = 0; ;) {
      if (this.answer) return this.answer;
      if (this.failure) throw this.failure.why;
      const key = this.keys.next();
      if (key) await this.take(key);
      else if (this.ahead.length > 0) this.keys.push(this.ahead.shift()!);
      else if (this.ended) this.finish({ kind: "end", text: this.draft.text });
      else {
        this.read();
        if (this.dirty && unpainted++ < UNPAINTED) await this.options.pause();
        if (this.ahead.length > 0 && unpainted < UNPAINTED) continue;
        unpainted = 0;
        await this.flush();
        await this.rest();
      }
    }
  }

  /** Reads, if nobody does. */
  private read(): void {
    if (this.reading) return;
    const reading = new AbortController();
    this.reading = reading;
    const done = (): void => {
      this.reading = undefined;
      this.stir();
    };
    this.options.read(reading.signal).then((got) => {
      if (got.length === 0) this.ended = true;
      else this.ahead.push(got);
      done();
    }, (e: unknown) => {
      if (!reading.signal.aborted) this.failure ??= { why: e };
      done();
    });
  }

  private stir(): void {
    this.stirred = true;
    this.wake?.();
  }

  private async rest(): Promise<void> {
    if (!this.stirred) await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
    this.stirred = false;
  }

  private fail(why: unknown): void {
    this.failure ??= { why };
    this.stir();
  }

  private get view(): View {
    const { text, cursor } = this.search ? this.search.found : this.draft;
    return { prompt: this.search?.prompt ?? this.ask.prompt, more: this.ask.more, text, cursor };
  }

  private async flush(): Promise<void> {
    if (this.dirty && !this.answer && !this.resizing && !this.asking) {
      this.dirty = false;
      this.out += this.painter.paint(this.view);
    }
    const { out } = this;
    this.out = "";
    if (out !== "") await this.options.write(encode(out));
  }

  private finish(answer: Answer): void {
    this.answer = answer;
    this.search = undefined;
    // What C-c has dropped is shown with the key behind it.
    const { view } = this;
    this.out += this.painter.leave(answer.kind === "dropped" ? { ...view, text: `${view.text}\x03` } : view);
  }

  private async take(key: Key): Promise<void> {
    if (this.resizing) this.resized(key.name === "cursor" ? Number(key.text.split(";")[1]) - 1 : undefined);
    if (key.name === "ignored" || key.name === "cursor") return;
    this.dirty = true;
    const { candidates, argument } = this;
    this.candidates = this.argument = undefined;
    if (this.asking) this.told(key);
    else if (key.name === "C-c") this.finish({ kind: "dropped" });
    else if (this.search && this.searching(this.search, key)) return;
    else if (key.name === "Tab") await this.tab(candidates);
    else if (key.name === "M-." || key.name === "M-_") this.lastArgument(argument);
    else this.key(key);
    const c = this.completing;
    if (c && (this.answer || c.text !== this.draft.text || c.cursor !== this.draft.cursor)) this.giveUp();
  }

  private key({ name, text }: Key): void {
    const { draft } = this;
    switch (name) {
      case "text": return draft.insert(text);
      case "paste":
        draft.over();
        return draft.replace(draft.cursor, draft.cursor, text);
      case "Enter": return this.enter();
      case "M-Enter": return draft.insert("\n");
      case "C-d":
        if (draft.text === "" || (draft.cursor === draft.text.length && draft.text.endsWith("\n"))) {
          this.finish({ kind: "end", text: draft.text });
          return;
        }
        break;
      case "C-p": case "Up":
        if (!draft.vertical(-1)) this.recall(this.at - 1);
        return;
      case "C-n": case "Down":
        if (!draft.vertical(1)) this.recall(this.at + 1);
        return;
      case "M-<":
        if (draft.cursor === 0) this.recall(0);
        break;
      case "M->":
        if (draft.cursor === draft.text.length) this.recall(this.options.history.entries.length);
        break;
      case "C-r": case "C-s":
        this.search = new Search(this.options.history.entries, draft.text, this.at, name === "C-r" ? draft.text.length : draft.cursor, name === "C-r");
        return;
      case "C-v":
        this.keys.literal();
        return;
      case "C-l":
        this.out += "\x1b[H\x1b[2J";
        this.painter.forget();
        return;
      case "C-g":
        this.giveUp();
        break;
      default:
    }
    if (!draft.command(name)) draft.over();
  }

  private enter(): void {
    const { draft } = this;
    const { text } = draft;
    if (!this.ask.enough(text)) {
      draft.insert("\n");
      return;
    }
    this.options.history.add(text);
    this.finish({ kind: "line", text });
  }

  /** Another entry of the history; the number of entries is the line itself. */
  private recall(at: number): void {
    const { entries } = this.options.history;
    if (at < 0 || at > entries.length || at === this.at) return;
    this.left.set(this.at, this.draft.text);
    this.at = at;
    this.draft.set(this.left.get(at) ?? entries[at] ?? "");
  }

  /** M-.: the last word of the command before, at the next key of the one before that. */
  private lastArgument(last: { readonly at: number; readonly length: number } | undefined): void {
    const { entries } = this.options.history;
    for (let at = (last?.at ?? entries.length) - 1; at >= 0; at--) {
      const word = LASTWORD.exec(entries[at]!)?.[0].trimEnd();
      if (word === undefined) continue;
      const { cursor } = this.draft;
      this.draft.over();
      this.draft.replace(cursor - (last?.length ?? 0), cursor, word);
      this.argument = { at, length: word.length };
      return;
    }
    this.argument = last;
    this.out += BELL;
  }

  /** A key while searching: false when it ends the search, and is to be done. */
  private searching(search: Search, { name, text }: Key): boolean {
    switch (name) {
      case "text": case "paste":
        search.type(text);
        return true;
      case "C-r": case "C-s":
        search.again(name === "C-r", this.pattern);
        return true;
      case "Backspace": case "C-h":
        search.erase();
        return true;
      case "C-g":
        this.search = undefined;
        return true;
      default: {
        const { at, text: found, cursor } = search.found;
        if (search.pattern !== "") this.pattern = search.pattern;
        this.search = undefined;
        this.recall(at);
        if (this.draft.text === found) this.draft.cursor = cursor;
        return false;
      }
    }
  }

  private async tab(candidates: readonly string[] | undefined): Promise<void> {
    const { draft, ask } = this;
    const { text, cursor } = draft;
    const line = text.slice(draft.line.start, cursor);
    // Where a line begins, and where text follows at once, it is a Tab: that is pasted.
    if (!ask.complete || line.trim() === "" || this.keys.textFollows) {
      draft.insert("\t");
      return;
    }
    draft.over();
    if (candidates) {
      if (candidates.length > MANY) this.asking = candidates;
      this.out += this.painter.leave(this.view);
      if (this.asking) this.out += `Display all ${candidates.length} possibilities? (y or n)`;
      else this.list(candidates);
      return;
    }
    this.giveUp();
    const completing = { stop: new AbortController(), text, cursor };
    this.completing = completing;
    const answered = ask.complete(text, cursor, completing.stop.signal).catch(() => undefined).then((c) => {
      if (this.completing !== completing) return;
      this.completing = undefined;
      this.completed(c);
      this.stir();
    });
    await Promise.race([answered, this.options.sleep(GRACEMS)]);
  }

  private completed(c: Completion | undefined): void {
    this.dirty = true;
    const { draft } = this;
    if (!c || c.names.length === 0) this.out += BELL;
    else if (c.insert !== draft.text.slice(c.start, draft.cursor)) draft.replace(c.start, draft.cursor, c.insert);
    else if (c.names.length > 1) {
      this.candidates = c.names;
      this.out += BELL;
    }
  }

  private giveUp(): void {
    this.completing?.stop.abort();
    this.completing = undefined;
  }

  /** The answer whether to list so many. */
  private told({ name, text }: Key): void {
    const names = this.asking ?? [];
    this.asking = undefined;
    this.out += "\r\n";
    if (name === "Tab" || (name === "text" && (text[0] === "y" || text[0] === " "))) this.list(names);
  }

  private list(names: readonly string[]): void {
    this.out += `${listing(names, this.options.size().cols || 80).join("\r\n")}\r\n`;
    this.painter.forget();
  }

  private resize(): void {
    const asked = {};
    this.resizing = asked;
    this.out += "\x1b[6n";
    void this.options.sleep(CURSORMS).then(() => {
      if (this.resizing === asked) this.resized(undefined);
    });
    this.stir();
  }

  private resized(col: number | undefined): void {
    this.resizing = undefined;
    this.out += this.painter.resized(this.options.size(), col);
    this.dirty = true;
    this.stir();
  }
}
