/**
 * Keys: what a terminal sends, as keys: characters, control and meta keys, escape sequences, pasted
 * text. Invariants: a character or sequence that has not come to its end waits for the rest; what is
 * no key this knows is taken and ignored, so that no part of a sequence is ever text; pasted text is
 * text alone, whatever is in it. Used by the Editor, which takes the keys one at a time, because what
 * a key does may change how the next byte is read (literal).
 */
import { decodeUtf8 } from "../../proto/index.ts";

/** `text`: what is to be inserted, for the names "text" and "paste". */
export interface Key {
  /**
   * "text", "paste", or a key by its Emacs name: C-a, M-b, C-M-h, and Enter Tab Backspace Up Down Left
   * Right Home End Delete PageUp PageDown, after C- or M- too. "cursor" answers where the cursor is.
   * "ignored" is everything else.
   */
  readonly name: string;
  readonly text: string;
}

const ESC = 0x1b;
const PASTEEND = "\x1b[201~";
/** A sequence that goes on longer is none. */
const MAXSEQUENCE = 64;

const CONTROL: Readonly<Record<number, string>> = { 0x09: "Tab", 0x0d: "Enter", 0x0a: "Enter", 0x7f: "Backspace", 0x1f: "C-_" };
const FINAL: Readonly<Record<string, string>> = { A: "Up", B: "Down", C: "Right", D: "Left", H: "Home", F: "End", Z: "S-Tab" };
const TILDE: Readonly<Record<string, string>> = { 1: "Home", 3: "Delete", 4: "End", 5: "PageUp", 6: "PageDown", 7: "Home", 8: "End" };
/** xterm's second parameter: 1 + shift + 2 alt + 4 control. */
const MODIFIER = ["", "", "M-", "M-", "C-", "C-", "C-M-", "C-M-"];

export class Keys {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private pasting = false;
  private verbatim = false;
  private cr = false;

  /** Bytes that were typed. They are kept: the caller's they are no more. */
  push(bytes: Uint8Array): void {
    const left = this.bytes.subarray(this.at);
    if (left.length === 0) this.bytes = bytes;
    else {
      this.bytes = new Uint8Array(left.length + bytes.length);
      this.bytes.set(left);
      this.bytes.set(bytes, left.length);
    }
    this.at = 0;
  }

  /** The next key; undefined when more bytes are needed for one. */
  next(): Key | undefined {
    const c = this.bytes[this.at];
    if (c === undefined) return undefined;
    if (this.pasting) return this.paste();
    // Of \r\n the \n is the second half of one Enter.
    const second = this.cr && c === 0x0a;
    this.cr = c === 0x0d;
    if (second) {
      this.at++;
      return this.next();
    }
    if (this.verbatim) return this.literally(c);
    if (c === ESC) return this.escape();
    if (c < 0x20 || c === 0x7f) {
      this.at++;
      return { name: control(c), text: "" };
    }
    return this.text();
  }

  /** The next character typed is text, whatever it is. */
  literal(): void {
    this.verbatim = true;
  }

  /** Text follows at once, as it does in what is pasted. */
  get textFollows(): boolean {
    const c = this.bytes[this.at];
    return c !== undefined && c >= 0x20 && c !== 0x7f;
  }

  private literally(c: number): Key | undefined {
    const n = c < 0x80 ? 1 : sequence(c);
    if (this.at + n > this.bytes.length) return undefined;
    this.verbatim = false;
    this.cr = false;
    const text = c === 0x0d ? "\n" : decodeUtf8(this.bytes, this.at, this.at + n);
    this.at += n;
    return { name: "text", text };
  }

  /** As many characters as there are. */
  private text(): Key | undefined {
    let end = this.at;
    while (end < this.bytes.length && this.bytes[end]! >= 0x20 && this.bytes[end] !== 0x7f) end++;
    if (end === this.bytes.length) end = whole(this.bytes, this.at, end);
    if (end === this.at) return undefined;
    const text = decodeUtf8(this.bytes, this.at, end);
    this.at = end;
    return { name: "text", text };
  }

