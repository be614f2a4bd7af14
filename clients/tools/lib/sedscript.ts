/**
 * Sedscript: the commands of sed(1) as its scripts write them. Groups and branches become places in
 * the list of commands; all that can be wrong with a script is found here, and is a NineError.
 */
import { NineError } from "../../../proto/index.ts";
import { encode } from "./bytes.ts";
import { compile } from "./expr.ts";
import { Search } from "./search.ts";

export type Address =
  | { kind: "line"; number: number }
  | { kind: "last" }
  | { kind: "match"; search: Search };

/** What is put for a match: bytes, and numbers of groups, 0 for the whole match. */
export type Replacement = readonly (Uint8Array | number)[];

export type Act =
  | { op: "a"; text: Uint8Array }
  | { op: "c" | "i"; text: Uint8Array }
  /** To the command at `to`: always; if something was substituted; if the group is not for this line. */
  | { op: "b" | "t" | "{"; to: number }
  | { op: "r"; file: string }
  | { op: "w"; file: string }
  | { op: "s"; search: Search; by: Replacement; global: boolean; print: "" | "p" | "P"; file: string | undefined }
  | { op: "y"; map: ReadonlyMap<number, Uint8Array> }
  | { op: "=" | "d" | "D" | "g" | "G" | "h" | "H" | "l" | "n" | "N" | "p" | "P" | "q" | "x" };

export interface Command {
  readonly first: Address | undefined;
  readonly second: Address | undefined;
  /** For what the addresses do not select. */
  readonly not: boolean;
  readonly act: Act;
}

/** What takes one address at most. */
const ONE = "=aiqr";

class Parser {
  readonly commands: Command[] = [];
  /** Every substitution is as with the flag g. */
  readonly #global: boolean;
  readonly #labels = new Map<string, number>();
  readonly #branches: { act: { to: number }; label: string }[] = [];
  readonly #open: { to: number }[] = [];
  /** The expression that // means. */
  #last: Search | undefined;
  #line: readonly string[] = [];
  #at = 0;

  constructor(global: boolean) {
    this.#global = global;
  }

