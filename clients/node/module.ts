/**
 * Module: a file server that is a JavaScript or TypeScript module of the user's, run in this process.
 * Invariants: an address names one server, however often it is mounted, until its file changes, which
 * the next mount sees; what goes wrong in a module is told as the module's, by its file's name.
 * Used by connect.ts and, for what a module throws when nobody is waiting, by main.ts.
 */
import { realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Ebadarg, errno, type Host, NineError, type Server } from "../../proto/index.ts";
import { type Addr, parseAddr } from "./addr.ts";
import { hostError } from "./guard.ts";
import { nodeHost } from "./host.ts";

/** What a `module:` server is made with. */
export interface ModuleDeps extends Pick<Host, "now" | "sleep" | "random" | "log"> {
  /** What stands behind "?" in the address: `module:kv.ts?file=a.json` gives { file: "a.json" }. */
  readonly args: Readonly<Record<string, string | undefined>>;
  /** The directory that file names in args are relative to. */
  readonly cwd: string;
}

type ModuleAddr = Extract<Addr, { kind: "module" }>;

/** Servers by file, its time and query; a promise while it is being made. */
const servers = new Map<string, Promise<Server>>();
/** Files loaded, as stacks name them, and how each was called in its address. */
const loaded = new Map<string, string>();

/**
 * The server of a module, FILE[?NAME=VALUE&...] relative to cwd: its default export, which is a Server, a
 * function that makes one of ModuleDeps, or a class that is made with them; now or later. Rejects with a
 * NineError that names the file.
 */
export async function loadServer(spec: string, cwd: string = process.cwd()): Promise<Server> {
  const a = parseAddr(`module:${spec}`);
  if (a.kind !== "module") throw new NineError(`${Ebadarg}: ${spec}`);
  let path = resolve(cwd, a.file);
  let key: string;
  try {
    path = realpathSync(path);
    const s = statSync(path);
    if (!s.isFile()) throw new NineError(`not a file: ${a.file}`, errno.EISDIR);
    key = `${pathToFileURL(path).href}?t=${Math.trunc(s.mtimeMs)}`;
  } catch (e) {
    const why = hostError(e);
    throw why instanceof NineError && why.errno === errno.ENOENT ? new NineError(`file does not exist: ${a.file}`, why.errno) : why;
  }
  const name = `${key}&${a.query}`;
  const server = servers.get(name) ?? make(key, path, a, cwd);
  servers.set(name, server);
  server.catch(() => servers.delete(name));
  return server;
}

async function make(url: string, path: string, a: ModuleAddr, cwd: string): Promise<Server> {
  const wrong = (why: string): NineError => new NineError(`${a.file}: ${why}`);
  loaded.set(path, a.file);
  let made: unknown;
  let importing = true;
  try {
    const { default: given } = (await import(url)) as { default?: unknown };
    importing = false;
    if (given === undefined) throw wrong("no default export, which would be the server");
    const deps: ModuleDeps = { ...nodeHost(), args: Object.fromEntries(new URLSearchParams(a.query)), cwd };
    made = await (typeof given === "function" ? call(given as Maker, deps) : given);
  } catch (e) {
    throw e instanceof NineError ? wrong(e.message.replace(`${a.file}: `, "")) : wrong(importing && e instanceof SyntaxError ? `syntax error: ${reason(e)}` : reason(e));
  }
  if (typeof made !== "object" || made === null || !("attach" in made) || typeof made.attach !== "function") {
    throw wrong("its default export is no server, nor a function or class that makes one");
  }
  return made as Server;
}

type Maker = ((deps: ModuleDeps) => unknown) & (new (deps: ModuleDeps) => unknown);

function call(maker: Maker, deps: ModuleDeps): unknown {
  return /^class\b/.test(Function.prototype.toString.call(maker)) ? new maker(deps) : maker(deps);
}

/** Why a module could not be loaded, on one line. */
function reason(e: unknown): string {
  if (!(e instanceof Error)) return String(e);
  if ("code" in e && e.code === "ERR_UNKNOWN_FILE_EXTENSION") return "not JavaScript: TypeScript modules are for npm start, or compile it";
  return e.message.split("\n")[0] ?? "";
}

/** Where nineplex itself is: the top of its sources, or of what was built of them. */
const OURS = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const WINGS = ["proto", "servers", "kernel", "clients"].map((wing) => `${OURS}/${wing}/`);

/**
 * The module that threw what nobody caught, as its address called it: one with a frame in the stack.
 * Where there is none, and none of nineplex's either, which is how sockets and fetch fail, it is one
 * of the modules, if there are any. undefined: a bug of nineplex.
 */
export function culprit(e: unknown): string | undefined {
  if (loaded.size === 0) return undefined;
  const stack = e instanceof Error ? (e.stack ?? "") : "";
  const files = [...stack.matchAll(/^ +at .*?(?:\(|at |async )((?:file:\/\/)?\/[^?:\n]+)(?:\?[^:\n]*)?(?::\d+)*\)?$/gm)]
    .map(([, f = ""]) => (URL.canParse(f) && !/%2f/i.test(f) ? fileURLToPath(f) : f));
  const module = files.find((f) => loaded.has(f));
  if (module !== undefined) return loaded.get(module);
  if (files.some((f) => WINGS.some((w) => f.startsWith(w)) || f === fileURLToPath(import.meta.url))) return undefined;
  // A package that a module uses, or nobody's file at all.
  return [...loaded.values()].join(" or ");
}
