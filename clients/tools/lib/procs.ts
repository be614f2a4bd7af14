/** procs: the processes that /proc shows, for the tools that list them. One that ends meanwhile is left out. */
import { isInterrupted, NineError } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { decode } from "./bytes.ts";
import { readAll } from "./readall.ts";

/** The fields of /proc/n/status (proc(3)); times in milliseconds, memory in KiB. */
export interface ProcStatus {
  readonly pid: number;
  readonly name: string;
  readonly user: string;
  readonly state: string;
  readonly userMs: number;
  readonly sysMs: number;
  readonly realMs: number;
  readonly size: number;
  readonly basepri: number;
  readonly pri: number;
}

/** By pid, ascending. */
export async function procs(sys: Sys): Promise<ProcStatus[]> {
  const pids = (await sys.readDir("/proc")).map((d) => Number(d.name)).filter((pid) => pid > 0).toSorted((a, b) => a - b);
  const all: ProcStatus[] = [];
  for (const pid of pids) {
    const status = await procText(sys, pid, "status");
    const numbers = status.slice(68).trim().split(/\s+/).map(Number);
    if (numbers.length < 9) continue;
    const [userMs = 0, sysMs = 0, realMs = 0, , , , size = 0, basepri = 0, pri = 0] = numbers;
    all.push({ pid, name: status.slice(0, 27).trimEnd(), user: status.slice(28, 55).trimEnd(), state: status.slice(56, 67).trimEnd(), userMs, sysMs, realMs, size, basepri, pri });
  }
  return all;
}

/** A file of a process; "" when the process has ended, or the file may not be read. */
export async function procText(sys: Sys, pid: number, file: string): Promise<string> {
  try {
    return decode(await readAll(sys, `/proc/${pid}/${file}`));
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    return "";
  }
}
