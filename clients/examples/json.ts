/**
 * json: a JSON document as a tree: objects and arrays are directories, all other values files. What is
 * written, made and removed (of an array: set to null) is changed in the document and saved at once:
 *   mount 'module:clients/examples/json.ts?file=package.json' /n/p; echo 2.0.0 > /n/p/version
 * A string stays one; null, numbers and truth become what the text is in JSON, or a string.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { dir, DMDIR, Ebadname, Eexist, Enotempty, Eremoved, type DirNode, NineError, type Node, type Server, valueFile } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import type { ModuleDeps } from "../node/index.ts";

type Tree = Record<string, unknown>; // or an array, whose keys are its indices
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;
const isName = (key: string): boolean => !/^(\.{0,2}|__proto__)$|[/\0]/.test(key); // other keys are kept, but not shown

export default function json({ args, cwd }: Pick<ModuleDeps, "args" | "cwd">): Server {
  const file = resolve(cwd, args["file"] ?? "data.json");
  const root: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isTree(root)) throw new NineError(`${file}: neither an object nor an array`);
  return tree("json", directory(root, () => {
    writeFileSync(`${file}.new`, `${JSON.stringify(root, undefined, 2)}\n`);
    renameSync(`${file}.new`, file); // whoever reads it sees the old document or the new one
  }));
}

function directory(tree: Tree, save: () => void): DirNode {
  const nodes = new Map<string, Node>(Object.keys(tree).filter(isName).map((key) => [key, nodeOf(key, tree[key])]));
  function nodeOf(key: string, value: unknown): Node {
    if (isTree(value)) return directory(value, save);
    const node = valueFile(() => shown(tree[key]), (text) => {
      if (nodes.get(key) !== node) throw new NineError(Eremoved); // while somebody had it open
      tree[key] = meant(text.replace(/\n$/, ""), tree[key]);
      save();
    });
    return node;
  }
  return {
    ...dir(nodes),
    create(name, mode) {
      if (nodes.has(name)) throw new NineError(Eexist);
      if (!isName(name) || (Array.isArray(tree) && !/^\d{1,4}$/.test(name))) throw new NineError(`${Ebadname}: ${name}`);
      const node = nodeOf(name, (tree[name] = mode & DMDIR ? {} : undefined)); // no value until it is written
      nodes.set(name, node);
      save();
      return { node };
    },
    remove(name) {
      if (isTree(tree[name]) && Object.keys(tree[name]).length > 0) throw new NineError(Enotempty);
      delete tree[name];
      nodes.delete(name);
      save();
    },
  };
}

const shown = (value: unknown): string => (value === undefined ? "" : `${typeof value === "string" ? value : JSON.stringify(value)}\n`);
const meant = (text: string, old: unknown): unknown =>
  typeof old !== "string" && /^(null|true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?)$/.test(text) ? JSON.parse(text) : text;
