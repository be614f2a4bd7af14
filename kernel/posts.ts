/**
 * Posts: what is posted in /srv, srv(3): an open file that somebody serves 9P on, or a listener that
 * gives a session to each who mounts it. Invariants: a post holds a reference on its Chan until it is
 * removed; what was mounted from it stays mounted. One of each kernel; the server srv shows it.
 */
import { type Awaitable, Eexist, NineError, type Portal } from "../proto/index.ts";
import type { Chan } from "./chan.ts";

export interface Post {
  readonly name: string;
  readonly uid: string;
  mode: number;
  /** Distinct for each post of a kernel. */
  readonly path: number;
  /** One of the two. */
  readonly chan?: Chan;
  readonly listener?: () => Awaitable<Portal>;
}

export class Posts {
  /** Changes with each post and removal. */
  version = 0;
  private readonly posts = new Map<string, Post>();
  private lastPath = 0;

  /** Takes over the caller's reference of the Chan; Eexist when the name is taken. */
  add(name: string, uid: string, mode: number, what: Pick<Post, "chan" | "listener">): Post {
    if (this.posts.has(name)) {
      what.chan?.close();
      throw new NineError(Eexist);
    }
    const post = { name, uid, mode, path: ++this.lastPath, ...what };
    this.posts.set(name, post);
    this.version++;
    return post;
  }

  get(name: string): Post | undefined {
    return this.posts.get(name);
  }

  list(): Iterable<Post> {
    return this.posts.values();
  }

  remove(name: string): void {
    this.posts.get(name)?.chan?.close();
    if (this.posts.delete(name)) this.version++;
  }

  clear(): void {
    for (const name of [...this.posts.keys()]) this.remove(name);
  }
}
