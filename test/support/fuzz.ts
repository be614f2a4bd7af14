/**
 * Fuzz: streams of 9P messages that no client should send, from a seed: acts (fuzz/acts.ts) whose
 * messages are repeated, left out, put in another order and damaged. `wild` says how far it goes:
 * 0 well-formed messages with tags of their own, 1 anything inside a frame of the right size, tags
 * used twice, 2 frames whose size lies, too. Invariant: the stream depends on the seed alone, not on
 * what is answered.
 */
import { type Dialect, type Fcall, NOFID, NOTAG, NOU32, tagOf, Tattach, Tflush, Tversion, typeOf } from "../../proto/index.ts";
import { type Act, type Actor, acts, linuxActs } from "./fuzz/acts.ts";
import { encoded, NAMES, pick, type Rnd, type Vocabulary, widen } from "./fuzz/fields.ts";

export interface FuzzOptions {
  readonly wild: 0 | 1 | 2;
  readonly words?: Partial<Vocabulary>;
}

/** Tags given out in turn; those above are free for who sends the stream. */
export const FUZZTAGS = 0x7000;

const attach: Fcall = { type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 };
const ALL: readonly (readonly [string, Act])[] = Object.entries(acts);
const LINUX: readonly (readonly [string, Act])[] = [...ALL, ...Object.entries(linuxActs)];

export class Fuzz {
  private readonly rnd: Rnd;
  private readonly wild: number;
  private readonly words: Vocabulary;
  private tag = 0;

  constructor(rnd: Rnd, options: FuzzOptions) {
    this.rnd = rnd;
    this.wild = options.wild;
    this.words = { names: NAMES, anames: ["", "/", "/a", "/out", "/..", "..", "nowhere"], targets: ["a", "..", "/", "/etc/passwd", "../..", "", "t".repeat(4096), "loop"], ...options.words };
  }

  /** Version and attach, as everybody begins. */
  hello(version: string, msize: number): Uint8Array[] {
    return [...this.packed([{ type: Tversion, msize, version }], "9P2000"), ...this.packed([attach], dialectNamed(version))];
  }

  /** The messages of one act, one by one, for a session in that dialect. */
  burst(d: Dialect): Uint8Array[] {
    const { rnd } = this;
    const [, act] = pick(rnd, d === "9P2000.L" ? LINUX : ALL);
    const from = this.tag;
    const actor: Actor = { rnd, words: this.words, linux: d === "9P2000.L", tag: (k) => (from + k) % FUZZTAGS };
    const messages = this.packed(act(actor), d);
    // Somebody may have let go of the root.
    if (rnd(3) === 0) messages.push(...this.packed([attach], d));
    if (rnd(3) === 0) for (const m of messages) if (rnd(4) === 0) widen(rnd, m);
    if (this.wild > 0) this.meddle(messages);
    return this.wild > 0 && rnd(3) === 0 ? messages.map((m) => (rnd(5) === 0 ? this.damaged(m) : m)) : messages;
  }

  private packed(all: readonly Fcall[], d: Dialect): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (const f of all) {
      const tag = f.type === Tversion ? NOTAG : this.tag;
      // In a dialect that lacks it, a message goes out as .L has it.
      const bytes = encoded(f, tag, d) ?? encoded(f, tag, "9P2000.L") ?? encoded({ type: Tflush, oldtag: NOTAG }, tag, d);
      if (tag !== NOTAG) this.tag = (this.tag + 1) % FUZZTAGS;
      if (bytes) out.push(bytes);
    }
    return out;
  }

  /** Repeats, leaves out and exchanges messages. */
  private meddle(messages: Uint8Array[]): void {
    const { rnd } = this;
    for (let n = rnd(4); n > 0 && messages.length > 0; n--) {
      const i = rnd(messages.length);
      const m = messages[i];
      if (!m) return;
      switch (rnd(9)) {
        case 0: messages.splice(rnd(messages.length), 0, m.slice()); break;
        case 1: case 2: messages.splice(i, 1); break;
        default: messages.splice(rnd(messages.length), 0, ...messages.splice(i, 1)); break;
        // Another's tag.
        case 8: new DataView(m.buffer).setUint16(5, tagOf(messages[rnd(messages.length)] ?? m, 0), true);
      }
    }
  }

  private damaged(m: Uint8Array): Uint8Array {
    const { rnd } = this;
    let b = m.slice();
    switch (rnd(this.wild > 1 ? 8 : 6)) {
      case 0: b = b.slice(0, 7 + rnd(b.length - 6)); break;
      case 1: b = Uint8Array.from([...b, ...Array.from({ length: 1 + rnd(9) }, () => rnd(256))]); break;
      case 2: b[4] = rnd(2) === 0 ? rnd(256) : (typeOf(b, 0) + 1) & 0xff; break;
      // A count or a length of a string, wherever it stands.
      case 3: if (b.length > 9) new DataView(b.buffer).setUint16(7 + rnd(b.length - 8), pick(rnd, [0, 1, 17, 0x7fff, 0xffff]), true); break;
      case 6: b = Uint8Array.from([...b.subarray(0, rnd(b.length)), ...Array.from({ length: rnd(5) }, () => rnd(256))]); return b;
      case 7: new DataView(b.buffer).setUint32(0, pick(rnd, [0, 1, 6, 7, b.length - 1, b.length + 1, b.length + 3000, 0x7fffffff, 0xffffffff]) >>> 0, true); return b;
      default: for (let i = 1 + rnd(4); i > 0; i--) b[4 + rnd(b.length - 4)] = rnd(256);
    }
    new DataView(b.buffer).setUint32(0, b.length, true);
    return b;
  }
}

/** The dialect a version agrees on here. */
export function dialectNamed(version: string): Dialect {
  const name = version.replace(/\.x$/, "");
  return name === "9P2000.L" || name === "9P2000.u" ? name : "9P2000";
}
