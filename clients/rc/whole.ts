/**
 * Whole: whether what has been typed is a whole command yet, asked again with every line of it. The
 * parser tells; but of a long text, of which each line has been looked at before, first only the braces
 * are counted, from where that was left off, so that a long paste does not cost its square. Invariant:
 * what the parser would take is never held back; a mistake within braces may be told at their end only.
 */
import { Incomplete, Lexer, RcSyntax } from "./lex.ts";
import { parseLine, type Source } from "./parse.ts";

/** Characters of a text that is parsed anew with every line. */
const LONG = 8192;

export class Whole {
  private readonly source: Source;
  /** Lines whose tokens have been counted, and how many braces and parentheses they leave open. */
  private counted = "";
  private open = 0;

  /** What has been typed will stand behind the source's text. */
  constructor(source: Source) {
    this.source = source;
  }

  /** Would the source with this line, or these, end with a whole command, or with a mistake? */
  test(typed: string): boolean {
    const { source } = this;
    const text = `${source.text.slice(source.pos)}${typed}\n`;
    if (text.length > LONG && this.count(text) > 0) return false;
    const ahead = { ...source, text, pos: 0 };
    try {
      while (ahead.pos < text.length && parseLine(ahead));
      return true;
    } catch (e) {
      if (e instanceof Incomplete) return false;
      if (e instanceof RcSyntax) return true;
      throw e;
    }
  }

  private count(text: string): number {
    if (!text.startsWith(this.counted)) {
      this.counted = "";
      this.open = 0;
    }
    const lexer = new Lexer(text, this.counted.length, 1, false);
    let open = this.open;
    try {
      for (;;) {
        switch (lexer.next().kind) {
          case "{": case "(": case "sub":
            open++;
            break;
          case "}": case ")":
            open--;
            break;
          case "nl":
            this.counted = text.slice(0, lexer.pos);
            this.open = open;
            break;
          default:
        }
      }
    } catch (e) {
      if (e instanceof Incomplete) return this.open;
      if (e instanceof RcSyntax) return 0;
      throw e;
    }
  }
}
