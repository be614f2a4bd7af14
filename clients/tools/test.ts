/** test(1): an expression about files, strings and numbers as exit status. */
import { DMAPPEND, DMDIR, DMEXCL, DMTMP, NineError, OEXEC, OREAD, OWRITE, isInterrupted, type Dir } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { isTerminal } from "./lib/terminal.ts";
import { tool, type Tool } from "./lib/tool.ts";

export const test: Program = tool("test", "expr", async (t, words) => {
  const e = new Expr(t, words);
  if (words.length === 0 || !(await e.or(true))) t.status = "false";
});

const numbers: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "-eq": (a, b) => a === b, "-ne": (a, b) => a !== b, "-gt": (a, b) => a > b, "-ge": (a, b) => a >= b, "-lt": (a, b) => a < b, "-le": (a, b) => a <= b,
};

const files: Readonly<Record<string, (d: Dir) => boolean>> = {
  "-e": () => true, "-f": (d) => !(d.mode & DMDIR), "-d": (d) => (d.mode & DMDIR) !== 0, "-s": (d) => d.length > 0,
  "-A": (d) => (d.mode & DMAPPEND) !== 0, "-L": (d) => (d.mode & DMEXCL) !== 0, "-T": (d) => (d.mode & DMTMP) !== 0,
};

const opens: Readonly<Record<string, number>> = { "-r": OREAD, "-w": OWRITE, "-x": OEXEC };

const seconds: Readonly<Record<string, number>> = { y: 31_536_000, M: 2_592_000, d: 86_400, h: 3600, m: 60, s: 1 };

/** Evaluated as it is read; what does not matter any more (`live` false) is read without asking for files. */
class Expr {
  readonly #t: Tool;
  readonly #words: readonly string[];
  #at = 0;

  constructor(t: Tool, words: readonly string[]) {
    this.#t = t;
    this.#words = words;
  }

  async or(live: boolean): Promise<boolean> {
    let value = await this.#and(live);
    while (this.#take("-o")) value = (await this.#and(live && !value)) || value;
    return value;
  }

  async #and(live: boolean): Promise<boolean> {
    let value = await this.#not(live);
    while (this.#take("-a")) value = (await this.#not(live && value)) && value;
    return value;
  }

  async #not(live: boolean): Promise<boolean> {
    return this.#words.length - this.#at > 1 && this.#take("!") ? !(await this.#not(live)) : this.#primary(live);
  }

  async #primary(live: boolean): Promise<boolean> {
    const first = this.#next();
    const second = this.#words[this.#at];
    if (first === "(" && second !== undefined) {
      const value = await this.or(live);
      if (!this.#take(")")) throw new Usage();
      return value;
    }
    const number = numbers[first === "-l" ? (this.#words[this.#at + 1] ?? "") : (second ?? "")];
    if (number) {
      const a = first === "-l" ? this.#next().length : integer(first);
      this.#at++;
      return number(a, this.#take("-l") ? this.#next().length : integer(this.#next()));
    }
    switch (second) {
      case "=": this.#at++; return first === this.#next();
      case "!=": this.#at++; return first !== this.#next();
      case "-nt": case "-ot": {
        this.#at++;
        const third = this.#next();
        const [a, b] = live ? await Promise.all([this.#stat(first), this.#stat(third)]) : [];
        const [newer, older] = second === "-nt" ? [a, b] : [b, a];
        return newer !== undefined && older !== undefined && newer.mtime > older.mtime;
      }
      case "-older": {
        this.#at++;
        const limit = this.#time(this.#next());
        const d = live ? await this.#stat(first) : undefined;
        return d !== undefined && d.mtime < limit;
      }
      default:
    }
    if (second !== undefined && /^-.$/.test(first)) {
      const about = files[first], mode = opens[first];
      if (first === "-n" || first === "-z") return (this.#next() === "") === (first === "-z");
      if (about) {
        const path = this.#next();
        const found = live ? await this.#stat(path) : undefined;
        return found !== undefined && about(found);
      }
      if (mode !== undefined) {
        const path = this.#next();
        return live && this.#opens(path, mode);
      }
      if (first === "-t") return live && isTerminal(this.#t.sys, integer(this.#next()));
      // Known to POSIX, never true here.
      if (/^-[bcgu]$/.test(first)) {
        this.#at++;
        return false;
      }
    }
    return first === "-t" ? live && isTerminal(this.#t.sys, 1) : first !== "";
  }

  #next(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new Usage();
    return word;
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  async #stat(path: string): Promise<Dir | undefined> {
    try {
      return await this.#t.sys.stat(path);
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      return undefined;
    }
  }

  /** A directory, which nobody can open for writing, is asked for its permissions. */
  async #opens(path: string, mode: number): Promise<boolean> {
    const d = await this.#stat(path);
    if (!d) return false;
    if (d.mode & DMDIR && mode !== OREAD) return (d.mode & (mode === OWRITE ? 0o222 : 0o111)) !== 0;
    try {
      await this.#t.sys.close(await this.#t.sys.open(path, mode));
      return true;
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      return false;
    }
  }

  /** Seconds since the epoch, or a time ago such as 3d12h. */
  #time(text: string): number {
    if (/^\d+$/.test(text)) return Number(text);
    if (!/^(\d+[yMdhms])+$/.test(text)) throw new Usage();
    let ago = 0;
    for (const [, n, unit] of text.matchAll(/(\d+)(.)/g)) ago += Number(n) * (seconds[unit ?? ""] ?? 0);
    return this.#t.sys.now() / 1000 - ago;
  }
}

function integer(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new Usage();
  return Number(text);
}
