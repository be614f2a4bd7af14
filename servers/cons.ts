/**
 * cons: the console, cons(3): `cons`, `consctl` and `winsize`. In cooked mode a read of cons gives at
 * most one line, whatever came at once, so that a shell that reads commands leaves to its children
 * what they are to read, on a terminal and on a pipe. Invariants: the terminal is raw only while
 * somebody has consctl open who made it so, and is in the foreground; with a note group in the
 * foreground, what is read goes to it alone: a read by a process of another group, which may be stopped,
 * takes nothing and waits until its own is there; a group that has ended is not in the foreground, but
 * the one that was before. Whose read it is, is who reads, where the kernel tells, or else who opened the
 * file. Anyone may call it; the terminal itself is injected.
 */
import { type Call, dir, errno, NineError, textFile } from "../proto/index.ts";
import type { FileNode, Server } from "../proto/index.ts";
import { streamAttr } from "./dev.ts";
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
   * `fg NOTEID` brings a note group to the foreground until it ends, `fg` alone lets everybody read.
   */
  consctl: FileNode;
  /** "rows columns\n", both 0 when there is no terminal. */
  winsize: FileNode;
}

/** Who uses the console. */
export interface ConsUser {
  /** The note group of a process, by default of whoever opens; undefined when nobody knows, who then reads like the foreground. */
  group(pid: number | undefined): number | undefined;
  /** Tells when nobody is in a group any more; false when nobody is now. */
  whenOver(group: number, over: () => void): boolean;
}

const ANYBODY: ConsUser = { group: () => undefined, whenOver: () => true };

/** One console, whoever has its files. */
export class Cons {
  private readonly console: Console;
  private readonly input: Input;
  /** Groups that came to the foreground and have not ended, the last in front. */
  private readonly front: number[] = [];
  /** Those of whose end it will be told. */
  private readonly watched = new Set<number>();
  /** The opens of consctl that want it raw, and whose they are. */
  private readonly raw = new Map<object, () => number | undefined>();
  private isRaw = false;
  /** Those who read, when another group comes to the foreground, and those who wait for that. */
  private readonly readers = new Set<() => void>();
  private readonly moved = new Rendez();

  constructor(console: Console) {
    this.console = console;
    this.input = new Input((_n, signal) => console.read(signal));
  }

  /** The note group in the foreground, which the interrupt key is for; undefined: there is none. */
  get foreground(): number | undefined {
    return this.front.at(-1);
  }

  /** As that user has them. */
  files(user: ConsUser = ANYBODY): ConsFiles {
    return { cons: this.cons(user), consctl: this.consctl(user), winsize: this.winsize() };
  }

  private cons(user: ConsUser): FileNode {
    return {
      stat: () => streamAttr(0o666, this.console.isTTY),
      open: () => ({
        stream: true,
        read: (_at, n, call) => this.read(n, () => this.inFront(user.group(call.by)), call),
        write: async (_at, data) => {
          const { length } = data;
          await this.console.write(new Uint8Array(data));
          return length;
        },
      }),
    };
  }

  private consctl(user: ConsUser): FileNode {
    return {
      mode: 0o220,
      open: () => {
        const self = {};
        return {
          write: (_at, data) => {
            this.control(new TextDecoder().decode(data).trim(), self, user);
            return data.length;
          },
          close: () => {
            this.raw.delete(self);
            this.changed();
          },
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

  private control(word: string, self: object, user: ConsUser): void {
    const fg = /^fg(?:\s+(\d{1,15}))?$/.exec(word);
    if (fg) this.bring(fg[1] === undefined ? undefined : Number(fg[1]), user);
    else if (word === "rawon") this.raw.set(self, () => user.group(undefined));
    else if (word === "rawoff") {
      for (const [open, group] of this.raw) if (this.inFront(group())) this.raw.delete(open);
    } else throw new NineError(`bad console control request: ${word}`, errno.EINVAL);
    this.changed();
  }

  private bring(group: number | undefined, user: ConsUser): void {
    this.leave(group);
    if (group === undefined) return;
    if (!this.watched.has(group)) {
      const over = (): void => {
        this.watched.delete(group);
        this.leave(group);
        this.changed();
      };
      if (!user.whenOver(group, over)) throw new NineError(`no such note group: ${group}`, errno.ESRCH);
      this.watched.add(group);
    }
    this.front.push(group);
  }

  /** That group, or all. */
  private leave(group: number | undefined): void {
    const at = group === undefined ? 0 : this.front.indexOf(group);
    if (at >= 0) this.front.splice(at, group === undefined ? this.front.length : 1);
  }

  /** Who reads, and how, is looked at anew. */
  private changed(): void {
    for (const aside of [...this.readers]) aside();
    this.moved.wakeup();
    const raw = [...this.raw.values()].some((group) => this.inFront(group()));
    if (raw === this.isRaw) return;
    this.isRaw = raw;
    this.console.setRaw(raw);
  }

  private inFront(group: number | undefined): boolean {
    const { foreground } = this;
    return foreground === undefined || (group ?? foreground) === foreground;
  }

  /** A read that leaves the foreground has taken nothing, and goes on when it is back. */
  private async read(n: number, may: () => boolean, call: Call): Promise<Uint8Array> {
    const { uname, uid, signal } = call;
    const step = new AbortController();
    const stop = (): void => step.abort();
    const aside = (): void => {
      if (!may()) stop();
    };
    if (!may()) await this.moved.sleep(call);
    else {
      this.readers.add(aside);
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
      try {
        return await this.input.read(n, !this.isRaw, { uname, uid, signal: step.signal });
      } catch (e) {
        if (signal.aborted || !step.signal.aborted) throw e;
      } finally {
        this.readers.delete(aside);
        signal.removeEventListener("abort", stop);
      }
    }
    return this.read(n, may, call);
  }
}

/** The console's files as a tree of their own. */
export function cons(deps: Console): Server {
  return tree("cons", dir({ ...new Cons(deps).files() }));
}
