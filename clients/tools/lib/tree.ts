/**
 * Tree: all that lies below a directory, one file after the other, in the order the servers list it; a
 * directory comes after what is in it. Listings of the directories that come next are on their way while
 * one is looked at, and of those in them as soon as they are known. A directory met again, as by way of a bind, is passed over; symbolic links are not
 * followed. For du and walk.
 */
import { QTDIR, qidPath, type Dir } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { joinName } from "./names.ts";

/** Listings under way, and directories whose listings are asked for ahead of their turn. */
const WIDTH = 16, AHEAD = 64;

/** Who looks. What is returned is waited for. */
export interface Visitor {
  /** What is in it comes next; a directory of the name "" is the current one. */
  enter?(path: string, d: Dir): Promise<void> | undefined;
  /** What is no directory; `above` is where it lies. */
  file(d: Dir, above: string, depth: number): Promise<void> | undefined;
  /** All that is in it was seen. */
  leave(d: Dir, path: string, depth: number): Promise<void> | undefined;
  failed(path: string, e: unknown): Promise<void>;
}

export interface TreeOptions {
  /** Directories so far below the first are not looked into. */
  readonly depth: number;
  /** Files have their turn among the directories; else each before the directories beside it, which holds less. */
  readonly inOrder: boolean;
}

/** A directory whose turn comes. */
interface Branch {
  readonly path: string;
  readonly dir: Dir;
  readonly depth: number;
  /** Settles when todo is filled. */
  listing: Promise<void> | undefined;
  /** What of it was not seen yet, the next one last. */
  todo: (Branch | Dir)[];
}

/** Invariant: the stack holds a directory, and those that it lies in below it. */
export class Tree {
  readonly #sys: Sys;
  readonly #visitor: Visitor;
  readonly #options: TreeOptions;
  readonly #seen = new Set<string>();
  readonly #stack: Branch[] = [];
  #asked = 0;

  constructor(sys: Sys, visitor: Visitor, options: TreeOptions) {
    this.#sys = sys;
    this.#visitor = visitor;
    this.#options = options;
  }

  async all(path: string, dir: Dir): Promise<void> {
    await this.#enter({ path, dir, depth: 0, listing: undefined, todo: [] });
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      const next = top.todo.pop();
      if (!next) {
        this.#stack.pop();
        await this.#visitor.leave(top.dir, top.path, top.depth);
      } else if ("todo" in next) {
        if (!this.#seen.has(identity(next.dir))) await this.#enter(next);
      } else await this.#visitor.file(next, top.path, top.depth + 1);
    }
  }

  async #enter(b: Branch): Promise<void> {
    this.#seen.add(identity(b.dir));
    this.#stack.push(b);
    const deep = b.depth >= this.#options.depth;
    try {
      if (!deep) {
        this.#ask(b);
        this.#prefetch();
      }
      const entered = this.#visitor.enter?.(b.path, b.dir);
      if (entered) await entered;
      if (deep) return;
      await b.listing;
      if (!this.#options.inOrder) await this.#files(b);
    } catch (e) {
      await this.#visitor.failed(b.path, e);
    }
  }

  /** The files' turn before the directories'. */
  async #files(b: Branch): Promise<void> {
    const all = b.todo;
    b.todo = all.filter((d) => "todo" in d);
    for (let i = all.length - 1; i >= 0; i--) {
      const d = all[i]!;
      const seen = "todo" in d ? undefined : this.#visitor.file(d, b.path, b.depth + 1);
      if (seen) await seen;
    }
  }

  /** Asks for the listings that come next, as many as may be under way. */
  #prefetch(): void {
    let ahead = 0;
    // Of those not entered yet, as they will be: what is in a directory before those beside it.
    const each = (todo: readonly (Branch | Dir)[]): boolean => {
      for (let k = todo.length - 1; k >= 0; k--) {
        const next = todo[k]!;
        if (!("todo" in next) || next.depth >= this.#options.depth || this.#seen.has(identity(next.dir))) continue;
        if (++ahead > AHEAD || this.#asked >= WIDTH) return false;
        if (!next.listing) this.#ask(next);
        else if (!each(next.todo)) return false;
      }
      return true;
    };
    for (let i = this.#stack.length - 1; i >= 0 && each(this.#stack[i]!.todo); i--);
  }

  #ask(b: Branch): void {
    b.listing ??= this.#list(b);
    // It may fail long before its turn.
    b.listing.catch(() => {});
  }

  async #list(b: Branch): Promise<void> {
    this.#asked++;
    try {
      for (const d of await this.#sys.readDir(b.path === "" ? "." : b.path)) {
        b.todo.push(isDirectory(d) ? { path: below(b.path, d.name), dir: d, depth: b.depth + 1, listing: undefined, todo: [] } : d);
      }
      b.todo.reverse();
    } finally {
      this.#asked--;
      this.#prefetch();
    }
  }
}

/** Which directory it is, whatever it is called. */
function identity(d: Dir): string {
  return `${d.type} ${d.dev} ${qidPath(d.qid)}`;
}

/** The name of what lies in the directory; "" is the current one. */
export function below(path: string, name: string): string {
  return path === "" ? name : joinName(path, name);
}

export function isDirectory(d: Dir): boolean {
  return (d.qid.type & QTDIR) !== 0;
}
