/**
 * Lines: lines of text that come by themselves, for one reader who may be slow. Invariants: lines come
 * in order and whole, unless one is longer than the reader asks for; at most LIMIT bytes wait, and in
 * place of what came beyond that a line tells how much was lost. Used by trace and proc.
 */
import { type Awaitable, type Call, encode } from "../proto/index.ts";
import { Rendez } from "./rendez.ts";

/** Bytes that wait for their reader. */
const LIMIT = 1 << 20;

export class Lines {
  private waiting: Uint8Array[] = [];
  private bytes = 0;
  private lost = 0;
  private over = false;
  private readonly come = new Rendez();

  /** Without its newline. */
  put(line: string): void {
    if (this.bytes >= LIMIT) {
      this.lost++;
      return;
    }
    this.lack();
    this.add(line);
    this.come.wakeup();
  }

  /** No more will come: behind what waits is the end of the file. */
  end(): void {
    this.over = true;
    this.come.wakeup();
  }

  /** As many lines as there are and fit; waits for the first. */
  read(n: number, call: Call): Awaitable<Uint8Array> {
    const first = this.waiting[0];
    if (n === 0 || (!first && this.over)) return new Uint8Array(0);
    if (!first) return this.come.sleep(call).then(() => this.read(n, call));
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
    if (this.waiting.length === 0) this.lack();
    return out.subarray(0, at);
  }

  /** Tells of those that are missing, where they would stand. */
  private lack(): void {
    if (this.lost > 0) this.add(`# ${this.lost} lines lost`);
    this.lost = 0;
  }

  private add(line: string): void {
    const data = encode(`${line}\n`);
    this.waiting.push(data);
    this.bytes += data.length;
  }
}
