/**
 * Keyboard: what is typed and not wanted yet, in front of the line discipline. Invariants: keys reach
 * the Tty only when somebody reads, a line at a time, so that what is typed ahead is echoed and edited
 * by whoever it is for, once: as a line of a program that reads, or by the editor of the next prompt;
 * and what follows a line is left to the next reader, raw or cooked. The keys of notes act at once
 * unless they are typed raw, and throw away what was typed before them, as termios(3) without NOFLSH.
 * LIMIT bytes wait; then it is deaf but for those keys.
 */
import { NOTES, type Tty } from "./tty.ts";

const LIMIT = 1 << 24;
const NL = 0x0a;
const CR = 0x0d;
/** ^D. */
const EOT = 0x04;

export class Keyboard {
  private readonly tty: Tty;
  private held: Uint8Array[] = [];
  private size = 0;
  private raw = false;
  private ended = false;

  constructor(tty: Tty) {
    this.tty = tty;
  }

  /** Keys that were pressed. The bytes are kept. */
  type(keys: Uint8Array): void {
    let rest = keys;
    for (let at = this.note(rest); at >= 0; at = this.note(rest)) {
      this.hold(rest.subarray(0, at));
      this.post(rest.subarray(at, at + 1));
      rest = rest.subarray(at + 1);
    }
    this.hold(rest);
  }

  /** As Tty.read; raw, it ends with a line as well. */
  read(signal: AbortSignal): Promise<Uint8Array> {
    const got = this.tty.read(signal);
    this.feed();
    return got;
  }

  setRaw(on: boolean): void {
    this.raw = on;
    this.tty.setRaw(on);
    // A note typed before the terminal was cooked is one all the same.
    const held = this.held.splice(0);
    this.size = 0;
    for (const keys of held) this.type(keys);
  }

  /** The terminal is gone: what was typed is read, and then the end of file for ever. */
  end(): void {
    this.ended = true;
    this.feed();
  }

  private note(keys: Uint8Array): number {
    return this.raw ? -1 : keys.findIndex((k) => NOTES.has(k));
  }

  private hold(keys: Uint8Array): void {
    if (keys.length === 0 || this.size + keys.length > LIMIT) return;
    this.held.push(keys);
    this.size += keys.length;
    this.feed();
  }

  private post(key: Uint8Array): void {
    this.held = [];
    this.size = 0;
    this.tty.type(key);
  }

  private feed(): void {
    while (this.tty.wanted && this.held.length > 0) {
      this.tty.type(this.piece());
    }
    if (this.ended && this.held.length === 0) this.tty.end();
  }

  /** The first line that is held, with its end, or what there is of it. */
  private piece(): Uint8Array {
    const [chunk] = this.held as [Uint8Array];
    let n = chunk.findIndex((k) => k === NL || k === CR || (k === EOT && !this.raw)) + 1;
    if (n === 0) n = chunk.length;
    // Enter is one key: of \r\n the \n is its second half.
    else if (chunk[n - 1] === CR && chunk[n] === NL) n++;
    this.size -= n;
    if (n === chunk.length) this.held.shift();
    else this.held[0] = chunk.subarray(n);
    const both = !this.raw && chunk[n - 2] === CR && chunk[n - 1] === NL;
    return chunk.subarray(0, both ? n - 1 : n);
  }
}
