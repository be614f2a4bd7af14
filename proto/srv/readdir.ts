/**
 * DirReader: an open directory being read, in either form: stat records at byte offsets (Tread,
 * read(5)) or entries with cookies (Treaddir). Invariants: entries come from one lazy iteration of
 * the server's list, at most one entry is held back; a cookie stands for the entry it follows, in
 * any listing (trail.ts), "." and ".." are 1 and 2 and stand in the .L form only; when the iteration
 * throws, what was packed before is given, and the next read lists anew, to where the entries given
 * so far end. A reply has at most MOST entries, so that no reader of a large directory keeps all
 * others waiting. Where a directory says what version it has, a listing read to the end is kept, and
 * given again while it has that version (listing.ts).
 */
import { after, type Awaitable, type Steps, steps } from "../awaitable.ts";
import { packDir, packDirent, sizeofDir, sizeofDirent } from "../dir.ts";
import { Einval, Eoffset, NineError } from "../errors.ts";
import type { Cookie, Dialect, Dir } from "../fcall.ts";
import { QTDIR, QTSYMLINK, type Qid } from "../qid.ts";
import { type Call, type DirNode, DT_DIR, DT_LNK, DT_REG, type Entry, type Node } from "../server.ts";
import { Listing, type Listings } from "./listing.ts";
import { cookieOf, START, Trail, TRAIL } from "./trail.ts";

/** What a DirReader must be told about nodes; srv's session. */
export interface DirReaderDeps {
  readonly dialect: Dialect;
  readonly listings: Listings;
  keyOf(node: Node): string;
  qidOf(node: Node): Qid;
  /** The entry's stat; undefined when it is gone by now. */
  dirOf(name: string, node: Node, call: Call): Awaitable<Dir | undefined>;
}

/** Entries of one reply. */
const MOST = 2048;

export class DirReader {
  private readonly node: DirNode;
  /** "." and "..". */
  private readonly dots: readonly (readonly [string, Node])[];
  private readonly deps: DirReaderDeps;
  private iterator: Iterator<Entry> | AsyncIterator<Entry> | undefined;
  /** Fetched and not yet given away. */
  private held: Entry | undefined;
  private ended = false;
  /** The cookie of the entry that the iteration stands behind. */
  private at: number = START;
  private readonly trail = new Trail();
  /** Byte offset the next Tread must have, and the cookie that the records given reach to. */
  private offset = 0;
  private given: number = START;
  /** The listing that the last Treaddir was answered from. */
  private kept: Listing | undefined;
  /** The listing that is to be kept: every entry from the first to where the iteration stands. */
  private building: Listing | undefined;

  constructor(node: DirNode, parent: Node, deps: DirReaderDeps) {
    this.node = node;
    this.dots = [[".", node], ["..", parent]];
    this.deps = deps;
  }

  /** Whole stat records, at most n bytes; offset is 0 (rewinds) or the last offset plus the bytes it gave. */
  read(offset: number, n: number, call: Call): Awaitable<Uint8Array> {
    // It moves the iteration, and packs no entries.
    this.build(undefined);
    if (offset === 0) {
      this.offset = 0;
      this.given = START;
      this.trail.clear();
    } else if (offset !== this.offset) throw new NineError(Eoffset);
    return after(offset !== 0 && this.stands(this.given) ? undefined : this.seek(this.given, call), () => this.records(n, call));
  }

  /** Entries behind the cookie, at most n bytes; cookie 0 rewinds. */
  readdir(cookie: Cookie, n: number, call: Call): Awaitable<Uint8Array> {
    // None of ours: behind everything.
    if (typeof cookie !== "number") return new Uint8Array(0);
    const { node } = this;
    if (!node.version) return this.fresh(cookie, n, call);
    return after(node.version(call), (version) => {
      if (version !== undefined) {
        const kept = this.deps.listings.get(this.deps.keyOf(node), version);
        if (kept?.has(cookie)) {
          this.kept = kept;
          return this.dirents(cookie, n, call, kept);
        }
      }
      if (this.kept) this.trail.follow(this.kept.upTo(cookie, TRAIL));
      this.kept = undefined;
      if (version === undefined) this.build(undefined);
      else if (cookie === 0) this.build(this.deps.listings.begin(version));
      else if (this.building?.version !== version || !this.stands(Math.max(cookie, START))) this.build(undefined);
      return this.fresh(cookie, n, call);
    });
  }

  /** From the server's list. */
  private fresh(cookie: number, n: number, call: Call): Awaitable<Uint8Array> {
    const to = Math.max(cookie, START);
    if (cookie === 0) this.trail.clear();
    return after(cookie !== 0 && this.stands(to) ? undefined : this.seek(to, call), () => this.dirents(cookie, n, call));
  }

  /** Nobody reads it any more. */
  close(): void {
    this.build(undefined);
    this.stop();
  }

  /** Ends the iteration: the server may hold something open for it. */
  private stop(): void {
    const it = this.iterator;
    this.iterator = undefined;
    const done = it?.return?.();
    if (done instanceof Promise) done.catch(() => undefined);
  }

  /** Whether the iteration goes on behind that cookie. */
  private stands(cookie: number): boolean {
    return this.at === cookie && (this.iterator !== undefined || this.ended);
  }

