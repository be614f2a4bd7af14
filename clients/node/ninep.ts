/**
 * 9p: the one-shot client (9p(1)): one connection, one operation, against any 9P server.
 */
import { attach, type Dir, DMDIR, DMSYMLINK, Eintr, Eisdir, type Fsys, NineError, OWRITE } from "../../proto/index.ts";
import { listing } from "../tools/lib/listing.ts";
import { perhaps } from "./commandline.ts";
import { connect } from "./connect.ts";
import { me } from "./me.ts";
import { checked, type Options, UsageError } from "./options.ts";
import { parseAddr } from "./addr.ts";
import { put } from "./streams.ts";
import { traceLog } from "./tracelog.ts";

interface NinepVerb {
  /** Fewest and most paths. */
  readonly paths: readonly [number, number];
  run(fs: Fsys, paths: readonly string[], options: Options): Promise<void>;
}

const verbs: Readonly<Record<string, NinepVerb>> = {
  ls: { paths: [0, Infinity], run: ls },
  read: { paths: [1, Infinity], run: read },
  write: { paths: [1, 1], run: write },
  stat: { paths: [1, Infinity], run: stat },
  mkdir: { paths: [1, Infinity], run: (fs, paths) => each(paths, (p) => fs.mkdir(p)) },
  rm: { paths: [1, Infinity], run: (fs, paths) => each(paths, (p) => fs.remove(p)) },
  mv: { paths: [2, 2], run: (fs, [from = "", to = ""]) => named(from, fs.rename(from, to)) },
};

/** nineplex 9p VERB ADDR [PATH...]: the exit status. */
export async function ninep(options: Options, args: readonly string[], cwd: string, stop: AbortSignal): Promise<number> {
  const [verb = "", addr, ...paths] = args;
  const v = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (!v) throw new UsageError(`${verb === "" ? "9p: wants a verb" : `9p ${verb}: unknown verb${perhaps(verb, Object.keys(verbs))}`}: ls, read, write, stat, mkdir, rm or mv`);
  if (addr === undefined) throw new UsageError(`9p ${verb}: wants an address, like tcp://127.0.0.1:564`);
  if (paths.length < v.paths[0] || paths.length > v.paths[1]) throw new UsageError(`9p ${verb}: wants ${v.paths[0] === 1 ? "a path" : `${v.paths[0]} paths`}; see nineplex 9p -h`);
  const where = checked(() => parseAddr(addr), "9p");
  const traced = traceLog(options.trace, cwd);
  try {
    const portal = traced(await named(addr, connect(where, { msize: options.msize, signal: stop, cwd })), addr);
    try {
      // A flush would not help against a server that is stuck.
      stop.addEventListener("abort", () => portal.hangup(), { once: true });
      const { name, uid } = me();
      // A plain .L server goes by the number, one of ours by the name.
      const n_uname = options.uname === undefined && !portal.ordered && uid >= 0 ? { n_uname: uid } : {};
      const fs = await named(addr, attach(portal, { uname: options.uname ?? name, ...n_uname }));
      await v.run(fs, paths, options);
    } finally {
      portal.hangup();
    }
    return 0;
  } catch (e) {
    throw stop.aborted ? new NineError(Eintr) : e;
  }
}

async function ls(fs: Fsys, paths: readonly string[], options: Options): Promise<void> {
  await each(paths.length > 0 ? paths : ["/"], async (path) => {
    const d = await fs.stat(path);
    const dirs = d.mode & DMDIR ? await fs.readDir(path) : [{ ...d, name: path }];
    const flags = new Set(options.long ? ["l"] : []);
    const here = { at: (sec: number) => ({ name: "", offset: -60 * new Date(sec * 1000).getTimezoneOffset() }) };
    await out(listing(dirs.map((x) => ({ name: x.name, dir: x })), flags, Date.now() / 1000, here).join(""));
  });
}

async function read(fs: Fsys, paths: readonly string[]): Promise<void> {
  await each(paths, async (path) => {
    if ((await fs.stat(path)).mode & DMDIR) throw new NineError(Eisdir);
    const f = await fs.open(path);
    try {
      for (;;) {
        const data = await f.read();
        if (data.length === 0) return;
        await out(data);
      }
    } finally {
      await f.close().catch(() => undefined);
    }
  });
}

async function write(fs: Fsys, [path = ""]: readonly string[]): Promise<void> {
  await named(path, (async () => {
    const f = await fs.create(path, OWRITE);
    for await (const chunk of process.stdin) await f.write(chunk as Uint8Array);
    await f.close();
  })());
}

async function stat(fs: Fsys, paths: readonly string[]): Promise<void> {
  await each(paths, async (path) => {
    const d = await fs.stat(path);
    await out(`${describe(d)}\n`);
  });
}

/** stat(5)'s fields on one line. */
function describe(d: Dir): string {
  const kind = d.mode & DMDIR ? "directory" : d.mode & DMSYMLINK ? `link to ${d.extension}` : "file";
  const q = `(${((BigInt(d.qid.pathhi) << 32n) | BigInt(d.qid.pathlo)).toString(16)} ${d.qid.vers} ${d.qid.type.toString(16)})`;
  const time = (s: number): string => new Date(s * 1000).toISOString().replace(".000", "");
  return `${d.name}: ${kind}, mode ${(d.mode >>> 0).toString(8)}, ${d.length} bytes, user ${d.uid}, group ${d.gid}, `
    + `modified ${time(d.mtime)}${d.muid ? ` by ${d.muid}` : ""}, read ${time(d.atime)}, qid ${q}`;
}

/** One path after the other; the first that fails ends it. */
async function each(paths: readonly string[], f: (path: string) => Promise<void>): Promise<void> {
  for (const path of paths) await named(path, f(path));
}

async function named<T>(what: string, p: Promise<T>): Promise<T> {
  try {
    return await p;
  } catch (e) {
    throw e instanceof NineError ? new NineError(`${what}: ${e.message}`, e.errno) : e;
  }
}

const out = (data: Uint8Array | string): Promise<void> => put(process.stdout, data);
