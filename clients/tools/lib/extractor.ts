/**
 * Extractor: members of an archive made files again, for tar(1). Several small files are on their way at a
 * time. Invariants: nothing is written outside the current directory, or with -R of where the names say: no
 * name goes up, no symbolic link is gone through, neither one of the archive nor one that was there; what is
 * held is a few small files, and with times to be set the directories' names.
 */
import { DMDIR, DMSYMLINK, Eexist, Eisdir, Enotdir, NineError, OEXCL, OWRITE, errno, isInterrupted } from "../../../proto/index.ts";
import type { TarEntry } from "../../../servers/index.ts";
import { join } from "./bytes.ts";
import { Copier, statIfAny } from "./copy.ts";
import { about, type Tool } from "./tool.ts";
import type { TarInput } from "./tarinput.ts";

export interface ExtractHow {
  /** What exists stays. */
  readonly keep: boolean;
  /** Modes and times of modification as in the archive. */
  readonly times: boolean;
  /** Names that begin with a slash are so. */
  readonly rooted: boolean;
}

/** Files up to this length are written while others are read; so many of them. */
const SMALL = 65_536, WIDTH = 16;
/** Directories known to be none of links. */
const KNOWN = 10_000;

export class Extractor {
  readonly #t: Tool;
  readonly #input: TarInput;
  readonly #how: ExtractHow;
  readonly #real = new Set<string>();
  readonly #busy = new Map<string, Promise<void>>();
  #broken: { why: unknown } | undefined;
  /** Directories whose mode and time are set when all is in them. */
  readonly #last: { path: string; mode: number; mtime: number | undefined }[] = [];

  constructor(t: Tool, input: TarInput, how: ExtractHow) {
    this.#t = t;
    this.#input = input;
    this.#how = how;
  }

