/**
 * Lexer: rc's tokens, with the free carets of rc(1) put in where they belong.
 * Invariant: it reads text once from `pos` on and never looks back; asked for more than the text
 * holds, it throws Incomplete unless the text is final. Used by parse.ts only.
 */

/** The text so far is the beginning of a command: read another line and parse again. */
export class Incomplete extends Error {
  override readonly name = "Incomplete";
}

/** A syntax error: `what` is the sentence without the place, `line` counts from 1. */
export class RcSyntax extends Error {
  override readonly name = "RcSyntax";
  readonly line: number;

  constructor(line: number, what: string) {
    super(what);
    this.line = line;
  }
}

/** A here document: `body` is filled in when the newline after its command has been read. */
export interface Here {
  readonly tag: string;
  readonly quoted: boolean;
  body: string;
  /** The body with variables substituted, once that has happened. */
  text?: string;
}

/** Tokens that stand for themselves. `sub` is a "(" directly after a word. */
export type Mark = "^" | "$" | "$#" | '$"' | "`" | "{" | "}" | "(" | ")" | "sub" | ";" | "&" | "&&" | "||" | "=" | "nl" | "eof";

export type Token =
  | { readonly kind: Mark; readonly line: number }
  | { readonly kind: "word"; readonly line: number; readonly text: string; readonly quoted: boolean; readonly here?: Here }
  | { readonly kind: "pipe"; readonly line: number; readonly out: number; readonly into: number }
  | { readonly kind: "redir"; readonly line: number; readonly op: "<" | ">" | ">>" | "<>" | "<<"; readonly fd: number }
  /** `from` undefined closes `to`. */
  | { readonly kind: "dup"; readonly line: number; readonly to: number; readonly from: number | undefined }
  /** `<` or `>` in front of a brace. */
  | { readonly kind: "pipefd"; readonly line: number; readonly op: "<" | ">"; readonly fd: number };

const NOTWORD = new Set("\n \t#;&|^$=`'{}()<>");
const NOTNAME = new Set("!\"#$%&'()+,-./:;<=>?@[\\]^`{|}~");
const KEYWORDS = new Set(["for", "in", "while", "if", "not", "~", "!", "@", "switch", "fn"]);

/** May c be part of an unquoted word? */
export function wordchr(c: string | undefined): boolean {
  return c !== undefined && !NOTWORD.has(c);
}

/** May c be part of a variable's name after an unquoted `$`? */
export function namechr(c: string | undefined): boolean {
  return c !== undefined && c > " " && !NOTNAME.has(c);
}

/** Is this unquoted word one of rc's keywords? */
export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}

export class Lexer {
  readonly text: string;
  readonly final: boolean;
  pos: number;
  line: number;
  private pending: Here[] = [];
  private lastWord = false;
  private lastDollar = false;
  private wantTag = false;

  constructor(text: string, pos: number, line: number, final: boolean) {
    this.text = text;
    this.pos = pos;
    this.line = line;
    this.final = final;
  }

  next(): Token {
    const line = this.line;
    if (this.lastWord) {
      this.lastWord = false;
      const c = this.peek();
      if (c === "(") return this.mark("sub", 1);
      if (c !== undefined && (wordchr(c) || c === "'" || c === "`" || c === "$")) return { kind: "^", line };
    }
    const afterDollar = this.lastDollar;
    this.lastDollar = false;
    this.white();
    const c = this.peek();
    const d = this.text[this.pos + 1];
    switch (c) {
      case undefined:
        this.hereBodies();
        return { kind: "eof", line: this.line };
      case "\n":
        this.pos++;
        this.line++;
        this.hereBodies();
        return { kind: "nl", line };
      case "$":
        if (d === undefined && !this.final) throw new Incomplete();
        this.lastDollar = true;
        if (d === "#") return this.mark("$#", 2);
        if (d === '"') return this.mark('$"', 2);
        return this.mark("$", 1);
      case "&":
        return d === "&" ? this.mark("&&", 2) : this.mark("&", 1);
      case "|":
        return d === "|" ? this.mark("||", 2) : this.pipe();
      case "<": case ">":
        return this.redir(c);
      case "^": case "`": case "{": case "}": case "(": case ")": case ";": case "=":
        return this.mark(c, 1);
      case "'":
        return this.quoted();
      default:
        return this.word(afterDollar);
    }
  }

  /** The next character; backslash and newline are one blank, undefined is the end of a final text. */
  private peek(): string | undefined {
    const c = this.text[this.pos];
    if (c === undefined && !this.final) throw new Incomplete();
    if (c !== "\\") return c;
    const d = this.text[this.pos + 1];
    if (d === undefined && !this.final) throw new Incomplete();
    return d === "\n" ? " " : c;
  }

