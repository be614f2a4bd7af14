/** Terminal: which fds are a console that somebody sits at, how large it is, and text that may be shown on one. */
import { DMDEVICE, NineError, isInterrupted } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { decode } from "./bytes.ts";
import { readAll } from "./readall.ts";

export interface Screen {
  readonly rows: number;
  readonly cols: number;
}

/** Of a console that does not say. */
const USUAL: Screen = { rows: 24, cols: 80 };

const PLACE = /^(\/dev\/|#cons\/)(cons|tty|stdin|stdout|stderr)$/;
/** Controls, and characters that turn the direction of writing or end a line; lone surrogates stand for bytes that are no UTF-8. */
const UNSAFE = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Whether somebody sees what is written there. */
export async function isTerminal(sys: Sys, fd: number): Promise<boolean> {
  try {
    return PLACE.test(sys.fd2path(fd)) && ((await sys.fstat(fd)).mode & DMDEVICE) !== 0;
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    return false;
  }
}

/** The terminal that fd 1 is; undefined when it is none. */
export async function terminal(sys: Sys): Promise<Screen | undefined> {
  if (!(await isTerminal(sys, 1))) return undefined;
  try {
    const [rows = 0, cols = 0] = decode(await readAll(sys, "/dev/winsize")).trim().split(" ").map(Number);
    return { rows: rows || USUAL.rows, cols: cols || USUAL.cols };
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    return USUAL;
  }
}

/** The text with what a terminal would act upon written as C does: \n, \t, or the bytes in octal. */
export function harmless(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return Array.from(text, (ch) => (UNSAFE.test(ch) ? escaped(ch) : ch)).join("");
}

function escaped(ch: string): string {
  const code = ch.codePointAt(0) ?? 0;
  if (ch === "\n" || ch === "\t") return ch === "\n" ? "\\n" : "\\t";
  const bytes = code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : [...new TextEncoder().encode(ch)];
  return bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
