/** nineplex/kernel: name spaces, processes and file calls over 9P portals. */
import { Ebadarg, type Host, NineError, type OpenOptions, type Portal, type Server } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import { Egrp } from "./egrp.ts";
import { Fgrp } from "./fgrp.ts";
import { type Device, type Dial, Kernel, type Stats } from "./kernel.ts";
import { Proc } from "./proc.ts";
import { Pgrp } from "./pgrp.ts";
import { Rgrp } from "./rgrp.ts";
import { type Ran, ran, type RunOptions } from "./ran.ts";
import { type Program, type Sys } from "./sys.ts";
import { Syscalls } from "./syscalls.ts";

export type { Device, Dial, Kernel, Stats } from "./kernel.ts";
export { cleanPath } from "./namec.ts";
export type { FdFile } from "./fdfile.ts";
export { type Getenv, nsCommand, nsFile, type NsLine, parseNs } from "./nsfile.ts";
export type { FdView, ProcView } from "./procview.ts";
export { exitCodeOf } from "./linux/signals.ts";
export { quote } from "./quote.ts";
export type { Ran, RunOptions } from "./ran.ts";
export * from "./sys.ts";

/** What is mounted at boot, in this order. */
export interface BootMount {
  /** A '#name' of `servers`, with or without a path in it, or any name reachable by then. */
  readonly from: string;
  readonly to: string;
  /** MREPL, MBEFORE, MAFTER with MCREATE. */
  readonly flag: number;
}

export interface BootOptions {
  readonly host: Host;
  /** Servers by '#' name; a Device is made of the kernel. `root` is the name space's /, `pipe` makes pipes. */
  readonly servers: Readonly<Record<string, Server | Device>>;
  /** Host programs that a file saying `#!host NAME` runs. */
  readonly programs?: ReadonlyMap<string, Program>;
  readonly mounts?: readonly BootMount[];
  /** The user processes run as; default "none". */
  readonly uname?: string;
  /** The user's number, for .L servers that go by numbers. */
  readonly uid?: number;
  /** Environment of the first process. */
  readonly env?: ReadonlyMap<string, readonly string[]>;
  /** How `mount` reaches an address. */
  readonly dial?: Dial;
  /** An address as those may see it who see the name space, or a trace; default as it was given. */
  readonly shown?: (addr: string) => string;
  /** Put around every portal the kernel holds, such as trace. */
  readonly wrap?: (portal: Portal, spec: string) => Portal;
  readonly open?: OpenOptions;
  /** Bytes of RAM of the machine that guests run on; default 512 MiB, which the host gives as it is touched. */
  readonly ramBytes?: number;
  /** Told of each call of a guest, as strace(1) prints it. */
  readonly strace?: (line: string) => void;
}

/** A running kernel. With `using` it is shut down at the end of the block. */
export interface Booted extends Disposable {
  /** The first process's calls, for the program that booted the kernel. Its fd table is empty. */
  readonly sys: Sys;
  /** Runs a program, or a command of rc, to its end as a child of the first process, with its output collected. */
  run(command: string | readonly string[], options?: RunOptions): Promise<Ran>;
  /** Posts a note to the note group of a process, as a terminal does. */
  postNote(pid: number, note: string): void;
  /** The same by the group's number; false when no living process is in it. */
  postNoteGroup(noteid: number, note: string): boolean;
  /** Settles when the first process has ended: by shutdown, or by a note that it did not take. */
  readonly ended: Promise<void>;
  /** What is alive. */
  stats(): Stats;
  /** How many instructions guests have executed. */
  instructions(): number;
  /** Ends every process and hangs up every portal. */
  shutdown(): void;
}

/** Starts a kernel: the name space of `servers` and `mounts`, and process 1, which the caller is. */
export async function boot(options: BootOptions): Promise<Booted> {
  for (const name of ["root", "pipe"]) {
    if (!Object.hasOwn(options.servers, name)) throw new NineError(`${Ebadarg}: boot needs a server ${name}`);
  }
  const { host, servers, uid, dial } = options;
  const kernel = new Kernel({ host, servers, programs: options.programs ?? new Map(), wrap: options.wrap ?? ((p) => p), open: options.open ?? {}, uid, ramBytes: options.ramBytes, strace: options.strace, dial, shown: options.shown ?? ((addr) => addr) });
  const user = options.uname ?? "none";
  const slash = await rootChan(kernel, user);
  const pid = kernel.newPid();
  const p = new Proc(kernel, pid, undefined, user, ["boot"], {
    fgrp: new Fgrp(), pgrp: new Pgrp(), egrp: new Egrp(options.env), rgrp: new Rgrp(), notes: kernel.newNoteGroup(pid), slash, dot: slash.incref(),
  });
  const ended = new Promise<void>((resolve) => p.atExit.add(resolve));
  const sys = new Syscalls(p);
  try {
    for (const m of options.mounts ?? []) await sys.bind(m.from, m.to, m.flag);
  } catch (e) {
    kernel.shutdown();
    throw e;
  }
  return {
    sys, ended,
    run: (command, o) => ran(sys, command, o),
    postNote: (pid, note) => {
      kernel.procs.get(pid)?.notes.note(note);
    },
    postNoteGroup: (noteid, note) => {
      const group = kernel.noteGroup(noteid);
      group?.note(note);
      return group !== undefined;
    },
    stats: () => kernel.stats(),
    instructions: () => kernel.instructions,
    shutdown: () => kernel.shutdown(),
    [Symbol.dispose]: () => kernel.shutdown(),
  };
}

/** The root of the name space is called "/", not "#root". */
async function rootChan(kernel: Kernel, user: string): Promise<Chan> {
  const c = await kernel.attachDevice("root", { user });
  c.path = "/";
  return c;
}

