/**
 * Lines: lines of text that come by themselves, for one reader who may be slow. Invariants: lines come
 * in order and whole, unless one is longer than the reader asks for; at most LIMIT bytes wait, and of
 * what came beyond that a line tells how much was lost. Used by trace and proc.
 */
import { type Awaitable, type Call, Eintr, encode, NineError } from "../proto/index.ts";

/** Bytes that wait for their reader. */
const LIMIT = 1 << 20;

export class Lines {
  private waiting: Uint8Array[] = [];
  private bytes = 0;
  private lost = 0;
  private over = false;
  private readonly readers = new Set<() => void>();

  /** Without its newline. */
  put(line: string): void {
    if (this.bytes >= LIMIT) {
      this.lost++;
      return;
    }
    this.add(line);
    this.wake();
  }

  /** No more will come: behind what waits is the end of the file. */
  end(): void {
    this.over = true;
    this.wake();
  }

  /** As many lines as there are and fit; waits for the first. */
  read(n: number, call: Call): Awaitable<Uint8Array> {
    const first = this.waiting[0];
    if (n === 0 || (!first && this.over)) return new Uint8Array(0);
    if (!first) return this.something(call).then(() => this.read(n, call));
    if (first.length > n) {
      this.waiting[0] = first.subarray(n);
      this.bytes -= n;
      return first.subarray(0, n);
    }
    const out = new Uint8Array(Math.min(n, this.bytes));
    let at = 0;
    let taken = 0;
    for (const line of this.waiting) {
      if (at + line.length > n) break;
      out.set(line, at);
      at += line.length;
      taken++;
    }
    this.waiting = this.waiting.slice(taken);
    this.bytes -= at;
    if (this.lost > 0 && this.waiting.length === 0) {
      this.add(`# ${this.lost} lines lost`);
      this.lost = 0;
    }
    return out.subarray(0, at);
  }

  private wake(): void {
    for (const f of [...this.readers]) f();
  }

  private add(line: string): void {
    const data = encode(`${line}\n`);
    this.waiting.push(data);
    this.bytes += data.length;
  }

  private something({ signal }: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (f: () => void): void => {
        this.readers.delete(come);
        signal.removeEventListener("abort", abort);
        f();
      };
      const come = (): void => end(resolve);
      const abort = (): void => end(() => reject(new NineError(Eintr)));
      if (signal.aborted) {
        reject(new NineError(Eintr));
        return;
      }
      this.readers.add(come);
      signal.addEventListener("abort", abort);
    });
  }
}
