/**
 * Parser: the grammar of rc(1), all of it and nowhere else, by recursive descent.
 *
 *   line    = { andor (";" | "&") } andor (newline | end)
 *   body    = { andor (";" | "&" | newline) } andor
 *   andor   = pipe { ("&&" | "||") pipe }
 *   pipe    = operand { "|" operand }
 *   operand = ("!" | "@" | redir | first "=" word) pipe
 *           | "if" "(" body ")" andor | "if" "not" andor | "while" "(" body ")" andor
 *           | "for" "(" word ["in" words] ")" andor | "switch" word brace
 *           | "fn" words [brace] | "~" word words | brace {redir} | word {word | redir} | nothing
 *   word    = part { "^" part }        part = text | "$" part ["(" words ")"] | "$#" part | "$"" part
 *           | "`" [word] brace | "(" words ")" | "<" brace | ">" brace
 *
 * Newlines may follow |, &&, || and the ")" of if, while, for and switch. Invariant: Source
 * advances by whole command lines, and only when one has been parsed.
 */
import { NIL } from "./ast.ts";
import type { Case, Cmd, Redir, Word } from "./ast.ts";
import { mark } from "./glob.ts";
import { type Here, isKeyword, Lexer, RcSyntax, type Token } from "./lex.ts";

/** Commands in the order they are read. */
export interface Source {
  text: string;
  pos: number;
  line: number;
  /** Nothing will be added to text. */
  final: boolean;
  /** The last command was an `if`, so `if not` may follow. */
  afterIf: boolean;
}

/** One command line, and the here documents to be expanded before it runs. */
export interface Line {
  readonly cmd: Cmd;
  readonly heres: readonly Here[];
}

/** A source that is all there. */
export function textSource(text: string): Source {
  return { text, pos: 0, line: 1, final: true, afterIf: false };
}

/**
 * The next command line, undefined at the end. Throws Incomplete (the source is as before) or
 * RcSyntax (the rest of the source's text is given up).
 */
export function parseLine(source: Source): Line | undefined {
  const lexer = new Lexer(source.text, source.pos, source.line, source.final);
  try {
    const parser = new Parser(lexer, source.afterIf);
    const line = parser.line();
    source.pos = lexer.pos;
    source.line = lexer.line;
    source.afterIf = parser.afterIf;
    return line;
  } catch (e) {
    if (e instanceof RcSyntax) source.pos = source.text.length;
    throw e;
  }
}

/** Commands and words within one another; the evaluator recurses as deep. */
const MAXDEPTH = 500;

class Parser {
  afterIf: boolean;
  private readonly lexer: Lexer;
  private token: Token;
  private readonly heres: Here[] = [];
  private inFn = 0;
  private depth = 0;

  constructor(lexer: Lexer, afterIf: boolean) {
    this.lexer = lexer;
    this.afterIf = afterIf;
    this.token = lexer.next();
  }

  line(): Line | undefined {
    if (this.at("eof")) return undefined;
    const items: Cmd[] = [];
    for (;;) {
      const cmd = this.andor();
      const { kind } = this.token;
      add(items, cmd, kind === "&");
      // The newline itself is not passed: what is after it belongs to the next line.
      if (kind === "nl" || kind === "eof") return { cmd: listOf(items), heres: this.heres };
      if (kind !== ";" && kind !== "&") this.fail();
      this.advance();
    }
  }

  private body(close: "}" | ")"): Cmd {
    const items: Cmd[] = [];
    for (;;) {
      const cmd = this.andor();
      const { kind } = this.token;
      add(items, cmd, kind === "&");
      if (kind === close) {
        this.advance();
        return listOf(items);
      }
      if (kind !== ";" && kind !== "&" && kind !== "nl") this.fail();
      this.advance();
    }
  }

  private brace(): Cmd {
    this.expect("{");
    return this.body("}");
  }

  private paren(): Cmd {
    this.expect("(");
    return this.body(")");
  }

  private andor(): Cmd {
    let left = this.pipe();
    for (;;) {
      const { kind } = this.token;
      if (kind !== "&&" && kind !== "||") return left;
      this.advance();
      this.newlines();
      left = { kind: kind === "&&" ? "and" : "or", left, right: this.pipe() };
      this.afterIf = false;
    }
  }

