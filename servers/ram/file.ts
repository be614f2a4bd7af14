/**
 * RamFile, RamLink, RamDevice: the leaves of a ram server. A RamFile is its own OpenFile, since an
 * open has no state but how writes are placed: opening allocates nothing. Invariant: `opens`
 * counts the opens that are not closed; while it is above 0 the contents stay, named or not.
 */
import { DMAPPEND, DT_BLK, Efbig, Enametoolong, Eremoved, NineError, OAPPEND, OTRUNC, errno, utf8Length, writtenMode } from "../../proto/index.ts";
import type { Attr, Call, FileNode, LinkNode, OpenFile, Xattrs } from "../../proto/index.ts";
import { RamNode } from "./node.ts";
import { Pages } from "./pages.ts";
import type { Store } from "./store.ts";
import { RamXattrs } from "./xattrs.ts";

const NOTHING: Uint8Array = new Uint8Array(0);
/** Linux's PATH_MAX, with the NUL that does not go over the wire. */
const TARGETMAX = 4095;

export class RamFile extends RamNode implements FileNode, OpenFile {
  private extent = 0;
  private opens = 0;
  private readonly pages: Pages;
  private attrs: RamXattrs | undefined;
  private appender: OpenFile | undefined;

  constructor(store: Store, mode: number, uid: string, gid: string) {
    super(store, mode, uid, gid);
    this.pages = new Pages(store);
  }

  get xattrs(): Xattrs {
    return this.attrs ??= new RamXattrs(this);
  }

  open(mode: number, call: Call): OpenFile {
    if (this.gone) throw new NineError(Eremoved, errno.ENOENT);
    if (mode & OTRUNC && !(this.mode & DMAPPEND)) {
      this.resize(0);
      this.modified(call);
    }
    this.opens++;
    if (!(mode & OAPPEND)) return this;
    return this.appender ??= {
      read: (at, n, by, into) => this.read(at, n, by, into),
      write: (_at, data, by) => this.write(this.extent, data, by),
      close: () => this.close(),
    };
  }

  read(at: number, n: number, _call: Call, into?: Uint8Array): Uint8Array {
    this.accessed();
    const count = Math.min(n, this.extent - at);
    return count > 0 ? this.pages.read(at, count, into) : NOTHING;
  }

  write(at: number, data: Uint8Array, call: Call): number {
    if (data.length === 0) return 0;
    const from = this.mode & DMAPPEND ? this.extent : at;
    const end = from + data.length;
    if (end > Number.MAX_SAFE_INTEGER) throw new NineError(Efbig);
    this.pages.write(from, data, this.extent);
    if (end > this.extent) this.extent = end;
    this.modified(call);
    return data.length;
  }

  close(): void {
    this.opens--;
    this.reap();
  }

  /** A write by somebody without privilege takes the set-ID bits away, as Linux has it. */
  override modified(call: Call): void {
    if (call.uid !== 0) this.mode = writtenMode(this.mode);
    super.modified(call);
  }

  protected override size(): number {
    return this.extent;
  }

  protected override memory(): number {
    return this.pages.allocated;
  }

  protected override held(): boolean {
    return this.opens > 0;
  }

  protected override free(): void {
    this.resize(0);
    this.attrs?.free();
  }

  protected override checkLength(length: number): void {
    if (!(length >= 0 && length <= Number.MAX_SAFE_INTEGER)) throw new NineError(Efbig);
  }

  protected override resize(length: number): void {
    if (length < this.extent) this.pages.cut(length);
    this.extent = length;
  }
}

export class RamLink extends RamNode implements LinkNode {
  private readonly target: string;
  private readonly bytes: number;

  constructor(store: Store, mode: number, uid: string, gid: string, target: string) {
    const bytes = utf8Length(target);
    if (bytes > TARGETMAX) throw new NineError(Enametoolong);
    if (bytes === 0) throw new NineError("file does not exist: empty link target");
    super(store, mode, uid, gid, 2 * target.length);
    this.target = target;
    this.bytes = bytes;
  }

  readlink(): string {
    this.accessed();
    return this.target;
  }

  protected override size(): number {
    return this.bytes;
  }

  protected override free(): void {
    this.store.give(2 * this.target.length);
  }
}

/** A device, named pipe or socket: a name for something that the client's own system has behind it. */
export class RamDevice extends RamNode implements FileNode {
  private readonly rdev: number;
  private readonly block: boolean;

  constructor(store: Store, mode: number, uid: string, gid: string, rdev: number, block: boolean) {
    super(store, mode, uid, gid);
    this.rdev = rdev;
    this.block = block;
  }

  open(): never {
    throw new NineError("No such device or address");
  }

  override stat(): Attr {
    return { ...super.stat(), rdev: this.rdev, block: this.block };
  }

  override get type(): number {
    return this.block ? DT_BLK : super.type;
  }
}
