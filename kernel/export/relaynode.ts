/**
 * RelayNode: a file of a Relay: its parent, its name there, and a fid of the Relay's client for it,
 * which lives on when the name goes. Invariants: the fid is never opened: each open is a clone; it is
 * not given back under a call that uses it. Permission is the server's behind.
 */
import {
  after, attempt, type Attr, type Awaitable, type Call, type Changes, type Client, type Dir, DMDIR, type DirNode, Eexist, Enotdir, type Entry, errno, Exdev, type FileNode,
  GETATTR_BASIC, Interrupt, lastly, linuxFlags, type LinkNode, major, minor, NineError, type Node, NOU32, OAPPEND, type OpenFile, OREAD, type Qid, QTDIR, QTSYMLINK, sameFile, type SetAttr,
  type Statfs, statMode, Tfsync, Tgetattr, Tlopen, Tmknod, Tstatfs,
} from "../../proto/index.ts";
import type { Relay } from "./relay.ts";
import { fromDir, fromGetattr, toChanges, toSetattr } from "./relayattr.ts";

/** fid: of the root, which is not the node's to give back. */
export function nodeOf(r: Relay, parent: RelayDir | undefined, name: string, qid: Qid, fid?: number, dir?: Dir): Node {
  if (qid.type & QTDIR) return new RelayDir(r, parent, name, qid, fid, dir);
  return qid.type & QTSYMLINK ? new RelayLink(r, parent, name, qid, fid, dir) : new RelayFile(r, parent, name, qid, fid, dir);
}

/** What a call waits for is flushed when it is. */
function during<T>(call: Call, f: (intr: Interrupt) => Awaitable<T>): Awaitable<T> {
  const intr = new Interrupt();
  const r = f(intr);
  if (!(r instanceof Promise)) return r;
  const { signal } = call;
  const raise = (): void => intr.raise();
  signal.addEventListener("abort", raise, { once: true });
  return r.finally(() => signal.removeEventListener("abort", raise));
}

export abstract class RelayNode {
  /** Where it is, and what it is called there; a rename moves it. */
  parent: RelayDir | undefined;
  name: string;
  readonly r: Relay;
  private last: Qid;
  /** As its directory was just read; for one stat. */
  private dir: Dir | undefined;
  private fid: number | undefined;
  private coming: Promise<number> | undefined;
  private users = 0;
  /** Fids that have it open. */
  private readonly opens: number[] = [];

  constructor(r: Relay, parent: RelayDir | undefined, name: string, qid: Qid, fid: number | undefined, dir: Dir | undefined) {
    this.r = r;
    this.parent = parent;
    this.name = name;
    this.last = qid;
    this.fid = fid;
    this.dir = dir;
  }

  qid(): Qid {
    return this.last;
  }

  /** The server behind decides. */
  access(): void {}

  stat(call: Call): Awaitable<Partial<Attr>> {
    const known = this.dir;
    this.dir = undefined;
    if (known && !this.linux) return fromDir(known);
    return this.with(call, (fid, intr): Awaitable<Partial<Attr>> => (this.linux
      ? after(this.client.rpc({ type: Tgetattr, fid, request_mask: GETATTR_BASIC }, intr), (r) => this.seen(r, fromGetattr))
      : after(this.client.statFid(fid, this.name, intr), (d) => this.seen(d, fromDir))), true);
  }

  setattr(set: SetAttr, call: Call): Awaitable<void> {
    return this.with(call, (fid, intr) => (this.linux
      ? after(this.client.rpc(toSetattr(fid, set), intr), () => undefined)
      : this.wstat(fid, toChanges(set, Math.floor(this.r.deps.now() / 1000)), intr)), true);
  }

  statfs(call: Call): Awaitable<Statfs> {
    const none: Statfs = { type: 0x01021997, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 255 };
    if (this.client.portal.dialect !== "9P2000.L") return none;
    return this.with(call, (fid, intr) => after(this.client.rpc({ type: Tstatfs, fid }, intr), (s) => ({ ...s, type: s.fstype })));
  }

  sync(datasync: boolean, call: Call): Awaitable<void> {
    return this.with(call, (fid, intr) => (this.linux
      ? after(this.client.rpc({ type: Tfsync, fid, datasync: datasync ? 1 : 0 }, intr), () => undefined)
      : this.wstat(fid, {}, intr)), true);
  }

  /** What the server says of it, its version included. */
  private seen<T extends { readonly qid: Qid }>(said: T, as: (said: T) => Partial<Attr>): Partial<Attr> {
    if (sameFile(this.last, said.qid)) this.last = said.qid;
    return as(said);
  }

  /** The fid has come with a message. */
  adopt(fid: number): void {
    this.fid = fid;
    this.r.hold(this);
  }