  private mark(kind: Mark, length: number): Token {
    this.pos += length;
    return { kind, line: this.line };
  }

  private white(): void {
    for (;;) {
      const c = this.peek();
      if (c === "#") {
        const nl = this.text.indexOf("\n", this.pos);
        if (nl < 0 && !this.final) throw new Incomplete();
        this.pos = nl < 0 ? this.text.length : nl;
      } else if (c === " " && this.text[this.pos] === "\\") {
        this.pos += 2;
        this.line++;
      } else if (c === " " || c === "\t") this.pos++;
      else return;
    }
  }

  private word(afterDollar: boolean): Token {
    const { line } = this;
    const start = this.pos;
    const belongs = afterDollar ? namechr : wordchr;
    do this.pos++; while (belongs(this.peek()));
    const text = this.text.slice(start, this.pos);
    this.lastWord = !isKeyword(text);
    return this.tag({ kind: "word", line, text, quoted: false });
  }

  private quoted(): Token {
    const { line } = this;
    let text = "";
    for (let at = this.pos + 1; ;) {
      const end = this.text.indexOf("'", at);
      if (end < 0 || (end + 1 === this.text.length && !this.final)) {
        if (!this.final) throw new Incomplete();
        this.pos = this.text.length;
        throw new RcSyntax(line, "token EOF: syntax error");
      }
      text += this.text.slice(at, end);
      at = end + 1;
      if (this.text[at] === "'") {
        text += "'";
        at++;
        continue;
      }
      this.pos = at;
      break;
    }
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.line++;
    this.lastWord = true;
    return this.tag({ kind: "word", line, text, quoted: true });
  }

  /** The word after `<<` announces a here document. */
  private tag(word: { kind: "word"; line: number; text: string; quoted: boolean }): Token {
    if (!this.wantTag) return word;
    this.wantTag = false;
    // No line would be this marker.
    if (word.text.includes("\n")) throw new RcSyntax(word.line, "Bad here tag");
    const here: Here = { tag: word.text, quoted: word.quoted, body: "" };
    this.pending.push(here);
    return { ...word, here };
  }

  private hereBodies(): void {
    for (const here of this.pending) {
      for (;;) {
        const nl = this.text.indexOf("\n", this.pos);
        if (nl < 0 && !this.final) throw new Incomplete();
        const end = nl < 0 ? this.text.length : nl + 1;
        const line = this.text.slice(this.pos, end);
        this.pos = end;
        if (line === "") break;
        this.line++;
        if (line === here.tag || line === `${here.tag}\n`) break;
        // The last line of a text may lack its newline.
        here.body += nl < 0 ? `${line}\n` : line;
      }
    }
    this.pending = [];
  }

  private pipe(): Token {
    const { line } = this;
    this.pos++;
    const fds = this.fds();
    if (fds && fds.eq && fds.right === undefined) throw new RcSyntax(line, "token '|': redirection syntax");
    return { kind: "pipe", line, out: fds?.left ?? 1, into: fds?.right ?? 0 };
  }

  private redir(c: "<" | ">"): Token {
    const { line } = this;
    const d = this.text[this.pos + 1];
    if (d === undefined && !this.final) throw new Incomplete();
    const op = d === c ? (c === "<" ? "<<" : ">>") : c === "<" && d === ">" ? "<>" : c;
    this.pos += op.length;
    const fds = this.fds();
    if (fds?.eq) {
      if (op === "<<" || op === ">>") throw new RcSyntax(line, `token '${op}': redirection syntax`);
      return { kind: "dup", line, to: fds.left, from: fds.right };
    }
    const fd = fds?.left ?? (c === "<" ? 0 : 1);
    if (op === "<" || op === ">") {
      this.white();
      if (this.peek() === "{") return { kind: "pipefd", line, op, fd: fds?.left ?? (c === "<" ? 1 : 0) };
    }
    this.wantTag = op === "<<";
    return { kind: "redir", line, op, fd };
  }

  /** [n], [n=] or [n=m] after a redirection or a pipe. */
  private fds(): { left: number; eq: boolean; right: number | undefined } | undefined {
    if (this.peek() !== "[") return undefined;
    const close = this.text.indexOf("]", this.pos);
    const inside = /^\[(\d{1,6})(=(\d{1,6})?)?$/.exec(this.text.slice(this.pos, close < 0 ? undefined : close));
    if (close < 0 || !inside) throw new RcSyntax(this.line, "token '[': redirection syntax");
    this.pos = close + 1;
    return { left: Number(inside[1]), eq: inside[2] !== undefined, right: inside[3] === undefined ? undefined : Number(inside[3]) };
  }
}
