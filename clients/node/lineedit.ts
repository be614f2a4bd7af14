/**
 * LineEditor: one edited line at a time from a terminal that is a pair of functions (the name
 * space's /dev/cons), on Node's own readline.
 * Invariants: the terminal is raw, and read from, only while a line is being read; bytes that follow
 * the line's end stay here, in `ahead`, for the next line or for takeRest. To that end readline is
 * fed up to one line's end at a time, and every line has a readline of its own.
 */
import { type CompleterResult, createInterface, type Interface } from "node:readline";
import { Readable, Writable } from "node:stream";
import { Eintr, NineError } from "../../proto/index.ts";

export interface LineEditor {
  /**
   * The line without its end; undefined at the end of input (Ctrl-D on an empty line, or the source
   * has ended); "" also when Ctrl-C discarded the line. Rejects with Eintr when signal aborts: the
   * line is lost then, what was typed after it is not. One at a time.
   */
  readLine(prompt: string, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Bytes that were read from the terminal and belong to no line yet, for a program that is to read
   * it now. Between lines that is all there is; but a read that an abort did not stop may
   * still take bytes, which the next readLine gets. Line ends are as the raw terminal sent them (\r).
   */
  takeRest(): Uint8Array;
  /** A line being read ends as at the end of input. */
  close(): void;
}

export interface LineEditorOptions {
  /** The next bytes typed, at least one; none at the end of input. A rejection by signal's abort must have taken none. */
  read(signal: AbortSignal): Promise<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  setRaw(on: boolean): Promise<void>;
  size(): { rows: number; cols: number };
  /** Earlier lines, oldest first. */
  history?: readonly string[];
  /** Called with all lines, oldest first, when one was added. */
  onHistory?(lines: string[]): void;
  /** What the word that starts at `start` and ends at cursor could become: whole words that replace it. */
  complete?(line: string, cursor: number): Promise<{ start: number; candidates: string[] }>;
}

const HISTORYMAX = 1000;
const CTRLC = 3;
const CTRLD = 4;
const TAB = 9;
const NL = 10;
const CR = 13;

/** What ends a line, or may. */
function isEnd(byte: number | undefined): boolean {
  return byte === CR || byte === NL || byte === CTRLC || byte === CTRLD;
}

class Editor implements LineEditor {
  private readonly options: LineEditorOptions;
  /** As readline wants it: newest first. */
  private history: string[];
  /** In the chunks they came in, none empty: a Tab is completed at the end of one, so not within a paste. */
  private ahead: Uint8Array[] = [];
  /** The read under way, if any; it ends by adding to `ahead` or setting `ended`. */
  private reading: Promise<void> | undefined;
  private stopReading: AbortController | undefined;
  private line: Line | undefined;
  private ended = false;

  constructor(options: LineEditorOptions) {
    this.options = options;
    this.history = [...(options.history ?? [])].toReversed().slice(0, HISTORYMAX);
  }

  async readLine(prompt: string, signal?: AbortSignal): Promise<string | undefined> {
    if (this.line) throw new Error("a line is being read already");
    if (signal?.aborted) throw new NineError(Eintr);
    if (this.ended && this.ahead.length === 0) return undefined;
    const line = new Line(prompt, this.options, this.history);
    this.line = line;
    const interrupt = (): void => line.fail(new NineError(Eintr));
    signal?.addEventListener("abort", interrupt);
    try {
      await this.options.setRaw(true);
      line.show();
      await this.feed(line);
      return await line.result;
    } finally {
      signal?.removeEventListener("abort", interrupt);
      this.stopReading?.abort();
      this.keepHistory(line.finish());
      await line.written;
      this.line = undefined;
      await this.options.setRaw(false);
    }
  }

  takeRest(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.ahead.splice(0)));
  }

  close(): void {
    this.ended = true;
    this.ahead = [];
    this.stopReading?.abort();
    this.line?.end();
  }

  /** Gives the line what is typed until it is over, and nothing after. */
  private async feed(line: Line): Promise<void> {
    while (!line.over) {
      if (line.completing) await this.wait(line, line.completing);
      else if (this.ahead.length > 0) line.type(this.piece());
      else if (this.ended) line.end();
      else await Promise.race([this.more(), line.settled]);
    }
  }

  /** While a completion runs keys wait, but Ctrl-C does not. */
  private async wait(line: Line, completing: Promise<void>): Promise<void> {
    await Promise.race([completing, line.settled, ...(this.ended ? [] : [this.more()])]);
    const at = line.over ? -1 : this.ahead.findIndex((chunk) => chunk.includes(CTRLC));
    if (at < 0) return;
    const chunk = this.ahead.splice(0, at + 1).at(-1) ?? new Uint8Array(0);
    this.unread(chunk.subarray(chunk.indexOf(CTRLC) + 1));
    line.discard();
  }

  private unread(chunk: Uint8Array): void {
    if (chunk.length > 0) this.ahead.unshift(chunk);
  }

  /**
   * The next bytes up to one that may end the line, or that one alone; what Enter sends for a newline.
   * Enter is one key: of a pasted \r\n the \n is its second half.
   */
  private piece(): Uint8Array {
    const chunk = this.ahead.shift() ?? new Uint8Array(0);
    const end = chunk.findIndex(isEnd);
    const n = end < 0 ? chunk.length : Math.max(end, 1);
    const piece = chunk.slice(0, n);
    const both = end === 0 && piece[0] === CR && chunk[1] === NL;
    this.unread(chunk.subarray(both ? 2 : n));
    if (piece[0] === NL) piece[0] = CR;
    return piece;
  }

  private more(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async read(): Promise<void> {
    this.stopReading = new AbortController();
    const { signal } = this.stopReading;
    try {
      const got = await this.options.read(signal);
      if (got.length === 0) this.ended = true;
      else this.ahead.push(got);
    } catch (e) {
      if (!signal.aborted) this.line?.fail(e);
    }
  }

  private keepHistory(history: string[]): void {
    if (history.length === this.history.length && history[0] === this.history[0]) return;
    this.history = history;
    this.options.onHistory?.(history.toReversed());
  }
}