  /** Gives the fid back, unless a call uses it. */
  forget(): void {
    if (this.users > 0 || !this.parent || this.fid === undefined) return;
    this.client.clunk(this.fid);
    this.fid = undefined;
    this.r.release(this);
  }

  /** What may be done with the fid while it is not given back; `any`: or with one that has it open. */
  with<T>(call: Call, f: (fid: number, intr: Interrupt) => Awaitable<T>, any = false): Awaitable<T> {
    return during(call, (intr) => this.use(intr, f, any));
  }

  /** Somebody has it open by that fid; what is returned ends that. */
  protected has(fid: number): () => Awaitable<void> {
    this.opens.push(fid);
    return () => {
      this.opens.splice(this.opens.indexOf(fid), 1);
      return this.client.close(fid);
    };
  }

  protected get client(): Client {
    return this.r.client;
  }

  /** Of the messages for one thing, a plain .L server knows Linux's alone; others are asked by those of 9P2000. */
  protected get linux(): boolean {
    return this.client.portal.dialect === "9P2000.L";
  }

  protected wstat(fid: number, changes: Changes, intr: Interrupt): Awaitable<void> {
    return this.client.wstatFid(fid, changes, intr);
  }

  private use<T>(intr: Interrupt, f: (fid: number, intr: Interrupt) => Awaitable<T>, any: boolean): Awaitable<T> {
    this.users++;
    return lastly(() => after(this.fid ?? (any ? this.opens[0] : undefined) ?? this.come(intr), (fid) => f(fid, intr)), () => {
      this.users--;
      if (this.r.resting) this.forget();
    });
  }

  /** A fid that was given back: by the name. What becomes of another's walk there is the other's alone, unless it arrives. */
  private async come(intr: Interrupt): Promise<number> {
    while (this.coming) {
      const fid = await this.coming.catch(() => undefined);
      if (fid !== undefined) return fid;
    }
    this.coming = this.walked(intr).finally(() => {
      this.coming = undefined;
    });
    return this.coming;
  }

  private async walked(intr: Interrupt): Promise<number> {
    if (!this.parent) throw new NineError(Enotdir);
    const { fid } = await this.parent.use(intr, (dir) => this.client.walk(dir, [this.name], intr), false);
    this.adopt(fid);
    return fid;
  }
}

export class RelayDir extends RelayNode implements DirNode {
  /** What one walk has found here on its way to somewhere else. */
  private onWay: { readonly name: string; readonly node: Node; readonly by: Call } | undefined;

  /** All names of a walk go out together; those behind the first are found on the way. */
  walk(name: string, call: Call): Awaitable<Node | undefined> {
    const { onWay } = this;
    this.onWay = undefined;
    if (onWay?.by === call && onWay.name === name) return onWay.node;
    const ahead = call.ahead ?? [];
    const dots = ahead.findIndex((n) => n === "." || n === "..");
    const names = [name, ...(dots < 0 ? ahead : ahead.slice(0, dots))];
    return attempt((): Awaitable<Node | undefined> => this.with(call, (dir, intr) => after(this.client.walkPart(dir, names, intr), ({ fid, qids }) =>
      this.way(names, qids, fid, call))), (e) => {
      if (e instanceof NineError && e.errno === errno.ENOENT) return undefined;
      throw e;
    });
  }

  async *list(call: Call): AsyncGenerator<Entry> {
    const { client } = this;
    const o = await this.with(call, (fid, intr) => client.open(fid, [], OREAD, intr));
    try {
      for (let at: number | bigint = 0; ;) {
        const { dirs, next } = await this.with(call, (fid, intr) => client.dirread(o.fid, at, fid, intr));
        if (dirs.length === 0) return;
        for (const d of dirs) yield [d.name, nodeOf(this.r, this, d.name, d.qid, undefined, d)];
        at = next;
      }
    } finally {
      client.clunk(o.fid);
    }
  }

  create(name: string, mode: number, openMode: number | undefined, call: Call): Awaitable<{ node: Node; opened?: OpenFile }> {
    const { client } = this;
    return this.with(call, async (dir, intr) => {
      if (mode & DMDIR) {
        await client.mkdir(dir, [], name, mode, intr);
        return { node: await this.child(dir, name, intr) };
      }
      const o = await client.create(dir, [], name, openMode ?? OREAD, mode, intr);
      const node = new RelayFile(this.r, this, name, o.qid, undefined, undefined);
      // The name may have another file by now, but this one is what was made: its fid stands for it.
      if (openMode !== undefined) return { node, opened: node.opened(o.fid, o.iounit, openMode) };
      client.clunk(o.fid);
      return { node };
    });
  }

