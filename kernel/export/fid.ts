/**
 * Xfid: a fid that an export's client has, and Op, a message of his under way. Invariants: an Xfid is
 * in the table from when the message that makes it is taken until it is clunked, removed or the making
 * failed; while it is held, messages that name it queue, and go on in the order they came; an Op
 * settles once.
 */
import { after, type Awaitable, Ebadfid, NineError, type Portal, type Qid, type Rmsg, type TauthMsg, Tcreate, Tlcreate, Tlopen, type Tmsg, Topen } from "../../proto/index.ts";
import type { Up } from "./peer.ts";
import type { Union } from "./union.ts";

/** Names from the root attached to: those of `from`, then these. */
export interface Path {
  readonly from: Path | undefined;
  readonly names: readonly string[];
}

export const ROOT: Path = { from: undefined, names: [] };

/** The path with these names behind it; it grows no longer than the way down is. */
export function extended(from: Path, names: readonly string[]): Path {
  if (names.length === 0) return from;
  const path = { from, names };
  return names.includes("..") || names.includes(".") ? { from: undefined, names: namesOf(path) } : path;
}

/** The names of a path, "." and ".." taken out: ".." at the root stays there. */
export function namesOf(p: Path): string[] {
  const parts: (readonly string[])[] = [];
  for (let at: Path | undefined = p; at; at = at.from) parts.push(at.names);
  const names: string[] = [];
  for (const part of parts.toReversed()) {
    for (const name of part) {
      if (name === "..") names.pop();
      else if (name !== ".") names.push(name);
    }
  }
  return names;
}

/** The names from the process's root to where a path leads in a tree that was attached to. */
export function fullNames({ tree, path }: Pick<Xfid, "tree" | "path">): string[] {
  return [...tree, ...namesOf(path)];
}

export class Xfid {
  readonly num: number;
  /** Names from the process's root to where this one's user attached. */
  tree: readonly string[];
  path: Path = ROOT;
  /** Where it is; undefined until that is known. */
  up: Up | undefined;
  /** As its Mnt knows it; undefined while the walk is under way. */
  qid: Qid | undefined;
  /** Names walked on its Mnt since a mount was crossed, and the qid where that was. */
  depth = 0;
  base: Qid | undefined;
  /** Key of the Mhead it was reached across, in its last element (Pgrp.head). */
  head: string | undefined;
  /** Of a tree that stands beside the name space: nothing is mounted there, and it is not read-only. */
  aside = false;
  open = false;
  /** The last open of it that had to be waited for. */
  opening: Promise<unknown> | undefined;
  /** The union that it has open. */
  union: Union | undefined;
  /** A walk from here moved it out of the table, or it never came to be. */
  dead = false;
  held = 0;
  readonly queue: Op[] = [];

  constructor(num: number, tree: readonly string[]) {
    this.num = num;
    this.tree = tree;
  }
}

/** A message that an export goes into. */
export type Request = Exclude<Tmsg, TauthMsg>;

export class Op {
  readonly t: Request;
  /** The fid it names, another one that it names, and the one it makes. */
  fid: Xfid | undefined;
  fid2: Xfid | undefined;
  made: Xfid | undefined;
  /** The fids it is queued on, and one that it holds meanwhile. */
  waits: Xfid[] | undefined;
  holds: Xfid | undefined;
  /** What it is at the moment at a portal. */
  portal: Portal | undefined;
  sent: Tmsg | undefined;
  flushed = false;
  resolve: ((r: Rmsg) => void) | undefined;

  constructor(t: Request) {
    this.t = t;
  }
}

/** Does what a fid must not be open for, once it is known whether it is. */
export function unopened<T>(f: Xfid, what: () => Awaitable<T>): Awaitable<T> {
  return after(f.opening, () => {
    if (f.open) throw new NineError(Ebadfid);
    return what();
  });
}

/** Whether the message opens its fid. */
export function opens(t: Tmsg): boolean {
  return t.type === Topen || t.type === Tlopen || t.type === Tcreate || t.type === Tlcreate;
}
