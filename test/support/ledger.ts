/**
 * Ledger: what a peer has sent and what it is owed, told from the bytes of both directions alone.
 * Every whole message is owed one reply of its type or an error, unless a Tflush or a Tversion took
 * it back; whoever lies about a size, or uses a tag that is in use, may be hung up on, others not.
 * `wrong` is what the server did against that. Invariant: nothing here knows the server's code
 * beyond pack.ts; the framing is done anew.
 */
import {
  type Dialect, type Fcall, NineError, print, Rerror, Rflush, Rlerror, Rversion, tagOf, Tflush, Tversion, typeOf, unpack,
} from "../../proto/index.ts";
import { dialectNamed } from "./fuzz.ts";

/** A message that is not answered yet. `bad`: only an error will do. */
interface Debt { readonly type: number; readonly bad: boolean; readonly seq: number }

/** What lies between two Tversions. */
interface Epoch {
  readonly dialect: Dialect;
  /** As agreed; "" when nothing was. */
  readonly version: string;
  /** The longest answer. */
  readonly msize: number;
  readonly owed: Map<number, Debt[]>;
  /** Tflushes under way: by their tag what they take back, and since when. */
  readonly flushes: Map<number, { readonly oldtag: number; readonly seq: number }[]>;
}

const epoch = (dialect: Dialect, version: string, msize: number): Epoch => ({ dialect, version, msize, owed: new Map(), flushes: new Map() });
const known: ReadonlySet<string> = new Set(["9P2000", "9P2000.u", "9P2000.L"]);

export class Ledger {
  /** Well-formed messages sent, by the version agreed on and type: "9P2000.L.x 110". */
  readonly sent: Map<string, number> = new Map();
  /** Answers by type. */
  readonly came: Map<number, number> = new Map();
  /** Whole messages in each direction. */
  messages = 0;
  replies = 0;
  /** What the server must not have done. */
  readonly wrong: string[] = [];
  /** Why the server must hang up. */
  broken: string | undefined;
  /** Why it may. */
  excuse: string | undefined;
  private readonly cap: number;
  private msize: number;
  private readonly epochs: Epoch[];
  private seq = 0;
  private out: Uint8Array = new Uint8Array(0);
  private in: Uint8Array = new Uint8Array(0);

  /** cap: the largest message the server takes. */
  constructor(cap: number) {
    this.cap = this.msize = cap;
    this.epochs = [epoch("9P2000", "", cap)];
  }

  /** The dialect that the next message is read in. */
  get dialect(): Dialect {
    return this.epochs.at(-1)?.dialect ?? "9P2000";
  }

  /** Bytes go out. */
  send(bytes: Uint8Array): void {
    this.out = whole(joined(this.out, bytes), (buf) => {
      if (this.broken !== undefined) return 0;
      const size = buf.length < 4 ? 0 : new DataView(buf.buffer, buf.byteOffset).getUint32(0, true);
      if (buf.length >= 4 && (size < 7 || size > this.msize)) this.broken = `a size of ${size}, msize ${this.msize}`;
      return this.broken === undefined && size > 0 && buf.length >= size ? size : 0;
    }, (m) => this.message(m));
  }

  /** Bytes that finish the message under way, or none. */
  rest(): Uint8Array {
    const have = this.out.length;
    if (have === 0 || this.broken !== undefined) return new Uint8Array(0);
    if (have < 4) return Uint8Array.of(...[7, 0, 0, 0, 0, 0, 0].slice(have));
    return new Uint8Array(new DataView(this.out.buffer, this.out.byteOffset).getUint32(0, true) - have);
  }

  /** Bytes have come. */
  recv(bytes: Uint8Array): void {
    this.in = whole(joined(this.in, bytes), (buf) => {
      const size = buf.length < 4 ? 0 : new DataView(buf.buffer, buf.byteOffset).getUint32(0, true);
      if (buf.length >= 4 && (size < 7 || size > this.cap)) this.wrong.push(`a reply of ${size} bytes`);
      return size >= 7 && buf.length >= size ? size : 0;
    }, (m) => this.reply(m));
  }

  /** Tags and types not answered yet. */
  owed(): { tag: number; type: number }[] {
    const out: { tag: number; type: number }[] = [];
    this.epochs.forEach((e, i) => {
      for (const [tag, debts] of e.owed) for (const { type } of debts) if (i === this.epochs.length - 1 || type === Tversion) out.push({ tag, type });
    });
    return out;
  }