  async member(e: TarEntry): Promise<void> {
    try {
      const path = safeName(e.path, this.#how.rooted);
      if (path === ".") return;
      await this.#idle(path);
      await this.#above(path);
      if (e.type === "5" || e.type === "D") await this.#directory(path, e);
      else if (e.type === "1") await this.#hardLink(path, e);
      else if (e.type === "2") await this.#fresh(path, () => this.#t.sys.symlink(e.linkpath, path));
      else if (e.sparse || e.type === "S") throw new NineError("sparse files are not supported");
      else if (/^[346]$/.test(e.type)) throw new NineError("a device or pipe: not extracted");
      // Volume headers and the like are no files; what is unknown is one.
      else if (!/^[AIV]$/.test(e.type)) await this.#file(path, e);
    } catch (why) {
      await this.#t.fail(e.path, why);
    }
    if (this.#broken) throw this.#broken.why;
  }

  /** Waits for all that is on its way, and sees to the directories. */
  async end(): Promise<void> {
    await this.#idle();
    for (const { path, mode, mtime } of this.#last.toReversed()) {
      try {
        await this.#t.sys.wstat(path, { mode: (DMDIR | mode) >>> 0, ...(mtime !== undefined && { mtime }) });
      } catch (why) {
        await this.#t.fail(path, why);
      }
    }
  }

  /** Waits until the file of that name is written; without one, until all are. */
  async #idle(path?: string): Promise<void> {
    await (path === undefined ? Promise.all(this.#busy.values()) : this.#busy.get(path));
    if (this.#broken) throw this.#broken.why;
  }

  /** Makes the directories that the name lies in, and sees that they are ones. */
  async #above(path: string): Promise<void> {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      const dir = path.slice(0, at);
      if (!this.#real.has(dir)) await about(dir, () => this.#realDirectory(dir, 0o777));
    }
  }

  /** True when it was made. */
  async #realDirectory(path: string, mode: number): Promise<boolean> {
    if (this.#real.size >= KNOWN) this.#real.clear();
    try {
      await this.#t.sys.mkdir(path, mode);
      this.#real.add(path);
      return true;
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      const d = await statIfAny(this.#t, path, true);
      if (!d) throw e;
      if (d.mode & DMSYMLINK) throw new NineError("is a symbolic link, which is not followed");
      if (!(d.mode & DMDIR)) throw new NineError(Enotdir, errno.ENOTDIR);
      this.#real.add(path);
      return false;
    }
  }

  async #directory(path: string, e: TarEntry): Promise<void> {
    // The owner must be able to write it until all is in it.
    const mode = e.mode & 0o777;
    const made = await this.#realDirectory(path, mode | 0o700);
    if (this.#how.times || (made && (mode & 0o700) !== 0o700)) this.#last.push({ path, mode, mtime: this.#how.times ? Math.floor(e.mtime) : undefined });
  }

  async #file(path: string, e: TarEntry): Promise<void> {
    if (e.size > SMALL) return this.#filled(path, e, (put) => this.#input.data(e.at, e.size, put));
    const parts: Uint8Array[] = [];
    // What is cut short is told of when the next header is looked for.
    await this.#input.data(e.at, e.size, async (data) => parts.push(data));
    const data = join(parts);
    if (this.#busy.size >= WIDTH) await Promise.race(this.#busy.values());
    const work = this.#filled(path, e, (put) => put(data)).catch(async (why: unknown) => {
      await this.#t.fail(e.path, why);
    }).catch((why: unknown) => {
      this.#broken ??= { why };
    }).finally(() => this.#busy.delete(path));
    this.#busy.set(path, work);
  }

  async #filled(path: string, e: TarEntry, fill: (put: (data: Uint8Array) => Promise<unknown>) => Promise<unknown>): Promise<void> {
    const { sys } = this.#t;
    const mode = e.mode & 0o777;
    const fd = await this.#fresh(path, () => sys.create(path, OWRITE | OEXCL, mode));
    if (fd === undefined) return;
    let at = 0;
    await fill(async (data) => {
      if (data.length > 0) await sys.write(fd, data, at);
      at += data.length;
      this.#t.progress.add(data.length);
    });
    if (this.#how.times) await sys.fwstat(fd, { mode, mtime: Math.floor(e.mtime) });
    await sys.close(fd);
  }

  /** Makes a file of a name that is not to be there: what is goes, or stays and nothing is made. */
  async #fresh<T>(path: string, make: () => Promise<T>): Promise<T | undefined> {
    try {
      return await make();
    } catch (e) {
      if (!(e instanceof NineError) || e.errno !== errno.EEXIST) throw e;
    }
    if (this.#how.keep) return undefined;
    const d = await statIfAny(this.#t, path, true);
    if (d && d.mode & DMDIR && !(d.mode & DMSYMLINK)) throw new NineError(`${Eexist}: ${Eisdir}`, errno.EEXIST);
    if (d) await this.#t.sys.remove(path);
    return make();
  }

  async #hardLink(path: string, e: TarEntry): Promise<void> {
    const from = safeName(e.linkpath, this.#how.rooted);
    await this.#idle();
    for (let at = from.indexOf("/", 1); at > 0; at = from.indexOf("/", at + 1)) {
      const d = await about(from, () => this.#t.sys.stat(from.slice(0, at), true));
      if (d.mode & DMSYMLINK) throw new NineError(`a link through ${from.slice(0, at)}, which is a symbolic link`);
    }
    const src = await about(from, () => this.#t.sys.stat(from, true));
    if (path === from) return;
    try {
      await this.#fresh(path, () => this.#t.sys.link(from, path));
    } catch (why) {
      if (!(why instanceof NineError) || isInterrupted(why) || why.errno === errno.EEXIST || src.mode & (DMDIR | DMSYMLINK)) throw why;
      // Where there are no links, a second file is the next best.
      const copier = new Copier(this.#t, { times: this.#how.times });
      await copier.add(from, src, path, undefined);
      await copier.done();
    }
  }
}

/** A member's name below the current directory, or as it is where it may be rooted; an error when it leads out. */
export function safeName(path: string, rooted: boolean): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw new NineError("leads out of the directory: not extracted");
  const name = names.join("/") || ".";
  return rooted && path.startsWith("/") ? `/${name}` : name;
}
