/**
 * Copy: files and trees, for cp and mv. Several small files are under way at a time (Crew), and
 * several pieces of a large one (pump). Invariants: a file is never copied onto itself, a directory
 * never into itself; an error is reported and the rest goes on.
 */
import {
  DMAPPEND, DMDEVICE, DMDIR, DMNAMEDPIPE, DMSOCKET, DMSYMLINK, Eexist, NineError, OWRITE, errno, isInterrupted, sameFile, type Dir,
} from "../../../proto/index.ts";
import type { Wstat } from "../../../kernel/sys.ts";
import { join } from "./bytes.ts";
import { Branch, Crew, type Job } from "./crew.ts";
import { cleanName, dirName, joinName } from "./names.ts";
import { pump } from "./pump.ts";
import { about, type Tool } from "./tool.ts";

/** Up to this length a file goes in one piece, in two round trips. */
const SMALL = 65_536;

export interface CopyHow {
  /** Directories too, with all that is below. */
  readonly recursive?: boolean;
  /** Mode and time of modification; group; owner. */
  readonly times?: boolean;
  readonly group?: boolean;
  readonly owner?: boolean;
}

/** The file a Dir tells of: the same server's same qid. */
export function sameDir(a: Dir, b: Dir): boolean {
  return a.type === b.type && a.dev === b.dev && sameFile(a.qid, b.qid);
}

/** stat(2), undefined when there is no such file. */
export async function statIfAny(t: Tool, path: string, nofollow = false): Promise<Dir | undefined> {
  try {
    return await t.sys.stat(path, nofollow);
  } catch (e) {
    if (e instanceof NineError && e.errno === errno.ENOENT) return undefined;
    throw e;
  }
}

/** Whether path lies in the directory, or is it: asked of every directory above, as the name has it. */
export async function isBelow(t: Tool, path: string, dir: Dir): Promise<boolean> {
  const above: string[] = [];
  for (let p = cleanName(/^[/#]/.test(path) ? path : joinName(t.sys.getwd(), path)); p !== "."; p = dirName(p)) {
    above.push(p);
    if (p === "/") break;
  }
  const found = await Promise.all(above.map((p) => statIfAny(t, p)));
  return found.some((d) => d !== undefined && sameDir(d, dir));
}

export class Copier {
  readonly #t: Tool;
  readonly #how: CopyHow;
  readonly #crew = new Crew();

  constructor(t: Tool, how: CopyHow) {
    this.#t = t;
    this.#how = how;
  }

  /** Prepares copies, several at a time. */
  prepare(job: Job): void {
    this.#crew.add(job);
  }

  /** Copies from, which is src, to the name `to`, where dst is now. Nothing is complete before done(). */
  async add(from: string, src: Dir, to: string, dst: Dir | undefined): Promise<void> {
    if (dst && sameDir(src, dst)) return this.#t.warn(`${from} and ${to} are the same file`);
    if (src.mode & DMDIR) {
      if (!this.#how.recursive) return this.#t.warn(`${from}: is a directory`);
      if (await isBelow(this.#t, dirName(to), src)) return this.#t.warn(`${from}: cannot be copied into itself, ${to}`);
    }
    // How much a tree holds is known at its end only.
    this.#t.progress.expect(src.mode & DMDIR ? Infinity : src.length);
    this.#crew.add(() => this.#copy(from, src, to, dst, undefined));
  }

  done(): Promise<void> {
    return this.#crew.done();
  }

  async #copy(from: string, src: Dir, to: string, dst: Dir | undefined, up: Branch | undefined): Promise<void> {
    try {
      if (dst && sameDir(src, dst)) await this.#t.warn(`${from} and ${to} are the same file`);
      else if (src.mode & DMDIR) await this.#directory(from, src, to, dst, up);
      else if (src.mode & DMSYMLINK) await this.#t.sys.symlink(await this.#t.sys.readlink(from), to);
      else if (src.length > 0 && src.length <= SMALL) await this.#small(from, src, to);
      else await this.#large(from, src, to, dst);
    } catch (e) {
      await this.#t.fail(from, e);
    }
    up?.release();
  }

  async #directory(from: string, src: Dir, to: string, dst: Dir | undefined, up: Branch | undefined): Promise<void> {
    const { sys } = this.#t;
    const list = await sys.readDir(from);
    const there = new Map<string, Dir>();
    if (dst) {
      if (!(dst.mode & DMDIR)) throw new NineError(Eexist);
      for (const d of await sys.readDir(to)) there.set(d.name, d);
    } else {
      // The owner must be able to write it until all is in it.
      await about(to, () => sys.mkdir(to, (src.mode & 0o777) | 0o700));
    }
    const branch = new Branch(this.#crew, up, async () => {
      const changes: Wstat = { ...this.#changes(src), ...(!dst && (src.mode & 0o700) !== 0o700 ? { mode: src.mode } : {}) };
      if (Object.keys(changes).length > 0) await this.#wstat(to, changes);
    });
    for (const d of list.toReversed()) {
      branch.hold();
      this.#crew.add(() => this.#copy(joinName(from, d.name), d, joinName(to, d.name), there.get(d.name), branch));
    }
    branch.release();
  }

  async #small(from: string, src: Dir, to: string): Promise<void> {
    const { sys } = this.#t;
    const parts: Uint8Array[] = [];
    const fd = await sys.openRead(from);
    await this.#closing([fd], async () => {
      for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) parts.push(data);
    });
    const data = join(parts);
    await about(to, () => sys.writeFile(to, data, src.mode & 0o777));
    this.#t.progress.add(data.length);
    await this.#wstat(to, this.#changes(src));
  }

  async #large(from: string, src: Dir, to: string, dst: Dir | undefined): Promise<void> {
    const { sys } = this.#t;
    const fd = await sys.openRead(from);
    const fds = [fd];
    await this.#closing(fds, async () => {
      const out = await about(to, () => sys.create(to, OWRITE, src.mode & 0o777));
      fds.push(out);
      // Only a file known to be plain is written out of order: a device would take the bytes as they come.
      const plain = !dst || (dst.length > 0 && !(dst.mode & (DMAPPEND | DMDEVICE | DMNAMEDPIPE | DMSOCKET)));
      await pump(sys, fd, {
        anyOrder: plain,
        put: async (data, at) => {
          await about(to, () => sys.write(out, data, plain ? at : undefined));
          this.#t.progress.add(data.length);
        },
      });
    });
    await this.#wstat(to, this.#changes(src));
  }

  /** Closes the fds after work, also when it failed; after a note the kernel does that. */
  async #closing(fds: readonly number[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      if (!isInterrupted(e)) for (const fd of fds) await this.#t.sys.close(fd);
      throw e;
    }
    for (const fd of fds) await this.#t.sys.close(fd);
  }

  async #wstat(to: string, changes: Wstat): Promise<void> {
    if (Object.keys(changes).length === 0) return;
    try {
      await this.#t.sys.wstat(to, changes);
    } catch (e) {
      await this.#t.fail(to, e);
    }
  }

  #changes(src: Dir): Wstat {
    return {
      ...(this.#how.times ? { mode: src.mode, mtime: src.mtime } : {}),
      ...(this.#how.group || this.#how.owner ? { gid: src.gid } : {}),
      ...(this.#how.owner ? { uid: src.uid } : {}),
    };
  }
}