  /** The server has hung up. */
  over(): void {
    if (this.broken === undefined && this.excuse === undefined) this.wrong.push("hung up though nothing was wrong with the framing");
  }

  private message(m: Uint8Array): void {
    const type = typeOf(m, 0);
    const tag = tagOf(m, 0);
    this.messages++;
    this.seq++;
    let e = this.epochs.at(-1)!;
    const f = decoded(m, e.dialect);
    if (f) count(this.sent, `${e.version} ${type}`);
    if (f?.type === Tversion) {
      const name = f.version.replace(/\.x$/, "");
      const plain = f.version.split(".")[0] === "9P2000";
      const ok = f.msize >= 256 && (known.has(name) || plain);
      if (ok) this.msize = Math.min(f.msize, this.cap);
      e = ok && known.has(name) ? epoch(dialectNamed(name), f.version, this.msize) : epoch("9P2000", ok ? "9P2000" : "", ok ? this.msize : this.cap);
      this.epochs.push(e);
    } else if ((e.owed.get(tag)?.length ?? 0) > 0) {
      this.excuse ??= `tag ${tag} was in use`;
    }
    if (f?.type === Tflush) put(e.flushes, tag, { oldtag: f.oldtag, seq: this.seq });
    put(e.owed, tag, { type, bad: f === undefined || type % 2 === 1 || (f.type === Tversion && f.msize < 256), seq: this.seq });
  }

  private reply(m: Uint8Array): void {
    this.replies++;
    const type = typeOf(m, 0);
    const tag = tagOf(m, 0);
    count(this.came, type);
    const isError = type === Rerror || type === Rlerror;
    const fits = (d: Debt): boolean => isError || (d.type + 1 === type && !d.bad);
    // Once a later session is answered, earlier ones are not any more.
    const i = this.epochs.findIndex((e) => e.owed.get(tag)?.some(fits));
    const e = this.epochs[i];
    const debts = e?.owed.get(tag);
    if (!e || !debts) {
      this.wrong.push(`an answer nobody waits for: ${told(m, this.epochs[0]!.dialect)}`);
      return;
    }
    this.epochs.splice(0, i);
    if (m.length > e.msize) this.wrong.push(`an answer of ${m.length} bytes, msize is ${e.msize}: ${told(m, e.dialect)}`);
    debts.splice(debts.findIndex(fits), 1);
    if (debts.length === 0) e.owed.delete(tag);
    // An answer to Tversion is in plain 9P2000 whatever comes after it.
    if (!decoded(m, type === Rversion ? "9P2000" : e.dialect) && !decoded(m, "9P2000")) this.wrong.push(`an answer that cannot be read: ${Buffer.from(m).toString("hex").slice(0, 200)}`);
    if (type === Rflush) this.forgive(e, tag);
  }

  /** Rflush has come: what it flushed is not answered any more. */
  private forgive(e: Epoch, tag: number): void {
    const flush = e.flushes.get(tag)?.shift();
    const debts = flush && e.owed.get(flush.oldtag);
    if (!flush || !debts) return;
    const left = debts.filter((d) => d.type === Tflush || d.seq > flush.seq);
    if (left.length > 0) e.owed.set(flush.oldtag, left);
    else e.owed.delete(flush.oldtag);
  }
}

function count<K>(map: Map<K, number>, key: K): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function put<V>(map: Map<number, V[]>, key: number, v: V): void {
  const all = map.get(key);
  if (all) all.push(v);
  else map.set(key, [v]);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b : new Uint8Array(Buffer.concat([a, b]));
}

/** Calls each with every whole message, of which next says how long the first is; returns what is left. */
function whole(buf: Uint8Array, next: (buf: Uint8Array) => number, each: (m: Uint8Array) => void): Uint8Array {
  let rest = buf;
  for (let n = next(rest); n > 0; n = next(rest)) {
    each(rest.subarray(0, n));
    rest = rest.subarray(n);
  }
  return rest.slice();
}

function decoded(m: Uint8Array, d: Dialect): Fcall | undefined {
  try {
    return unpack(m, 0, m.length, d);
  } catch (e) {
    if (e instanceof NineError) return undefined;
    throw e;
  }
}

function told(m: Uint8Array, d: Dialect): string {
  const f = decoded(m, d);
  return f ? print(f, tagOf(m, 0), 32) : Buffer.from(m).toString("hex").slice(0, 100);
}
