/**
 * cons: the console, cons(3): `cons`, `consctl` and `winsize`. In cooked mode a read of cons gives at
 * most one line, whatever came at once, so that a shell that reads commands leaves to its children
 * what they are to read, on a terminal and on a pipe. Invariants: the terminal is raw only while
 * somebody has consctl open who made it so; with a note group in the foreground, what is read goes to
 * it alone: a read by a process of another group waits until its own is there. Whose read it is, is
 * who opened the file. Anyone may call it; the terminal itself is injected.
 */
import { type Call, dir, errno, NineError, textFile } from "../proto/index.ts";
import type { FileNode, Server } from "../proto/index.ts";
import { Input } from "./input.ts";
import { Rendez } from "./rendez.ts";
import { tree } from "./tree.ts";

/** A terminal, or what stands in for it. */
export interface Console {
  /** What was typed: in cooked mode a line (edited, echoed, with its newline), empty for end of file (^D). See Source. */
  read(signal: AbortSignal): Promise<string | Uint8Array>;
  /** The bytes are the console's to keep. */
  write(data: Uint8Array): Promise<void> | void;
  /** Raw: characters come as they are typed, without echo and editing. */
  setRaw(on: boolean): void;
  size(): { rows: number; cols: number };
  readonly isTTY: boolean;
}

/** The console's files, to stand in a directory with others. */
export interface ConsFiles {
  cons: FileNode;
  /**
   * Write `rawon` or `rawoff`: the console is cooked again when the open that made it raw is closed.
   * `fg NOTEID` brings a note group to the foreground, `fg` alone lets everybody read as before.
   */
  consctl: FileNode;
  /** "rows columns\n", both 0 when there is no terminal. */
  winsize: FileNode;
}

/** The note group of whoever opens; undefined when nobody knows, who then reads like the foreground. */
type Group = () => number | undefined;

/** One console, whoever has its files. */
export class Cons {
  /** The note group in the foreground, which the interrupt key is for; undefined: there is none. */
  foreground: number | undefined;
  private readonly console: Console;
  private readonly input: Input;
  /** The opens of consctl that want it raw. */
  private readonly raw = new Set<object>();
  /** Those who read, when another group comes to the foreground, and those who wait for that. */
  private readonly readers = new Set<() => void>();
  private readonly moved = new Rendez();

  constructor(console: Console) {
    this.console = console;
    this.input = new Input((_n, signal) => console.read(signal));
  }

  /** As whoever is in that note group has them. */
  files(group: Group = () => undefined): ConsFiles {
    return { cons: this.cons(group), consctl: this.consctl(), winsize: this.winsize() };
  }

  private cons(group: Group): FileNode {
    return {
      mode: 0o666,
      open: () => ({
        stream: true,
        read: (_at, n, call) => this.read(n, group, call),
        write: async (_at, data) => {
          const { length } = data;
          await this.console.write(new Uint8Array(data));
          return length;
        },
      }),
    };
  }

  private consctl(): FileNode {
    return {
      mode: 0o220,
      open: () => {
        const self = {};
        return {
          write: (_at, data) => {
            this.control(new TextDecoder().decode(data).trim(), self);
            return data.length;
          },
          close: () => this.change(() => this.raw.delete(self)),
        };
      },
    };
  }

  private winsize(): FileNode {
    return textFile(() => {
      const { rows, cols } = this.console.isTTY ? this.console.size() : { rows: 0, cols: 0 };
      return `${rows} ${cols}\n`;
    });
  }

  private control(word: string, self: object): void {
    const fg = /^fg(?:\s+(\d{1,15}))?$/.exec(word);
    if (fg) {
      this.foreground = fg[1] === undefined ? undefined : Number(fg[1]);
      for (const aside of [...this.readers]) aside();
      this.moved.wakeup();
    } else if (word === "rawon") this.change(() => this.raw.add(self));
    else if (word === "rawoff") this.change(() => this.raw.clear());
    else throw new NineError(`bad console control request: ${word}`, errno.EINVAL);
  }

  private change(f: () => unknown): void {
    const before = this.raw.size > 0;
    f();
    const after = this.raw.size > 0;
    if (after !== before) this.console.setRaw(after);
  }

  private mayRead(group: Group): boolean {
    return this.foreground === undefined || (group() ?? this.foreground) === this.foreground;
  }

  /** A read that leaves the foreground has taken nothing, and goes on when it is back. */
  private async read(n: number, group: Group, call: Call): Promise<Uint8Array> {
    const { uname, uid, signal } = call;
    const step = new AbortController();
    const stop = (): void => step.abort();
    const aside = (): void => {
      if (!this.mayRead(group)) stop();
    };
    if (!this.mayRead(group)) await this.moved.sleep(call);
    else {
      this.readers.add(aside);
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
      try {
        return await this.input.read(n, this.raw.size === 0, { uname, uid, signal: step.signal });
      } catch (e) {
        if (signal.aborted || !step.signal.aborted) throw e;
      } finally {
        this.readers.delete(aside);
        signal.removeEventListener("abort", stop);
      }
    }
    return this.read(n, group, call);
  }
}

/** The console's files as a tree of their own. */
export function cons(deps: Console): Server {
  return tree("cons", dir({ ...new Cons(deps).files() }));
}
