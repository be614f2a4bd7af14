/** cmp(1): whether two files differ, and where. Status "differ", "EOF" or "open". */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { countLines } from "./lib/lines.ts";
import { about, tool, type Tool } from "./lib/tool.ts";

export const cmp: Program = tool("cmp", "[-lsL] file1 file2 [offset1 [offset2]]", async (t, words) => {
  const args = parseArgs(words, "lsL");
  const [one, two, skip1 = "0", skip2 = "0", more] = args.operands;
  if (one === undefined || two === undefined || more !== undefined) throw new Usage();
  const a = await open(t, one, offset(skip1)), b = await open(t, two, offset(skip2));
  if (!a || !b) {
    t.status = "open";
    return;
  }
  const silent = args.has("s"), all = args.has("l");
  let at = 1, line = 1, differ = false;
  for (;;) {
    const x = await a(), y = await b();
    const n = Math.min(x.data.length, y.data.length);
    for (let i = 0; i < n; i++) {
      if (x.data[i] === y.data[i]) continue;
      differ = true;
      t.status = "differ";
      if (silent) return;
      if (!all) {
        line += countLines(x.data, 0, i);
        await t.out.put(`${t.shown(`${one} ${two}`)} differ: char ${at + i}${args.has("L") ? ` line ${line}` : ""}\n`);
        return;
      }
      await t.out.put(`${String(at + i).padStart(6)} ${hex(x.data[i])} ${hex(y.data[i])}\n`);
    }
    if (n === 0) {
      if (x.data.length === y.data.length) return;
      if (!differ) t.status = "EOF";
      if (!silent) await t.out.put(`EOF on ${t.shown(x.data.length === 0 ? one : two)}\n`);
      return;
    }
    at += n;
    if (args.has("L")) line += countLines(x.data, 0, n);
    x.used(n);
    y.used(n);
  }
});

function hex(b: number | undefined): string {
  return (b ?? 0).toString(16).padStart(2, "0");
}

function offset(text: string): number {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new Usage();
  return /^0\d/.test(text) ? Number.parseInt(text, 8) : Number(text);
}

interface Piece {
  readonly data: Uint8Array;
  /** The first n bytes are done with. */
  used(n: number): void;
}

/** Gives what was not used yet, or the next read; empty at the end. */
async function open(t: Tool, path: string, skip: number): Promise<(() => Promise<Piece>) | undefined> {
  let fd: number;
  try {
    fd = await t.sys.openRead(path);
    if (skip > 0) await t.sys.seek(fd, skip, 0);
  } catch (e) {
    await t.fail(path, e);
    return undefined;
  }
  let held: Uint8Array = new Uint8Array(0);
  return async () => {
    if (held.length === 0) held = await about(path, () => t.sys.read(fd));
    return {
      data: held,
      used(n) {
        held = held.subarray(n);
      },
    };
  };
}
