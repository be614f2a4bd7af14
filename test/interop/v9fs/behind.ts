/**
 * Behind: what the guest has done to its files behind the back of its mounts (`host` in init.sh):
 * local files for host and diod, another session in process for ram. One line asks, one answers.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirMode, type Fsys } from "../../../proto/index.ts";

export interface Behind {
  read(path: string): Promise<Uint8Array>;
  write(path: string, data: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  mkdir(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  list(path: string): Promise<string[]>;
}

/** Files below a directory of this machine. */
export function local(root: string): Behind {
  const at = (path: string): string => `${root}/${path}`;
  return {
    read: (path) => fs.readFile(at(path)),
    write: (path, data) => fs.writeFile(at(path), data),
    rename: (from, to) => fs.rename(at(from), at(to)),
    remove: (path) => fs.rm(at(path)),
    mkdir: (path) => fs.mkdir(at(path)).then(() => undefined),
    chmod: (path, mode) => fs.chmod(at(path), mode),
    list: (path) => fs.readdir(at(path)),
  };
}

/** Files of a 9P server. */
export function remote(tree: Fsys): Behind {
  return {
    read: (path) => tree.readFile(path),
    write: (path, data) => tree.writeFile(path, data),
    rename: (from, to) => tree.rename(from, to),
    remove: (path) => tree.remove(path),
    mkdir: (path) => tree.mkdir(path),
    chmod: (path, mode) => tree.wstat(path, { mode: dirMode(mode) }),
    list: async (path) => (await tree.readDir(path)).map((d) => d.name),
  };
}

/** Answers "SUITE COMMAND ARG..." for the suites' files, each in a directory of its suite's name. */
export function control(suites: ReadonlyMap<string, Behind>): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.once("data", (data) => {
      const [suite = "", command = "", ...args] = data.toString().trim().split(" ");
      const on = suites.get(suite);
      const [first = "", ...more] = args;
      const done = on ? ask(on, command, `${suite}/${first}`, command === "rename" ? [`${suite}/${more[0]}`] : more) : Promise.reject(new Error(`no suite ${suite}`));
      done.then((answer) => socket.end(`${answer}\n`), (e: unknown) => socket.end(`error ${e instanceof Error ? e.message : "unknown"}\n`));
    });
    socket.on("error", () => undefined);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function ask(on: Behind, command: string, path: string, args: readonly string[]): Promise<string> {
  const [arg = ""] = args;
  const text = (data: Uint8Array): string => Buffer.from(data).toString();
  switch (command) {
    case "cat": return text(await on.read(path));
    case "write": return on.write(path, Buffer.from(args.join(" "))).then(() => "done");
    case "append": return on.write(path, Buffer.from(text(await on.read(path)) + args.join(" "))).then(() => "done");
    case "rename": return on.rename(path, arg).then(() => "done");
    case "rm": return on.remove(path).then(() => "done");
    case "mkdir": return on.mkdir(path).then(() => "done");
    case "chmod": return on.chmod(path, parseInt(arg, 8)).then(() => "done");
    case "many":
      await on.mkdir(path);
      for (let i = 0; i < Number(arg); i++) await on.write(`${path}/entry-${i}`, new Uint8Array());
      return "done";
    case "ls": return (await on.list(path)).toSorted().join(" ");
    case "sum": return createHash("md5").update(await on.read(path)).digest("hex");
    case "fill": return on.write(path, words(Number(arg))).then(() => "done");
    default: throw new Error(`no command ${command}`);
  }
}

/** n MiB whose 32-bit words are their index by Knuth's multiplier, as `probe fill` makes them. */
function words(n: number): Uint8Array {
  const all = new Uint32Array(n << 18);
  for (let i = 0; i < all.length; i++) all[i] = Math.imul(i, 2654435761);
  return new Uint8Array(all.buffer);
}
