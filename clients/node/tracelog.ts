/**
 * TraceLog: where --trace writes, a file or stderr, and the portals it is put around.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { NineError, type Portal, trace } from "../../proto/index.ts";
import { hostError } from "./guard.ts";

export interface TraceLog {
  readonly wrap: (portal: Portal, name: string) => Portal;
  close(): void;
}

/** `to`: a file, relative to cwd, "" for stderr, undefined for no trace. Throws a NineError when the file cannot be made. */
export function traceLog(to: string | undefined, cwd: string): TraceLog {
  if (to === undefined) return { wrap: (portal) => portal, close: () => undefined };
  let fd = 2;
  try {
    if (to !== "") fd = openSync(resolve(cwd, to), "w");
  } catch (e) {
    const why = hostError(e);
    throw why instanceof NineError ? new NineError(`--trace=${to}: ${why.message}`, why.errno) : why;
  }
  let open = true;
  return {
    wrap: (portal, name) => trace(portal, (line) => {
      // Calls that a hang-up ended settle later.
      if (open) writeSync(fd, `${line}\n`);
    }, { name }),
    close: () => {
      if (open && fd !== 2) closeSync(fd);
      open = false;
    },
  };
}
