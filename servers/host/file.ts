/**
 * HostFile and HostLink: what is no directory. Invariants: only regular files are opened; what was
 * opened is compared with the node's identity before a byte of it is read, written or truncated.
 * FIFOs, sockets and devices have attributes and a name, and cannot be opened: a client's own are
 * on the client, and the host's could block or act.
 */
import {
  after, attempt, type Awaitable, type Call, DMAPPEND, type FileNode, type LinkNode, NineError, OAPPEND, OEXEC, type OpenFile, ORDWR,
  OREAD, OTRUNC, quietly, S_IFMT, S_IFREG,
} from "../../proto/index.ts";
import type { Handle, HostStat } from "./files.ts";
import { Held, type Opened } from "./held.ts";
import type { Ident } from "./ident.ts";
import { HostNode } from "./node.ts";
import { stripped } from "./setattr.ts";
import { type DirPlace, outOfDescriptors, type Tree } from "./tree.ts";

export class HostFile extends HostNode implements FileNode {
  private readonly regular: boolean;

  constructor(tree: Tree, up: DirPlace, name: string, st: HostStat, id: Ident) {
    super(tree, up, name, st, id);
    this.regular = (st.mode & S_IFMT) === S_IFREG;
  }

  open(mode: number, call: Call): Awaitable<OpenFile> {
    if (!this.regular) throw new NineError("No such device or address");
    const trunc = (mode & OTRUNC) !== 0;
    const acc = mode & 3;
    const writes = acc !== OREAD && acc !== OEXEC;
    if (writes || trunc) this.tree.mutable();
    const as = (acc === OEXEC ? OREAD : acc) | (mode & OAPPEND) | ((this.marks?.bits ?? 0) & DMAPPEND ? OAPPEND : 0);
    // Truncation is a write: an open for reading gets a descriptor that can.
    return after(this.descriptor(trunc && !writes ? ORDWR : as), (held) =>
      attempt(() => after(held.st ?? this.tree.files.stat(held.fd), (st) => this.entered(held, st, writes, trunc, call)), (e) => {
        quietly(held.close());
        throw e;
      }));
  }

  /** The OpenFile of a descriptor just opened. */
  private entered(held: Held, st: HostStat, writes: boolean, trunc: boolean, call: Call): Awaitable<OpenFile> {
    const { files, ids } = this.tree;
    const cred = this.tree.cred(call);
    const strip = cred && (writes || trunc) ? stripped(st.mode) : undefined;
    if (!trunc) {
      this.see(st);
      return this.opened(held, writes, call, strip !== undefined);
    }
    // An empty file too: its times change (open(2)).
    const empty = files.truncate(held.fd, 0);
    ids.changed(this.id);
    return after(strip === undefined ? empty : after(empty, () => files.chmod(held.fd, strip)), () => {
      this.see(st);
      return this.opened(held, writes, call, strip !== undefined);
    });
  }

  /** The OpenFile of a descriptor of this file. strips: the first write takes set-ID bits away. */
  opened(held: Held, writable: boolean, call: Call, strips = false): OpenFile {
    return new HostOpen(this, held, writable, this.tree.cred(call)?.uid ?? this.tree.files.uid, strips);
  }

  /** Opens this very file, by its name or where it is by now. */
  private descriptor(mode: number): Awaitable<Held> {
    const { tree } = this;
    const { files } = tree;
    const named = (): Awaitable<Held> =>
      after(tree.at(this.parent(), (d) => tree.opening(() => files.open(d, this.name, mode))), (fd) => tree.check(fd, this.id));
    return attempt(named, (e) => {
      if (!(e instanceof NineError) || outOfDescriptors(e)) throw e;
      if (tree.follow(this.id, this)) return this.descriptor(mode);
      const open = tree.opens.find(this.id.key);
      if (!open) throw e;
      return after(open.held.use((h) => tree.opening(() => files.reopen(h, mode))), (fd) => new Held(files, fd));
    });
  }
}

class HostOpen implements OpenFile {
  private readonly file: HostFile;
  private readonly held: Held;
  private readonly entry: Opened;
  private strips: boolean;

  constructor(file: HostFile, held: Held, writable: boolean, uid: number, strips: boolean) {
    this.file = file;
    this.held = held;
    this.strips = strips;
    this.entry = { held, writable, uid };
    file.tree.opens.add(file.id.key, this.entry);
  }

  read(at: number, n: number, _call: Call, into?: Uint8Array): Awaitable<Uint8Array> {
    return this.held.use((fd) => this.file.tree.files.read(fd, at, n, into));
  }

  write(at: number, data: Uint8Array, _call: Call): Awaitable<number> {
    const { files, ids } = this.file.tree;
    const { strips } = this;
    this.strips = false;
    const wrote = this.held.use((fd) => (strips ? after(this.strip(fd), () => files.write(fd, at, data)) : files.write(fd, at, data)));
    return after(wrote, (n) => {
      ids.changed(this.file.id);
      return n;
    });
  }

  /** As the mode is now: its owner may have changed it since the file was opened. */
  private strip(fd: Handle): Awaitable<void> {
    const { files } = this.file.tree;
    return after(files.stat(fd), (st) => {
      const mode = stripped(st.mode);
      return mode === undefined ? undefined : files.chmod(fd, mode);
    });
  }

  close(): Awaitable<void> {
    this.file.tree.opens.delete(this.file.id.key, this.entry);
    return this.held.close();
  }
}

export class HostLink extends HostNode implements LinkNode {
  readlink(call: Call): Awaitable<string> {
    const { tree } = this;
    // A target is read by name, so it is the name that must be this link's.
    return after(tree.just(call, this) ?? this.find(), () => tree.at(this.parent(), (fd) => tree.files.readlink(fd, this.name)));
  }
}
