/**
 * Syscalls: the calls of sys.ts that need no file: processes, notes, environment, name space. The
 * file calls are filecalls.ts's, as hostcalls.ts gives them, which this extends. One object a process; it keeps nothing itself.
 */
import { asNineError, type Awaitable, dial, Ebadarg, Eintr, Enoattach, Eperm, errno, isInterrupted, NineError, ORDWR, type Portal, type Transport } from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { type Loaded, load } from "./exec.ts";
import { exportfs } from "./export.ts";
import { FdWire } from "./fdwire.ts";
import { Fgrp } from "./fgrp.ts";
import { startGuest } from "./guest/start.ts";
import { HostCalls } from "./hostcalls.ts";
import type { Mnt } from "./mnt.ts";
import { at, cleanPath } from "./namec.ts";
import type { NoteGroup } from "./notegroup.ts";
import { Proc } from "./proc.ts";
import { type Mount, Pgrp, sameChan } from "./pgrp.ts";
import { quote } from "./quote.ts";
import { Rgrp } from "./rgrp.ts";
import type { ExportOptions, Program, Rfork, SpawnOptions, Sys, Waitmsg } from "./sys.ts";

/** What is an address and no name: `kind:` or `kind!` in front. */
const ADDRESS = /^[a-z][a-z0-9+]*[:!]/;

export class Syscalls extends HostCalls implements Sys {
  get pid(): number {
    return this.p.pid;
  }

  get ppid(): number {
    return this.p.ppid;
  }

  get user(): string {
    return this.p.user;
  }

  get noteid(): number {
    return this.p.notes.id;
  }

  async bind(name: string, old: string, flag: number): Promise<void> {
    await this.enter();
    const { c, union } = await this.chanOf(name);
    try {
      await at(this.p, old, { nomount: true, walk: true }, async (w) => {
        this.p.check();
        this.p.pgrp.mount(c, union, w.c, flag, { verb: "bind", from: c.path, aname: "" });
      });
    } finally {
      for (const m of union) m.to.close();
      c.close();
    }
  }

  async mount(server: Portal | number | string, old: string, flag: number, aname: string, spec?: string): Promise<void> {
    const { p } = this;
    // Nothing is opened or dialled for a mount that is not to be.
    if (typeof server !== "object") {
      await this.enter();
      if (p.pgrp.nomnt) throw new NineError(Enoattach);
    }
    // Held while attaching: a failed mount hangs up.
    const m = await this.serverOf(server, spec).catch((e: unknown) => {
      throw typeof server === "string" && e instanceof NineError && !isInterrupted(e) && !e.message.startsWith(`${server}: `) ? new NineError(`${server}: ${e.message}`, e.errno) : e;
    });
    try {
      if (typeof server === "object") await this.enter();
      p.check();
      if (p.pgrp.nomnt) throw new NineError(Enoattach);
      const { fid, qid } = await m.client.attach(p.user, aname, p.kernel.nuname(m.client.portal), p.intr);
      const to = new Chan(m, fid, qid, cleanPath(p, old));
      try {
        await at(p, old, { nomount: true, walk: true }, async (w) => {
          p.check();
          p.pgrp.mount(to, [], w.c, flag, { verb: "mount", from: spec ?? m.spec, aname });
        });
      } finally {
        to.close();
      }
    } finally {
      m.decref();
    }
  }

  /** The Mnt of what is to be mounted; a reference is the caller's. */
  private async serverOf(server: Portal | number | string, spec: string | undefined): Promise<Mnt> {
    const { kernel } = this.p;
    if (typeof server === "object") return kernel.newMnt(server, spec ?? "portal").incref();
    if (typeof server === "number") return this.mntOn(this.p.fgrp.get(server));
    if (ADDRESS.test(server)) return kernel.newMnt(await this.dial(server), spec ?? kernel.shown(server)).incref();
    const post = await at(this.p, server, { walk: true }, async (w) => kernel.posted(w.c));
    if (post && !kernel.posts.mayMount(post, this.p.user)) throw new NineError(Eperm);
    const listener = post?.listener;
    if (listener) return kernel.newMnt(await this.abortable(async (signal) => listener(signal)), spec ?? server).incref();
    if (post?.chan) return this.mntOn(post.chan);
    const fd = await this.open(server, ORDWR);
    try {
      return await this.mntOn(this.p.fgrp.get(fd));
    } finally {
      await this.close(fd);
    }
  }

  private async mntOn(c: Chan): Promise<Mnt> {
    c.incref();
    try {
      return await this.abortable((signal) => this.p.kernel.mntOn(c, (wire) => dial(wire, { signal }), signal));
    } finally {
      c.close();
    }
  }

  /** A wait of the process's that is given up by a signal. */
  private async abortable<T>(f: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const interrupted = (): void => stop.abort();
    this.p.block(interrupted);
    try {
      return await f(stop.signal);
    } catch (e) {
      throw stop.signal.aborted ? new NineError(Eintr) : e;
    } finally {
      this.p.unblock(interrupted);
    }
  }

