/**
 * du(1): how much the files of a tree hold, in Kbytes or as the flags say; a line for each directory,
 * below it before it, in the order the servers list them. A directory met again below the same operand,
 * as by way of a bind, is passed over; symbolic links are not followed.
 */
import { NineError, isInterrupted, qidPath, type Dir } from "../../proto/index.ts";
import { quote } from "../../kernel/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs, type Args } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { general } from "./lib/general.ts";
import { joinName } from "./lib/names.ts";
import { pump } from "./lib/pump.ts";
import { tool, type Tool } from "./lib/tool.ts";
import { isDirectory, Tree } from "./lib/tree.ts";

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

export const du: Program = tool("du", "[-aefhnqrstu] [-b size] [-p SI-prefix] [file ...]", async (t, words) => {
  const args = parseArgs(words, "aefhnqrstub:p:");
  const report = new Report(t, args);
  const operands = args.operands.length > 0 ? args.operands : ["."];
  for await (const { item: path, result } of ahead(operands, (name) => t.sys.stat(name))) {
    try {
      const dir = await result;
      if (isDirectory(dir)) await whole(t, args, report, path, dir);
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
    await out.put(`${q && !this.#scaled() ? qidPath(d.qid).toString(16).padStart(16, "0") : this.#text(value)}\t${this.#t.shown(quote(path))}\n`);
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

/** One operand's tree. */
async function whole(t: Tool, args: Args, report: Report, path: string, dir: Dir): Promise<void> {
  // Bytes below each of the directories that are entered and not left.
  const sums: number[] = [];
  const add = (bytes: number): void => {
    if (sums.length > 0) sums[sums.length - 1]! += bytes;
  };
  const lines = args.has("a") || args.has("n"), read = args.has("r");
  await new Tree(t.sys, {
    enter() {
      sums.push(0);
      return undefined;
    },
    file(d, above) {
      const bytes = report.blocks(d);
      add(bytes);
      if (read) return readAll(t, args, joinName(above, d.name));
      return lines ? report.line(d, joinName(above, d.name), bytes) : undefined;
    },
    leave(d, at) {
      const bytes = sums.pop() ?? 0;
      add(bytes);
      return sums.length === 0 || !args.has("s") ? report.line(d, at, bytes) : undefined;
    },
    failed: (at, e) => failed(t, args, at, e),
  }, { depth: Infinity, inOrder: lines || read }).all(path, dir);
}

/** -r: every byte of the file is read, and nothing done with it. */
async function readAll(t: Tool, args: Args, path: string): Promise<void> {
  const { sys } = t;
  try {
    const fd = await sys.openRead(path);
    await pump(sys, fd, { anyOrder: true, put: () => Promise.resolve() });
    await sys.close(fd);
  } catch (e) {
    await failed(t, args, path, e);
  }
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
