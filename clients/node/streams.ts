/**
 * Streams: the standard streams of this process as the console and the devices of a name space.
 * Invariants: standard input is read only while somebody waits for it, or, under an interactive
 * shell, always, so that the interrupt key is seen; a write settles when the stream has taken it; the
 * terminal is given back as it was found.
 */
import { writeSync } from "node:fs";
import { Eintr, errno, NineError } from "../../proto/index.ts";
import type { Console, InStream, OutStream } from "../../servers/index.ts";
import { Keyboard } from "../keyboard.ts";
import { Tty, type TtyNote } from "../tty.ts";
import { hostError } from "./guard.ts";

/** What switches bracketed paste, and off. */
const PASTE = "\x1b[?2004";
const PASTEOFF = "\x1b[?2004l";

/** Standard input, read on demand. */
class Stdin implements InStream {
  readonly isTTY: boolean = process.stdin.isTTY;
  private readonly chunks: Uint8Array[] = [];
  private ended = false;
  private started = false;
  private wake: (() => void) | undefined;

  async read(_n: number, signal: AbortSignal): Promise<Uint8Array> {
    this.start();
    while (this.chunks.length === 0 && !this.ended) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          this.wake = undefined;
          process.stdin.pause();
          reject(new NineError(Eintr));
        };
        if (signal.aborted) {
          abort();
          return;
        }
        signal.addEventListener("abort", abort, { once: true });
        this.wake = () => {
          this.wake = undefined;
          signal.removeEventListener("abort", abort);
          resolve();
        };
        process.stdin.resume();
      });
    }
    return this.chunks.shift() ?? new Uint8Array(0);
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    const end = (): void => {
      this.ended = true;
      this.wake?.();
    };
    process.stdin.on("data", (chunk: Buffer) => {
      this.chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      process.stdin.pause();
      this.wake?.();
    });
    process.stdin.on("end", end);
    process.stdin.on("error", end);
  }
}

/** Writes all of data; an error, such as a reader that left (EPIPE), is the writer's. */
export function put(stream: NodeJS.WriteStream, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (e) => {
      if (!e) resolve();
      else reject(asWriteError(e));
    });
  });
}

/** A stream that an earlier error has ended says so in Node's words; that error has been told. */
function asWriteError(e: Error): NineError {
  const why = hostError(e);
  return why instanceof NineError ? why : NineError.fromErrno(errno.EPIPE);
}

/** Standard output or error as a device. */
function outStream(stream: NodeJS.WriteStream): OutStream {
  return { write: (data) => put(stream, data), isTTY: stream.isTTY };
}

export interface Streams {
  readonly stdin: InStream;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly console: Console;
  /** Gives the terminal back. */
  close(): void;
}

function size(): { rows: number; cols: number } {
  return { rows: process.stdout.rows ?? 24, cols: process.stdout.columns ?? 80 };
}

/** Streams of a command that runs: the host's terminal stays as it is, line by line. */
export function plainStreams(): Streams {
  const stdin = new Stdin();
  const stdout = outStream(process.stdout);
  const stderr = outStream(process.stderr);
  return {
    stdin, stdout, stderr, close: () => undefined,
    console: {
      read: (signal) => stdin.read(65536, signal), write: (data) => stdout.write(data), setRaw: (on) => void process.stdin.setRawMode?.(on),
      size, isTTY: process.stdin.isTTY,
    },
  };
}

/** Streams of a system that nobody sits at: nothing comes in, and what is written goes nowhere. */
export function noStreams(): Streams {
  const stdin: InStream = { read: () => Promise.resolve(new Uint8Array(0)) };
  const stdout: OutStream = { write: () => Promise.resolve() };
  return {
    stdin, stdout, stderr: stdout, close: () => undefined,
    console: { read: () => Promise.resolve(new Uint8Array(0)), write: () => Promise.resolve(), setRaw: () => undefined, size: () => ({ rows: 24, cols: 80 }), isTTY: false },
  };
}

/** Streams of an interactive shell: keys come raw, the line discipline is ours, `note` is told of Ctrl-C and its like. */
export function terminalStreams(note: (note: TtyNote) => void): Streams {
  const stdout = outStream(process.stdout);
  const stderr = outStream(process.stderr);
  const tty = new Tty({ write: (data) => void process.stdout.write(data), note });
  const keyboard = new Keyboard(tty);
  const typed = (chunk: Buffer): void => keyboard.type(chunk);
  const ended = (): void => keyboard.end();
  let raw = false;
  /** An editor has asked for pasted text in brackets, and not taken that back: whatever ends it, programs are to have none. */
  let brackets = false;
  const restore = (): void => {
    if (!brackets) return;
    brackets = false;
    try {
      writeSync(process.stdout.fd, PASTEOFF);
    } catch {
      // The terminal is gone.
    }
  };
  process.stdin.setRawMode(true);
  process.stdin.on("data", typed);
  process.stdin.on("end", ended);
  process.stdin.resume();
  process.on("exit", restore);
  return {
    stdin: { read: (_n, signal) => keyboard.read(signal), isTTY: true }, stdout, stderr,
    console: {
      read: (signal) => keyboard.read(signal),
      write(data) {
        if (raw && Buffer.from(data.buffer, data.byteOffset, data.length).includes(PASTE)) brackets = !Buffer.from(data).toString("latin1").endsWith(PASTEOFF);
        return stdout.write(data);
      },
      setRaw(on) {
        raw = on;
        keyboard.setRaw(on);
        if (!on) restore();
      },
      size, isTTY: true,
    },
    close() {
      process.stdin.off("data", typed);
      process.stdin.off("end", ended);
      process.off("exit", restore);
      restore();
      process.stdin.setRawMode(false);
      process.stdin.pause();
    },
  };
}
