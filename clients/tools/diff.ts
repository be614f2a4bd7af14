/**
 * diff(1): what lines must be changed in one file to make it another; of directories, in the files of the
 * same names. Both files are held in memory. Status "some" when there were differences, "error" when
 * something could not be read. As in Plan 9 a missing last newline is no difference, but with -u.
 */
import { Enotdir, NineError, QTDIR, isInterrupted } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage, type Args } from "./lib/args.ts";
import { join } from "./lib/bytes.ts";
import { changes, printChanges, type Mode } from "./lib/changes.ts";
import { baseName, compareNames, joinName } from "./lib/names.ts";
import { pour } from "./lib/pump.ts";
import { isBinary, LineNumbers, TextFile } from "./lib/textfile.ts";
import { about, tool, type Tool } from "./lib/tool.ts";

export const diff: Program = tool("diff", "[-abcefmnruw] file1 ... file2", async (t, words) => {
  const args = parseArgs(words, "abcefmnruw");
  const last = args.operands.at(-1), files = args.operands.slice(0, -1);
  if (last === undefined || files.length === 0) throw new Usage();
  const d = new Diff(t, args, files.length > 1);
  if (files.length > 1 && !(await d.isDirectory(last).catch(() => false))) await t.fail(last, new NineError(Enotdir));
  else for (const file of files) await d.operands(file, last);
  if (t.errors > 0) t.status = "error";
  else if (d.any) t.status = "some";
});

class Diff {
  any = false;
  readonly #t: Tool;
  readonly #mode: Mode;
  readonly #blanks: "as they are" | "alike" | "ignored";
  readonly #recursive: boolean;
  /** Each pair that differs has its names in front. */
  #named: boolean;

  constructor(t: Tool, args: Args, several: boolean) {
    this.#t = t;
    this.#mode = (args.last("aecfnu") ?? "") as Mode;
    this.#blanks = args.has("w") ? "ignored" : args.has("b") ? "alike" : "as they are";
    this.#recursive = args.has("r");
    this.#named = args.has("m") || several;
  }

  async isDirectory(path: string): Promise<boolean> {
    if (path === "-") return false;
    return ((await this.#t.sys.stat(path)).qid.type & QTDIR) !== 0;
  }

  /** A file beside a directory stands for the one of its name in there. */
  async operands(one: string, two: string): Promise<void> {
    try {
      const [first, second] = await Promise.all([one, two].map((path) => about(path, () => this.isDirectory(path))));
      if (first && second) {
        this.#named = true;
        await this.#directories(one, two);
      } else if (first) await this.#files(joinName(one, baseName(two)), two);
      else await this.#files(one, second ? joinName(two, baseName(one)) : two);
    } catch (e) {
      await this.#trouble(e);
    }
  }

  async #directories(one: string, two: string): Promise<void> {
    const [here, there] = await Promise.all([one, two].map((path) => about(path, () => this.#t.sys.readDir(path))));
    const names = new Map<string, { a?: number; b?: number }>();
    for (const d of here ?? []) names.set(d.name, { a: d.qid.type });
    for (const d of there ?? []) names.set(d.name, { ...names.get(d.name), b: d.qid.type });
    for (const [name, { a, b }] of [...names].toSorted(([x], [y]) => compareNames(x, y))) {
      const [from, to] = [joinName(one, name), joinName(two, name)];
      try {
        if (a === undefined || b === undefined) {
          this.any = true;
          if (this.#mode === "" || this.#mode === "n") await this.#t.out.put(`${this.#t.shown(`Only in ${a === undefined ? two : one}: ${name}`)}\n`);
        } else if (a & QTDIR && b & QTDIR) {
          if (this.#recursive) await this.#directories(from, to);
          else await this.#t.out.put(`Common subdirectories: ${this.#t.shown(`${from} and ${to}`)}\n`);
        } else if ((a | b) & QTDIR) {
          this.any = true;
          await this.#t.out.put(`${this.#t.shown(`${a & QTDIR ? from : to} is a directory, ${a & QTDIR ? to : from} is not`)}\n`);
        } else await this.#files(from, to);
      } catch (e) {
        await this.#trouble(e);
      }
    }
  }

  async #files(one: string, two: string): Promise<void> {
    const [a, b] = await Promise.all([one, two].map((path) => about(path, () => this.#read(path))));
    if (!a || !b) return;
    if (isBinary(a) || isBinary(b)) {
      if (a.length === b.length && a.every((byte, i) => byte === b[i])) return;
      this.any = true;
      await this.#t.out.put(`binary files ${this.#t.shown(`${one} ${two}`)} differ\n`);
      return;
    }
    const numbers = new LineNumbers(this.#blanks, this.#mode === "u");
    const [first, second] = [new TextFile(this.#t.shown(one), a, numbers), new TextFile(this.#t.shown(two), b, numbers)];
    const list = changes(first, second);
    if (list.length === 0) return;
    this.any = true;
    if (this.#named) await this.#t.out.put(`diff ${this.#mode === "" ? "" : `-${this.#mode} `}${this.#t.shown(`${one} ${two}`)}\n`);
    await printChanges(this.#t.out, this.#mode, first, second, list);
  }

  async #read(path: string): Promise<Uint8Array> {
    const { sys } = this.#t;
    const parts: Uint8Array[] = [];
    const fd = path === "-" ? 0 : await sys.openRead(path);
    try {
      await pour(sys, fd, path === "-" ? "" : path, async (data) => parts.push(data));
    } finally {
      if (fd !== 0) await sys.close(fd);
    }
    return join(parts);
  }

  /** The message names its file; what else there is to compare is compared. */
  async #trouble(e: unknown): Promise<void> {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    await this.#t.warn(e.message);
  }
}
