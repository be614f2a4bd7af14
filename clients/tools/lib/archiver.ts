/**
 * Archiver: files and trees written into an archive, for tar(1): a directory before what is in it. The next
 * files are opened while one is written, because a server may be far. Invariant: a member is as long as its
 * header says, whatever becomes of the file.
 */
import { DMDIR, DMSETGID, DMSETUID, DMSTICKY, DMSYMLINK, NineError, type Dir } from "../../../proto/index.ts";
import type { TarHeader } from "../../../servers/index.ts";
import { sameDir } from "./copy.ts";
import { joinName } from "./names.ts";
import { pour } from "./pump.ts";
import type { Tool } from "./tool.ts";
import { isDirectory, Tree } from "./tree.ts";

/** What tar headers are made by. */
export interface TarEncoder {
  /** The blocks before the data: one, or more where one does not hold what is to be said. */
  encode(header: TarHeader): Uint8Array;
}

export interface ArchiveHow {
  readonly verbose: boolean;
  /** Numbers to be owned by, in place of the owners' names. */
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  /** The archive itself, where it is a file: it is not put into itself. */
  readonly self: Dir | undefined;
}

const BLOCK = 512;
const AHEAD = 8;
/** A file that does not tell its length is held whole; it may be so long. */
const UNTOLD = 1 << 20;

/** The file has more than there is room for. */
class Enough extends Error {}

interface Member {
  readonly path: string;
  readonly dir: Dir;
  readonly fd?: Promise<number>;
}

export class Archiver {
  readonly #t: Tool;
  readonly #encoder: TarEncoder;
  readonly #how: ArchiveHow;
  readonly #put: (data: Uint8Array) => Promise<unknown>;
  readonly #next: Member[] = [];

  constructor(t: Tool, encoder: TarEncoder, how: ArchiveHow, put: (data: Uint8Array) => Promise<unknown>) {
    this.#t = t;
    this.#encoder = encoder;
    this.#how = how;
    this.#put = put;
  }

  /** All that lies below the name, with itself. */
  async add(path: string): Promise<void> {
    try {
      const dir = await this.#t.sys.stat(path, true);
      if (!isDirectory(dir)) return await this.#later(path, dir);
      await new Tree(this.#t.sys, {
        enter: (at, d) => this.#later(at, d),
        file: (d, above) => this.#later(joinName(above, d.name), d),
        leave: () => undefined,
        failed: (at, e) => this.#t.fail(at, e),
      }, { depth: Infinity, inOrder: true }).all(path, dir);
    } catch (e) {
      await this.#t.fail(path, e);
    }
  }

  /** Writes what is not written yet, and the end of an archive. */
  async end(): Promise<void> {
    while (this.#next.length > 0) await this.#write(this.#next.shift()!);
    await this.#put(new Uint8Array(2 * BLOCK));
  }

  async #later(path: string, dir: Dir): Promise<void> {
    if (this.#how.self && sameDir(dir, this.#how.self)) return this.#t.warn(`${path}: is the archive itself, and not in it`);
    const plain = !(dir.mode & (DMDIR | DMSYMLINK));
    const fd = plain ? this.#t.sys.openRead(path) : undefined;
    // It may fail long before its turn.
    fd?.catch(() => {});
    this.#next.push({ path, dir, ...(fd && { fd }) });
    if (this.#next.length > AHEAD) await this.#write(this.#next.shift()!);
  }

  async #write({ path, dir, fd }: Member): Promise<void> {
    const name = dir.mode & DMDIR && !path.endsWith("/") ? `${path}/` : path;
    if (this.#how.verbose) await this.#t.say(`${await this.#t.heard(name)}\n`);
    try {
      if (dir.mode & DMDIR) await this.#header(name, dir, "5", 0);
      else if (dir.mode & DMSYMLINK) await this.#header(path, dir, "2", 0, await this.#t.sys.readlink(path));
      else if (fd) await this.#file(path, dir, await fd);
    } catch (e) {
      await this.#t.fail(path, e);
    }
  }

  async #file(path: string, dir: Dir, fd: number): Promise<void> {
    const { sys } = this.#t;
    let size = dir.length, done = 0;
    const held: Uint8Array[] = [];
    if (size === 0) {
      for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) {
        size += data.length;
        if (size > UNTOLD) throw new NineError(`does not tell its length, and is longer than ${UNTOLD} bytes`);
        held.push(data);
      }
    }
    await this.#header(path, dir, "0", size);
    const put = async (data: Uint8Array): Promise<void> => {
      const part = data.subarray(0, size - done);
      done += part.length;
      this.#t.progress.add(part.length);
      await this.#put(part);
      if (part.length < data.length) throw new Enough();
    };
    let why: unknown;
    try {
      if (held.length > 0) for (const data of held) await put(data);
      else if (size > 0) await pour(sys, fd, path, put);
    } catch (e) {
      if (!(e instanceof Enough)) why = e;
    }
    if (why !== undefined && !(why instanceof NineError)) throw why;
    if (why === undefined && done < size) why = new NineError("became shorter while it was read; zeros stand for the rest");
    await this.#zeros(size - done + (-size & (BLOCK - 1)));
    await sys.close(fd);
    if (why !== undefined) throw why;
  }

  async #header(path: string, dir: Dir, type: string, size: number, linkpath = ""): Promise<void> {
    if (!path.isWellFormed() || !linkpath.isWellFormed()) throw new NineError("its name is not UTF-8: not archived");
    const mode = (dir.mode & 0o777) | (dir.mode & DMSETUID ? 0o4000 : 0) | (dir.mode & DMSETGID ? 0o2000 : 0) | (dir.mode & DMSTICKY ? 0o1000 : 0);
    await this.#put(this.#encoder.encode({
      path, type, mode, size, linkpath, uid: this.#how.uid ?? dir.uid, gid: this.#how.gid ?? dir.gid, mtime: dir.mtime, major: 0, minor: 0, sparse: false,
    }));
  }

  async #zeros(n: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(n, 65_536));
    for (; n > 0; n -= zeros.length) await this.#put(zeros.subarray(0, n));
  }
}
