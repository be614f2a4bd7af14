/**
 * sed(1): the stream editor. It holds the pattern space, the hold space and one read of its input,
 * of lines of any length; what it found is written before it waits for more, as with -u everywhere.
 */
import { NineError, isInterrupted } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { openEnd } from "./lib/append.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { decode, encode, join, rune } from "./lib/bytes.ts";
import { NL } from "./lib/lines.ts";
import { Out } from "./lib/out.ts";
import { readAll } from "./lib/readall.ts";
import { Input } from "./lib/sedinput.ts";
import { parseScript, type Act, type Address, type Command } from "./lib/sedscript.ts";
import { about, tool, type Tool } from "./lib/tool.ts";

const newline = Uint8Array.of(NL);
/** Commands between two looks at the notes: a script may run for ever without reading a line. */
const TURN = 100_000;

export const sed: Program = tool("sed", "[-n] [-g] [-u] [-e script] [-f sfile] [file ...]", async (t, words) => {
  const args = parseArgs(words, "nguEre:f:");
  let files = args.operands;
  const scripts = [...args.all("e")];
  for (const file of args.all("f")) scripts.push(decode(await about(file, () => readAll(t.sys, file))).replace(/\n$/, ""));
  if (scripts.length === 0) {
    const [first, ...rest] = files;
    if (first === undefined) throw new Usage();
    scripts.push(first);
    files = rest;
  }
  const commands = parseScript(scripts.join("\n"), args.has("g"));
  const outs = new Map<string, Out>();
  for (const { act } of commands) {
    const file = act.op === "w" || act.op === "s" ? act.file : undefined;
    if (file !== undefined && !outs.has(file)) outs.set(file, new Out(t.sys, await about(file, () => openEnd(t.sys, file))));
  }
  await new Editor(t, commands, files, outs, args.has("n")).run();
});

/** What comes after a command: the next one or another; the end of the script, with the pattern space printed or not; the end of all. */
type Then = number | "done" | "deleted" | "quit";

class Editor {
  readonly #t: Tool;
  readonly #commands: readonly Command[];
  readonly #outs: ReadonlyMap<string, Out>;
  readonly #silent: boolean;
  readonly #input: Input;
  /** Of each command with two addresses: whether a line is in its range. */
  readonly #within: boolean[] = [];
  /** Whether the command's range ends with this line, or it has none. */
  #ends = true;
  #space: Uint8Array = new Uint8Array(0);
  #hold: Uint8Array = new Uint8Array(0);
  #number = 0;
  #substituted = false;
  /** Texts and files for the output before the next line is read. */
  #later: Extract<Act, { op: "a" | "r" }>[] = [];
  #steps = 0;

  constructor(t: Tool, commands: readonly Command[], files: readonly string[], outs: ReadonlyMap<string, Out>, silent: boolean) {
    this.#t = t;
    this.#commands = commands;
    this.#outs = outs;
    this.#silent = silent;
    this.#input = new Input(t, files, () => this.#flush());
  }

