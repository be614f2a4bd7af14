/**
 * srv: the board where open files and listeners are posted, srv(3). A file is made and the number of
 * an open fd written into it, once; whoever opens it has one more open of what was posted, with the
 * offset shared, and of a listener a stream on which 9P is spoken to a session of its own. Removing
 * takes it off the board, what was opened stays. Invariant: a post's qid.path is its Post's path, by
 * which the kernel knows what a mount of it means. Used as '#s'.
 */
import {
  type Awaitable, type Call, type DirNode, DMDIR, Ebadfd, Eexist, Efbig, Ehungup, Enonexist, Eperm, type FileNode, type Node, NineError, type OpenFile,
  OTRUNC, OWRITE, pair, type Portal, QTFILE, serve, type Server,
} from "../proto/index.ts";
import { alive, callerPid, type Procs, rootQid } from "./caller.ts";
import { type FdOpen, streamOf } from "./dup.ts";
import { wireFile } from "./wirefile.ts";

/** Something posted. */
export interface Posted {
  readonly name: string;
  uid: string;
  mode: number;
  readonly path: number;
  readonly listener?: (signal: AbortSignal) => Awaitable<Portal>;
}

/** The board. */
export interface Board<P extends Posted> {
  readonly version: number;
  get(name: string): P | undefined;
  list(): Iterable<P>;
  add(name: string, uid: string, mode: number): P;
  open(post: P, mode: number): FdOpen;
  rename(post: P, name: string): void;
  remove(name: string): void;
}

/** What srv needs of a process: its user, and that it posts one of its fds. */
export interface SrvProc<P extends Posted> {
  readonly user: string;
  post(post: P, fd: number): void;
}

/** What srv needs of a kernel. */
export interface SrvKernel<P extends Posted> extends Procs<SrvProc<P>> {
  readonly posts: Board<P>;
}

/** Longest text of an fd's number. */
const LONGEST = 31;

/** The board as whoever attaches sees it, by his pid: the fds he writes are his. */
export function srv<P extends Posted>(kernel: SrvKernel<P>): Server {
  return { name: "srv", attach: (_call, aname) => rootOf(kernel, callerPid(kernel, aname)) };
}

function rootOf<P extends Posted>(kernel: SrvKernel<P>, pid: number): DirNode {
  const { posts } = kernel;
  const proc = (): SrvProc<P> => alive(kernel.proc(pid));
  const files = new WeakMap<P, FileNode>();
  const file = (post: P): FileNode => {
    let f = files.get(post);
    if (!f) files.set(post, (f = fileOf(post, posts, proc)));
    return f;
  };
  /** The post of that name, if it is still the one the caller means and he owns it. */
  const own = (name: string, node: Node, call: Call): P => {
    const post = posts.get(name);
    if (!post || files.get(post) !== node) throw new NineError(Enonexist);
    owner(post, call);
    return post;
  };
  return {
    qid: () => rootQid(posts.version),
    stat: () => ({ mode: (DMDIR | 0o777) >>> 0, uid: proc().user }),
    version: () => posts.version,
    walk(name) {
      const post = posts.get(name);
      return post && file(post);
    },
    list: () => Array.from(posts.list(), (post): [string, Node] => [post.name, file(post)]),
    create(name, mode, openMode, call) {
      if (openMode === undefined || mode & DMDIR || (openMode & 3) !== OWRITE) throw new NineError(Eperm);
      const post = posts.add(name, call.uname, mode & 0o777);
      return { node: file(post), opened: posting(post, proc) };
    },
    remove: (name, node, call) => posts.remove(own(name, node, call).name),
    rename: (name, node, _newdir, newname, _replace, call) => posts.rename(own(name, node, call), newname),
  };
}

function owner(post: Posted, call: Call): void {
  if (call.uid !== 0 && call.uname !== post.uid) throw new NineError(Eperm);
}

function fileOf<P extends Posted>(post: P, posts: Board<P>, proc: () => SrvProc<P>): FileNode {
  return {
    qid: () => ({ type: QTFILE, vers: 0, pathlo: post.path >>> 0, pathhi: Math.floor(post.path / 2 ** 32) }),
    stat: () => ({ mode: post.mode, uid: post.uid }),
    setattr(set, call) {
      proc();
      owner(post, call);
      if (set.length !== undefined || set.gid !== undefined) throw new NineError(Eperm);
      if (set.mode !== undefined) post.mode = set.mode & 0o777;
      if (set.uid !== undefined) post.uid = set.uid;
    },
    open(mode, call): Awaitable<OpenFile> {
      if (mode & OTRUNC) throw new NineError(Eexist);
      if (posts.get(post.name) !== post) throw new NineError(Ehungup);
      return post.listener ? session(post.listener, call) : streamOf(posts.open(post, mode));
    },
  };
}

/** The one open of a new file, to write an fd's number. */
function posting<P extends Posted>(post: P, proc: () => SrvProc<P>): OpenFile {
  return {
    write(_at, data) {
      if (data.length > LONGEST) throw new NineError(Efbig);
      const text = new TextDecoder().decode(data).trim();
      if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) throw new NineError(Ebadfd);
      proc().post(post, Number(text));
      return data.length;
    },
  };
}

/** A stream on which 9P is spoken to a session of the listener's. */
async function session(listener: (signal: AbortSignal) => Awaitable<Portal>, { signal }: Call): Promise<OpenFile> {
  const portal = await listener(signal);
  const [ours, theirs] = pair();
  // Another Tversion ends the session, and another is another open's.
  serve(theirs, () => portal, { closed: () => portal.hangup() });
  return wireFile(ours);
}
