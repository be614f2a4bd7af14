/**
 * Trail: the way a reader of a directory came, by cookies: a cookie is made from the entry's name
 * alone, so it means the same entry in every listing, whatever was added or removed before it.
 * Invariant: the last TRAIL entries given are known in the order of the directory, so that a reader
 * who goes back to one of them that is gone by now goes on behind what is left of those before it;
 * nothing else of the directory is kept, however large it is. Used by readdir.ts.
 */

/** The place in front of all entries but "." and "..", whose cookies are 1 and 2. */
export const START = 2;
/** More than a reply has, less than a reader who opens many large directories could fill memory with. */
export const TRAIL = 4096;

export class Trail {
  private cookies: number[] = [];
  /** Where in it the reader is; -1 at the start. */
  private at = -1;

  clear(): void {
    this.cookies = [];
    this.at = -1;
  }

  /** The reader was given the next entry. */
  add(cookie: number): void {
    const { cookies } = this;
    const next = this.at + 1;
    if (next === cookies.length) cookies.push(cookie);
    else if (cookies[next] !== cookie) {
      // Read before: what was between is gone. Or it is new.
      const again = cookies.indexOf(cookie, next);
      if (again > 0) {
        this.at = again;
        return;
      }
      cookies.splice(next, 0, cookie);
    }
    this.at = next;
    if (cookies.length < 2 * TRAIL) return;
    // From the front, but for what the reader is behind of; else from the end.
    const cut = Math.max(0, Math.min(TRAIL, this.at - TRAIL + 1));
    cookies.splice(0, cut);
    this.at -= cut;
    cookies.length = TRAIL;
  }

  /** The reader came this way: the last cookies he was given. */
  follow(cookies: number[]): void {
    this.cookies = cookies;
    this.at = cookies.length - 1;
  }

  /** The reader is behind that entry, or at the start. */
  goto(cookie: number): void {
    this.at = this.cookies.lastIndexOf(cookie);
    if (this.at >= 0 || cookie === START) return;
    this.cookies = [cookie];
    this.at = 0;
  }

  /** The entries known to stand before that one; undefined when nothing is known of it. */
  before(cookie: number): ReadonlySet<number> | undefined {
    const i = this.cookies.lastIndexOf(cookie);
    return i < 0 ? undefined : new Set(this.cookies.slice(0, i));
  }
}

/** 53 bits of the name, above START; two halves that are mixed in the end. */
export function cookieOf(name: string): number {
  let a = 0x9747b28c;
  let b = 0x3c6ef372;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    a = Math.imul(a ^ c, 0xcc9e2d51);
    b = Math.imul(b ^ c, 0x1b873593);
    a = (a << 13) | (a >>> 19);
    b = (b << 15) | (b >>> 17);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return Math.max((b >>> 0) * 2 ** 21 + (a >>> 11), START + 1);
}
