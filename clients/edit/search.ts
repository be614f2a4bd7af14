/**
 * Search: looking through the history while the text to look for is being typed (C-r, C-s).
 * Invariant: Backspace goes back to what was found before the last key.
 */

interface Found {
  readonly pattern: string;
  /** Index of the entry; the number of entries is the line that was there. */
  readonly at: number;
  readonly pos: number;
  readonly failed: boolean;
}

export class Search {
  private readonly entries: readonly string[];
  private readonly line: string;
  private readonly trail: Found[];
  private back: boolean;

  /** From entry `at` on, where `line` stands in place of the entry behind the last. */
  constructor(entries: readonly string[], line: string, at: number, pos: number, back: boolean) {
    this.entries = entries;
    this.line = line;
    this.back = back;
    this.trail = [{ pattern: "", at, pos, failed: false }];
  }

  get prompt(): string {
    const { pattern, failed } = this.now;
    return `(${failed ? "failed " : ""}${this.back ? "reverse-i-search" : "i-search"})\`${pattern.replaceAll("\n", "^J")}': `;
  }

  /** What was found, and where the pattern stands in it. */
  get found(): { readonly at: number; readonly text: string; readonly cursor: number } {
    const { at, pos } = this.now;
    return { at, text: this.entry(at), cursor: pos };
  }

  get pattern(): string {
    return this.now.pattern;
  }

  type(text: string): void {
    const { at, pos, pattern } = this.now;
    this.look(pattern + text, at, pos);
  }

  /** The next one in that direction; of a text that was not typed yet, `before` is looked for. */
  again(back: boolean, before: string): void {
    this.back = back;
    const { at, pos, pattern } = this.now;
    if (pattern === "") this.look(before, at, pos);
    else this.look(pattern, at, pos + (back ? -1 : 1), this.entry(at));
  }

  erase(): void {
    if (this.trail.length > 1) this.trail.pop();
  }

  private get now(): Found {
    return this.trail.at(-1)!;
  }

  private entry(at: number): string {
    return this.entries[at] ?? this.line;
  }

  /** An entry that is `not` is passed over, unless the match is another in the one at `from`. */
  private look(pattern: string, from: number, pos: number, not?: string): void {
    if (pattern === "") return;
    for (let at = from; at >= 0 && at <= this.entries.length; at += this.back ? -1 : 1) {
      const text = this.entry(at);
      if (at !== from && text === not) continue;
      const start = at === from ? pos : this.back ? text.length : 0;
      if (start < 0) continue;
      const hit = this.back ? text.lastIndexOf(pattern, start) : text.indexOf(pattern, start);
      if (hit < 0) continue;
      this.trail.push({ pattern, at, pos: hit, failed: false });
      return;
    }
    this.trail.push({ ...this.now, pattern, failed: true });
  }
}
