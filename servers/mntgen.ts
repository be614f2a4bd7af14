/**
 * mntgen: places to mount on, mntgen(4): whatever name is walked to in its root is an empty directory,
 * the same one each time. The root lists the names walked to so far. Invariant: at most `limit` names,
 * since a name once given may be mounted on and cannot be forgotten. Anyone may call it.
 */
import { dir, Efull, Enametoolong, NineError } from "../proto/index.ts";
import type { DirNode, Server } from "../proto/index.ts";
import { tree } from "./tree.ts";

/** What mntgen may be told. */
export interface MntgenDeps {
  /** Most names it makes, 4096 by default; beyond it: Efull. */
  readonly limit?: number;
}

/** Every name is an empty directory. */
export function mntgen(deps: MntgenDeps = {}): Server {
  const limit = deps.limit ?? 4096;
  const made = new Map<string, DirNode>();
  const root: DirNode = {
    mode: 0o555,
    walk(name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      if (name.length > 255) throw new NineError(Enametoolong);
      if (made.size >= limit) throw new NineError(Efull);
      const node = dir({}, 0o555);
      made.set(name, node);
      return node;
    },
    list: () => made.entries(),
  };
  return tree("mntgen", root);
}
