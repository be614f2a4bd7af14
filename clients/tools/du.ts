/**
 * du(1): how much the files of a tree hold, in Kbytes or as the flags say; a line for each directory,
 * below it before it, in the order the servers list them. Listings of the directories that come next
 * are on their way while one is counted. A directory met again below the same operand, as by way of a
 * bind, is passed over; symbolic links are not followed.
 */
import { NineError, QTDIR, isInterrupted, qidPath, type Dir } from "../../proto/index.ts";
import { quote } from "../../kernel/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs, type Args } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { general } from "./lib/general.ts";
import { joinName } from "./lib/names.ts";
import { pump } from "./lib/pump.ts";
import { tool, type Tool } from "./lib/tool.ts";

/** Listings under way. */
const WIDTH = 16;
const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

/** A directory whose turn comes. */
interface Branch {
  readonly path: string;
  readonly dir: Dir;
  listing: Promise<readonly Dir[]> | undefined;
  /** What of it is not counted yet, the next one last; files only where each has its line. */
  todo: (Branch | Dir)[];
  bytes: number;
}

export const du: Program = tool("du", "[-aefhnqrstu] [-b size] [-p SI-prefix] [file ...]", async (t, words) => {
  const args = parseArgs(words, "aefhnqrstub:p:");
  const report = new Report(t, args);
  const operands = args.operands.length > 0 ? args.operands : ["."];
  for await (const { item: path, result } of ahead(operands, (name) => t.sys.stat(name))) {
    try {
      const dir = await result;
      if (isDirectory(dir)) await new Walk(t, args, report).all(path, dir);
      else await report.line(dir, path, report.blocks(dir));
    } catch (e) {
      await failed(t, args, path, e);
    }
  }
});

/** Lines, as the flags have them. */
class Report {
  readonly #t: Tool;
  readonly #args: Args;
  /** Files fill whole blocks of so many bytes. */
  readonly #block: number;
  /** How many of what is counted are one of what is printed. */
  readonly #unit: number;

  constructor(t: Tool, args: Args) {
    this.#t = t;
    this.#args = args;
    this.#block = args.has("n") ? 1 : blockSize(args.get("b") ?? "1k");
    const prefix = args.get("p");
    const power = PREFIXES.findIndex((p) => p.toLowerCase() === prefix?.toLowerCase());
    if (prefix !== undefined && power < 0) throw new Usage();
    if (prefix !== undefined) this.#unit = 1024 ** power;
    else this.#unit = ["n", "q", "t", "h"].some((flag) => args.has(flag)) ? 1 : 1024;
  }

