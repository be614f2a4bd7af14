/**
 * Input: a source of bytes read by several readers at different times. Invariants: what the source
 * gives reaches exactly one reader, in order, even when the reader that asked was interrupted;
 * readers are served first come, first served; the source is asked only while somebody waits, by
 * one call at a time; an end of file is given to one reader, and the next asks the source again.
 * Only servers that stand for a terminal or a stream use it.
 */
import { Eintr, NineError, encode } from "../proto/index.ts";
import type { Awaitable, Call } from "../proto/index.ts";

/**
 * At most n bytes (a source may ignore n), empty at the end of file. Once signal aborts it should
 * settle soon, with the bytes it already has, or with an error if it took none.
 */
export type Source = (n: number, signal: AbortSignal) => Promise<string | Uint8Array>;

interface Reader {
  readonly n: number;
  readonly lines: boolean;
  resolve(data: Uint8Array): void;
  reject(why: unknown): void;
}

const NEWLINE = 10;
const EMPTY: Uint8Array = new Uint8Array(0);

export class Input {
  private readonly source: Source;
  private readonly readers: Reader[] = [];
  /** What came and nobody has taken yet; asked for no more while there is any. */
  private left = EMPTY;
  private ended = false;
  private asking: AbortController | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  /** At most n bytes, and with `lines` nothing behind the first newline. */
  read(n: number, lines: boolean, call: Call): Awaitable<Uint8Array> {
    if (n === 0) return EMPTY;
    if (this.readers.length === 0 && (this.left.length > 0 || this.ended)) return this.take(n, lines);
    const signal = call.signal;
    if (signal.aborted) throw new NineError(Eintr);
    return new Promise<Uint8Array>((resolve, reject) => {
      const leave = (): void => {
        const at = this.readers.indexOf(reader);
        if (at < 0) return;
        this.readers.splice(at, 1);
        if (this.readers.length === 0) this.asking?.abort(new NineError(Eintr));
        reject(new NineError(Eintr));
      };
      const reader: Reader = {
        n, lines,
        resolve(data) {
          signal.removeEventListener("abort", leave);
          resolve(data);
        },
        reject(why) {
          signal.removeEventListener("abort", leave);
          reject(why instanceof Error ? why : new NineError(String(why)));
        },
      };
      signal.addEventListener("abort", leave);
      this.readers.push(reader);
      this.ask();
    });
  }

  /** What is there for one reader; an end of file counts once. */
  private take(n: number, lines: boolean): Uint8Array {
    if (this.left.length === 0) {
      this.ended = false;
      return EMPTY;
    }
    const newline = lines ? this.left.indexOf(NEWLINE) : -1;
    const got = this.left.subarray(0, Math.min(n, newline < 0 ? this.left.length : newline + 1));
    this.left = this.left.subarray(got.length);
    return got;
  }

  private ask(): void {
    const first = this.readers[0];
    if (this.asking || first === undefined) return;
    const asking = new AbortController();
    this.asking = asking;
    const failed = (why: unknown): void => {
      this.asking = undefined;
      // The readers who left have been told; those who came since ask anew.
      if (!asking.signal.aborted) this.readers.shift()?.reject(why);
      this.ask();
    };
    let answer: Promise<string | Uint8Array>;
    try {
      answer = this.source(first.n, asking.signal);
    } catch (e) {
      failed(e);
      return;
    }
    void answer.then((data) => {
      this.asking = undefined;
      this.left = typeof data === "string" ? encode(data) : data;
      this.ended = this.left.length === 0;
      while (this.readers.length > 0 && (this.left.length > 0 || this.ended)) {
        const reader = this.readers.shift();
        reader?.resolve(this.take(reader.n, reader.lines));
      }
      this.ask();
    }, failed);
  }
}
