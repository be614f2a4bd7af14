/**
 * DirReader: an open directory being read, in either form: stat records at byte offsets (Tread,
 * read(5)) or entries with cookies (Treaddir). Invariants: entries come from one lazy iteration of
 * the server's list, at most one entry is held back; a cookie is the ordinal of the entry it follows,
 * "." and ".." are 1 and 2 and stand in the .L form only; when the iteration throws, what was packed
 * before is given, and the next read lists anew, to where the entries given so far end.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { packDir, packDirent, sizeofDir, sizeofDirent } from "../dir.ts";
import { Einval, Eoffset, NineError } from "../errors.ts";
import type { Cookie, Dialect, Dir } from "../fcall.ts";
import { QTDIR, QTSYMLINK, type Qid } from "../qid.ts";
import type { Call, DirNode, Node } from "../server.ts";

/** What a DirReader must be told about nodes; srv's session. */
export interface DirReaderDeps {
  readonly dialect: Dialect;
  qidOf(node: Node): Qid;
  /** The entry's stat; undefined when it is gone by now. */
  dirOf(name: string, node: Node, call: Call): Awaitable<Dir | undefined>;
}

type Entry = readonly [string, Node];

/** dirent type for Treaddir, dirent.h. */
const DT_DIR = 4;
const DT_REG = 8;
const DT_LNK = 10;

export class DirReader {
  private readonly node: DirNode;
  private readonly dots: readonly Entry[];
  private readonly deps: DirReaderDeps;
  private iterator: Iterator<Entry> | AsyncIterator<Entry> | undefined;
  /** Fetched and not yet given away. */
  private held: Entry | undefined;
  /** Ordinal of the next entry of the iteration, from 0. */
  private ordinal = 0;
  /** The ordinal that the records given by Treads reach to. */
  private given = 0;
  private ended = false;
  /** Byte offset the next Tread must have. */
  private offset = 0;

  constructor(node: DirNode, parent: Node, deps: DirReaderDeps) {
    this.node = node;
    this.dots = [[".", node], ["..", parent]];
    this.deps = deps;
  }

  /** Whole stat records, at most n bytes; offset is 0 (rewinds) or the last offset plus the bytes it gave. */
  read(offset: number, n: number, call: Call): Awaitable<Uint8Array> {
    if (offset === 0) {
      this.offset = 0;
      this.given = this.dots.length;
    } else if (offset !== this.offset) throw new NineError(Eoffset);
    const on = offset !== 0 && this.ordinal === this.given && (this.iterator !== undefined || this.ended);
    return after(on ? undefined : after(this.rewind(call), () => this.skip(this.given)), () => this.records(n, call));
  }

  /** Entries behind the cookie, at most n bytes. */
  readdir(cookie: Cookie, n: number, call: Call): Awaitable<Uint8Array> {
    if (cookie === this.ordinal && (this.iterator || this.ended)) return this.dirents(n);
    if (cookie > this.ordinal && this.ended) return new Uint8Array(0);
    const from = cookie >= this.ordinal && this.iterator ? undefined : this.rewind(call);
    return after(from, () => after(this.skip(cookie), () => this.dirents(n)));
  }

  /** Ends the iteration: the server may hold something open for it. */
  close(): void {
    const it = this.iterator;
    this.iterator = undefined;
    const done = it?.return?.();
    if (done instanceof Promise) done.catch(() => undefined);
  }

  private rewind(call: Call): Awaitable<void> {
    this.close();
    this.held = undefined;
    this.ordinal = 0;
    this.ended = false;
    return after(this.node.list(call), (list) => {
      this.iterator = Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]();
    });
  }

  private records(n: number, call: Call): Awaitable<Uint8Array> {
    let out = new Uint8Array(Math.min(n, 8192));
    let at = 0;
    const put = (d: Dir | undefined): boolean => {
      if (d !== undefined) {
        const end = at + sizeofDir(d, this.deps.dialect);
        if (end > n) return false;
        if (end > out.length) out = grown(out, end, n);
        at = packDir(d, this.deps.dialect, out, at);
      }
      this.held = undefined;
      this.given = ++this.ordinal;
      return true;
    };
    const done = (): Uint8Array => {
      if (at === 0 && this.held) throw new NineError(`${Einval}: count ${n} is less than one directory entry`);
      this.offset += at;
      return out.subarray(0, at);
    };
    const fill = (): Awaitable<void> => {
      for (;;) {
        const e = this.held ?? this.next();
        if (e instanceof Promise) return e.then(fill);
        if (!e) return undefined;
        const d = this.deps.dirOf(e[0], e[1], call);
        if (d instanceof Promise) return d.then((x) => (put(x) ? fill() : undefined));
        if (!put(d)) return undefined;
      }
    };
    return this.packed(fill, () => at > 0, done);
  }

  private dirents(n: number): Awaitable<Uint8Array> {
    let out = new Uint8Array(Math.min(n, 8192));
    let at = 0;
    const done = (): Uint8Array => {
      if (at === 0 && this.dotOrHeld()) throw new NineError(`${Einval}: count ${n} is less than one directory entry`);
      return out.subarray(0, at);
    };
    const fill = (): Awaitable<void> => {
      for (;;) {
        const e = this.dotOrHeld() ?? this.next();
        if (e instanceof Promise) return e.then(fill);
        if (!e) return undefined;
        const end = at + sizeofDirent(e[0]);
        if (end > n) return undefined;
        if (end > out.length) out = grown(out, end, n);
        const qid = this.deps.qidOf(e[1]);
        const type = qid.type & QTDIR ? DT_DIR : qid.type & QTSYMLINK ? DT_LNK : DT_REG;
        this.ordinal++;
        this.held = undefined;
        at = packDirent(qid, this.ordinal, type, e[0], out, at);
      }
    };
    return this.packed(fill, () => at > 0, done);
  }

  /** What fill has packed; its error only when that is nothing. After an error the iteration is over, and another begins with the next read. */
  private packed(fill: () => Awaitable<void>, some: () => boolean, done: () => Uint8Array): Awaitable<Uint8Array> {
    const failed = (e: unknown): void => {
      this.close();
      this.held = undefined;
      if (!some()) throw e;
    };
    try {
      const r = fill();
      if (r instanceof Promise) return r.catch(failed).then(done);
    } catch (e) {
      failed(e);
    }
    return done();
  }

  private dotOrHeld(): Entry | undefined {
    return this.dots[this.ordinal] ?? this.held;
  }

  /** Goes on until `cookie` entries have been passed, or to the end. */
  private skip(cookie: Cookie): Awaitable<void> {
    while (this.ordinal < cookie) {
      if (!this.dotOrHeld()) {
        const e = this.next();
        if (e instanceof Promise) return e.then(() => this.skip(cookie));
        if (!e) return undefined;
      }
      this.ordinal++;
      if (this.ordinal > this.dots.length) this.held = undefined;
    }
    return undefined;
  }

  /** Fetches one entry into `held`; undefined at the end. */
  private next(): Awaitable<Entry | undefined> {
    const r = this.iterator?.next();
    if (r instanceof Promise) return r.then((x) => this.take(x));
    return r && this.take(r);
  }

  private take(r: IteratorResult<Entry>): Entry | undefined {
    if (r.done) {
      this.ended = true;
      this.iterator = undefined;
      return undefined;
    }
    this.held = r.value;
    return r.value;
  }
}

/** A copy with room for `need` bytes, at most n: directories are mostly smaller than the count asked for. */
function grown(out: Uint8Array<ArrayBuffer>, need: number, n: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.min(n, Math.max(need, out.length * 4)));
  more.set(out);
  return more;
}