  blocks(d: Dir): number {
    return Math.ceil(d.length / this.#block) * this.#block;
  }

  async line(d: Dir, path: string, bytes: number): Promise<void> {
    const { out } = this.#t;
    if (this.#args.has("r")) return;
    const q = this.#args.has("q");
    const value = q ? Number(qidPath(d.qid)) : !this.#args.has("t") ? bytes : this.#args.has("u") ? d.atime : d.mtime;
    await out.put(`${q && !this.#scaled() ? qidPath(d.qid).toString(16).padStart(16, "0") : this.#text(value)}\t${quote(path)}\n`);
  }

  #scaled(): boolean {
    return this.#args.has("h") || this.#args.has("e");
  }

  #text(value: number): string {
    let n = value / this.#unit;
    if (!this.#scaled()) return String(Math.ceil(n));
    let power = 0;
    for (; this.#args.has("h") && n >= 1024 && power < PREFIXES.length - 1; power++) n /= 1024;
    return general(n) + (PREFIXES[power] ?? "");
  }
}

/** One operand's tree. Invariant: the stack holds a directory, and those that it lies in below it. */
class Walk {
  readonly #t: Tool;
  readonly #args: Args;
  readonly #report: Report;
  readonly #seen = new Set<string>();
  readonly #stack: Branch[] = [];
  #asked = 0;

  constructor(t: Tool, args: Args, report: Report) {
    this.#t = t;
    this.#args = args;
    this.#report = report;
  }

  async all(path: string, dir: Dir): Promise<void> {
    this.#met(dir);
    await this.#enter(this.#branch(path, dir));
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      const next = top.todo.pop();
      if (!next) await this.#leave(top);
      else if ("todo" in next) await this.#enter(next);
      else await this.#file(top, next);
    }
  }

  async #enter(b: Branch): Promise<void> {
    this.#stack.push(b);
    try {
      this.#ask(b);
      this.#prefetch();
      const each = this.#args.has("a") || this.#args.has("n") || this.#args.has("r");
      for (const d of (await b.listing) ?? []) {
        if (!isDirectory(d)) {
          b.bytes += this.#report.blocks(d);
          if (each) b.todo.push(d);
        } else if (!this.#met(d)) b.todo.push(this.#branch(joinName(b.path, d.name), d));
      }
      b.todo.reverse();
    } catch (e) {
      await failed(this.#t, this.#args, b.path, e);
    }
    b.listing = undefined;
  }

  async #leave(b: Branch): Promise<void> {
    this.#stack.pop();
    const up = this.#stack.at(-1);
    if (up) up.bytes += b.bytes;
    if (!up || !this.#args.has("s")) await this.#report.line(b.dir, b.path, b.bytes);
  }

  async #file(b: Branch, d: Dir): Promise<void> {
    const path = joinName(b.path, d.name);
    if (this.#args.has("r")) await this.#read(path);
    else await this.#report.line(d, path, this.#report.blocks(d));
  }

  /** -r: every byte of the file is read, and nothing done with it. */
  async #read(path: string): Promise<void> {
    const { sys } = this.#t;
    try {
      const fd = await sys.openRead(path);
      await pump(sys, fd, { anyOrder: true, put: () => Promise.resolve() });
      await sys.close(fd);
    } catch (e) {
      await failed(this.#t, this.#args, path, e);
    }
  }

  /** Asks for the listings that come next, as many as may be under way. */
  #prefetch(): void {
    let ahead = 0;
    for (let i = this.#stack.length - 1; i >= 0; i--) {
      const { todo } = this.#stack[i]!;
      for (let k = todo.length - 1; k >= 0; k--) {
        const next = todo[k]!;
        if (!("todo" in next)) continue;
        if (++ahead > WIDTH || this.#asked >= WIDTH) return;
        this.#ask(next);
      }
    }
  }

  #ask(b: Branch): void {
    if (b.listing) return;
    this.#asked++;
    b.listing = this.#t.sys.readDir(b.path).finally(() => this.#asked--);
    // It may fail long before its turn.
    b.listing.catch(() => {});
  }

  #branch(path: string, dir: Dir): Branch {
    return { path, dir, listing: undefined, todo: [], bytes: 0 };
  }

  /** Whether the directory was met before. */
  #met(d: Dir): boolean {
    const key = `${d.type} ${d.dev} ${qidPath(d.qid)}`;
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    return false;
  }
}

function isDirectory(d: Dir): boolean {
  return (d.qid.type & QTDIR) !== 0;
}

/** A number as C writes it, and any k behind it for 1024 each. */
function blockSize(text: string): number {
  const [all, number = "", k = ""] = /^(0x[\da-f]{1,8}|\d{1,12})(k*)$/i.exec(text) ?? [];
  if (all === undefined) throw new Usage();
  const n = /^0\d/.test(number) ? Number.parseInt(number, 8) : Number(number);
  return Math.max(1, n) * 1024 ** k.length;
}

/** -f: nothing is said. */
async function failed(t: Tool, args: Args, path: string, e: unknown): Promise<void> {
  if (!args.has("f") || !(e instanceof NineError) || isInterrupted(e)) await t.fail(path, e);
}
