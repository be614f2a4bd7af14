/**
 * dev: the devices that are no hardware: null zero full random urandom time, and the standard
 * streams of whoever started the system. null, zero, full and random behave as Linux's (null(4),
 * full(4), random(4)), time as Plan 9's (cons(3)). Anyone may call it; time, chance and streams are
 * injected.
 */
import { dir, DMDEVICE, Efull, encode, makedev, NineError } from "../proto/index.ts";
import type { Attr, Call, FileNode, OpenFile, Server } from "../proto/index.ts";
import { Input } from "./input.ts";
import { tree } from "./tree.ts";

/** A stream of bytes from or to the outside. */
export interface InStream {
  /** At most n bytes, empty at the end. Once signal aborts: settle soon, and lose no byte (see Source). */
  read(n: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Its file is a character device then, as a terminal is for who asks stat. */
  readonly isTTY?: boolean;
}

export interface OutStream {
  /** Settles when there is room for more. The bytes are the stream's to keep. */
  write(data: Uint8Array): Promise<void> | void;
  readonly isTTY?: boolean;
}

/** What dev needs; a stream that is not given has no file. */
export interface DevDeps {
  /** Milliseconds since the epoch, fractions allowed. */
  now(): number;
  /** A random uint32. */
  random(): number;
  readonly stdin?: InStream;
  readonly stdout?: OutStream;
  readonly stderr?: OutStream;
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** The devices by name, to stand in a directory with others. */
export function devFiles(deps: DevDeps): Record<string, FileNode> {
  const random = device({ read: (_at, n, _call, into) => chance(room(n, into), deps), write: ignore });
  return {
    null: device({ read: () => EMPTY, write: ignore }),
    zero: device({ read: zeros, write: ignore }),
    full: device({
      read: zeros,
      write() {
        throw new NineError(Efull);
      },
    }),
    random,
    urandom: { ...random },
    time: time(deps),
    ...(deps.stdin && { stdin: inFile(deps.stdin) }),
    ...(deps.stdout && { stdout: outFile(deps.stdout) }),
    ...(deps.stderr && { stderr: outFile(deps.stderr) }),
  };
}

/** What stat says of a stream's file: of a terminal that it is one, by the number of Linux's /dev/tty. */
export function streamAttr(mode: number, isTTY: boolean | undefined): Partial<Attr> {
  return isTTY ? { mode: mode | DMDEVICE, rdev: makedev(5, 0) } : { mode };
}

/** The devices as a tree of their own. */
export function dev(deps: DevDeps): Server {
  return tree("dev", dir(devFiles(deps)));
}

/** A file whose opens have no state. */
function device(file: OpenFile): FileNode {
  return { mode: 0o666, open: () => file };
}

function ignore(_at: number, data: Uint8Array): number {
  return data.length;
}

function room(n: number, into: Uint8Array | undefined): Uint8Array {
  return into !== undefined && into.length >= n ? into.subarray(0, n) : new Uint8Array(n);
}

function zeros(_at: number, n: number, _call: Call, into?: Uint8Array): Uint8Array {
  return room(n, into).fill(0);
}

function chance(out: Uint8Array, deps: DevDeps): Uint8Array {
  for (let i = 0, bits = 0; i < out.length; i++, bits >>>= 8) {
    if (i % 4 === 0) bits = deps.random();
    out[i] = bits & 0xff;
  }
  return out;
}

/**
 * Seconds since the epoch in 11 digits, then in 21 digits each: nanoseconds since the epoch, clock
 * ticks, ticks per second, nanoseconds of uptime; a blank behind each. A tick is a nanosecond of
 * uptime. A reader at offset 0 sees the time of its read, further reads the rest of that.
 */
function time(deps: DevDeps): FileNode {
  const start = deps.now();
  let latest = start;
  const numbers = (): Uint8Array => {
    const ms = deps.now();
    latest = Math.max(latest, ms);
    const sec = Math.floor(ms / 1000);
    const nsec = Math.min(999_999_999, Math.floor((ms - sec * 1000) * 1e6));
    const up = Math.floor((latest - start) * 1e6);
    const wide = [`${sec}${String(nsec).padStart(9, "0")}`, up, 1_000_000_000, up];
    return encode(`${String(sec).padStart(11)} ${wide.map((n) => `${String(n).padStart(21)} `).join("")}`);
  };
  return {
    mode: 0o444,
    open() {
      let text: Uint8Array | undefined;
      return {
        read(at, n) {
          if (at === 0 || text === undefined) text = numbers();
          return text.subarray(at, at + n);
        },
      };
    },
  };
}

function inFile(stream: InStream): FileNode {
  const input = new Input((n, signal) => stream.read(n, signal));
  return { stat: () => streamAttr(0o444, stream.isTTY), open: () => ({ stream: true, read: (_at, n, call) => input.read(n, false, call) }) };
}

function outFile(stream: OutStream): FileNode {
  return {
    stat: () => streamAttr(0o222, stream.isTTY),
    open: () => ({
      stream: true,
      async write(_at, data) {
        const { length } = data;
        await stream.write(new Uint8Array(data));
        return length;
      },
    }),
  };
}
