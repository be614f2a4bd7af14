/**
 * Typist: somebody who types at an Editor and looks at a Screen, without a process or a shell behind.
 * Commands are whole unless a brace is open, or a quote.
 */
import { type Answer, type Ask, Editor, type EditorOptions, History } from "../../clients/edit/index.ts";
import { Eintr, encode, NineError } from "../../proto/index.ts";
import { Screen } from "./screen.ts";

/** Turns of the event loop in which nothing happens before nothing will. */
const QUIET = 4;

export class Typist {
  readonly screen: Screen;
  readonly editor: Editor;
  readonly history: History;
  /** What happened to the terminal, in order. */
  readonly log: string[] = [];
  raw = false;
  reads = 0;
  private size: { rows: number; cols: number };
  private typed: Uint8Array[] = [];
  private ended = false;
  private writing = 0;
  private events = 0;
  private wake: (() => void) | undefined;
  private resized: (() => void) | undefined;

  constructor(cols = 80, rows = 24, more: Partial<EditorOptions> = {}) {
    this.size = { rows, cols };
    this.screen = new Screen(Math.max(1, cols), Math.max(1, rows), (text) => this.type(text));
    this.history = more.history ?? new History();
    this.editor = new Editor({
      read: (signal) => this.read(signal),
      write: (data) => this.write(data),
      setRaw: async (on) => {
        this.raw = on;
        this.log.push(on ? "raw" : "cooked");
      },
      size: () => this.size,
      onResize: (f) => {
        this.resized = f;
        return () => (this.resized = undefined);
      },
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      ...more,
      history: this.history,
    });
  }

  /** Each string comes as one read. */
  type(...chunks: (string | Uint8Array)[]): void {
    this.typed.push(...chunks.map((c) => typeof c === "string" ? encode(c) : c));
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** Types, and settles when it is on the screen. */
  async keys(...chunks: (string | Uint8Array)[]): Promise<void> {
    this.type(...chunks);
    await this.settle();
  }

  /** The terminal gets another size. */
  async resize(cols: number, rows: number): Promise<void> {
    this.size = { rows, cols };
    this.screen.resize(Math.max(1, cols), Math.max(1, rows));
    this.resized?.();
    await this.settle();
  }

  ask(more: Partial<Ask> = {}, signal?: AbortSignal): Promise<Answer> {
    return this.editor.readLine({ prompt: "% ", more: "> ", enough: isWhole, ...more }, signal);
  }

  /** The next command's text. */
  async line(more: Partial<Ask> = {}): Promise<string> {
    const answer = await this.ask(more);
    return answer.kind === "dropped" ? "dropped" : answer.text;
  }

  /** Until all that was typed is read, and what was written is on the screen. */
  private async settle(): Promise<void> {
    for (let quiet = 0, seen = -1; quiet < QUIET; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.typed.length > 0 || this.writing > 0 || seen !== this.events) quiet = 0;
      seen = this.events;
    }
  }

  private async write(data: Uint8Array): Promise<void> {
    this.writing++;
    this.events++;
    await this.screen.write(data);
    this.writing--;
  }

  private async read(signal: AbortSignal): Promise<Uint8Array> {
    this.reads++;
    this.events++;
    while (this.typed.length === 0) {
      if (this.ended) return new Uint8Array(0);
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve;
        signal.addEventListener("abort", () => reject(new NineError(Eintr)), { once: true });
      });
    }
    return this.typed.shift()!;
  }
}

function isWhole(text: string): boolean {
  return text.split("{").length === text.split("}").length && text.split("'").length % 2 === 1;
}
