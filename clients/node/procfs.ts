/**
 * Procfs: what /proc says of this process, where there is one: proc(5). Invariant: without it, or
 * with one that does not say, the answer is that nothing is known. Used by hostfiles.ts.
 */
import fs from "node:fs";

/** /proc/self/fd/ without the step over the link `self`, a tenth of each call, where that is the process's own by its number. */
export function ownFds(): string {
  try {
    if (fs.readlinkSync("/proc/self") === String(process.pid)) return `/proc/${process.pid}/fd/`;
  } catch {
    // Of another name space, or not there.
  }
  return "/proc/self/fd/";
}

/** How many descriptors the process may have open. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** How long this thread has waited for a processor so far, in ms; undefined where the system does not say. Its descriptor stays open. */
function waitsOf(): (() => number) | undefined {
  try {
    const fd = fs.openSync("/proc/thread-self/schedstat", "r");
    const text = Buffer.alloc(128);
    // "ran waited slices", in ns
    const waited = (): number => Number(text.toString("latin1", 0, fs.readSync(fd, text, 0, text.length, 0)).split(" ")[1]) / 1e6;
    return Number.isFinite(waited()) ? waited : undefined;
  } catch {
    return undefined;
  }
}

let waits: { readonly of: (() => number) | undefined } | undefined;

/** waitsOf() this thread, once for all file systems. */
export function processorWaits(): (() => number) | undefined {
  waits ??= { of: waitsOf() };
  return waits.of;
}
