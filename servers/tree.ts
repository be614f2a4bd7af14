/** tree: the frame of a server that has one tree for everybody. */
import { Enonexist, NineError } from "../proto/index.ts";
import type { Node, Server } from "../proto/index.ts";

/** A server whose tree is `root`; any other aname than "" and "/" does not exist. */
export function tree(name: string, root: Node): Server {
  return {
    name,
    attach(_call, aname) {
      if (aname !== "" && aname !== "/") throw new NineError(Enonexist);
      return root;
    },
  };
}