  remove(name: string, _node: Node, call: Call): Awaitable<void> {
    return this.with(call, (dir, intr) => this.client.remove(dir, [name], intr));
  }

  rename(name: string, node: Node, newdir: DirNode, newname: string, replace: boolean, call: Call): Awaitable<void> {
    const { client } = this;
    if (!(newdir instanceof RelayDir) || newdir.r !== this.r) throw new NineError(Exdev);
    return this.with(call, (from, intr) => newdir.with(call, async (to) => {
      if (client.portal.dialect === "9P2000.L") {
        if (!replace && (await newdir.walk(newname, call))) throw new NineError(Eexist);
        await client.rename(from, name, to, newname, intr);
      } else if (!sameFile(this.qid(), newdir.qid())) throw new NineError(Exdev);
      else await client.wstat(from, [name], { name: newname }, intr);
      if (node instanceof RelayNode) {
        node.parent = newdir;
        node.name = newname;
      }
    }));
  }

  symlink(name: string, target: string, call: Call): Awaitable<Node> {
    return this.with(call, async (dir, intr) => {
      await this.client.symlink(dir, name, target, intr);
      return this.child(dir, name, intr);
    });
  }

  link(name: string, node: Node, call: Call): Awaitable<void> {
    if (!(node instanceof RelayNode) || node.r !== this.r) throw new NineError(Exdev);
    return this.with(call, (dir, intr) => node.with(call, (fid) => this.client.link(dir, name, fid, intr)));
  }

  mknod(name: string, mode: number, rdev: number, block: boolean, call: Call): Awaitable<Node> {
    return this.with(call, async (dfid, intr) => {
      await this.client.rpc({ type: Tmknod, dfid, name, mode: statMode(mode, block), major: major(rdev), minor: minor(rdev), gid: NOU32 }, intr);
      return this.child(dfid, name, intr);
    });
  }

  /** The node of the first name; the last has the fid, and those between come by their names if they are wanted. */
  private way(names: readonly string[], qids: readonly Qid[], fid: number | undefined, by: Call): Node | undefined {
    const [name = "", ...rest] = names;
    const [qid, ...others] = qids;
    if (!qid) return undefined;
    const node = rest.length === 0 && fid !== undefined ? this.found(name, qid, fid) : nodeOf(this.r, this, name, qid);
    const next = node instanceof RelayDir ? node.way(rest, others, fid, by) : undefined;
    if (node instanceof RelayDir && next) node.onWay = { name: rest[0] ?? "", node: next, by };
    return node;
  }

  private found(name: string, qid: Qid, fid: number): Node {
    const node = nodeOf(this.r, this, name, qid);
    if (node instanceof RelayNode) node.adopt(fid);
    return node;
  }

  private async child(dir: number, name: string, intr: Interrupt): Promise<Node> {
    const { fid, qids } = await this.client.walk(dir, [name], intr);
    return this.found(name, qids[0] ?? this.qid(), fid);
  }
}

class RelayFile extends RelayNode implements FileNode {
  open(mode: number, call: Call): Awaitable<OpenFile> {
    return this.with(call, (fid, intr) => (mode & OAPPEND && this.linux ? this.appending(fid, mode, intr)
      : after(this.client.open(fid, [], mode, intr), (o) => this.opened(o.fid, o.iounit, mode))));
  }

  /** Every write to the end: Topen has no bit for that, Tlopen has. */
  private async appending(fid: number, mode: number, intr: Interrupt): Promise<OpenFile> {
    const { client } = this;
    const at = await client.clone(fid, intr);
    try {
      const { iounit } = await client.rpc({ type: Tlopen, fid: at, flags: linuxFlags(mode) }, intr);
      return this.opened(at, iounit || client.iounit, mode);
    } catch (e) {
      client.clunk(at);
      throw e;
    }
  }

  /** A fid that has the file open, as its OpenFile. */
  opened(fid: number, iounit: number, mode: number): OpenFile {
    const { client } = this;
    // 9P2000 has no word for it: what is written goes where the file ended a moment ago.
    const appends = (mode & OAPPEND) !== 0 && client.portal.dialect === "9P2000";
    return {
      iounit: iounit < client.iounit ? iounit : 0,
      lasting: true,
      read: (at, n, call, into) => during(call, (intr) => client.read(fid, at, n, intr, into)),
      write: (at, data, call) => during(call, (intr) =>
        after(appends ? client.statFid(fid, this.name, intr) : undefined, (d) => client.writeSome(fid, d ? d.length : at, data, intr))),
      close: this.has(fid),
    };
  }
}

class RelayLink extends RelayNode implements LinkNode {
  readlink(call: Call): Awaitable<string> {
    return this.with(call, (fid, intr) => this.client.readlink(fid, intr));
  }
}
