/**
 * Syscalls: the calls of sys.ts that need no file: processes, notes, environment, name space. The
 * file calls are filecalls.ts's, which this extends. One object a process; it keeps nothing itself.
 */
import { asNineError, Ebadarg, Eperm, NineError, type Portal } from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { load } from "./exec.ts";
import { FileCalls } from "./filecalls.ts";
import { at, cleanPath } from "./namec.ts";
import { type Egrp, NoteGroup, Proc } from "./proc.ts";
import { Pgrp } from "./pgrp.ts";
import type { Program, SpawnOptions, Sys, Waitmsg } from "./sys.ts";

export class Syscalls extends FileCalls implements Sys {
  get pid(): number {
    return this.p.pid;
  }

  get ppid(): number {
    return this.p.parent?.pid ?? 0;
  }

  get user(): string {
    return this.p.user;
  }

  async bind(name: string, old: string, flag: number): Promise<void> {
    await this.enter();
    const from = await this.chanOf(name);
    try {
      await at(this.p, old, { nomount: true, walk: true }, async (w) => {
        this.p.pgrp.mount(from.c, from.union, w.c, flag, { verb: "bind", from: from.c.path, aname: "" });
      });
    } finally {
      from.c.close();
    }
  }

  async mount(portal: Portal, old: string, flag: number, aname: string, spec?: string): Promise<void> {
    const m = this.p.kernel.newMnt(portal, spec ?? "portal");
    // Held while attaching: a failed mount hangs up.
    m.incref();
    try {
      await this.enter();
      const { fid, qid } = await m.client.attach(this.p.user, aname, this.p.kernel.nuname(portal), this.p.intr);
      const to = new Chan(m, fid, qid, cleanPath(this.p, old));
      try {
        await at(this.p, old, { nomount: true, walk: true }, async (w) => {
          this.p.pgrp.mount(to, undefined, w.c, flag, { verb: "mount", from: m.spec, aname });
        });
      } finally {
        to.close();
      }
    } finally {
      m.decref();
    }
  }

  async unmount(name: string | undefined, old: string): Promise<void> {
    await this.enter();
    const from = name === undefined ? undefined : (await this.chanOf(name)).c;
    try {
      await at(this.p, old, { nomount: true, walk: true }, async (w) => this.p.pgrp.unmount(from, w.c));
    } finally {
      from?.close();
    }
  }

  ns(): string[] {
    return [...this.p.pgrp.lines(), `cd ${this.p.dot.path}`];
  }

  rfork(what: { ns?: "copy" | "clean"; env?: "copy" | "clean"; noteGroup?: "new" }): void {
    const { p } = this;
    p.check();
    if (what.ns) {
      const old = p.pgrp;
      p.pgrp = what.ns === "copy" ? old.copy() : new Pgrp();
      old.decref();
    }
    if (what.env) p.egrp = what.env === "copy" ? new Map(p.egrp) : new Map();
    if (what.noteGroup) {
      p.notes.procs.delete(p);
      p.notes = new NoteGroup();
      p.notes.procs.add(p);
    }
  }

  async spawn(o: SpawnOptions): Promise<number> {
    await this.enter();
    const { p } = this;
    let { main } = o;
    let argv = o.argv;
    if (!main) {
      if (o.path === undefined) throw new NineError(Ebadarg);
      ({ main, argv } = await load(p, this, o.path, o.argv));
    }
    const child = this.fork(o);
    void run(child, main, argv);
    return child.pid;
  }

  async wait(pid?: number): Promise<Waitmsg> {
    await this.enter();
    return this.p.wait(pid);
  }

  postNote(pid: number, note: string, group = false): void {
    this.p.check();
    const to = this.p.kernel.procs.get(pid);
    if (!to) throw new NineError(`process not found: ${pid}`);
    if (to.user !== this.p.user) throw new NineError(Eperm);
    if (group) for (const x of [...to.notes.procs]) x.note(note);
    else to.note(note);
  }

  notify(handler: ((note: string) => boolean) | undefined): void {
    this.p.handler = handler;
  }

  getenv(name: string): readonly string[] | undefined {
    return this.p.egrp.get(name);
  }

  setenv(name: string, value: readonly string[] | undefined): void {
    if (value) this.p.egrp.set(name, value);
    else this.p.egrp.delete(name);
  }

  environ(): ReadonlyMap<string, readonly string[]> {
    return this.p.egrp;
  }

  now(): number {
    return this.p.kernel.host.now();
  }

  async sleep(ms: number): Promise<void> {
    await this.enter();
    const stop = new AbortController();
    await this.p.sleep((wake) => {
      this.p.kernel.host.sleep(ms, stop.signal).then(wake, () => undefined);
      return () => stop.abort();
    });
  }

  /** A child process, not running yet. */
  private fork(o: SpawnOptions): Proc {
    const { p } = this;
    p.check();
    const fgrp = p.fgrp.copy(o.fds);
    const pgrp = o.ns === "copy" ? p.pgrp.copy() : o.ns === "clean" ? new Pgrp() : p.pgrp.incref();
    let egrp: Egrp = p.egrp;
    if (o.env === "copy") egrp = new Map(egrp);
    else if (typeof o.env === "object") egrp = new Map([...egrp, ...o.env]);
    const notes = o.noteGroup === "new" ? new NoteGroup() : p.notes;
    return new Proc(p.kernel, p, p.user, fgrp, pgrp, egrp, notes, p.slash.incref(), p.dot.incref());
  }

  /** A Chan of its own for what a name leads to, across mounts. */
  private chanOf(name: string): Promise<{ c: Chan; union: Parameters<Pgrp["mount"]>[1] }> {
    return at(this.p, name, { walk: true }, async (w) => ({ c: await this.cloneOf(w), union: w.umh }));
  }
}

/** Runs a program to its end as a process. */
export async function run(p: Proc, main: Program, argv: readonly string[]): Promise<void> {
  const sys = new Syscalls(p);
  let status: string;
  try {
    status = (await main(sys, argv)) || "";
  } catch (e) {
    status = asNineError(e).message;
    // What a program does not expect is told where its own errors go; a bug, with its stack, to the host.
    if (!(e instanceof NineError)) p.kernel.host.log(`${argv[0] ?? "?"}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    else if (p.killed === undefined) await sys.write(2, new TextEncoder().encode(`${argv[0] ?? "?"}: ${status}\n`)).catch(() => 0);
  }
  p.exit(p.killed ?? status);
}
