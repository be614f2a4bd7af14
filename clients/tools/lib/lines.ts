/**
 * Lines: an fd read as runs of whole lines. Lines have any length and any bytes; what is held is one
 * read and the beginning of one line.
 */
import type { Sys } from "../../../kernel/sys.ts";
import { join } from "./bytes.ts";

export const NL = 10;

export class Lines {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #before: (() => Promise<void>) | undefined;
  #held: Uint8Array[] = [];
  #ended = false;

  /** before runs ahead of each read, which may wait for long: it flushes the output. */
  constructor(sys: Sys, fd: number, before?: () => Promise<void>) {
    this.#sys = sys;
    this.#fd = fd;
    this.#before = before;
  }

  /** The next whole lines, newlines included; only the file's last line may lack its own. undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      await this.#before?.();
      const data = await this.#sys.read(this.#fd);
      if (data.length === 0) {
        this.#ended = true;
        return this.#held.length > 0 ? join(this.#held) : undefined;
      }
      const n = data.lastIndexOf(NL) + 1;
      const rest = data.subarray(n);
      if (n === 0) {
        this.#held.push(rest);
        continue;
      }
      const whole = join([...this.#held, data.subarray(0, n)]);
      this.#held = rest.length > 0 ? [rest] : [];
      return whole;
    }
    return undefined;
  }
}

/** Where the line that begins at `at` ends: the index after its newline, or after the last byte. */
export function lineEnd(b: Uint8Array, at: number): number {
  const nl = b.indexOf(NL, at);
  return nl < 0 ? b.length : nl + 1;
}

/** Newlines in b[from, to). */
export function countLines(b: Uint8Array, from = 0, to: number = b.length): number {
  let n = 0;
  for (let i = b.indexOf(NL, from); i >= 0 && i < to; i = b.indexOf(NL, i + 1)) n++;
  return n;
}
