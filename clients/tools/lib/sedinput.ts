/**
 * Sedinput: the lines of several files as one stream, for sed(1). It reads ahead only when it is
 * asked whether a line is the last. A file that cannot be read is reported, the next follows.
 */
import { Lines, NL, lineEnd } from "./lines.ts";
import type { Tool } from "./tool.ts";

export class Input {
  readonly #t: Tool;
  /** Files not open yet. */
  readonly #files: string[];
  readonly #before: () => Promise<void>;
  #name = "standard input";
  #fd = 0;
  #lines: Lines | undefined;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Standard input when there are no files. before runs ahead of each read. */
  constructor(t: Tool, files: readonly string[], before: () => Promise<void>) {
    this.#t = t;
    this.#files = [...files];
    this.#before = before;
    if (files.length === 0) this.#lines = new Lines(t.sys, 0, before);
  }

  /** The next line without its newline, if one was read; else fill() must read more. */
  take(): Uint8Array | undefined {
    if (this.#at >= this.#block.length) return undefined;
    const next = lineEnd(this.#block, this.#at);
    const line = this.#block.subarray(this.#at, this.#block[next - 1] === NL ? next - 1 : next);
    this.#at = next;
    return line;
  }

  /** Whether there is one more line: then take() has it. */
  async fill(): Promise<boolean> {
    while (this.#at >= this.#block.length) {
      if (!this.#lines && !(await this.#open())) return false;
      let block: Uint8Array | undefined;
      try {
        block = await this.#lines?.next();
      } catch (e) {
        await this.#t.fail(this.#name, e);
      }
      if (block) {
        this.#block = block;
        this.#at = 0;
      } else {
        if (this.#fd !== 0) await this.#t.sys.close(this.#fd);
        this.#lines = undefined;
      }
    }
    return true;
  }

  /** Opens the next file that can be opened; false when there is none. */
  async #open(): Promise<boolean> {
    for (let name = this.#files.shift(); name !== undefined; name = this.#files.shift()) {
      try {
        this.#fd = await this.#t.sys.openRead(name);
      } catch (e) {
        await this.#t.fail(name, e);
        continue;
      }
      this.#name = name;
      this.#lines = new Lines(this.#t.sys, this.#fd, this.#before);
      return true;
    }
    return false;
  }
}
