/**
 * Shared: what all portals of one Server have in common: identity of files, exclusive opens, locks,
 * and the sessions themselves, whose fids follow a file that one of them moves.
 */
import { QTDIR, QTSYMLINK, type Qid } from "../qid.ts";
import { isDir, isLink, type Node, type Server } from "../server.ts";
import { type Users, users } from "../users.ts";
import type { Fid, Place } from "./fid.ts";
import { Listings } from "./listing.ts";
import { Locks } from "./lock.ts";

export class Shared {
  /** Keys of the DMEXCL files that are open. */
  readonly exclusive: Set<string> = new Set();
  readonly locks: Locks = new Locks();
  readonly listings: Listings = new Listings();
  /** The fid tables of the sessions that are not over. */
  readonly tables: Set<ReadonlyMap<number, Fid>> = new Set();
  readonly users: Users = users();
  private readonly qids = new WeakMap<Node, Qid>();
  private path = 0;

  /** The Node's own qid, or its number in order of first sight. */
  qidOf(node: Node): Qid {
    if (node.qid) return node.qid();
    let qid = this.qids.get(node);
    if (!qid) {
      this.path++;
      const type = isDir(node) ? QTDIR : isLink(node) ? QTSYMLINK : (node.mode ?? 0) >>> 24;
      qid = { type, vers: 0, pathlo: this.path >>> 0, pathhi: Math.floor(this.path / 2 ** 32) };
      this.qids.set(node, qid);
    }
    return qid;
  }

  /** What identifies a node among all nodes of the server. */
  keyOf(node: Node): string {
    const q = this.qidOf(node);
    return `${q.pathhi}.${q.pathlo}`;
  }

  /** Every session's places follow a file that moved. */
  moved(dir: Node, name: string, node: Node, newdir: Place, newname: string): void {
    const key = this.keyOf(dir);
    const file = this.keyOf(node);
    const seen = new Set<Place>();
    for (const fids of this.tables) {
      for (const f of fids.values()) {
        for (let p = f.place; p?.parent && !seen.has(p); p = p.parent) {
          seen.add(p);
          if (p.name === name && this.keyOf(p.parent.node) === key && this.keyOf(p.node) === file) {
            p.parent = newdir;
            p.name = newname;
            break;
          }
        }
      }
    }
  }
}

/**
 * The files that fids of a server's sessions stand for, and the directories they were reached by: a
 * server that makes files when they are asked for may forget the others. Undefined: it has no session
 * of its own, so that who uses what is not known here.
 */
export function inUse(server: Server): ReadonlySet<Node> | undefined {
  const { tables } = sharedOf(server);
  if (tables.size === 0) return undefined;
  const nodes = new Set<Node>();
  for (const fids of tables) {
    for (const f of fids.values()) {
      for (let p = f.place; p && !nodes.has(p.node); p = p.parent) nodes.add(p.node);
    }
  }
  return nodes;
}

const all = new WeakMap<Server, Shared>();

export function sharedOf(server: Server): Shared {
  let s = all.get(server);
  if (!s) all.set(server, (s = new Shared()));
  return s;
}
