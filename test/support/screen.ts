/**
 * Screen: what a person sees: a terminal (xterm.js without its window) that bytes are written to. It
 * answers what it is asked, as real ones do.
 */
import unicode from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";

export class Screen {
  private readonly term: InstanceType<typeof xterm.Terminal>;
  /** Bytes written to it. */
  written = 0;
  writes = 0;

  constructor(cols: number, rows: number, answer: (text: string) => void = () => undefined) {
    this.term = new xterm.Terminal({ cols, rows, allowProposedApi: true, scrollback: 20_000 });
    this.term.loadAddon(new unicode.Unicode11Addon());
    this.term.unicode.activeVersion = "11";
    this.term.onData(answer);
  }

  /** Settles when it is on the screen. */
  write(data: Uint8Array | string): Promise<void> {
    this.writes++;
    this.written += data.length;
    return new Promise((resolve) => this.term.write(data, resolve));
  }

  resize(cols: number, rows: number): void {
    this.term.resize(cols, rows);
  }

  /** The rows on the screen, blanks at their ends left out, and empty ones at the end. */
  get rows(): string[] {
    return this.text(this.term.buffer.active.baseY).slice(0, this.term.rows);
  }

  /** The same with all that has gone up. */
  get all(): string[] {
    return this.text(0);
  }

  /** What stands from a row of `all` on down to the cursor, wrapped lines in one, blanks at the end only in front of it. */
  from(line: number): string {
    const { active } = this.term.buffer;
    const lines: string[] = [];
    for (let y = line; y <= this.line; y++) {
      const row = active.getLine(y);
      const text = row?.translateToString(true).trimEnd().padEnd(y === this.line ? active.cursorX : 0) ?? "";
      if (row?.isWrapped && lines.length > 0) lines.push(lines.pop()!.padEnd(this.term.cols) + text);
      else lines.push(text);
    }
    return lines.join("\n");
  }

  /** From 0. */
  get cursor(): { row: number; col: number } {
    const { cursorX, cursorY } = this.term.buffer.active;
    return { row: cursorY, col: cursorX };
  }

  /** Index in `all` of the cursor's row. */
  get line(): number {
    return this.term.buffer.active.baseY + this.term.buffer.active.cursorY;
  }

  /** Pasted text comes in brackets. */
  get brackets(): boolean {
    return this.term.modes.bracketedPasteMode;
  }

  private text(from: number): string[] {
    const { active } = this.term.buffer;
    const rows: string[] = [];
    for (let y = from; y < active.length; y++) rows.push(active.getLine(y)?.translateToString(true).trimEnd() ?? "");
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }
}
