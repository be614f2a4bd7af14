/**
 * tar: an archive as a read-only tree, as tapefs(4)'s tarfs. The archive is gone through once, from
 * header to header; then a file's reads go to the archive. Invariants: every name lies in the tree,
 * whatever the archive says (no "..", no root but this one); the last member of a name wins;
 * directories that are not in the archive are made up. What can be listed but not read says why when it
 * is opened: sparse files, devices, hard links to what is not there. Who may read the archive may read
 * all that is in it. Anyone may call it.
 */
import {
  AWRITE, type Attr, type Awaitable, type DirNode, DMDEVICE, DMDIR, DMNAMEDPIPE, DMSETGID, DMSETUID, DMSTICKY, DMSYMLINK, type Entry, Enotsup, Ereadonly,
  type FileNode, isDir, type LinkNode, makedev, NineError, type Node, type OpenFile, type Server,
} from "../proto/index.ts";
import { entries, type TarEntry, type TarFormat, type TarSource } from "./tar/entries.ts";
import { tree } from "./tree.ts";

export type { TarEntry, TarFormat, TarHeader, TarSource } from "./tar/entries.ts";

/** The server of an archive. Rejects with a NineError that says where the archive is damaged. */
export async function tar(source: TarSource, format: TarFormat): Promise<Server> {
  const root = new TarDir();
  for await (const e of entries(source, format)) add(root, e, source);
  return tree("tar", root);
}

/** Path elements of one member, and characters of one. */
const MAXDEPTH = 1024;
const MAXNAME = 4096;

type Stat = Partial<Attr>;

/** What all its nodes have in common. */
abstract class TarNode {
  protected attr: Stat = {};

  describe(e: TarEntry, kind: Stat): this {
    const sec = Math.floor(e.mtime);
    const nsec = Math.floor((e.mtime - sec) * 1e9);
    this.attr = {
      uid: e.uid, gid: e.gid, atime: sec, mtime: sec, ctime: sec, atimeNsec: nsec, mtimeNsec: nsec, ctimeNsec: nsec, ...kind,
      mode: ((kind.mode ?? 0) | bits(e.mode)) >>> 0,
    };
    return this;
  }

  stat(): Stat {
    return this.attr;
  }

  access(want: number): void {
    if (want & AWRITE) throw new NineError(Ereadonly);
  }
}

/** setuid, setgid and sticky are other bits in Plan 9's mode. */
function bits(mode: number): number {
  return (mode & 0o777) | (mode & 0o4000 ? DMSETUID : 0) | (mode & 0o2000 ? DMSETGID : 0) | (mode & 0o1000 ? DMSTICKY : 0);
}

class TarDir extends TarNode implements DirNode {
  readonly children: Map<string, Node> = new Map();

  constructor() {
    super();
    this.attr = { mode: (DMDIR | 0o555) >>> 0 };
  }

  walk(name: string): Node | undefined {
    return this.children.get(name);
  }

  list(): Iterable<Entry> {
    return this.children.entries();
  }

  /** Nothing ever changes. */
  version(): number {
    return 1;
  }
}

class TarFile extends TarNode implements FileNode {
  private readonly source: TarSource;
  private readonly at: number;
  private readonly size: number;
  /** Why it cannot be opened. */
  private readonly why: string | undefined;

  constructor(source: TarSource, e: TarEntry, why: string | undefined, kind: Stat = {}) {
    super();
    this.source = source;
    this.at = e.at;
    this.size = e.size;
    this.why = why;
    this.describe(e, { length: why === undefined ? e.size : 0, nlink: 1, ...kind });
  }

  linked(): void {
    this.attr = { ...this.attr, nlink: (this.attr.nlink ?? 1) + 1 };
  }

  open(): OpenFile {
    const { source, at, size, why } = this;
    if (why !== undefined) throw new NineError(why);
    return {
      read(from: number, n: number): Awaitable<Uint8Array> {
        const most = Math.min(n, size - from);
        return most > 0 ? source.read(at + from, most) : new Uint8Array(0);
      },
    };
  }
}

class TarLink extends TarNode implements LinkNode {
  private readonly target: string;

  constructor(e: TarEntry) {
    super();
    this.target = e.linkpath;
    this.describe(e, { mode: DMSYMLINK, length: e.linkpath.length });
  }

  readlink(): string {
    return this.target;
  }
}

/** A member's name as elements below the root: what is up to the last ".." is dropped, as GNU tar does. */
function elementsOf(path: string): string[] {
  const all = path.split("/").filter((e) => e !== "" && e !== ".");
  return all.slice(all.lastIndexOf("..") + 1);
}

function add(root: TarDir, e: TarEntry, source: TarSource): void {
  const names = elementsOf(e.path);
  if (names.length > MAXDEPTH || names.some((name) => name.length > MAXNAME)) throw new NineError(`bad tar archive: at byte ${e.at}: a name too long`);
  if (e.type === "5" || e.type === "D") {
    make(root, names).describe(e, { mode: DMDIR });
    return;
  }
  const name = names.pop();
  const node = name === undefined ? undefined : nodeOf(root, e, source);
  if (name === undefined || !node) return;
  const { children } = make(root, names);
  const old = children.get(name);
  // A file cannot take the place of a directory that has something in it.
  if (!old || !isDir(old) || (old as TarDir).children.size === 0) children.set(name, node);
}

/** The directory of this name, made with those above it; what is no directory gives way. */
function make(root: TarDir, names: readonly string[]): TarDir {
  let at = root;
  for (const name of names) {
    const next = at.children.get(name);
    const into = next instanceof TarDir ? next : new TarDir();
    at.children.set(name, into);
    at = into;
  }
  return at;
}

function nodeOf(root: TarDir, e: TarEntry, source: TarSource): Node | undefined {
  const rdev = makedev(e.major, e.minor);
  switch (e.type) {
    case "0": case "7": return new TarFile(source, e, e.sparse ? "sparse file in a tar archive: not supported" : undefined);
    case "1": return hardLink(root, e, source);
    case "2": return new TarLink(e);
    case "3": return new TarFile(source, e, Enotsup, { mode: DMDEVICE, rdev, block: false });
    case "4": return new TarFile(source, e, Enotsup, { mode: DMDEVICE, rdev, block: true });
    case "6": return new TarFile(source, e, Enotsup, { mode: DMNAMEDPIPE });
    case "S": return new TarFile(source, e, "sparse file in a tar archive: not supported");
    // Volume headers and the like are no files.
    case "A": case "I": case "V": return undefined;
    // POSIX: what is unknown is a file.
    default: return new TarFile(source, e, undefined);
  }
}

function hardLink(root: TarDir, e: TarEntry, source: TarSource): Node {
  let at: Node | undefined = root;
  for (const name of elementsOf(e.linkpath)) at = at instanceof TarDir ? at.children.get(name) : undefined;
  if (!at || isDir(at)) return new TarFile(source, e, `hard link to ${e.linkpath}, which is not in the archive`);
  if (at instanceof TarFile) at.linked();
  return at;
}
