/** xd(1): bytes as numbers, sixteen to a line, in one or several formats. */
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { join } from "./lib/bytes.ts";
import { eachInput, tool } from "./lib/tool.ts";

const LINE = 16;
const sizes: Readonly<Record<string, number>> = { "1": 1, b: 1, "2": 2, w: 2, "4": 4, l: 4, "8": 8, v: 8 };
const bases: Readonly<Record<string, number>> = { o: 8, d: 10, x: 16 };
const escapes: Readonly<Record<number, string>> = { 0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\" };

type Format = (b: Uint8Array) => string;

export const xd: Program = tool("xd", "[-cursS] [-a style] [-[1248bwlv][odx] ...] [file ...]", async (t, words) => {
  const formats: Format[] = [];
  let base = 16, swap = 0, repeats = false, i = 0;
  for (; (words[i] ?? "").length > 1 && words[i]?.startsWith("-"); i++) {
    const word = (words[i] ?? "").slice(1);
    const size = sizes[word[0] ?? ""], style = bases[word.length > 1 ? (word[1] ?? "") : "x"];
    if (word === "-") {
      i++;
      break;
    } else if (word === "c") formats.push(characters);
    else if (word === "r") repeats = true;
    else if (word === "s") swap = 4;
    else if (word === "S") swap = 8;
    else if (word.startsWith("a") && word.length <= 2) base = bases[word[1] ?? words[++i] ?? ""] ?? usage();
    else if (size !== undefined && style !== undefined && word.length <= 2) formats.push(numbers(size, style));
    else if (word.length === 1 && bases[word] !== undefined) formats.push(numbers(4, bases[word] ?? 16));
    // The output is written before every read anyway.
    else if (word !== "u") usage();
  }
  if (formats.length === 0) formats.push(numbers(4, 16));
  const digits = base === 16 ? 7 : base === 8 ? 11 : 10;
  const address = (at: number): string => at.toString(base).padStart(digits, "0");

  let at = 0, held: Uint8Array = new Uint8Array(0), before = "", starred = false;
  const line = async (b: Uint8Array): Promise<void> => {
    const texts = formats.map((format) => format(swap > 0 ? swapped(b, swap) : b));
    const same = repeats && b.length === LINE && texts.join() === before;
    before = texts.join();
    if (!same) for (const [n, text] of texts.entries()) await t.out.put(`${n === 0 ? address(at) : " ".repeat(digits)}  ${text}\n`);
    else if (!starred) await t.out.put("*\n");
    starred = same;
    at += b.length;
  };
  await eachInput(t, words.slice(i), async (fd) => {
    for (;;) {
      await t.out.flush();
      const data = await t.sys.read(fd);
      if (data.length === 0) return;
      const all = held.length > 0 ? join([held, data]) : data;
      let n = 0;
      for (; n + LINE <= all.length; n += LINE) await line(all.subarray(n, n + LINE));
      held = all.slice(n);
    }
  });
  if (held.length > 0) await line(held);
  await t.out.put(`${address(at)}\n`);
});

function usage(): never {
  throw new Usage();
}

/** Units of big-endian bytes; a last one that is not whole is filled with zeros. */
function numbers(size: number, base: number): Format {
  const width = (256n ** BigInt(size) - 1n).toString(base).length;
  return (b) => {
    const out: string[] = [];
    for (let i = 0; i < b.length; i += size) {
      let v = 0n;
      for (let k = 0; k < size; k++) v = (v << 8n) | BigInt(b[i + k] ?? 0);
      out.push(base === 10 ? v.toString(base).padStart(width) : v.toString(base).padStart(width, "0"));
    }
    return out.join(" ");
  };
}

function characters(b: Uint8Array): string {
  return Array.from(b, (c) => (escapes[c] ?? (c > 31 && c < 127 ? String.fromCharCode(c) : c.toString(16).padStart(2, "0"))).padStart(2)).join(" ");
}

function swapped(b: Uint8Array, size: number): Uint8Array {
  const out = b.slice();
  for (let i = 0; i < out.length; i += size) out.subarray(i, i + size).reverse();
  return out;
}
