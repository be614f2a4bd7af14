/**
 * ProcView: a process as Devices see it (proc, env, dup, srv, cons): what their files show and do. It
 * keeps nothing: whoever holds one after the process has ended gets "process exited". Calls that wait
 * end with the signal given, like those of any server.
 */
import { Eperm, errno, NineError, unless } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import type { Egrp } from "./egrp.ts";
import { abortable, type FdFile, fdFile } from "./fdfile.ts";
import type { Post } from "./posts.ts";
import { nsFile } from "./nsfile.ts";
import type { Proc, Tap } from "./proc.ts";
import { quote } from "./quote.ts";
import type { Segment } from "./segment.ts";
import { Syscalls } from "./syscalls.ts";
import { Eprocdied } from "./waits.ts";

/** An open file of a process as the files of /fd and /proc/n/fd show it. */
export interface FdView {
  readonly fd: number;
  /** open(2)'s mode: OREAD, OWRITE, ORDWR. */
  readonly mode: number;
  readonly dev: number;
  readonly qid: { readonly type: number; readonly vers: number; readonly pathhi: number; readonly pathlo: number };
  readonly iounit: number;
  readonly offset: number;
  readonly path: string;
}

export class ProcView {
  readonly pid: number;
  private readonly p: Proc;

  constructor(p: Proc) {
    this.p = p;
    this.pid = p.pid;
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

  /** What ps calls it. */
  get name(): string {
    return this.p.name;
  }

  get segments(): readonly Segment[] {
    return this.alive().segments;
  }

  get isGuest(): boolean {
    return this.p.guest !== undefined;
  }

  /** Of a guest: the next instruction and the registers. */
  registers(): string {
    return this.alive().guest?.registers() ?? "";
  }

  /** The first line of the file it runs from, or the name of a guest's; "" when it runs from none. */
  get text(): string {
    return this.alive().text;
  }

  /** The name of its current directory. */
  get dot(): string {
    return this.alive().dot.path;
  }

  get args(): readonly string[] {
    return this.p.args;
  }

  /** Who knows its own name better may say so: args of proc(3). */
  setArgs(args: readonly string[]): void {
    this.alive().args = args;
  }

  /** One of proc(3)'s words: Ready, Wakeme, Stopped. */
  get state(): string {
    return this.p.state;
  }

  /** Milliseconds since it was started. */
  get ageMs(): number {
    return this.p.kernel.host.now() - this.p.startMs;
  }

  get env(): Egrp {
    return this.alive().egrp;
  }

  fds(): FdView[] {
    const { fgrp } = this.alive();
    return fgrp.list().map((fd) => view(fd, fgrp.get(fd)));
  }

  fd(fd: number): FdView | undefined {
    const { fgrp } = this.alive();
    return fgrp.has(fd) ? view(fd, fgrp.get(fd)) : undefined;
  }

  /** Throws Ebadusefd unless the fd is open for `mode`. */
  openFd(fd: number, mode: number): FdFile {
    return fdFile(this.alive().fgrp.get(fd), mode);
  }

  closeFd(fd: number): void {
    this.alive().fgrp.close(fd);
  }

  closeFiles(): void {
    const { fgrp } = this.alive();
    for (const fd of fgrp.list()) fgrp.close(fd);
  }

  /** Posts what is open as fd in a file of /srv made for it. */
  post(post: Post, fd: number): void {
    const p = this.alive();
    p.kernel.posts.fill(post, p.fgrp.get(fd).incref());
  }

  note(note: string): void {
    this.alive().note(note);
  }

  /** Posts to the note group it is in now, also later on, but not to the process `but`. */
  get noteGroup(): (note: string, but: number) => void {
    const { notes } = this.alive();
    return (note, but) => notes.note(note, but);
  }

  /** Joins the note group of that number, of the same user (noteid of proc(3)). */
  setNoteid(id: number): void {
    const p = this.alive();
    const to = p.kernel.noteGroup(id);
    if (!to || [...to.procs].some((x) => x.user !== p.user)) throw new NineError(Eperm);
    to.room();
    p.regroup(to);
  }

  /** await(2): pid, three times in milliseconds, the status; of the child that ends next; with patience, of one that it may yet have. */
  async wait(signal: AbortSignal, patient: boolean): Promise<string> {
    const w = await abortable(signal, (blocked) => this.alive().waits.wait({ patient }, blocked));
    return `${w.pid} 0 0 ${Math.round(w.realMs)} ${quote(w.status)}`;
  }

  stop(): void {
    this.alive().stop();
  }

  start(): void {
    this.alive().start();
  }

  /** The note group it is in, all of it. */
  stopGroup(): void {
    this.alive().notes.stop();
  }

  startGroup(): void {
    this.alive().notes.start();
  }

  /** From now on its 9P calls go through this one too, until the returned is called; `over` is when it has ended. */
  tap(tap: Tap, over: () => void): () => void {
    const p = this.alive();
    p.atExit.add(over);
    const untap = p.tap(tap);
    return () => {
      p.atExit.delete(over);
      untap();
    };
  }

  interrupt(): void {
    this.alive().interrupt();
  }

  /** Until it is stopped, or has ended. */
  waitstop(signal: AbortSignal): Promise<void> {
    return abortable(signal, (blocked) => this.alive().waitstop(blocked));
  }

  /** The name space as a script that makes it anew. */
  ns(): string[] {
    const { pgrp, dot } = this.alive();
    return [...pgrp.lines(), `cd ${quote(dot.path)}`];
  }

  /** Does lines of such a script in its name space. A command under way when the signal comes goes on, as the process's own would. */
  async nsRun(text: string, signal: AbortSignal): Promise<void> {
    await unless(signal, nsFile(new Syscalls(this.alive()), text, "ns"));
  }

  private alive(): Proc {
    if (this.p.ended) throw new NineError(Eprocdied, errno.ESRCH);
    return this.p;
  }
}

function view(fd: number, c: Chan): FdView {
  return { fd, mode: c.mode, dev: c.mnt.dev, qid: c.qid, iounit: c.iounit, offset: c.offset, path: c.path };
}
