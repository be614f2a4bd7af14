/**
 * cons: the console, cons(3): `cons`, `consctl` and `winsize`. In cooked mode a read of cons gives at
 * most one line, whatever came at once, so that a shell that reads commands leaves to its children
 * what they are to read, on a terminal and on a pipe. Invariant: the terminal is raw only while
 * somebody has consctl open. Anyone may call it; the terminal itself is injected.
 */
import { dir, errno, NineError, textFile } from "../proto/index.ts";
import type { FileNode, Server } from "../proto/index.ts";
import { Input } from "./input.ts";
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
  /** Write `rawon` or `rawoff`; when its last open is closed the console is cooked again. */
  consctl: FileNode;
  /** "rows columns\n", both 0 when there is no terminal. */
  winsize: FileNode;
}

export function consFiles(deps: Console): ConsFiles {
  const input = new Input((_n, signal) => deps.read(signal));
  let raw = false;
  let ctls = 0;
  const setRaw = (on: boolean): void => {
    if (on === raw) return;
    raw = on;
    deps.setRaw(on);
  };
  const cons: FileNode = {
    mode: 0o666,
    open: () => ({
      stream: true,
      read: (_at, n, call) => input.read(n, !raw, call),
      async write(_at, data) {
        const { length } = data;
        await deps.write(new Uint8Array(data));
        return length;
      },
    }),
  };
  const consctl: FileNode = {
    mode: 0o220,
    open() {
      ctls++;
      return {
        write(_at, data) {
          const word = new TextDecoder().decode(data).trim();
          if (word !== "rawon" && word !== "rawoff") throw new NineError(`bad console control request: ${word}`, errno.EINVAL);
          setRaw(word === "rawon");
          return data.length;
        },
        close() {
          if (--ctls === 0) setRaw(false);
        },
      };
    },
  };
  const winsize = textFile(() => {
    const { rows, cols } = deps.isTTY ? deps.size() : { rows: 0, cols: 0 };
    return `${rows} ${cols}\n`;
  });
  return { cons, consctl, winsize };
}

/** The console's files as a tree of their own. */
export function cons(deps: Console): Server {
  return tree("cons", dir({ ...consFiles(deps) }));
}
