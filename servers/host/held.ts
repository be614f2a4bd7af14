/**
 * Held: a Handle that is closed when it was let go and no call uses it any more; HeldDirs, the
 * directories held open at the moment, newest last; OpenFiles, the files open at the moment.
 * Invariants: a descriptor number is never closed while a call that was given it has not settled;
 * at most `max` directories stay held besides the root and those in use. Used by tree.ts alone.
 */
import { type Awaitable, quietly } from "../../proto/index.ts";
import type { Handle, HostFiles, HostStat } from "./files.ts";

export class Held {
  readonly fd: Handle;
  /** The stat it was found to be the right file by. */
  st: HostStat | undefined;
  private readonly files: HostFiles;
  private uses = 0;
  private over = false;

  constructor(files: HostFiles, fd: Handle) {
    this.files = files;
    this.fd = fd;
  }

  /** f(fd), during which the descriptor stays open. */
  use<T>(f: (fd: Handle) => Awaitable<T>): Awaitable<T> {
    this.uses++;
    let r: Awaitable<T>;
    try {
      r = f(this.fd);
    } catch (e) {
      this.done();
      throw e;
    }
    if (r instanceof Promise) return r.finally(() => this.done());
    this.done();
    return r;
  }

  /** Closes it now, or after its last use; once. */
  close(): Awaitable<void> {
    if (this.over) return;
    this.over = true;
    if (this.uses === 0) return this.files.drop(this.fd);
  }

  private done(): void {
    if (--this.uses === 0 && this.over) quietly(this.files.drop(this.fd));
  }
}

/** Directories by identity; the one not used for longest goes first. */
export class HeldDirs {
  private readonly max: number;
  private readonly dirs = new Map<string | number, Held>();

  constructor(max: number) {
    this.max = max;
  }

  get(key: string | number): Held | undefined {
    const h = this.dirs.get(key);
    if (h) {
      this.dirs.delete(key);
      this.dirs.set(key, h);
    }
    return h;
  }

  /** Takes h over; if the directory is held already, that one stays and h is closed after its use. */
  add(key: string | number, h: Held): Held {
    const other = this.get(key);
    if (other) {
      quietly(h.close());
      return other;
    }
    this.dirs.set(key, h);
    if (this.dirs.size > this.max) this.evict();
    return h;
  }

  drop(key: string | number): void {
    const h = this.dirs.get(key);
    this.dirs.delete(key);
    if (h) quietly(h.close());
  }

  /** Lets go of all; whether there was any. */
  clear(): Awaitable<boolean> {
    const all = [...this.dirs.values()];
    this.dirs.clear();
    const closing = all.map((h) => h.close()).filter((c) => c instanceof Promise);
    return closing.length > 0 ? Promise.allSettled(closing).then(() => true) : all.length > 0;
  }

  private evict(): void {
    for (const key of this.dirs.keys()) {
      this.drop(key);
      return;
    }
  }
}

/** A file somebody has open. */
export interface Opened {
  readonly held: Held;
  readonly writable: boolean;
  /** The user it was opened for. */
  readonly uid: number;
}

/** Open files by identity: by them a file without a name is still reached. */
export class OpenFiles {
  private readonly files = new Map<string | number, Set<Opened>>();

  add(key: string | number, o: Opened): void {
    const all = this.files.get(key);
    if (all) all.add(o);
    else this.files.set(key, new Set([o]));
  }

  delete(key: string | number, o: Opened): void {
    const all = this.files.get(key);
    all?.delete(o);
    if (all?.size === 0) this.files.delete(key);
  }

  /** One of those, by preference one that was opened for writing. */
  find(key: string | number): Opened | undefined {
    let found: Opened | undefined;
    for (const o of this.files.get(key) ?? []) if (!found || o.writable) found = o;
    return found;
  }

  /** Whether that user has it open for writing. */
  writes(key: string | number, uid: number): boolean {
    for (const o of this.files.get(key) ?? []) if (o.writable && o.uid === uid) return true;
    return false;
  }
}

