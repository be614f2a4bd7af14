/**
 * subtree: a server whose attach name selects a directory: "" and "/" the root, a path what it leads
 * to (".." cannot leave), anything else "file does not exist". `ctl` is another tree, in which zero
 * and null are what diodload(8) reads and writes.
 */
import { after, type Call, elements, Enonexist, Enotdir, isDir, NineError, type Node, type Server } from "../../proto/index.ts";

export function subtree(server: Server, ctl?: Node): Server {
  return {
    name: server.name,
    attach(call, aname) {
      if (aname === "ctl" && ctl) return ctl;
      return after(server.attach(call, ""), (root) => {
        if (aname === "" || aname === "/") return root;
        if (!aname.startsWith("/")) throw new NineError(Enonexist);
        return below(root, aname, call);
      });
    },
  };
}

async function below(root: Node, path: string, call: Call): Promise<Node> {
  let node = root;
  for (const name of elements(path)) node = await child(node, name, call);
  if (!isDir(node)) throw new NineError(Enotdir);
  return node;
}

async function child(node: Node, name: string, call: Call): Promise<Node> {
  const next = isDir(node) ? await node.walk(name, call) : undefined;
  if (!next) throw new NineError(Enonexist);
  return next;
}
