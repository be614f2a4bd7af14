/**
 * Tty: the line discipline of a terminal whose keys come raw: echo, erase, kill, end of file,
 * interrupt; what termios(3) calls canonical mode. Invariants: a cooked reader sees whole lines, or
 * what stood before a ^D; the keys of notes, ^C ^\\ ^Z, act at once, whoever reads, and throw away the
 * line begun; switching to raw hands over what is typed from then on, byte by byte; when LIMIT bytes wait
 * unread the keyboard is deaf but for those keys.
 */

/** The device behind. */
export interface TtyDevice {
  write(data: Uint8Array): void;
  /** A key was pressed that posts a note to the foreground. */
  note(note: TtyNote): void;
}

/** ^C, ^\ and ^Z. */
export type TtyNote = "interrupt" | "quit" | "stop";

const LIMIT = 1 << 16;
const CTRL = (c: string): number => c.charCodeAt(0) & 0x1f;
const ERASE = 0x7f;
/** The keys that post notes. */
export const NOTES: ReadonlyMap<number, TtyNote> = new Map([[CTRL("C"), "interrupt"], [CTRL("\\"), "quit"], [CTRL("Z"), "stop"]]);

export class Tty {
  private readonly device: TtyDevice;
  private raw = false;
  /** The line being typed. */
  private line: number[] = [];
  /** Whole lines, or raw bytes; an empty one is an end of file. */
  private ready: Uint8Array[] = [];
  /** Bytes in ready; an end of file is one. */
  private unread = 0;
  /** What the keys of one call of type show. */
  private shown: number[] = [];
  private ended = false;
  private waiter: ((data: Uint8Array) => void) | undefined;

  constructor(device: TtyDevice) {
    this.device = device;
  }

  /** Keys that were pressed. */
  type(keys: Uint8Array): void {
    if (this.raw) {
      if (this.unread < LIMIT) this.give(keys.slice());
      return;
    }
    for (const k of keys) if (this.unread < LIMIT || NOTES.has(k)) this.key(k);
    if (this.shown.length > 0) this.device.write(Uint8Array.from(this.shown));
    this.shown = [];
  }

  /** The next line, or bytes; empty at an end of file. Rejects when the signal aborts, having taken nothing. One at a time. */
  read(signal: AbortSignal): Promise<Uint8Array> {
    const next = this.ready.shift();
    if (next) this.unread -= Math.max(1, next.length);
    if (next || this.ended) return Promise.resolve(next ?? new Uint8Array(0));
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.waiter = undefined;
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener("abort", abort, { once: true });
      this.waiter = (data) => {
        this.waiter = undefined;
        signal.removeEventListener("abort", abort);
        resolve(data);
      };
    });
  }

  /** Somebody waits for what is typed next. */
  get wanted(): boolean {
    return this.waiter !== undefined;
  }

  /** The terminal is gone: every read from now on is an end of file. */
  end(): void {
    this.ended = true;
    this.waiter?.(new Uint8Array(0));
  }

  /** Raw mode gets what of a line was typed so far; back in cooked mode a new line begins. */
  setRaw(on: boolean): void {
    if (on && !this.raw && this.line.length > 0) this.give(Uint8Array.from(this.line));
    this.line = [];
    this.raw = on;
  }

  private key(k: number): void {
    const note = NOTES.get(k);
    if (note) {
      this.echo(`^${String.fromCharCode(k + 0x40)}\n`);
      this.line = [];
      this.device.note(note);
      return;
    }
    switch (k) {
      case CTRL("D"):
        this.give(Uint8Array.from(this.line));
        this.line = [];
        return;
      case CTRL("U"):
        while (this.line.length > 0) this.erase();
        return;
      case CTRL("W"):
        while (this.line.at(-1) === 0x20) this.erase();
        while (this.line.length > 0 && this.line.at(-1) !== 0x20) this.erase();
        return;
      case CTRL("H"): case ERASE:
        if (this.line.length > 0) this.erase();
        return;
      case 0x0d: case 0x0a:
        this.line.push(0x0a);
        this.echo("\n");
        this.give(Uint8Array.from(this.line));
        this.line = [];
        return;
      default:
        if (this.line.length >= LIMIT) return;
        this.line.push(k);
        if (k >= 0x20 || k === 0x09) this.shown.push(k);
        else this.echo(`^${String.fromCharCode(k + 0x40)}`);
    }
  }

  /** Takes the last character, all bytes of it, off the line and off the screen. */
  private erase(): void {
    let k = this.line.pop() ?? 0;
    const control = k < 0x20;
    while ((k & 0xc0) === 0x80) k = this.line.pop() ?? 0;
    this.echo(control ? "\b \b\b \b" : "\b \b");
  }

  private echo(s: string): void {
    for (let i = 0; i < s.length; i++) this.shown.push(s.charCodeAt(i));
  }

  private give(data: Uint8Array): void {
    if (this.waiter) this.waiter(data);
    else {
      this.ready.push(data);
      this.unread += Math.max(1, data.length);
    }
  }
}
