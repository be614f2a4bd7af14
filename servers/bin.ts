/**
 * bin: the host programs as files: each says `#!host NAME`, which is what exec looks for. Read-only;
 * a copy of such a file is as good as the file.
 */
import { dir, encode, type FileNode, type Node, type Server } from "../proto/index.ts";
import { tree } from "./tree.ts";

/** A directory of these programs. */
export function bin(names: Iterable<string>): Server {
  const children: Record<string, Node> = {};
  for (const name of names) children[name] = program(name);
  return tree("bin", dir(children));
}

function program(name: string): FileNode {
  const body = encode(`#!host ${name}\n`);
  return { mode: 0o555, length: () => body.length, open: () => ({ read: (at, n) => body.subarray(at, at + n) }) };
}