  all(script: string): void {
    for (const line of scriptLines(script)) {
      this.#line = line;
      this.#at = 0;
      for (;;) {
        this.#blanks(" \t;");
        if (this.#at >= line.length || line[this.#at] === "#") break;
        this.#command();
      }
    }
    if (this.#open.length > 0) throw new NineError("Too many {'s");
    for (const { act, label } of this.#branches) {
      const to = label === "" ? this.commands.length : this.#labels.get(label);
      if (to === undefined) throw new NineError(`Undefined label: ${label}`);
      act.to = to;
    }
  }

  #command(): void {
    const first = this.#address();
    let second: Address | undefined;
    this.#blanks();
    if (first && (this.#take(",") || this.#take(";"))) {
      this.#blanks();
      second = this.#address();
    }
    let not = false;
    for (this.#blanks(); this.#take("!"); this.#blanks()) not = true;
    const op = this.#line[this.#at++] ?? "";
    if (first && (op === ":" || op === "}")) throw this.#wrong("No addresses allowed");
    if (second && ONE.includes(op)) throw this.#wrong("Only one address allowed");
    if (op === ":") {
      const label = this.#upTo(" \t;#");
      if (label === "") throw this.#garbled(op);
      if (this.#labels.has(label)) throw this.#wrong("Duplicate labels");
      this.#labels.set(label, this.commands.length);
    } else if (op === "}") {
      const group = this.#open.pop();
      if (!group) throw new NineError("Too many }'s");
      group.to = this.commands.length;
    } else this.commands.push({ first, second, not, act: this.#act(op) });
    if (op === "{" || op === "}") return;
    this.#blanks();
    if (this.#at < this.#line.length && !";}#".includes(this.#line[this.#at] ?? "")) throw this.#garbled(op);
  }

  #act(op: string): Act {
    switch (op) {
      case "{": {
        const act: Act & { op: "{" | "b" | "t" } = { op, to: 0 };
        this.#open.push(act);
        return act;
      }
      case "b": case "t": {
        const act: Act & { op: "{" | "b" | "t" } = { op, to: 0 };
        this.#branches.push({ act, label: this.#upTo(";}").trimEnd() });
        return act;
      }
      case "a": case "c": case "i": {
        this.#take("\\");
        if (!this.#take("\n")) throw this.#garbled(op);
        return { op, text: encode(this.#text()) };
      }
      case "r": case "w": return { op, file: this.#file(op) };
      case "s": return this.#substitute();
      case "y": return { op, map: this.#transform() };
      case "=": case "d": case "D": case "g": case "G": case "h": case "H": case "l": case "n": case "N": case "p": case "P": case "q": case "x":
        return { op };
      default: throw this.#wrong("Unrecognized command");
    }
  }

  #substitute(): Act {
    const delimiter = this.#delimiter("s");
    const search = this.#expression(delimiter, "s");
    const by: (Uint8Array | number)[] = [];
    let text = "";
    const group = (n: number): void => {
      if (n > search.groups) throw new NineError(`Invalid back reference \\${n}`);
      if (text !== "") by.push(encode(text));
      text = "";
      by.push(n);
    };
    while (!this.#take(delimiter)) {
      let c = this.#next("s");
      if (c === "&") group(0);
      else if (c !== "\\") text += c;
      else {
        c = this.#next("s");
        if (/[1-9]/.test(c)) group(Number(c));
        else text += c === "n" ? "\n" : c;
      }
    }
    if (text !== "") by.push(encode(text));
    let global = this.#global, print: "" | "p" | "P" = "";
    for (;;) {
      if (this.#take("g")) global = true;
      else if (this.#take("p")) print = "p";
      else if (this.#take("P")) print = "P";
      else break;
    }
    return { op: "s", search, by, global, print, file: this.#take("w") ? this.#file("s") : undefined };
  }

  #transform(): ReadonlyMap<number, Uint8Array> {
    const delimiter = this.#delimiter("y");
    const string = (): string[] => {
      const chars: string[] = [];
      while (!this.#take(delimiter)) {
        const c = this.#next("y");
        if (c === "\\" && (this.#take("\\") || this.#take(delimiter) || this.#take("n"))) {
          const quoted = this.#line[this.#at - 1] ?? "";
          chars.push(quoted === "n" && delimiter !== "n" ? "\n" : quoted);
        } else chars.push(c);
      }
      return chars;
    };
    const from = string(), to = string();
    if (from.length !== to.length) throw this.#garbled("y");
    return new Map(from.map((c, i) => [c.codePointAt(0) ?? 0, encode(to[i] ?? "")]));
  }

  #address(): Address | undefined {
    if (this.#take("$")) return { kind: "last" };
    if (this.#take("/")) return { kind: "match", search: this.#expression("/", "address") };
    let digits = "";
    while (/^\d$/.test(this.#line[this.#at] ?? "")) digits += this.#line[this.#at++];
    if (digits === "") return undefined;
    if (Number(digits) === 0) throw new NineError("line number 0 is illegal");
    return { kind: "line", number: Number(digits) };
  }

  /** Up to the delimiter. A \ before any character stays, for the expression; \n is a newline. */
  #expression(delimiter: string, op: string): Search {
    let text = "";
    while (!this.#take(delimiter)) {
      const c = this.#next(op);
      text += c;
      if (c !== "\\") continue;
      const quoted = this.#next(op);
      text += quoted === "n" ? "\n" : quoted;
    }
    if (text === "") {
      if (!this.#last) throw new NineError("First RE may not be null");
      return this.#last;
    }
    this.#last = new Search(compile(text));
    return this.#last;
  }

  #delimiter(op: string): string {
    const c = this.#next(op);
    if (c === "\\" || c === "\n") throw this.#garbled(op);
    return c;
  }

  #file(op: string): string {
    if (!this.#take(" ")) throw this.#garbled(op);
    const name = this.#text();
    if (name === "") throw this.#garbled(op);
    return name;
  }

  /** The rest of the line: blanks before each of its lines go, and a \ that protects what follows. */
  #text(): string {
    let text = "";
    for (this.#blanks(); this.#at < this.#line.length;) {
      this.#take("\\");
      const c = this.#line[this.#at++] ?? "";
      text += c;
      if (c === "\n") this.#blanks();
    }
    return text;
  }

  #upTo(stops: string): string {
    this.#blanks();
    let word = "";
    while (this.#at < this.#line.length && !stops.includes(this.#line[this.#at] ?? "")) word += this.#line[this.#at++];
    return word;
  }

  #blanks(blanks = " \t"): void {
    while (this.#at < this.#line.length && blanks.includes(this.#line[this.#at] ?? "")) this.#at++;
  }

  #take(c: string): boolean {
    if (this.#line[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  /** A character that must be there. */
  #next(op: string): string {
    const c = this.#line[this.#at++];
    if (c === undefined) throw this.#garbled(op);
    return c;
  }

  #garbled(op: string): NineError {
    return this.#wrong(`${op} command garbled`);
  }

  #wrong(why: string): NineError {
    return new NineError(`${why}: ${this.#line.join("")}`);
  }
}

/** The script's lines as characters; one goes on after a newline that a \ hides. */
function scriptLines(script: string): string[][] {
  const lines: string[][] = [[]];
  let hidden = false;
  for (const c of script) {
    if (c === "\n" && !hidden) lines.push([]);
    else lines.at(-1)?.push(c);
    hidden = c === "\\" && !hidden;
  }
  return lines;
}

/** The commands of a script. */
export function parseScript(script: string, global: boolean): readonly Command[] {
  const parser = new Parser(global);
  parser.all(script);
  return parser.commands;
}
