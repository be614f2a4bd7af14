/** Terminal: whether a command's output is a console that somebody sits at, and how large it is. */
import { NineError, isInterrupted } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { decode } from "./bytes.ts";
import { readAll } from "./readall.ts";

export interface Screen {
  readonly rows: number;
  readonly cols: number;
}

/** Of a console that does not say. */
const USUAL: Screen = { rows: 24, cols: 80 };

/** The console that fd 1 is; undefined when it is none, or nobody is there. */
export async function terminal(sys: Sys): Promise<Screen | undefined> {
  if (!/^\/dev\/(cons|stdout|tty)$/.test(sys.fd2path(1))) return undefined;
  try {
    // "rows columns", 0 of each where there is no terminal.
    const [rows = 0, cols = 0] = decode(await readAll(sys, "/dev/winsize")).trim().split(" ").map(Number);
    return rows === 0 ? undefined : { rows: rows || USUAL.rows, cols: cols || USUAL.cols };
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    return USUAL;
  }
}