  async unmount(name: string | undefined, old: string): Promise<void> {
    await this.enter();
    // A server that was mounted is also what it was mounted from: an address, or what is posted in /srv.
    const from = name === undefined || ADDRESS.test(name) ? undefined : await this.chanAt(name);
    try {
      const mnt = from && await this.abortable((signal) => this.p.kernel.mountedFrom(from, signal));
      const is = (m: Mount): boolean => (from ? sameChan(m.to, from) || m.to.mnt === mnt : m.verb === "mount" && m.from === name);
      await at(this.p, old, { nomount: true, walk: true }, async (w) => {
        this.p.check();
        this.p.pgrp.unmount(name === undefined ? undefined : is, w.c);
      });
    } finally {
      from?.close();
    }
  }

  ns(): string[] {
    return [...this.p.pgrp.lines(), `cd ${quote(this.p.dot.path)}`];
  }

  rfork(what: Rfork): void {
    const { p } = this;
    p.check();
    if (what.ns) {
      const old = p.pgrp;
      p.pgrp = what.ns === "copy" ? old.copy() : new Pgrp(old.nomnt);
      old.decref();
    }
    if (what.env) {
      const old = p.egrp;
      p.egrp = what.env === "copy" ? old.copy() : old.clean();
      old.decref();
    }
    if (what.fds) {
      const old = p.fgrp;
      p.fgrp = what.fds === "copy" ? old.copy(undefined) : new Fgrp();
      old.decref();
    }
    if (what.noteGroup) p.regroup(p.kernel.newNoteGroup());
    if (what.rend) p.rgrp = new Rgrp();
    if (what.nomnt) p.pgrp.nomnt = true;
    if (what.nowait) p.disown();
  }

  async dial(addr: string): Promise<Portal> {
    await this.enter();
    return this.abortable((signal) => this.dialling(addr)(signal));
  }

  /** What an address leads to is outside of the name space, as what a '#' name leads to is. */
  private dialling(addr: string): (signal: AbortSignal) => Promise<Portal> {
    if (this.p.pgrp.nomnt) throw new NineError(Enoattach);
    const { dial } = this.p.kernel;
    if (!dial) throw new NineError(`${Ebadarg}: this kernel cannot dial`);
    return (signal) => dial(addr, signal);
  }

  post(name: string, what: number | string | ((signal: AbortSignal) => Awaitable<Portal>), perm = 0o600): void {
    const { p } = this;
    p.check();
    if (typeof what === "number") p.kernel.posts.add(name, p.user, perm, { chan: p.fgrp.get(what).incref() });
    else p.kernel.posts.add(name, p.user, perm, { listener: typeof what === "string" ? this.dialling(what) : what });
  }

  export(root: string, options?: ExportOptions): Portal {
    this.p.check();
    return exportfs(this.p, cleanPath(this.p, root), options);
  }

  transport(fd: number): Transport {
    const { p } = this;
    p.check();
    const close = (): void => wire.close();
    const wire = new FdWire(p.fgrp.get(fd), () => p.atExit.delete(close));
    p.atExit.add(close);
    return wire;
  }

  async spawn(o: SpawnOptions): Promise<number> {
    await this.enter();
    const { p } = this;
    if (!o.main && o.path === undefined) throw new NineError(Ebadarg);
    const loaded: Loaded = o.main ? { main: o.main, argv: o.argv } : await load(p, this, o.path ?? "", o.argv);
    try {
      const child = this.fork(o);
      if (loaded.text !== undefined) child.text = loaded.text;
      if (o.stopped) child.stop();
      begin(child, loaded);
      return child.pid;
    } finally {
      loaded.image?.chan.close();
    }
  }

  async wait(pid?: number, stops = false): Promise<Waitmsg> {
    await this.enter();
    return this.p.waits.wait({ pid, stops }, this.p);
  }

  waited(pid?: number, stops = false): Waitmsg | undefined {
    this.p.check();
    return this.p.waits.take({ pid, stops });
  }

  postNote(pid: number, note: string, group = false): void {
    this.p.check();
    const to = this.p.kernel.procs.get(pid);
    if (!to) throw new NineError(`process not found: ${pid}`);
    if (to.user !== this.p.user) throw new NineError(Eperm);
    if (group) to.notes.note(note);
    else to.note(note);
  }

  postNoteGroup(noteid: number, note: string): void {
    this.p.check();
    groupOf(this.p, noteid).note(note);
  }

  groupSize(noteid: number): number {
    return this.p.kernel.noteGroup(noteid)?.procs.size ?? 0;
  }

  async waitGroup(noteid: number): Promise<void> {
    await this.enter();
    const group = this.p.kernel.noteGroup(noteid);
    if (!group) return;
    await this.p.sleep((wake) => {
      group.atEnd.add(wake);
      return () => group.atEnd.delete(wake);
    });
  }

  notify(handler: ((note: string) => boolean) | undefined, jobs = false): void {
    this.p.handler = handler;
    this.p.jobs = jobs;
  }

