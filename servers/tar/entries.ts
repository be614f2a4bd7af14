/**
 * Entries: the members of a tar archive in order, found from header to header without reading what
 * lies between. What a header's fields mean is the TarFormat's, a library's; how headers follow one
 * another (long names of GNU, pax headers of POSIX, the end) is told here. Invariants: nothing is
 * believed about sizes, an archive that is cut or damaged is an error with its place, and memory for
 * one member's headers is bounded. For servers/tar.ts and the tool.
 */
import { type Awaitable, decodeUtf8, errno, NineError } from "../../proto/index.ts";

/** An archive as its headers are looked for in it; places never go back. */
export interface TarFeed {
  /** n bytes from `at` on; fewer only at the end. */
  bytes(at: number, n: number): Promise<Uint8Array>;
  /** Whether there is something up to there. */
  reaches(at: number): Awaitable<boolean>;
}

/** An archive that can be read anywhere. */
export interface TarSource {
  readonly length: number;
  /** At most n bytes from `at`; fewer only at the end, or because no more came at once. */
  read(at: number, n: number): Awaitable<Uint8Array>;
}

/** What one header of 512 bytes says of a member. */
export interface TarHeader {
  path: string;
  /** The type flag: "0" a file, "1" a hard link, "2" a symbolic link, "5" a directory...; "" when it is none that is known. */
  type: string;
  /** Permissions with setuid, setgid, sticky. */
  mode: number;
  size: number;
  /** Names, or digits where the archive has none. */
  uid: string;
  gid: string;
  /** Seconds, with a fraction. */
  mtime: number;
  linkpath: string;
  major: number;
  minor: number;
  /** The members' data are the pieces of a file with holes (pax). */
  sparse: boolean;
}

/** The format, as a library knows it. */
export interface TarFormat {
  /** undefined for a block of zeros. Throws an Error that says what is wrong. */
  header(block: Uint8Array): TarHeader | undefined;
  /** What the records of a pax header say in place of the next header, or of all that follow. */
  pax(body: Uint8Array): Partial<TarHeader>;
}

export interface TarEntry extends TarHeader {
  /** Where its data begin. */
  readonly at: number;
}

const BLOCK = 512;
/** Read at a time while headers are looked for. */
const WINDOW = 64 * 1024;
/** Bytes of a long name, or of a pax header. */
const MAXMETA = 1 << 20;

export function entries(source: TarSource, format: TarFormat): AsyncGenerator<TarEntry> {
  return tarMembers(new Blocks(source), format);
}

/** The members of an archive, each before the feed goes past it. That its data are cut is told when the next is asked for. */
export async function* tarMembers(feed: TarFeed, format: TarFormat): AsyncGenerator<TarEntry> {
  let all: Partial<TarHeader> = {};
  let over: Partial<TarHeader> = {};
  let zeros = 0;
  for (let at = 0; zeros < 2;) {
    const block = await feed.bytes(at, BLOCK);
    if (block.length === 0) return;
    if (block.length < BLOCK) throw damaged(at, "it ends within a header");
    const h = decoded(format, block, at);
    if (!h) {
      zeros++;
      at += BLOCK;
      continue;
    }
    zeros = 0;
    const body = at + BLOCK;
    const meta = /^[LKNxXg]$/.test(h.type);
    const entry = meta ? h : { ...h, ...all, ...over };
    // A hard link may say the size of what it links to, and has no data.
    const size = entry.type === "1" ? 0 : entry.size;
    const cut = (): NineError => damaged(at, `it ends within ${entry.path}`);
    if (!(size >= 0)) throw cut();
    if (meta) {
      if (size > MAXMETA) throw damaged(at, `a header of ${size} bytes`);
      const data = await feed.bytes(body, size);
      if (data.length < size) throw cut();
      if (h.type === "L" || h.type === "N") over = { ...over, path: text(data) };
      else if (h.type === "K") over = { ...over, linkpath: text(data) };
      else if (h.type === "g") all = { ...all, ...format.pax(data) };
      else over = { ...over, ...format.pax(data) };
    } else {
      if (h.type === "M") throw damaged(at, `${entry.path} begins in another volume`);
      yield { ...entry, size, at: body };
      over = {};
      if (!(await feed.reaches(body + size))) throw cut();
    }
    at = body + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function decoded(format: TarFormat, block: Uint8Array, at: number): TarHeader | undefined {
  try {
    return format.header(block);
  } catch (e) {
    throw damaged(at, e instanceof Error ? e.message : String(e));
  }
}

function damaged(at: number, why: string): NineError {
  return new NineError(`bad tar archive: at byte ${at}: ${why}`, errno.EIO);
}

/** Up to the first NUL. */
function text(data: Uint8Array): string {
  const end = data.indexOf(0);
  return decodeUtf8(data, 0, end < 0 ? data.length : end);
}

/** A source read piece by piece: headers of small members lie close together. */
class Blocks implements TarFeed {
  private readonly source: TarSource;
  private held: Uint8Array = new Uint8Array(0);
  private start = 0;

  constructor(source: TarSource) {
    this.source = source;
  }

  reaches(at: number): boolean {
    return at <= this.source.length;
  }

  async bytes(at: number, n: number): Promise<Uint8Array> {
    n = Math.min(n, this.source.length - at);
    if (n <= 0) return new Uint8Array(0);
    if (at < this.start || at + n > this.start + this.held.length) {
      this.held = await whole(this.source, at, Math.min(Math.max(n, WINDOW), this.source.length - at));
      this.start = at;
    }
    return this.held.subarray(at - this.start, at - this.start + n);
  }
}

async function whole(source: TarSource, at: number, n: number): Promise<Uint8Array> {
  const all = new Uint8Array(n);
  for (let have = 0; have < n;) {
    const data = await source.read(at + have, n - have);
    if (data.length === 0) throw damaged(at + have, "it ends before its end");
    all.set(data, have);
    have += data.length;
  }
  return all;
}
