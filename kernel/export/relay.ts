/**
 * Relay: a tree that a Client reaches, as a Server: for what stands behind a wire that keeps no order
 * or speaks another dialect, and for those who want another dialect of an export. A Node is a fid of
 * the Client's (relaynode.ts). Invariant: fids of Nodes that no session has any more are given back,
 * by and by while others are in use, and all when none is; a Node whose fid was given back walks anew.
 */
import {
  after, type Awaitable, type Call, Client, type Dialect, elements, Enonexist, type Host, inUse, NineError, type Node, open, type Portal, type Qid, type Server,
} from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { nodeOf, RelayDir, type RelayNode } from "./relaynode.ts";

/** Fids, above those in use, that are kept until somebody looks which can be given back. */
const SPARE = 64;

/** What a Relay is told of the world. */
export type RelayDeps = Pick<Host, "now">;

export class Relay implements Server {
  readonly name: string;
  readonly client: Client;
  readonly deps: RelayDeps;
  private readonly root: (r: Relay, aname: string, call: Call) => Awaitable<Node>;
  private readonly held = new Set<RelayNode>();
  private enough = SPARE;
  /** Nobody is attached. */
  resting = false;

  constructor(client: Client, name: string, deps: RelayDeps, root: (r: Relay, aname: string, call: Call) => Awaitable<Node>) {
    this.client = client;
    this.name = name;
    this.deps = deps;
    this.root = root;
  }

  attach(call: Call, aname: string): Awaitable<Node> {
    this.resting = false;
    return this.root(this, aname, call);
  }

  /** The root of a tree, at a fid that is not the Relay's. */
  begin(fid: number, qid: Qid): Node {
    return nodeOf(this, undefined, "", qid, fid);
  }

  /** The Node has a fid of its own now. */
  hold(n: RelayNode): void {
    this.held.add(n);
    if (this.held.size <= this.enough) return;
    const used: ReadonlySet<unknown> = inUse(this) ?? new Set();
    for (const x of this.held) if (x !== n && !used.has(x)) x.forget();
    this.enough = 2 * this.held.size + SPARE;
  }

  /** It has none any more. */
  release(n: RelayNode): void {
    this.held.delete(n);
  }

  /** Nobody uses any of it: all fids go back. */
  rest(): void {
    this.resting = true;
    for (const n of this.held) n.forget();
  }
}

/** The relay of a Mnt's client; `roots` are the Chans that may be attached to, by aname. */
export function relay(client: Client, name: string, deps: RelayDeps, roots: ReadonlyMap<string, Chan>): Relay {
  return new Relay(client, name, deps, (r, aname) => {
    const c = roots.get(aname);
    if (!c) throw new NineError(Enonexist);
    return r.begin(c.fid, c.qid);
  });
}

/** An export in another dialect; when that is hung up on, so is it. */
export function relayed(portal: Portal, dialect: Dialect, deps: RelayDeps): Portal {
  const client = new Client(portal);
  const trees = new Map<string, Awaitable<Node>>();
  const server = new Relay(client, "export", deps, (r, aname, call) => {
    // One fid for all who attach: directories of the root are names in it.
    const name = aname.startsWith("/") ? "" : aname;
    const tree = trees.get(name) ?? after(client.attach("", name), ({ fid, qid }) => r.begin(fid, qid));
    trees.set(name, tree);
    if (tree instanceof Promise) tree.catch(() => trees.delete(name));
    return aname === name ? tree : after(tree, (node) => below(node, aname, call));
  });
  const outer = open(server, { dialect, msize: portal.msize });
  return {
    dialect, msize: outer.msize, ordered: outer.ordered,
    get lingering() {
      return outer.lingering ?? 0;
    },
    get lingeringBytes() {
      return outer.lingeringBytes ?? 0;
    },
    call: (t) => outer.call(t),
    flush: (t) => outer.flush(t),
    hangup() {
      outer.hangup();
      portal.hangup();
    },
  };
}

async function below(root: Node, path: string, call: Call): Promise<Node> {
  let node = root;
  for (const name of elements(path)) {
    const next = node instanceof RelayDir ? await node.walk(name, call) : undefined;
    if (!next) throw new NineError(Enonexist);
    node = next;
  }
  return node;
}
