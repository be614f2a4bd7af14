/**
 * Progress: a line on the terminal about work that takes more than a second: how much is done, of how much
 * where that is known, and how fast. Invariants: nothing is shown where fd 2 is no terminal or the tool
 * stands in a pipeline; the line is gone before anything else is written on the terminal, and at the end.
 * Time passes for it only when it is told of bytes.
 */
import type { Sys } from "../../../kernel/sys.ts";
import { encode } from "./bytes.ts";

/** When the line first appears, and how often it changes. */
const FIRST_MS = 1000, NEXT_MS = 250;

export class Progress {
  readonly #sys: Sys;
  readonly #name: string;
  readonly #terminal: () => Promise<boolean>;
  #on: boolean;
  #started: number | undefined;
  #next = 0;
  #done = 0;
  #total = 0;
  /** Characters of the line that stands there. */
  #shown = 0;
  #writing: Promise<void> | undefined;

  /** terminal: whether fd 2 is one; asked when there is something to show. */
  constructor(sys: Sys, name: string, terminal: () => Promise<boolean>) {
    this.#sys = sys;
    this.#name = name;
    this.#terminal = terminal;
    this.#on = !isPipe(sys, 0) && !isPipe(sys, 1);
  }

  /** So many bytes more are to be done; Infinity when nobody knows. */
  expect(bytes: number): void {
    this.#total += bytes;
  }

  /** So many bytes are done. */
  add(bytes: number): void {
    if (!this.#on) return;
    this.#done += bytes;
    const now = this.#sys.now();
    if (this.#started === undefined) {
      this.#started = now;
      this.#next = now + FIRST_MS;
    }
    if (now < this.#next || this.#writing) return;
    this.#next = now + NEXT_MS;
    const line = `${this.#name}: ${this.#text((now - this.#started) / 1000)}`;
    this.#put(`\r${line.padEnd(this.#shown)}`, Math.max(this.#shown, line.length));
  }

  /** Takes the line away. */
  async clear(): Promise<void> {
    await this.#writing;
    if (this.#shown === 0) return;
    this.#put(`\r${" ".repeat(this.#shown)}\r`, 0);
    await this.#writing;
  }

  #put(text: string, shown: number): void {
    // That it cannot be seen is no reason to end.
    this.#writing = this.#write(text, shown).catch(() => undefined).finally(() => (this.#writing = undefined));
  }

  async #write(text: string, shown: number): Promise<void> {
    this.#on = await this.#terminal();
    if (!this.#on) return;
    this.#shown = shown;
    await this.#sys.write(2, encode(text));
  }

  #text(seconds: number): string {
    const of = Number.isFinite(this.#total) && this.#total > this.#done ? ` of ${megabytes(this.#total)} MB, ${Math.floor((100 * this.#done) / this.#total)}%` : " MB";
    return `${megabytes(this.#done)}${of}, ${megabytes(this.#done / seconds)} MB/s`;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function isPipe(sys: Sys, fd: number): boolean {
  try {
    return /^#(pipe|\|)/.test(sys.fd2path(fd));
  } catch {
    return false;
  }
}
