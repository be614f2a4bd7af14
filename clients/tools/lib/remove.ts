/**
 * Remove: trees, for rm and mv. Files of many directories go at a time; a directory goes when all
 * below it is gone. Symbolic links are removed, never followed.
 */
import { DMDIR, DMSYMLINK, NineError, isInterrupted, type Dir } from "../../../proto/index.ts";
import { Branch, Crew } from "./crew.ts";
import { joinName } from "./names.ts";
import type { Tool } from "./tool.ts";

export class Remover {
  readonly #t: Tool;
  readonly #recursive: boolean;
  readonly #silent: boolean;
  readonly #crew = new Crew();

  /** silent: what cannot be removed is not mentioned. */
  constructor(t: Tool, recursive: boolean, silent: boolean) {
    this.#t = t;
    this.#recursive = recursive;
    this.#silent = silent;
  }

  /** Removes the file; when that fails and it is a directory, what is in it first. */
  add(path: string): void {
    this.#crew.add(async () => {
      try {
        await this.#t.sys.remove(path);
      } catch (e) {
        const dir = this.#recursive && !isInterrupted(e) ? await this.#isDirectory(path) : false;
        if (dir) await this.#directory(path, undefined);
        else await this.#failed(path, e);
      }
    });
  }

  done(): Promise<void> {
    return this.#crew.done();
  }

  async #isDirectory(path: string): Promise<boolean> {
    try {
      return isTree(await this.#t.sys.stat(path, true));
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      return false;
    }
  }

  async #directory(path: string, up: Branch | undefined): Promise<void> {
    const branch = new Branch(this.#crew, up, () => this.#file(path));
    try {
      for (const d of (await this.#t.sys.readDir(path)).toReversed()) {
        branch.hold();
        const name = joinName(path, d.name);
        this.#crew.add(async () => {
          await (isTree(d) ? this.#directory(name, branch) : this.#file(name));
          branch.release();
        });
      }
    } catch (e) {
      await this.#failed(path, e);
    }
    branch.release();
  }

  async #file(path: string): Promise<void> {
    try {
      await this.#t.sys.remove(path);
    } catch (e) {
      await this.#failed(path, e);
    }
  }

  async #failed(path: string, e: unknown): Promise<void> {
    if (!this.#silent || !(e instanceof NineError) || isInterrupted(e)) await this.#t.fail(path, e);
  }
}

function isTree(d: Dir): boolean {
  return (d.mode & DMDIR) !== 0 && (d.mode & DMSYMLINK) === 0;
}