/** One line being edited. */
class Line {
  readonly result: Promise<string | undefined>;
  /** Settles with `result`, and never rejects. */
  readonly settled: Promise<void>;
  /** Set while a completion runs: nothing may be typed. */
  completing: Promise<void> | undefined;
  /** Everything shown so far has been written. */
  written: Promise<void> = Promise.resolve();
  over = false;
  private readonly input = new Readable({ read() {} });
  private readonly rl: Interface;
  private readonly options: LineEditorOptions;
  private history: string[];
  private muted = false;
  private resolve: (line: string | undefined) => void = () => {};
  private reject: (e: unknown) => void = () => {};

  constructor(prompt: string, options: LineEditorOptions, history: string[]) {
    this.options = options;
    this.history = history;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.settled = this.result.then(() => {}, () => {});
    const output = new Writable({ write: (chunk: Buffer, _encoding, done) => {
      this.put(chunk);
      done();
    } });
    Object.defineProperty(output, "columns", { get: () => this.cols() });
    Object.defineProperty(output, "rows", { get: () => options.size().rows || 24 });
    this.rl = createInterface({
      input: this.input, output, terminal: true, prompt, history: [...history], historySize: HISTORYMAX, removeHistoryDuplicates: true,
      ...(options.complete && { completer: (_: string, done: (e: null, r: CompleterResult) => void) => this.complete(done) }),
    });
    this.rl.on("history", (lines) => (this.history = [...lines]));
    this.rl.on("line", (text) => this.done(text));
    this.rl.on("SIGINT", () => this.discard());
    // Without a listener readline would stop this process.
    this.rl.on("SIGTSTP", () => {});
    this.rl.on("close", () => this.end());
  }

  /**
   * readline clears the row it prompts on. Blanks to one short of its width first: from anywhere but
   * column 0 they wrap, so that output without a newline at its end stays.
   */
  show(): void {
    if (this.over) return;
    this.put(`${" ".repeat(Math.max(this.cols() - 1, 0))}\r`);
    this.rl.prompt();
  }

  /**
   * Keys, as the terminal sends them. One by one: of several readline puts all but the last at the
   * line's end, wherever the cursor is. Only a Tab goes with what follows it: then it is not completed.
   */
  type(bytes: Uint8Array): void {
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      do end++; while (bytes[end - 1] === TAB && end < bytes.length);
      this.input.emit("data", Buffer.from(bytes.subarray(at, end)));
    }
  }

  /** The input has ended: what stands there is the last line. */
  end(): void {
    if (this.over) return;
    this.newline();
    this.done(this.rl.line === "" ? undefined : this.rl.line);
  }

  fail(e: unknown): void {
    if (this.over) return;
    this.over = true;
    this.newline();
    this.reject(e);
  }

  /** Takes readline down; the history as it is now, newest first. */
  finish(): string[] {
    this.over = true;
    this.muted = true;
    this.rl.close();
    return this.history;
  }

  private done(line: string | undefined): void {
    if (this.over) return;
    this.over = true;
    this.resolve(line);
  }

  /** Ctrl-C. */
  discard(): void {
    if (this.over) return;
    this.rl.write(null, { ctrl: true, name: "e" });
    this.put("^C");
    this.newline();
    this.done("");
  }

  private cols(): number {
    return this.options.size().cols || 80;
  }

  private newline(): void {
    this.put("\r\n");
  }

  private put(text: string | Uint8Array): void {
    if (this.muted) return;
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : Uint8Array.from(text);
    this.written = this.written.then(() => this.options.write(bytes)).catch((e: unknown) => this.fail(e));
  }

  private complete(done: (e: null, r: CompleterResult) => void): void {
    const { line, cursor } = this.rl;
    const answer = async (): Promise<void> => {
      const { start, candidates } = (await this.options.complete?.(line, cursor).catch(() => undefined)) ?? { start: cursor, candidates: [] };
      if (this.over) return;
      done(null, [candidates, line.slice(start, cursor)]);
      // readline goes on in microtasks of its own.
      await new Promise((resolve) => setImmediate(resolve));
      this.completing = undefined;
    };
    this.completing = answer();
  }
}

/** An editor for one terminal. Nothing is read or written before the first readLine. */
export function lineEditor(options: LineEditorOptions): LineEditor {
  return new Editor(options);
}
