/** ninepverbs: what 9p does to a server, one operation each; for the command 9p and for nineplex's verb. */
import { type Dir, DMDIR, DMSYMLINK, Eisdir, type Fsys, NineError, OWRITE, qidPath } from "../../../proto/index.ts";
import type { Zone } from "./ctime.ts";
import { listing } from "./listing.ts";

/** Where what is read goes and what is written comes from. */
export interface NinepIo {
  put(data: Uint8Array | string): Promise<unknown>;
  input(): AsyncIterable<Uint8Array>;
  /** Attributes in lists. */
  readonly long: boolean;
  readonly nowSec: number;
  readonly zone: Zone;
  /** Text of the server's as it may be shown. */
  shown(text: string): string;
}

interface NinepVerb {
  /** Fewest and most paths. */
  readonly paths: readonly [number, number];
  run(fs: Fsys, paths: readonly string[], io: NinepIo): Promise<void>;
}

export const ninepVerbs: Readonly<Record<string, NinepVerb>> = {
  ls: { paths: [0, Infinity], run: ls },
  read: { paths: [1, Infinity], run: read },
  write: { paths: [1, 1], run: write },
  stat: { paths: [1, Infinity], run: (fs, paths, io) => each(paths, async (p) => void (await io.put(`${io.shown(describe(await fs.stat(p)))}\n`))) },
  mkdir: { paths: [1, Infinity], run: (fs, paths) => each(paths, (p) => fs.mkdir(p)) },
  rm: { paths: [1, Infinity], run: (fs, paths) => each(paths, (p) => fs.remove(p)) },
  mv: { paths: [2, 2], run: (fs, [from = "", to = ""]) => named(from, fs.rename(from, to)) },
};

async function ls(fs: Fsys, paths: readonly string[], io: NinepIo): Promise<void> {
  await each(paths.length > 0 ? paths : ["/"], async (path) => {
    const d = await fs.stat(path);
    const dirs = d.mode & DMDIR ? await fs.readDir(path) : [{ ...d, name: path }];
    const lines = listing(dirs.map((x) => ({ name: x.name, dir: x })), new Set(io.long ? ["l"] : []), io.nowSec, io.zone);
    await io.put(lines.map((line) => `${io.shown(line.slice(0, -1))}\n`).join(""));
  });
}

async function read(fs: Fsys, paths: readonly string[], io: NinepIo): Promise<void> {
  await each(paths, async (path) => {
    if ((await fs.stat(path)).mode & DMDIR) throw new NineError(Eisdir);
    const f = await fs.open(path);
    try {
      for (let data = await f.read(); data.length > 0; data = await f.read()) await io.put(data);
    } finally {
      await f.close().catch(() => undefined);
    }
  });
}

async function write(fs: Fsys, [path = ""]: readonly string[], io: NinepIo): Promise<void> {
  await named(path, (async () => {
    const f = await fs.create(path, OWRITE);
    for await (const chunk of io.input()) await f.write(chunk);
    await f.close();
  })());
}

/** stat(5)'s fields on one line. */
function describe(d: Dir): string {
  const kind = d.mode & DMDIR ? "directory" : d.mode & DMSYMLINK ? `link to ${d.extension}` : "file";
  const q = `(${qidPath(d.qid).toString(16)} ${d.qid.vers} ${d.qid.type.toString(16)})`;
  const time = (s: number): string => new Date(s * 1000).toISOString().replace(".000", "");
  return `${d.name}: ${kind}, mode ${(d.mode >>> 0).toString(8)}, ${d.length} bytes, user ${d.uid}, group ${d.gid}, `
    + `modified ${time(d.mtime)}${d.muid ? ` by ${d.muid}` : ""}, read ${time(d.atime)}, qid ${q}`;
}

/** One path after the other; the first that fails ends it. */
async function each(paths: readonly string[], f: (path: string) => Promise<void>): Promise<void> {
  for (const path of paths) await named(path, f(path));
}

/** An error of p speaks of `what`. */
export async function named<T>(what: string, p: Promise<T>): Promise<T> {
  try {
    return await p;
  } catch (e) {
    throw e instanceof NineError ? new NineError(`${what}: ${e.message}`, e.errno) : e;
  }
}
