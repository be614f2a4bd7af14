/**
 * kv: a key-value store as a directory: a key is a file, its value is what is in it. Everything is kept
 * in one JSON file of the host, and written there before a change is answered:
 *
 *   mount 'module:clients/examples/kv.ts?file=store.json' /n/kv
 *   echo green > /n/kv/colour; cat /n/kv/*; rm /n/kv/colour
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { dir, type DirNode, DMDIR, Eexist, Eremoved, type FileNode, NineError, type Server, valueFile } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import type { ModuleDeps } from "../node/index.ts";

type Values = Readonly<Record<string, string>>;

export default function kv({ args, cwd }: Pick<ModuleDeps, "args" | "cwd">): Server {
  const file = resolve(cwd, args["file"] ?? "kv.json");
  let values: Values = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Values) : {};

  /** Whoever reads the file sees the old values or the new ones, never half of them. */
  function keep(next: Values): void {
    writeFileSync(`${file}.new`, JSON.stringify(next, undefined, 1), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    values = next;
  }

  function fileOf(key: string): FileNode {
    const node = valueFile(() => values[key] ?? "", (text) => {
      if (keys.get(key) !== node) throw new NineError(Eremoved); // while somebody had it open
      keep({ ...values, [key]: text });
    });
    return node;
  }

  const keys = new Map<string, FileNode>();
  for (const key of Object.keys(values)) keys.set(key, fileOf(key));

  const root: DirNode = {
    ...dir(keys),
    create(name, mode) {
      if (mode & DMDIR) throw new NineError("a key is a file, not a directory");
      if (keys.has(name)) throw new NineError(Eexist);
      keep({ ...values, [name]: "" });
      const node = fileOf(name);
      keys.set(name, node);
      return { node };
    },
    remove(name) {
      keep(Object.fromEntries(Object.entries(values).filter(([key]) => key !== name)));
      keys.delete(name);
    },
  };
  return tree("kv", root);
}
