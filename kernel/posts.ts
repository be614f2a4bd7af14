/**
 * Posts: what is posted in /srv, srv(3): an open file that somebody serves 9P on, or a listener that
 * gives a session to each who mounts it. Invariants: a post holds a reference on its Chan until it is
 * removed; what was mounted or opened from it stays so. One of each kernel; the server srv shows it.
 */
import { type Awaitable, Ebadname, Ebadusefd, Eexist, Ehungup, Enonexist, Eperm, isName, NineError, ORDWR, type Portal } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import { type FdFile, fdFile } from "./fdfile.ts";

export interface Post {
  name: string;
  uid: string;
  /** rwx bits */
  mode: number;
  /** Distinct for each post of a kernel, from 1 on. */
  readonly path: number;
  /** One of the two, or neither while nothing was posted in the file that was made for it. */
  chan?: Chan;
  readonly listener?: (signal: AbortSignal) => Awaitable<Portal>;
}

export class Posts {
  /** Changes with each post, removal and rename. */
  version = 0;
  private readonly posts = new Map<string, Post>();
  private lastPath = 0;

  /** Takes over the caller's reference of the Chan; Eexist when the name is taken, Ebadname when it is none. */
  add(name: string, uid: string, mode: number, what: Pick<Post, "chan" | "listener"> = {}): Post {
    const why = this.posts.has(name) ? Eexist : isName(name) ? undefined : Ebadname;
    if (why !== undefined) {
      what.chan?.close();
      throw new NineError(why);
    }
    const post = { name, uid, mode, path: ++this.lastPath, ...what };
    this.posts.set(name, post);
    this.version++;
    return post;
  }

  /** Posts a Chan, whose reference it takes over, in a file that was made for one. */
  fill(post: Post, c: Chan): void {
    const why = this.posts.get(post.name) !== post ? Enonexist : post.chan || post.listener ? Ebadusefd : undefined;
    if (why !== undefined) {
      c.close();
      throw new NineError(why);
    }
    post.chan = c;
  }

  /** One more open of the posted file. */
  open(post: Post, mode: number): FdFile {
    const { chan } = post;
    if (!chan || this.posts.get(post.name) !== post) throw new NineError(Ehungup);
    if ((chan.mode & 3) !== ORDWR && (chan.mode & 3) !== (mode & 3)) throw new NineError(Eperm);
    return fdFile(chan, mode);
  }

  /** Who mounts a post opens it for reading and writing. */
  mayMount(post: Post, user: string): boolean {
    return ((post.uid === user ? post.mode >>> 6 : post.mode) & 6) === 6;
  }

  get(name: string): Post | undefined {
    return this.posts.get(name);
  }

  list(): Iterable<Post> {
    return this.posts.values();
  }

  rename(post: Post, name: string): void {
    if (this.posts.get(post.name) !== post) throw new NineError(Enonexist);
    if (this.posts.has(name)) throw new NineError(Eexist);
    this.posts.delete(post.name);
    post.name = name;
    this.posts.set(name, post);
    this.version++;
  }

  remove(name: string): void {
    this.posts.get(name)?.chan?.close();
    if (this.posts.delete(name)) this.version++;
  }

  clear(): void {
    for (const name of [...this.posts.keys()]) this.remove(name);
  }
}
