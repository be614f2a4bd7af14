/**
 * Fgrp: file descriptors, which processes share or copy. Invariants: each open fd holds one reference
 * on its Chan; the lowest free number is given out; the last process to leave closes everything.
 */
import { Ebadfd, Eintr, Etoomany, NineError } from "../proto/index.ts";
import type { Chan } from "./chan.ts";

/** Descriptors of one process. */
const MAXFD = 4096;

export class Fgrp {
  private readonly fds: (Chan | undefined)[] = [];
  private refs: number;

  /** Of a process that has ended: what is added is closed. */
  static readonly none: Fgrp = new Fgrp(0);

  constructor(refs = 1) {
    this.refs = refs;
  }

  /** Nobody has it any more: whatever still comes is closed at once. */
  private get over(): boolean {
    return this.refs === 0;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs > 0) return;
    for (const c of this.fds.splice(0)) c?.close();
  }

  /** Borrowed: incref to keep it across an await. */
  get(fd: number): Chan {
    const c = this.fds[fd];
    if (!c) throw new NineError(Ebadfd);
    return c;
  }

  has(fd: number): boolean {
    return this.fds[fd] !== undefined;
  }

  /** Takes over the caller's reference; the lowest free fd. */
  add(c: Chan): number {
    let fd = 0;
    while (this.fds[fd]) fd++;
    if (this.over || fd >= MAXFD) {
      c.close();
      throw new NineError(this.over ? Eintr : Etoomany);
    }
    this.fds[fd] = c;
    return fd;
  }

  /** Takes over the caller's reference; what was there is closed. */
  set(fd: number, c: Chan): void {
    if (this.over || !Number.isInteger(fd) || fd < 0 || fd >= MAXFD) {
      c.close();
      throw new NineError(Ebadfd);
    }
    this.fds[fd]?.close();
    this.fds[fd] = c;
  }

  close(fd: number): void {
    this.get(fd).close();
    this.fds[fd] = undefined;
  }

  /** A child's table: child fd to parent fd, or all as they are. */
  copy(map: ReadonlyMap<number, number> | undefined): Fgrp {
    const f = new Fgrp();
    if (!map) this.fds.forEach((c, fd) => c && f.set(fd, c.incref()));
    else {
      // A parent fd that is not open is found before anything is held.
      for (const parent of map.values()) this.get(parent);
      for (const [child, parent] of map) f.set(child, this.get(parent).incref());
    }
    return f;
  }

  /** The open fds in ascending order. */
  list(): number[] {
    return [...this.fds.keys()].filter((fd) => this.fds[fd]);
  }
}
