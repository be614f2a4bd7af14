/**
 * TraceLog: where --trace writes, a file or stderr, and the portals it is put around. The file stays
 * open to the end of the process: replies may still come when everything has been hung up.
 */
import { openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { NineError, type Portal, trace } from "../../proto/index.ts";
import { hostError } from "./guard.ts";

/** What is put around a portal: the name is the trace's for it. */
export type Wrap = (portal: Portal, name: string) => Portal;

/** `to`: a file, relative to cwd, "" for stderr, undefined for no trace. Throws a NineError when the file cannot be made. */
export function traceLog(to: string | undefined, cwd: string): Wrap {
  if (to === undefined) return (portal) => portal;
  const write = to === "" ? (text: string): void => void process.stderr.write(text) : toFile(to, cwd);
  return (portal, name) => trace(portal, (line) => write(`${line}\n`), { name });
}

function toFile(to: string, cwd: string): (text: string) => void {
  const failed = (e: unknown): NineError => {
    const why = hostError(e);
    if (!(why instanceof NineError)) throw e;
    return new NineError(`--trace=${to}: ${why.message}`, why.errno);
  };
  let fd: number | undefined;
  try {
    fd = openSync(resolve(cwd, to), "w");
  } catch (e) {
    throw failed(e);
  }
  return (text) => {
    if (fd === undefined) return;
    try {
      writeSync(fd, text);
    } catch (e) {
      // A trace with a hole in it is none: it ends here.
      fd = undefined;
      process.stderr.write(`nineplex: ${failed(e).message}\n`);
    }
  };
}
