/**
 * tail(1): the end of a file, or all from a place on. A file of known length is read from its end
 * backwards; of anything else the last part is held, no more.
 */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { join } from "./lib/bytes.ts";
import { NL, countLines } from "./lib/lines.ts";
import { SPECIAL } from "./lib/pump.ts";
import { eachInput, tool, type Tool } from "./lib/tool.ts";

interface Place {
  unit: "lines" | "bytes";
  /** Counted from the beginning: skip so many. Else from the end: print so many. */
  fromStart: boolean;
  count: number;
  reverse: boolean;
  follow: boolean;
}

const BLOCK = 65_536;
const POLL_MS = 500;

export const tail: Program = tool("tail", "[+-number[lbc][rf]] [file ...] or tail [-fr] [-n nlines] [-c nbytes] [file ...]", async (t, words) => {
  const { place, files } = parse(words);
  if (place.follow && files.length > 1) throw new Usage();
  let first = true;
  await eachInput(t, files, async (fd, name) => {
    if (files.length > 1) await t.out.put(`${first ? "" : "\n"}==> ${t.shown(name)} <==\n`);
    first = false;
    let at: number | undefined;
    if (place.fromStart) at = await skip(t, fd, place);
    else {
      const d = name === "" ? undefined : await t.sys.fstat(fd);
      const plain = d && d.length > 0 && !(d.mode & SPECIAL);
      at = plain && !place.reverse ? await fromEnd(t, fd, place, d.length) : await hold(t, fd, place);
    }
    if (place.follow) await follow(t, fd, at);
  });
});

function parse(words: readonly string[]): { place: Place; files: readonly string[] } {
  const place: Place = { unit: "lines", fromStart: false, count: 10, reverse: false, follow: false };
  const old = /^([+-])(\d{0,15})([lbc]?)([rf]*)$/.exec(words[0] ?? "");
  // -r, -f and -c alone belong to the other syntax, where -c has an argument.
  if (old && (old[1] === "+" || old[2] !== "")) {
    const [, sign, digits = "", unit = "", flags = ""] = old;
    place.unit = unit === "l" || unit === "" ? "lines" : "bytes";
    place.fromStart = sign === "+";
    const n = digits === "" ? 10 : Number(digits);
    // By custom, lines from the beginning count from 1, all else from 0.
    place.count = place.unit === "bytes" ? n * (unit === "b" ? 1024 : 1) : place.fromStart ? Math.max(0, n - 1) : n;
    place.reverse = flags.includes("r");
    place.follow = flags.includes("f");
    return { place, files: words[1] === "--" ? words.slice(2) : words.slice(1) };
  }
  const args = parseArgs(words, "frn:c:");
  const text = args.get("c") ?? args.get("n");
  if (text !== undefined) {
    const m = /^([+-]?)(\d{1,15})$/.exec(text);
    if (!m) throw new Usage();
    if (args.has("c")) place.unit = "bytes";
    place.fromStart = m[1] === "+";
    place.count = place.fromStart ? Math.max(0, Number(m[2]) - 1) : Number(m[2]);
  } else if (args.has("r")) place.count = Number.POSITIVE_INFINITY;
  place.reverse = args.has("r");
  place.follow = args.has("f");
  return { place, files: args.operands };
}

/** Prints all but the first lines or bytes; returns where the file ends. */
async function skip(t: Tool, fd: number, place: Place): Promise<number> {
  let left = place.count, total = 0;
  const kept: Uint8Array[] = [];
  for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) {
    total += data.length;
    let at = 0;
    if (place.unit === "bytes") {
      at = Math.min(left, data.length);
      left -= at;
    } else while (left > 0 && at < data.length) {
      const nl = data.indexOf(NL, at);
      at = nl < 0 ? data.length : nl + 1;
      if (nl >= 0) left--;
    }
    if (place.reverse) kept.push(data.subarray(at));
    else {
      await t.out.put(data.subarray(at));
      await t.out.flush();
    }
  }
  if (place.reverse) await backwards(t, join(kept));
  return total;
}