  alarm(ms: number): number {
    this.p.check();
    return this.p.alarm(ms);
  }

  async rendezvous(tag: unknown, value: unknown): Promise<unknown> {
    await this.enter();
    return this.p.rgrp.rendezvous(this.p, tag, value);
  }

  getenv(name: string): readonly string[] | undefined {
    return this.p.egrp.get(name);
  }

  setenv(name: string, value: readonly string[] | undefined): void {
    if (value) this.p.egrp.set(name, value);
    else this.p.egrp.delete(name);
  }

  environ(): ReadonlyMap<string, readonly string[]> {
    return this.p.egrp.lists();
  }

  now(): number {
    return this.p.kernel.host.now();
  }

  async sleep(ms: number): Promise<void> {
    await this.enter();
    const stop = new AbortController();
    await this.p.sleep((wake) => {
      const { host } = this.p.kernel;
      // sleep(2): of 0, others run, and nothing more is waited for.
      (ms > 0 ? host.sleep(ms, stop.signal) : host.yield()).then(wake, () => undefined);
      return () => stop.abort();
    });
  }

  /** A child process, not running yet. */
  private fork(o: SpawnOptions): Proc {
    const { p } = this;
    p.check();
    const { fds, env } = o;
    // What may throw goes before what holds something.
    const notes = o.noteGroup === "new" ? undefined : typeof o.noteGroup === "number" ? groupOf(p, o.noteGroup) : p.notes;
    notes?.room();
    const pid = p.kernel.newPid();
    const own = env === undefined || env === "share" ? undefined : env === "clean" ? p.egrp.clean() : p.egrp.copy();
    if (typeof env === "object") for (const [name, value] of env) own?.set(name, value);
    const fgrp = fds === "share" ? p.fgrp.incref() : fds === "clean" ? new Fgrp() : p.fgrp.copy(fds === "copy" ? undefined : fds);
    const pgrp = o.ns === "copy" ? p.pgrp.copy() : o.ns === "clean" ? new Pgrp(p.pgrp.nomnt) : p.pgrp.incref();
    const egrp = own ?? p.egrp.incref();
    const rgrp = o.rend === "new" ? new Rgrp() : p.rgrp;
    const child = new Proc(p.kernel, pid, o.nowait ? undefined : p, p.user, o.argv, {
      fgrp, pgrp, egrp, rgrp, notes: notes ?? p.kernel.newNoteGroup(pid), slash: p.slash.incref(), dot: p.dot.incref(),
    });
    // Its parent was stopped while it was being made.
    if (p.isStopped && child.notes === p.notes) child.stop();
    return child;
  }

  private chanAt(name: string): Awaitable<Chan> {
    return at(this.p, name, { walk: true }, (w) => this.cloneOf(w));
  }

  /** A Chan of its own for what a name leads to, across mounts, and the union it is the first element of; a reference of each. */
  private chanOf(name: string): Awaitable<{ c: Chan; union: readonly Mount[] }> {
    return at(this.p, name, { walk: true }, async (w) => {
      // Held before anything waits: what is unmounted meanwhile stays.
      const union = w.umh?.mounts.slice() ?? [];
      for (const m of union) m.to.incref();
      try {
        return { c: await this.cloneOf(w), union };
      } catch (e) {
        for (const m of union) m.to.close();
        throw e;
      }
    });
  }
}

/** A note group by its number, of this process's user. */
function groupOf(p: Proc, id: number): NoteGroup {
  const group = p.kernel.noteGroup(id);
  if (!group) throw new NineError(`no such note group: ${id}`, errno.ESRCH);
  for (const x of group.procs) if (x.user !== p.user) throw new NineError(Eperm);
  return group;
}

/** A child begins what was loaded for it; one that cannot is nobody's. */
function begin(child: Proc, { main, image, argv }: Loaded): void {
  if (main) void run(child, main, argv);
  if (!image) return;
  try {
    startGuest(child, { image, argv, runHost: (p, host, args) => void run(p, host, args) });
  } catch (e) {
    child.disown();
    child.exit(asNineError(e).message);
    throw e;
  }
}

/** Runs a program to its end as a process. */
export async function run(p: Proc, main: Program, argv: readonly string[]): Promise<void> {
  const sys = new Syscalls(p);
  let status: string;
  try {
    // One that was made stopped does not begin, even if it makes no call.
    const held = p.held()?.then(() => p.check());
    if (held) await held;
    status = (await main(sys, argv)) || "";
  } catch (e) {
    status = asNineError(e).message;
    // What a program does not expect is told where its own errors go; a bug, with its stack, to the host.
    if (!(e instanceof NineError)) p.kernel.host.log(`${argv[0] ?? "?"}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    else if (p.killed === undefined) await sys.write(2, new TextEncoder().encode(`${argv[0] ?? "?"}: ${status}\n`)).catch(() => 0);
  }
  p.exit(p.killed ?? status);
}