  async run(): Promise<void> {
    for (let then: Then = 0; then !== "quit";) {
      const line = this.#input.take() ?? (await this.#line());
      if (!line) break;
      this.#begin(line);
      then = await this.#script();
      if (then !== "deleted" && !this.#silent) await this.#put(this.#space);
      if (this.#later.length > 0) await this.#appended();
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#t.out.flush();
    for (const out of this.#outs.values()) await out.flush();
  }

  async #line(): Promise<Uint8Array | undefined> {
    return (await this.#input.fill()) ? this.#input.take() : undefined;
  }

  #begin(line: Uint8Array): void {
    this.#space = line;
    this.#number++;
    this.#substituted = false;
  }

  async #script(): Promise<Then> {
    for (let at = 0; at < this.#commands.length;) {
      const command = this.#commands[at]!;
      if (++this.#steps % TURN === 0) await this.#t.sys.sleep(0);
      let selected: boolean | Promise<boolean> = this.#selects(command, at);
      if (typeof selected !== "boolean") selected = await selected;
      const { act } = command;
      if (selected === command.not) {
        at = act.op === "{" ? act.to : at + 1;
        continue;
      }
      let then: Then | Promise<Then> = this.#do(act, at);
      if (then instanceof Promise) then = await then;
      if (typeof then !== "number") return then;
      at = then;
    }
    return "done";
  }

  /** Whether the addresses select the pattern space. */
  #selects({ first, second }: Command, at: number): boolean | Promise<boolean> {
    this.#ends = true;
    if (!first) return true;
    if (!second) return this.#matches(first);
    if (first.kind === "last" || second.kind === "last") return this.#selectsLast(first, second, at);
    if (this.#within[at]) {
      // A range whose last line was passed unseen is over.
      if (second.kind !== "line") return this.#inRange(at, this.#matches(second) === true);
      if (this.#number <= second.number) return this.#inRange(at, this.#number === second.number);
    }
    this.#within[at] = false;
    return this.#matches(first) === true && this.#inRange(at, second.kind === "line" && second.number <= this.#number);
  }

  async #selectsLast(first: Address, second: Address, at: number): Promise<boolean> {
    if (this.#within[at]) return this.#inRange(at, await this.#matches(second));
    if (!(await this.#matches(first))) return false;
    return this.#inRange(at, second.kind === "line" ? second.number <= this.#number : second.kind === "last" && (await this.#matches(second)));
  }

  #inRange(at: number, ends: boolean): true {
    this.#within[at] = !ends;
    this.#ends = ends;
    return true;
  }

  #matches(address: Address): boolean | Promise<boolean> {
    if (address.kind === "line") return address.number === this.#number;
    if (address.kind === "match") return address.search.test(this.#space);
    return this.#input.fill().then((more) => !more);
  }

  /** Does what the command at `at` says, at once if nothing has to be waited for. */
  #do(act: Act, at: number): Then | Promise<Then> {
    switch (act.op) {
      case "{": return at + 1;
      case "b": return act.to;
      case "t": {
        const to = this.#substituted ? act.to : at + 1;
        this.#substituted = false;
        return to;
      }
      case "a": case "r":
        this.#later.push(act);
        return at + 1;
      case "d": return "deleted";
      case "D": {
        const nl = this.#space.indexOf(NL);
        if (nl < 0) return "deleted";
        this.#space = this.#space.subarray(nl + 1);
        return 0;
      }
      case "g": this.#space = this.#hold; return at + 1;
      case "G": this.#space = join([this.#space, newline, this.#hold]); return at + 1;
      case "h": this.#hold = this.#space; return at + 1;
      case "H": this.#hold = join([this.#hold, newline, this.#space]); return at + 1;
      case "x": {
        const hold = this.#space;
        this.#space = this.#hold;
        this.#hold = hold;
        return at + 1;
      }
      case "y": this.#space = transformed(this.#space, act.map); return at + 1;
      case "s": return this.#substitute(act) ? this.#substitutedBy(act, at) : at + 1;
      case "q": return "quit";
      default: return this.#putting(act, at);
    }
  }

  /** The commands that read or write. */
  async #putting(act: Act, at: number): Promise<Then> {
    switch (act.op) {
      case "c":
        if (this.#ends || this.#commands[at]?.not) await this.#put(act.text);
        return "deleted";
      case "i": await this.#put(act.text); break;
      case "p": await this.#put(this.#space); break;
      case "P": await this.#put(firstLine(this.#space)); break;
      case "w": await this.#put(this.#space, this.#outs.get(act.file)); break;
      case "=": await this.#put(encode(String(this.#number))); break;
      case "l": await this.#put(encode(unambiguous(decode(this.#space)))); break;
      case "n": case "N": {
        if (act.op === "n" && !this.#silent) await this.#put(this.#space);
        await this.#appended();
        const line = this.#input.take() ?? (await this.#line());
        if (!line) return "deleted";
        this.#begin(act.op === "n" ? line : join([this.#space, newline, line]));
        break;
      }
      default:
    }
    return at + 1;
  }

  /** Whether something was substituted. */
  #substitute({ search, by, global }: Extract<Act, { op: "s" }>): boolean {
    const text = this.#space;
    if (!search.test(text)) return false;
    const parts: Uint8Array[] = [];
    const { places } = search;
    let done = 0;
    for (let from = 0; search.find(text, from);) {
      const begin = places[0]!, end = places[1]!;
      parts.push(text.subarray(done, begin));
      for (const part of by) {
        if (typeof part !== "number") parts.push(part);
        else if (places[2 * part]! >= 0 && places[2 * part + 1]! >= 0) parts.push(text.subarray(places[2 * part], places[2 * part + 1]));
      }
      done = end;
      // After an empty match the next character stays; at the end of the text nothing matches once more.
      from = begin === end && end < text.length ? end + (rune(text, end, text.length) & 7) : end;
      if (!global || from >= text.length) break;
    }
    parts.push(text.subarray(done));
    this.#space = join(parts);
    this.#substituted = true;
    return true;
  }

  #substitutedBy(act: Extract<Act, { op: "s" }>, at: number): Then | Promise<Then> {
    if (act.print === "" && act.file === undefined) return at + 1;
    return (async () => {
      if (act.print !== "") await this.#put(act.print === "p" ? this.#space : firstLine(this.#space));
      if (act.file !== undefined) await this.#put(this.#space, this.#outs.get(act.file));
      return at + 1;
    })();
  }

  async #put(text: Uint8Array, out: Out = this.#t.out): Promise<void> {
    const full = out.put(text);
    if (full) await full;
    const fuller = out.put(newline);
    if (fuller) await fuller;
  }

  async #appended(): Promise<void> {
    for (const act of this.#later) {
      if (act.op === "a") await this.#put(act.text);
      else await this.#copy(act.file);
    }
    this.#later = [];
  }

  /** Puts a file's contents; one that cannot be read counts as empty. */
  async #copy(file: string): Promise<void> {
    const { sys, out } = this.#t;
    let fd: number;
    try {
      fd = await sys.openRead(file);
    } catch (e) {
      if (e instanceof NineError && !isInterrupted(e)) return;
      throw e;
    }
    for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) await out.put(data);
    await sys.close(fd);
  }
}

function firstLine(text: Uint8Array): Uint8Array {
  const nl = text.indexOf(NL);
  return nl < 0 ? text : text.subarray(0, nl);
}

function transformed(text: Uint8Array, map: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  let done = 0;
  for (let at = 0; at < text.length;) {
    const r = rune(text, at, text.length);
    const by = map.get(r >>> 3);
    if (by) {
      parts.push(text.subarray(done, at), by);
      done = at + (r & 7);
    }
    at += r & 7;
  }
  if (parts.length === 0) return text;
  parts.push(text.subarray(done));
  return join(parts);
}

/** The text of l: what is not printable ASCII by name or number, in lines of 73 characters. */
function unambiguous(text: string): string {
  const names: Record<string, string> = { "\b": "\\b", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  const shown = Array.from(text, (ch) => names[ch] ?? (/^[ -~]$/.test(ch) ? ch : `\\x${(ch.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`)).join("");
  return shown.replace(/.{73}/g, "$&\\\n") + (text.endsWith(" ") ? "\\n" : "");
}