  private pipe(): Cmd {
    let left = this.operand();
    for (;;) {
      const { token } = this;
      if (token.kind !== "pipe") return left;
      this.advance();
      this.newlines();
      left = { kind: "pipe", left, right: this.operand(), out: token.out, into: token.into };
      this.afterIf = false;
    }
  }

  private operand(): Cmd {
    const { token } = this;
    if (++this.depth > MAXDEPTH) throw new RcSyntax(token.line, "nested too deeply");
    const cmd = token.kind === "word" && !token.quoted && isKeyword(token.text) ? this.keyword(token.text) : this.plain();
    this.depth--;
    return cmd;
  }

  private plain(): Cmd {
    const atBrace = this.token.kind === "{";
    if (!atBrace && !this.atRedir() && !this.atWord()) return NIL;
    this.afterIf = false;
    const cmd = atBrace ? this.group() : this.atRedir() ? withRedirs([this.redir()], this.pipe()) : this.simple();
    this.afterIf = false;
    return cmd;
  }

  private group(): Cmd {
    const body = this.brace();
    const redirs: Redir[] = [];
    while (this.atRedir()) redirs.push(this.redir());
    return withRedirs(redirs, { kind: "brace", body });
  }

  private keyword(word: string): Cmd {
    this.advance();
    if (word === "if" && this.isWord("not")) {
      if (!this.afterIf) throw new RcSyntax(this.token.line, "`if not' does not follow `if(...)'");
      this.advance();
      this.newlines();
      return { kind: "ifnot", body: this.andor() };
    }
    this.afterIf = false;
    const cmd = this.compound(word);
    this.afterIf = cmd.kind === "if";
    return cmd;
  }

  private compound(word: string): Cmd {
    switch (word) {
      case "!":
        return { kind: "bang", cmd: this.pipe() };
      case "@":
        return { kind: "subshell", cmd: this.pipe() };
      case "if": case "while": {
        const cond = this.paren();
        this.newlines();
        return { kind: word, cond, body: this.andor() };
      }
      case "for": {
        this.expect("(");
        const name = this.word();
        let words: Word[] | undefined;
        if (this.isWord("in")) {
          this.advance();
          words = this.words();
        }
        this.expect(")");
        this.newlines();
        return { kind: "for", name, words, body: this.andor() };
      }
      case "switch": {
        const { line } = this.token;
        const subject = this.word();
        this.newlines();
        return { kind: "switch", subject, cases: cases(this.brace(), line) };
      }
      case "fn": {
        const names = this.words();
        if (this.token.kind !== "{") return { kind: "fn", names, body: undefined };
        this.inFn++;
        const body = this.brace();
        this.inFn--;
        return { kind: "fn", names, body };
      }
      case "~":
        return { kind: "match", subject: this.word(), patterns: this.words() };
      default:
        return this.fail({ kind: "word", line: this.token.line, text: word, quoted: false });
    }
  }

  private simple(): Cmd {
    const first = this.word();
    if (this.token.kind === "=") {
      this.advance();
      const value = this.word();
      return { kind: "assign", name: first, value, cmd: this.pipe() };
    }
    const words = [first];
    const redirs: Redir[] = [];
    for (;;) {
      if (this.atRedir()) redirs.push(this.redir());
      else if (this.atWord()) words.push(this.word());
      else return withRedirs(redirs, { kind: "simple", words });
    }
  }

  private redir(): Redir {
    const { token } = this;
    this.advance();
    if (token.kind === "dup") return { kind: "dup", to: token.to, from: token.from };
    if (token.kind !== "redir") this.fail(token);
    if (token.op !== "<<") return { kind: "open", op: token.op, fd: token.fd, file: this.word() };
    const tag = this.token;
    if (tag.kind !== "word" || !tag.here) throw new RcSyntax(token.line, "Bad here tag");
    this.advance();
    if (this.token.kind === "^") throw new RcSyntax(token.line, "Bad here tag");
    // Inside a function a here document is expanded at each call, elsewhere when the command is read.
    if (this.inFn === 0) this.heres.push(tag.here);
    return { kind: "here", fd: token.fd, here: tag.here };
  }

  private words(): Word[] {
    const words: Word[] = [];
    while (this.atWord()) words.push(this.word());
    return words;
  }

  private word(): Word {
    let left = this.part();
    while (this.token.kind === "^") {
      this.advance();
      const right = this.part();
      left = { kind: "cat", left, right, globs: globs(left) || globs(right) };
    }
    return left;
  }