  private rewind(call: Call): Awaitable<void> {
    this.stop();
    this.held = undefined;
    this.at = START;
    this.ended = false;
    return after(this.node.list(call), (list) => {
      this.iterator = Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]();
    });
  }

  /** Lists anew, to behind the entry of that cookie. */
  private seek(cookie: number, call: Call): Awaitable<void> {
    if (cookie !== START) return steps(() => this.seeking(cookie, call));
    this.trail.goto(START);
    return this.rewind(call);
  }

  private *seeking(cookie: number, call: Call): Steps<void> {
    const before = this.trail.before(cookie);
    let left = START;
    const again = this.rewind(call);
    if (again instanceof Promise) yield again;
    while (this.at !== cookie) {
      const e = this.next();
      if (!(e instanceof Promise ? yield e : e)) break;
      this.pass();
      if (before?.has(this.at)) left = this.at;
    }
    if (this.at !== cookie) {
      // The entry is gone: on behind the last that is left of those before it.
      if (!before) throw new NineError(Eoffset);
      const once = this.rewind(call);
      if (once instanceof Promise) yield once;
      while (this.at !== left) {
        const e = this.next();
        if (!(e instanceof Promise ? yield e : e)) break;
        this.pass();
      }
      this.at = cookie;
    }
    this.trail.goto(cookie);
  }

  private records(n: number, call: Call): Awaitable<Uint8Array> {
    let out = new Uint8Array(Math.min(n, 8192));
    let at = 0;
    let count = 0;
    const put = (d: Dir | undefined): boolean => {
      if (d !== undefined) {
        const end = at + sizeofDir(d, this.deps.dialect);
        if (end > n) return false;
        if (end > out.length) out = grown(out, end, n);
        at = packDir(d, this.deps.dialect, out, at);
        count++;
      }
      this.trail.add(this.pass());
      this.given = this.at;
      return count < MOST;
    };
    const done = (): Uint8Array => {
      if (at === 0 && this.held) tooSmall(n);
      this.offset += at;
      return out.subarray(0, at);
    };
    const dirOf = (name: string, node: Node | undefined): Awaitable<Dir | undefined> => node && this.deps.dirOf(name, node, call);
    const fill = (): Awaitable<void> => {
      for (;;) {
        const e = this.held ?? this.next();
        if (e instanceof Promise) return e.then(fill);
        if (!e) return undefined;
        const [name] = e;
        const d = after(e[1] ?? this.node.walk(name, call), (node) => dirOf(name, node));
        if (d instanceof Promise) return d.then((x) => (put(x) ? fill() : undefined));
        if (!put(d)) return undefined;
      }
    };
    return this.packed(fill, () => at > 0, done);
  }

  /** kept: a listing to take them from instead of the server's list; it has the cookie. */
  private dirents(cookie: number, n: number, call: Call, kept?: Listing): Awaitable<Uint8Array> {
    if (kept && cookie >= START) {
      const data = kept.read(cookie, n, MOST);
      if (data.length === 0 && !kept.isEnd(cookie)) tooSmall(n);
      return data;
    }
    let out = new Uint8Array(Math.min(n, 8192));
    let at = 0;
    let count = 0;
    const put = (name: string, node: Node, offset: number, type: number): void => {
      const end = at + sizeofDirent(name);
      if (end > out.length) out = grown(out, end, n);
      const qid = this.deps.qidOf(node);
      const dt = typeOf(qid, type);
      // Version 0, "do not cache", as in a listing that is kept.
      const start = at;
      at = packDirent(qid, offset, dt, name, out, at);
      if (this.node.version) out.fill(0, start + 1, start + 5);
      count++;
      if (offset > START && this.building && !this.building.add(qid, offset, dt, name)) this.build(undefined);
    };
    const done = (): Uint8Array => {
      if (at === 0 && (this.held || cookie < START)) tooSmall(n);
      return out.subarray(0, at);
    };
    for (let i = cookie; i < START; i++) {
      const [name, node] = this.dots[i] ?? [".", this.node];
      if (at + sizeofDirent(name) > n) return done();
      put(name, node, i + 1, DT_DIR);
    }
    if (kept) {
      const data = kept.read(cookie, n - at, MOST);
      const all = new Uint8Array(at + data.length);
      all.set(out.subarray(0, at));
      all.set(data, at);
      return all;
    }
    const given = (e: Entry, node: Node | undefined): void => {
      this.trail.add(this.pass());
      if (node) put(e[0], node, this.at, e[2] ?? DT_REG);
    };
    const fill = (): Awaitable<void> => {
      for (;;) {
        const e = this.held ?? this.next();
        if (e instanceof Promise) return e.then(fill);
        if (!e) return this.built();
        if (count === MOST || at + sizeofDirent(e[0]) > n) return undefined;
        const node = e[1] ?? this.node.walk(e[0], call);
        if (node instanceof Promise) {
          return node.then((x) => {
            given(e, x);
            return fill();
          });
        }
        given(e, node);
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

  /** All entries have been given. */
  private built(): void {
    if (this.building) this.deps.listings.keep(this.deps.keyOf(this.node), this.building);
    this.building = undefined;
  }

  private build(l: Listing | undefined): void {
    if (this.building) this.deps.listings.leave(this.building);
    this.building = l;
  }

  /** The entry held is behind the reader; its cookie. */
  private pass(): number {
    if (this.held) this.at = cookieOf(this.held[0]);
    this.held = undefined;
    return this.at;
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

function tooSmall(n: number): never {
  throw new NineError(`${Einval}: count ${n} is less than one directory entry`);
}

/** A copy with room for `need` bytes, at most n: directories are mostly smaller than the count asked for. */
function grown(out: Uint8Array<ArrayBuffer>, need: number, n: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.min(n, Math.max(need, out.length * 4)));
  more.set(out);
  return more;
}

/** The qid knows best; type tells what it does not. */
function typeOf(qid: Qid, type: number): number {
  if (qid.type & QTDIR) return DT_DIR;
  if (qid.type & QTSYMLINK) return DT_LNK;
  return type === DT_DIR || type === DT_LNK ? DT_REG : type;
}
