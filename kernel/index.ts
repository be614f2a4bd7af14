/** nineplex/kernel: name spaces, processes and file calls over 9P portals. */
import { type Host, NineError, type OpenOptions, type Portal, type Server } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import { Fgrp } from "./fgrp.ts";
import { Kernel } from "./kernel.ts";
import { NoteGroup, Proc } from "./proc.ts";
import { Pgrp } from "./pgrp.ts";
import { type Program, type Sys } from "./sys.ts";
import { Syscalls } from "./syscalls.ts";

export { cleanPath } from "./namec.ts";
export { quote } from "./quote.ts";
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
  /** Servers by '#' name. `root` is the name space's /, `pipe` makes pipes. */
  readonly servers: Readonly<Record<string, Server>>;
  /** Host programs that a file saying `#!host NAME` runs. */
  readonly programs?: ReadonlyMap<string, Program>;
  readonly mounts?: readonly BootMount[];
  /** The user processes run as; default "none". */
  readonly uname?: string;
  /** The user's number, for .L servers that go by numbers. */
  readonly uid?: number;
  /** Environment of the first process. */
  readonly env?: ReadonlyMap<string, readonly string[]>;
  /** Put around every portal the kernel holds, such as trace. */
  readonly wrap?: (portal: Portal, spec: string) => Portal;
  readonly open?: OpenOptions;
}

export interface Booted {
  /** The first process's calls, for the program that booted the kernel. Its fd table is empty. */
  readonly sys: Sys;
  /** Posts a note to the note group of a process, as a terminal does. */
  postNote(pid: number, note: string): void;
  /** Fids, Mnts and processes alive. */
  stats(): { procs: number; mnts: number; fids: number };
  /** Ends every process and hangs up every portal. */
  shutdown(): void;
}

/** Starts a kernel: the name space of `servers` and `mounts`, and process 1, which the caller is. */
export async function boot(options: BootOptions): Promise<Booted> {
  const servers = new Map(Object.entries(options.servers));
  if (!servers.has("root") || !servers.has("pipe")) throw new NineError("bad arg in system call: boot needs the servers root and pipe");
  const kernel = new Kernel(options.host, servers, options.programs ?? new Map(), options.wrap ?? ((p) => p), options.open ?? {}, options.uid);
  const user = options.uname ?? "none";
  const slash = await rootChan(kernel, user);
  const p = new Proc(kernel, undefined, user, new Fgrp(), new Pgrp(), new Map(options.env ?? []), new NoteGroup(), slash, slash.incref());
  const sys = new Syscalls(p);
  try {
    for (const m of options.mounts ?? []) await sys.bind(m.from, m.to, m.flag);
  } catch (e) {
    kernel.shutdown();
    throw e;
  }
  return {
    sys,
    postNote: (pid, note) => {
      for (const x of [...(kernel.procs.get(pid)?.notes.procs ?? [])]) x.note(note);
    },
    stats: () => ({ procs: kernel.procs.size, mnts: kernel.mnts.size, fids: [...kernel.mnts].reduce((n, m) => n + m.client.fids, 0) }),
    shutdown: () => kernel.shutdown(),
  };
}

/** The root of the name space is called "/", not "#root". */
async function rootChan(kernel: Kernel, user: string): Promise<Chan> {
  const c = await kernel.attachDevice("root", { user });
  c.path = "/";
  return c;
}