  private escape(): Key | undefined {
    let at = this.at + 1;
    let meta = false;
    if (this.bytes[at] === ESC) {
      const third = this.bytes[at + 1];
      if (third === undefined) return undefined;
      // ESC ESC [ A is what some terminals send for an arrow with Alt; else the second begins anew.
      meta = third === 0x5b || third === 0x4f;
      if (!meta) {
        this.at++;
        return { name: "ignored", text: "" };
      }
      at++;
    }
    const c = this.bytes[at];
    if (c === undefined) return undefined;
    if (c === 0x5b) return this.csi(at + 1, meta);
    if (c === 0x4f) {
      const final = this.bytes[at + 1];
      if (final === undefined) return undefined;
      this.at = at + 2;
      return named(FINAL[String.fromCharCode(final)], meta ? "M-" : "");
    }
    const n = c < 0x80 ? 1 : sequence(c);
    if (at + n > this.bytes.length) return undefined;
    this.at = at + n;
    if (c < 0x20 || c === 0x7f) return { name: meta1(control(c)), text: "" };
    return { name: `M-${decodeUtf8(this.bytes, at, at + n).toLowerCase()}`, text: "" };
  }

  /** ESC [ parameters final */
  private csi(from: number, meta: boolean): Key | undefined {
    let at = from;
    // The Linux console's function keys: ESC [ [ A.
    if (this.bytes[at] === 0x5b) {
      if (this.bytes[at + 1] === undefined) return undefined;
      this.at = at + 2;
      return { name: "ignored", text: "" };
    }
    while (at < this.bytes.length && this.bytes[at]! >= 0x20 && this.bytes[at]! < 0x40) at++;
    if (at === this.bytes.length && at - from < MAXSEQUENCE) return undefined;
    const last = this.bytes[at] ?? 0;
    // What cannot stand in a sequence ends it, and is a key of its own.
    const broken = last < 0x40 || last > 0x7e;
    this.at = broken ? at : at + 1;
    if (broken) return { name: "ignored", text: "" };
    const params = decodeUtf8(this.bytes, from, at);
    const final = String.fromCharCode(last);
    const [first = "", second = ""] = params.split(";");
    if (final === "~" && first === "200") {
      this.pasting = true;
      return { name: "ignored", text: "" };
    }
    if (final === "R" && /^\d+;\d+$/.test(params)) return { name: "cursor", text: params };
    const modifier = meta ? "M-" : MODIFIER[Number(second || 1) - 1] ?? "";
    return named(final === "~" ? TILDE[first] : FINAL[final], modifier);
  }

  private paste(): Key | undefined {
    const end = find(this.bytes, PASTEEND, this.at);
    // Of a text that is not at its end, what cannot be the beginning of that.
    const upTo = end >= 0 ? end : whole(this.bytes, this.at, held(this.bytes, this.at));
    if (end >= 0) this.pasting = false;
    if (end < 0 && upTo === this.at) return undefined;
    const text = decodeUtf8(this.bytes, this.at, upTo);
    this.at = end < 0 ? upTo : end + PASTEEND.length;
    return { name: "paste", text: text.replace(/\r\n?/g, "\n") };
  }
}

function control(c: number): string {
  return CONTROL[c] ?? `C-${String.fromCharCode(c + 0x40).toLowerCase()}`;
}

/** A control key after ESC. */
function meta1(name: string): string {
  return name.startsWith("C-") ? `C-M-${name.slice(2)}` : `M-${name}`;
}

function named(name: string | undefined, modifier: string): Key {
  return { name: name === undefined ? "ignored" : modifier + name, text: "" };
}

/** Bytes of the UTF-8 sequence that c begins. */
function sequence(c: number): number {
  return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

/** end, or the beginning of a sequence that is not whole before it. */
function whole(bytes: Uint8Array, at: number, end: number): number {
  for (let i = end - 1; i >= Math.max(at, end - 3); i--) {
    const c = bytes[i]!;
    if ((c & 0xc0) === 0x80) continue;
    return i + sequence(c) > end ? i : end;
  }
  return end;
}

function find(bytes: Uint8Array, what: string, from: number): number {
  for (let i = bytes.indexOf(ESC, from); i >= 0; i = bytes.indexOf(ESC, i + 1)) if (starts(bytes, i, what) === what.length) return i;
  return -1;
}

/** Where what may be the beginning of PASTEEND begins, else the end; a \r there waits for its \n. */
function held(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  for (let i = Math.max(from, length - PASTEEND.length + 1); i < length; i++) if (i + starts(bytes, i, PASTEEND) === length) return i;
  return bytes[length - 1] === 0x0d ? length - 1 : length;
}

/** How many bytes at i are those of what. */
function starts(bytes: Uint8Array, i: number, what: string): number {
  let n = 0;
  while (n < what.length && bytes[i + n] === what.charCodeAt(n)) n++;
  return n;
}
