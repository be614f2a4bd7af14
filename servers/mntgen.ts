/**
 * mntgen: places to mount on, mntgen(4): whatever name is walked to in its root is an empty directory,
 * the same one for as long as anybody has it. Invariants: a name is known while a fid stands for it,
 * as that of what is mounted upon does, and the root lists those; others are forgotten by and by. At
 * most `limit` names are had at a time. Anyone may call it.
 */
import { dir, Efull, Enametoolong, inUse, NineError } from "../proto/index.ts";
import type { DirNode, Server } from "../proto/index.ts";
import { tree } from "./tree.ts";

/** Names, above those in use, that are kept until somebody looks which can be forgotten. */
const SPARE = 64;

/** What mntgen may be told. */
export interface MntgenDeps {
  /** Most names somebody has at a time, 4096 by default; beyond it: Efull. */
  readonly limit?: number;
}

/** Every name is an empty directory. */
export function mntgen(deps: MntgenDeps = {}): Server {
  const limit = deps.limit ?? 4096;
  const made = new Map<string, DirNode>();
  /** So many names, and those that nobody has are forgotten. */
  let enough = Math.min(limit, SPARE);
  const forget = (): void => {
    const used = inUse(server);
    if (used) for (const [name, node] of made) if (!used.has(node)) made.delete(name);
    enough = Math.min(limit, 2 * made.size + SPARE);
  };
  const root: DirNode = {
    mode: 0o555,
    walk(name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      if (name.length > 255) throw new NineError(Enametoolong);
      if (made.size >= enough) forget();
      if (made.size >= limit) throw new NineError(Efull);
      const node = dir({}, 0o555);
      made.set(name, node);
      return node;
    },
    list() {
      forget();
      return made.entries();
    },
  };
  const server = tree("mntgen", root);
  return server;
}