/** Looks for the place backwards, in blocks, then prints from there. */
async function fromEnd(t: Tool, fd: number, place: Place, length: number): Promise<number> {
  let start = Math.max(0, length - place.count);
  if (place.unit === "lines") {
    let lines = place.count;
    start = length;
    while (lines > 0 && start > 0) {
      const from = Math.max(0, start - BLOCK);
      const block = await whole(t, fd, from, start - from);
      // A newline that is the file's last byte ends the last line and begins none.
      let end = start === length && block.at(-1) === NL ? block.length - 1 : block.length;
      start = from;
      for (; end > 0; lines--) {
        end = block.lastIndexOf(NL, end - 1);
        if (end < 0) break;
        if (lines > 1) continue;
        start = from + end + 1;
        lines = 0;
        break;
      }
    }
  }
  let at = await t.sys.seek(fd, start, 0);
  for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) {
    at += data.length;
    await t.out.put(data);
    await t.out.flush();
  }
  return at;
}

async function whole(t: Tool, fd: number, at: number, n: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  while (n > 0) {
    const data = await t.sys.read(fd, n, at);
    if (data.length === 0) break;
    parts.push(data);
    at += data.length;
    n -= data.length;
  }
  return join(parts);
}

/** Reads all and keeps the last blocks in which all that is to be printed lies. */
async function hold(t: Tool, fd: number, place: Place): Promise<number> {
  const blocks: { data: Uint8Array; lines: number }[] = [];
  let bytes = 0, lines = 0, total = 0, head = 0;
  for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) {
    const n = place.unit === "lines" ? countLines(data) : 0;
    blocks.push({ data, lines: n });
    bytes += data.length;
    lines += n;
    total += data.length;
    for (let b = blocks[head]; b; b = blocks[head]) {
      if (place.unit === "lines" ? lines - b.lines <= place.count : bytes - b.data.length < place.count) break;
      bytes -= b.data.length;
      lines -= b.lines;
      head++;
    }
    if (head > 1000) {
      blocks.splice(0, head);
      head = 0;
    }
  }
  const last = join(blocks.slice(head).map((b) => b.data));
  const start = place.unit === "lines" ? lastLines(last, place.count) : Math.max(0, last.length - place.count);
  if (place.reverse) await backwards(t, last.subarray(start));
  else await t.out.put(last.subarray(start));
  return total;
}

/** Where the last `count` lines begin. A newline that is the last byte begins no line. */
function lastLines(text: Uint8Array, count: number): number {
  if (count === 0) return text.length;
  let at = text.at(-1) === NL ? text.length - 1 : text.length;
  for (let left = count; left > 0; left--) {
    at = at > 0 ? text.lastIndexOf(NL, at - 1) : -1;
    if (at < 0) return 0;
  }
  return at + 1;
}

/** The lines, last one first. */
async function backwards(t: Tool, text: Uint8Array): Promise<void> {
  for (let end = text.length; end > 0;) {
    const start = end > 1 ? text.lastIndexOf(NL, end - 2) + 1 : 0;
    await t.out.put(text.subarray(start, end));
    if (text[end - 1] !== NL) await t.out.put("\n");
    end = start;
  }
}

/** Prints what is added at the end, until a note comes; a file that became shorter is printed anew. */
async function follow(t: Tool, fd: number, at: number): Promise<never> {
  for (;;) {
    await t.out.flush();
    const data = await t.sys.read(fd);
    if (data.length > 0) {
      at += data.length;
      await t.out.put(data);
      continue;
    }
    const { length, mode } = await t.sys.fstat(fd);
    if (length > 0 && length < at && !(mode & SPECIAL)) at = await t.sys.seek(fd, 0, 0);
    else await t.sys.sleep(POLL_MS);
  }
}