  private part(): Word {
    if (++this.depth > MAXDEPTH) throw new RcSyntax(this.token.line, "nested too deeply");
    const part = this.one();
    this.depth--;
    return part;
  }

  private one(): Word {
    const { token } = this;
    switch (token.kind) {
      case "word":
        this.advance();
        return literalOf(token.text, token.quoted);
      case "$": {
        this.advance();
        const name = this.part();
        if (this.token.kind !== "sub") return { kind: "var", name, index: undefined };
        this.advance();
        const index = this.words();
        this.expect(")");
        return { kind: "var", name, index };
      }
      case "$#":
        this.advance();
        return { kind: "count", name: this.part() };
      case '$"':
        this.advance();
        return { kind: "join", name: this.part() };
      case "`": {
        this.advance();
        const sep = this.token.kind === "{" ? undefined : this.word();
        return { kind: "back", sep, body: this.brace() };
      }
      case "(": {
        this.advance();
        const words = this.words();
        this.expect(")");
        return { kind: "list", words, globs: words.some(globs) };
      }
      case "pipefd":
        this.advance();
        return { kind: "pipefd", op: token.op, fd: token.fd, body: this.brace() };
      default:
        return this.fail();
    }
  }

  private atWord(): boolean {
    switch (this.token.kind) {
      case "word": case "$": case "$#": case '$"': case "`": case "(": case "pipefd": return true;
      default: return false;
    }
  }

  private atRedir(): boolean {
    return this.at("redir") || this.at("dup");
  }

  private at(kind: Token["kind"]): boolean {
    return this.token.kind === kind;
  }

  private isWord(text: string): boolean {
    return this.token.kind === "word" && !this.token.quoted && this.token.text === text;
  }

  private newlines(): void {
    while (this.token.kind === "nl") this.advance();
  }

  private advance(): void {
    this.token = this.lexer.next();
  }

  private expect(kind: "{" | "(" | ")"): void {
    if (this.token.kind !== kind) this.fail();
    this.advance();
  }

  private fail(token: Token = this.token): never {
    const text = spell(token);
    throw new RcSyntax(token.line, text === "" ? "syntax error" : `token ${text}: syntax error`);
  }
}

function literalOf(text: string, quoted: boolean): Word {
  const value = quoted ? text : mark(text);
  return { kind: "lit", text, quoted, value: [value], globs: value !== text };
}

/** Does a word hold a pattern? */
function globs(word: Word): boolean {
  return "globs" in word && word.globs;
}

/** A token as syntax errors name it; a newline has no name. */
function spell(token: Token): string {
  switch (token.kind) {
    case "nl": return "";
    case "eof": return "EOF";
    case "word": return `'${token.text}'`;
    case "pipe": return "'|'";
    case "redir": case "pipefd": return `'${token.op}'`;
    case "dup": return `'>[${token.to}=${token.from ?? ""}]'`;
    case "sub": return "'('";
    default: return `'${token.kind}'`;
  }
}

function add(items: Cmd[], cmd: Cmd, async: boolean): void {
  if (cmd !== NIL) items.push(async ? { kind: "async", cmd } : cmd);
}

function listOf(items: readonly Cmd[]): Cmd {
  return items.length > 1 ? { kind: "list", items } : items[0] ?? NIL;
}

/** One redirection node, whether they stood before, after or among the words. */
function withRedirs(redirs: readonly Redir[], cmd: Cmd): Cmd {
  if (redirs.length === 0) return cmd;
  return cmd.kind === "redir" ? { kind: "redir", redirs: [...redirs, ...cmd.redirs], cmd: cmd.cmd } : { kind: "redir", redirs, cmd };
}

/** The body of a switch cut at its top-level `case` commands. */
function cases(body: Cmd, line: number): Case[] {
  const found: { patterns: readonly Word[]; items: Cmd[] }[] = [];
  for (const item of body.kind === "list" ? body.items : [body]) {
    const first = item.kind === "simple" ? item.words[0] : undefined;
    if (item.kind === "simple" && first?.kind === "lit" && !first.quoted && first.text === "case") {
      found.push({ patterns: item.words.slice(1), items: [] });
      continue;
    }
    const last = found.at(-1);
    if (!last) throw new RcSyntax(line, "case missing in switch");
    last.items.push(item);
  }
  return found.map(({ patterns, items }) => ({ patterns, body: listOf(items) }));
}
