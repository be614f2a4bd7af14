/**
 * Exec: execve(2): the process's program makes way for another, a guest's or the host's. The process
 * stays what it is: its number, its open files but those that are to be closed, its name space.
 */
import { errno, NineError } from "../../proto/index.ts";
import { type Loaded, load } from "../exec.ts";
import { varsOf } from "../guest/envp.ts";
import { startGuest } from "../guest/start.ts";
import type { Proc } from "../proc.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { AT, nameAt } from "./paths.ts";

/** Arguments and variables together, at most; of one, bytes. */
const MAXSTRINGS = 65_536;
const MAXSTRING = 131_072;

/** The texts of an array of pointers that ends with a null one. */
function strings(l: Linux, at: number): string[] {
  const all: string[] = [];
  if (at === 0) return all;
  for (let p = at; ; p += 8) {
    const va = l.user.u64(p);
    if (va === 0) return all;
    if (all.length === MAXSTRINGS) throw NineError.fromErrno(errno.E2BIG);
    all.push(l.user.string(va, MAXSTRING));
  }
}

async function become(l: Linux, path: string, argv: readonly string[], envp: readonly string[]): Promise<number> {
  const { proc, guest } = l;
  const loaded = await load(proc, l.calls, path, argv);
  try {
    proc.check();
    const { runHost } = guest;
    const { image, main } = loaded;
    if (image) startGuest(proc, { image, argv: loaded.argv, envp, runHost, before: l });
    else guest.end();
    inherit(l, loaded, envp);
    if (main) runHost(proc, main, loaded.argv);
    return 0;
  } finally {
    loaded.image?.chan.close();
  }
}

/** What changes of the process itself. */
function inherit(l: Linux, { argv, text = "" }: Loaded, envp: readonly string[]): void {
  const { proc } = l;
  for (const fd of l.cloexec) if (proc.fgrp.has(fd)) proc.fgrp.close(fd);
  proc.rename(argv, text);
  setVars(proc, varsOf(envp));
}

function setVars(proc: Proc, vars: ReadonlyMap<string, readonly string[]>): void {
  const old = proc.egrp;
  proc.egrp = old.clean();
  old.decref();
  // A variable is a file of /env: what cannot be the name of one is the guest's alone.
  for (const [name, value] of vars) if (!name.includes("/") && name !== "." && name !== "..") proc.egrp.set(name, value);
}

export const exec: Calls = {
  execve(l, name, argv, envp) {
    const path = nameAt(l, AT.fdcwd, name);
    return become(l, path === `#linux/${l.proc.pid}/exe` ? l.proc.text : path, strings(l, argv), strings(l, envp));
  },
};
