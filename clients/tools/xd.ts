/** xd(1): bytes as numbers, sixteen to a line, in one or several formats. */
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { join } from "./lib/bytes.ts";
import { eachInput, tool } from "./lib/tool.ts";

const LINE = 16;
/** Bytes whose lines are written together. */
const BLOCK = 8192;
const sizes: Readonly<Record<string, number>> = { "1": 1, b: 1, "2": 2, w: 2, "4": 4, l: 4, "8": 8, v: 8 };
const bases: Readonly<Record<string, number>> = { o: 8, d: 10, x: 16 };
const escapes: Readonly<Record<number, string>> = { 0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\" };

const hex: readonly string[] = Array.from({ length: 256 }, (_, c) => c.toString(16).padStart(2, "0"));
const shown: readonly string[] = hex.map((text, c) => (escapes[c] ?? (c > 31 && c < 127 ? String.fromCharCode(c) : text)).padStart(2));

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
  const line = (b: Uint8Array): string => {
    const all = formats.map((format) => format(swap > 0 ? swapped(b, swap) : b)).join(`\n${" ".repeat(digits)}  `);
    const same = repeats && b.length === LINE && all === before;
    const text = same ? (starred ? "" : "*\n") : `${address(at)}  ${all}\n`;
    before = all;
    starred = same;
    at += b.length;
    return text;
  };
  await eachInput(t, words.slice(i), async (fd) => {
    for (;;) {
      await t.out.flush();
      const data = await t.sys.read(fd);
      if (data.length === 0) return;
      const all = held.length > 0 ? join([held, data]) : data.slice();
      let n = 0;
      while (n + LINE <= all.length) {
        let text = "";
        for (const end = Math.min(n + BLOCK, all.length); n + LINE <= end; n += LINE) text += line(all.subarray(n, n + LINE));
        await t.out.put(text);
      }
      held = all.slice(n);
    }
  });
  if (held.length > 0) await t.out.put(line(held));
  await t.out.put(`${address(at)}\n`);
});

function usage(): never {
  throw new Usage();
}

/** Units of big-endian bytes; a last one that is not whole is filled with zeros. */
function numbers(size: number, base: number): Format {
  const width = (256n ** BigInt(size) - 1n).toString(base).length;
  const text = base === 16 ? hexadecimal : size <= 4 ? narrow : wide;
  return (b) => {
    let out = "";
    for (let i = 0; i < b.length; i += size) out += `${i > 0 ? " " : ""}${text(b, i, size, base).padStart(width, base === 10 ? " " : "0")}`;
    return out;
  };
}

function hexadecimal(b: Uint8Array, at: number, size: number): string {
  let out = "";
  for (let i = at; i < at + size; i++) out += hex[b[i] ?? 0]!;
  return out;
}

/** Of at most 4 bytes. */
function narrow(b: Uint8Array, at: number, size: number, base: number): string {
  let v = 0;
  for (let i = at; i < at + size; i++) v = v * 256 + (b[i] ?? 0);
  return v.toString(base);
}

function wide(b: Uint8Array, at: number, size: number, base: number): string {
  let v = 0n;
  for (let i = at; i < at + size; i++) v = (v << 8n) | BigInt(b[i] ?? 0);
  return v.toString(base);
}

function characters(b: Uint8Array): string {
  let out = shown[b[0] ?? 0]!;
  for (let i = 1; i < b.length; i++) out += ` ${shown[b[i]!]!}`;
  return out;
}

function swapped(b: Uint8Array, size: number): Uint8Array {
  const out = b.slice();
  for (let i = 0; i < out.length; i += size) out.subarray(i, i + size).reverse();
  return out;
}
