/** comm(1): the lines of two sorted files in three columns: of the first only, of the second only, of both. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { Lines, NL, lineEnd } from "./lib/lines.ts";
import { about, tool, type Tool } from "./lib/tool.ts";

const newline = Uint8Array.of(NL);

export const comm: Program = tool("comm", "[-123] file1 file2", async (t, words) => {
  const args = parseArgs(words, "123");
  const [first, second, ...more] = args.operands;
  if (first === undefined || second === undefined || more.length > 0) throw new Usage();
  const leaders = [args.has("1") ? "" : "\t", args.has("2") ? "" : "\t"];
  const columns = [args.has("1") ? undefined : "", args.has("2") ? undefined : leaders[0], args.has("3") ? undefined : leaders.join("")];
  const a = await Side.open(t, first), b = await Side.open(t, second);
  await a.next();
  await b.next();
  while (a.line || b.line) {
    const order = !a.line ? 1 : !b.line ? -1 : compare(a.line, b.line);
    const line = order > 0 ? b.line : a.line, leader = columns[order < 0 ? 0 : order > 0 ? 1 : 2];
    if (line && leader !== undefined) {
      await t.out.put(leader);
      await t.out.put(line);
      await t.out.put(newline);
    }
    if (order <= 0) await a.next();
    if (order >= 0) await b.next();
  }
});

/** One of the files, a line at a time. */
class Side {
  /** The present line without its newline; undefined before the first and after the last. */
  line: Uint8Array | undefined;
  readonly #name: string;
  readonly #lines: Lines;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(name: string, lines: Lines) {
    this.#name = name;
    this.#lines = lines;
  }

  /** The file, or standard input when it is called "-". */
  static async open(t: Tool, name: string): Promise<Side> {
    const fd = name === "-" ? 0 : await about(name, () => t.sys.openRead(name));
    return new Side(name, new Lines(t.sys, fd, () => t.out.flush()));
  }

  async next(): Promise<void> {
    if (this.#at >= this.#block.length) {
      const block = await about(this.#name, () => this.#lines.next());
      if (!block) {
        this.line = undefined;
        return;
      }
      this.#block = block;
      this.#at = 0;
    }
    const next = lineEnd(this.#block, this.#at);
    this.line = this.#block.subarray(this.#at, this.#block[next - 1] === NL ? next - 1 : next);
    this.#at = next;
  }
}

/** In the order of sort(1): by bytes. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
