/**
 * Keys at random, and the size of the terminal too: the command is that of a model which knows nothing
 * but a list of characters, and the screen is that of a terminal to which the text was written at once.
 */
import { expect, it } from "vitest";
import { chance, seed } from "../../support/random.ts";
import { Screen } from "../../support/screen.ts";
import { Typist } from "../../support/typist.ts";

const RUNS = 12;
const KEYS = 60;
const TALL = 160;
/** What can be typed as one character: plain, wide, combined, wider still, controls. */
const UNITS = ["a", "b", " ", "日", "本", "e\u0301", "é", "😀", "\x01", "\x1b", "/"];

/** A list of characters with a place in it. */
class Model {
  units: string[] = [];
  at = 0;
  private killed: string[] = [];

  get text(): string {
    return this.units.join("");
  }

  type(...units: string[]): void {
    this.units.splice(this.at, 0, ...units);
    this.at += units.length;
  }

  key(key: string): void {
    switch (key) {
      case "\x02": this.at = Math.max(0, this.at - 1); break;
      case "\x06": this.at = Math.min(this.units.length, this.at + 1); break;
      case "\x01": this.at = this.start; break;
      case "\x05": this.at = this.end; break;
      case "\x7f": if (this.at > 0) this.units.splice(--this.at, 1); break;
      case "\x04": this.units.splice(this.at, 1); break;
      case "\x0b": this.kill(this.at, this.end === this.at ? this.at + 1 : this.end); break;
      case "\x15": this.kill(this.start === this.at ? Math.max(0, this.at - 1) : this.start, this.at); break;
      case "\x19": this.type(...this.killed); break;
      default: throw new Error(key);
    }
  }

  private get start(): number {
    return this.at === 0 ? 0 : this.units.lastIndexOf("\n", this.at - 1) + 1;
  }

  private get end(): number {
    const end = this.units.indexOf("\n", this.at);
    return end < 0 ? this.units.length : end;
  }

  private kill(from: number, to: number): void {
    const killed = this.units.splice(from, to - from);
    if (killed.length > 0) this.killed = killed;
    this.at = from;
  }
}

function written(units: readonly string[]): string {
  return `% ${units.map((u) => (u === "\n" ? "\r\n> " : u < " " ? `^${String.fromCharCode(u.charCodeAt(0) + 64)}` : u)).join("")}`;
}

/** What a terminal shows of it when it is written at once, and where the cursor belongs. */
async function reference(model: Model, cols: number): Promise<{ rows: string[]; row: number; col: number }> {
  const all = written(model.units);
  const before = written(model.units.slice(0, model.at));
  const whole = new Screen(cols, TALL);
  await whole.write(before);
  const { row, col } = whole.cursor;
  await whole.write(all.slice(before.length));
  const next = model.units[model.at];
  const wide = next !== undefined && /[日本😀]/u.test(next);
  // On a full row the cursor stands on the next; before a newline it has to stay.
  if (col >= cols && next === "\n") return { rows: whole.rows, row, col: cols - 1 };
  return col >= cols || (wide && col === cols - 1) ? { rows: whole.rows, row: row + 1, col: 0 } : { rows: whole.rows, row, col };
}

it("the screen shows the text, whatever was typed", async () => {
  const from = seed();
  let resizes = 0;
  let clean = 0;
  for (let run = 0; run < RUNS; run++) {
    const pick = chance(from * 1000 + run);
    let cols = [4, 7, 20, 33, 80][pick(5)]!;
    const rows = [TALL, TALL, 5][pick(3)]!;
    const t = new Typist(cols, rows);
    await t.screen.write("#\r\n");
    /** Rows above the prompt. */
    let above = 1;
    const model = new Model();
    const done = t.ask({ enough: () => false });
    const keys: string[] = [];
    try {
      for (let i = 0; i < KEYS; i++) {
        const what = pick(20);
        const burst: string[] = [];
        for (let n = pick(4); n >= 0; n--) {
          if (what < 10) {
            const unit = UNITS[pick(UNITS.length)]!;
            burst.push(unit < " " ? `\x16${unit}` : unit);
            model.type(unit);
          } else if (what < 12) {
            burst.push("\r");
            model.type("\n");
          } else {
            const key = ["\x02", "\x02", "\x06", "\x06", "\x01", "\x05", "\x7f", "\x7f", "\x04", "\x0b", "\x15", "\x19", "\x02"][pick(13)]!;
            // These have another meaning then: the end, and one kill with the one before.
            if (key === "\x04" && model.at === model.units.length) continue;
            if ((key === "\x0b" || key === "\x15") && burst.length > 0) continue;
            burst.push(key);
            model.key(key);
            if (key === "\x0b" || key === "\x15") burst.push("\x06\x02".repeat(model.at < model.units.length ? 1 : 0) || "\x02\x06".repeat(model.at > 0 ? 1 : 0));
          }
        }
        if (burst.length === 0) continue;
        keys.push(burst.join(""));
        await t.keys(burst.join(""));
        // xterm.js takes the cursor along when lines below it are joined: there are none.
        const resize = pick(12) === 0 && rows === TALL && cols >= 20;
        if (resize) {
          cols = [20, 33, 50, 80][pick(4)]!;
          keys.push(`<${cols}>`);
          await t.keys("\x1b>");
          model.at = model.units.length;
          await t.resize(cols, rows);
        }
        const want = await reference(model, cols);
        const { cursor } = t.screen;
        expect(cursor.col).toBe(want.col);
        if (rows === TALL) {
          // Where the cursor's column does not tell what the terminal has done, rows that were ours may stay above.
          if (resize) {
            resizes++;
            if (cursor.row - want.row === above) clean++;
            expect(cursor.row - want.row).toBeGreaterThanOrEqual(above === 1 ? 1 : 0);
            above = cursor.row - want.row;
          }
          expect(cursor.row - want.row).toBe(above);
          if (above > 0) expect(t.screen.rows[0]).toBe("#");
          expect(t.screen.rows.slice(above)).toEqual(want.rows);
          continue;
        }
        const top = want.row - cursor.row;
        const shown = Array.from({ length: rows }, (_, r) => (top + r === -1 ? "#" : want.rows[top + r] ?? ""));
        while (shown.at(-1) === "") shown.pop();
        expect(t.screen.rows).toEqual(shown);
      }
      t.end();
      expect(await done).toEqual({ kind: "end", text: model.text });
    } catch (e) {
      throw new Error(`SEED=${from} run ${run}, ${cols} columns, after ${JSON.stringify(keys)}`, { cause: e });
    }
  }
  expect(resizes).toBeGreaterThan(10);
  expect(clean / resizes).toBeGreaterThan(0.8);
});
