/**
 * Ran: a program run to its end with its input given and its output collected, for host programs that
 * use a kernel as a library (Booted.run). It is a child process of the caller, with fds 0, 1 and 2 on
 * pipes, in a note group of its own.
 */
import { encode, isInterrupted, NineError } from "../proto/index.ts";
import type { Program, SpawnOptions, Sys } from "./sys.ts";

export interface RunOptions extends Pick<SpawnOptions, "ns" | "env"> {
  /** What it reads from fd 0; default nothing. */
  readonly input?: string | Uint8Array;
  /** The program; default the file argv[0], in /bin unless it has a slash. */
  readonly main?: Program;
}

export interface Ran {
  /** "" for success (wait(2)). */
  readonly status: string;
  /** fd 1 and fd 2, complete: everything that has them open is done. */
  readonly out: string;
  readonly err: string;
}

/** A string is a command of rc. Rejects when the program cannot be started. */
export async function ran(sys: Sys, command: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
  const argv = typeof command === "string" ? ["rc", "-c", command] : command;
  const name = argv[0] ?? "";
  const { input = "", main, ns, env } = options;
  const open = new Set<number>();
  const pipe = async (): Promise<[number, number]> => {
    const ends = await sys.pipe();
    for (const fd of ends) open.add(fd);
    return ends;
  };
  const close = async (fd: number): Promise<void> => {
    if (open.delete(fd)) await sys.close(fd);
  };
  try {
    const [in0, in1] = await pipe();
    const [out0, out1] = await pipe();
    const [err0, err1] = await pipe();
    const pid = await sys.spawn({
      argv, fds: new Map([[0, in0], [1, out1], [2, err1]]), noteGroup: "new", ns: ns ?? "share", env: env ?? "copy",
      ...(main ? { main } : { path: name.includes("/") ? name : `/bin/${name}` }),
    });
    for (const fd of [in0, out1, err1]) await close(fd);
    const feeding = fed(sys, in1, typeof input === "string" ? encode(input) : input).then(() => close(in1));
    const [out, err] = await Promise.all([collected(sys, out0), collected(sys, err0), feeding]);
    return { status: (await sys.wait(pid)).status, out, err };
  } finally {
    for (const fd of open) await close(fd);
  }
}

async function collected(sys: Sys, fd: number): Promise<string> {
  const text = new TextDecoder();
  let all = "";
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) all += text.decode(data, { stream: true });
  return all + text.decode();
}

/** The program need not read all of it. */
async function fed(sys: Sys, fd: number, data: Uint8Array): Promise<void> {
  try {
    if (data.length > 0) await sys.write(fd, data);
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
  }
}
