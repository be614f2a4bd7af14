/**
 * Target: a server to be attacked: a file server behind real listeners, TCP and WebSocket, with all
 * there is to look behind the wire: what is left of fids, locks, opens and calls, and whether
 * anything outside the exported directory was touched. `aname` "pipe" is a pipe of one's own.
 * Invariant: everything it made is gone after close().
 */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostFiles, listen, type Listener, type NodeHostFiles, subtree } from "../../clients/node/index.ts";
import { Watch, type WatchLimits } from "../../clients/node/watch.ts";
import {
  type Call, type DirNode, isDir, type Node, open, type Portal, QTDIR, type Qid, Rstatfs, type Server, Tattach, Tstatfs, type WireLimits, NOFID, NOU32,
} from "../../proto/index.ts";
import type { Session } from "../../proto/srv.ts";
import { sharedOf } from "../../proto/srv/shared.ts";
import { host, pipe, ram } from "../../servers/index.ts";

export type Kind = "host" | "slow host" | "ram";
export type Medium = "tcp" | "ws";

export interface TargetOptions {
  readonly msize?: number;
  readonly limits?: WireLimits;
  readonly watch?: WatchLimits & { readonly now?: () => number };
}

/** What is under way, or was left behind. */
export interface Left {
  readonly connections: number;
  readonly sessions: number;
  readonly fids: number;
  readonly calls: number;
  readonly locks: number;
  readonly exclusive: number;
  /** Opens of pipes; for host, of regular files too. */
  readonly opens: number;
  /** Descriptors on directories besides one each, which the server may keep for later. */
  readonly listings: number;
}

export const NOTHING: Left = { connections: 0, sessions: 0, fids: 0, calls: 0, locks: 0, exclusive: 0, opens: 0, listings: 0 };

/** In a file that no client may ever read. */
export const SECRET = "canary-7d1f0c5b9e";

const GOOD = "good";

export class Target {
  readonly kind: Kind;
  /** The exported directory; with `ram`, an empty one that nobody exports. */
  readonly dir: string;
  /** Beside the exported directory: links in the tree lead here. */
  readonly outside: string;
  readonly server: Server;
  readonly watch: Watch;
  /** What the server threw that is no error of 9P. */
  readonly bugs: unknown[] = [];
  /** Connections taken so far. */
  taken = 0;
  private connections = 0;
  private readonly top: string;
  private readonly files: NodeHostFiles | undefined;
  private readonly sessions = new Set<Session>();
  private readonly pipes = { opens: 0 };
  private readonly before: string;
  private readonly options: TargetOptions;
  private listeners: Readonly<Record<Medium, Listener>> | undefined;

  private constructor(kind: Kind, options: TargetOptions) {
    this.kind = kind;
    this.options = options;
    this.top = fs.mkdtempSync(join(tmpdir(), "nx-target-"));
    this.dir = join(this.top, "export");
    this.outside = join(this.top, "outside");
    fs.mkdirSync(this.dir);
    fs.chmodSync(this.dir, 0o777);
    fs.mkdirSync(join(this.outside, "secret.d"), { recursive: true });
    for (const name of ["secret", "a", "secret.d/secret"]) fs.writeFileSync(join(this.outside, name), `${SECRET} ${name}\n`);
    this.watch = new Watch(options.watch);
    let t = 0;
    // A clock by which each call takes long makes every file system a slow one.
    this.files = kind === "ram" ? undefined : hostFiles(this.dir, kind === "slow host" ? { now: () => (t += 50) } : {});
    const inner = this.files ? host(this.files, { writable: true, now: Date.now }) : ram({ now: Date.now, limit: 256 << 20 });
    this.server = withPipes(subtree(inner), this.pipes);
    this.before = this.state();
  }

  static async start(kind: Kind, options: TargetOptions = {}): Promise<Target> {
    const t = new Target(kind, options);
    const opening = (s: { dialect: "9P2000" | "9P2000.u" | "9P2000.L"; msize: number }): Portal => {
      const portal = open(t.server, { ...s, ...(t.files && { users: t.files.users }), bug: (e) => t.bugs.push(e) });
      t.sessions.add(portal as Session);
      return portal;
    };
    const log = (line: string): void => {
      const begins = line.endsWith(": connected");
      t.connections += begins ? 1 : -1;
      if (begins) t.taken++;
    };
    const at = { msize: options.msize ?? 65536, log, token: "none", watch: t.watch, ...(options.limits && { limits: options.limits }) };
    t.listeners = { tcp: await listen("tcp://127.0.0.1:0", opening, at), ws: await listen("ws://127.0.0.1:0", opening, at) };
    await t.furnish();
    return t;
  }

  address(m: Medium): string {
    return this.listeners?.[m].address ?? "";
  }

  get msize(): number {
    return this.options.msize ?? 65536;
  }

  /** Words that make sense here, for Fuzz. */
  get words(): { readonly anames: readonly string[]; readonly targets: readonly string[] } {
    return {
      anames: ["", "/", "/a", "/out", "/up", "/..", "..", "pipe", "nowhere", this.outside],
      targets: ["a", "..", "/", "../outside", "../outside/secret", this.outside, "/etc/passwd", "/proc/self/fd/0", "", "t".repeat(4096), "loop"],
    };
  }

  /** What is there in the tree before an attack: links that lead out of it, and the directory of a good client. */
  async furnish(): Promise<void> {
    const root = await this.root();
    const by = caller("root", 0);
    const missing = async (name: string): Promise<boolean> => (await root.walk(name, by)) === undefined;
    for (const [name, target] of [["out", this.outside], ["up", ".."], ["secret", "../outside/secret"], ["loop", "loop"]] as const) {
      if (await missing(name)) await root.symlink?.(name, target, by);
    }
    if (await missing(GOOD)) await root.create?.(GOOD, 0x800001ff, undefined, by);
    await root.setattr?.({ mode: 0x800001ff }, by);
  }

  /** Removes all that clients have made but the good client's directory, and furnishes anew. */
  async empty(): Promise<void> {
    await emptied(await this.root(), caller("root", 0), GOOD);
    await this.furnish();
  }

  left(): Left {
    for (const s of this.sessions) if (s.fids.size === 0 && calls(s) === 0) this.sessions.delete(s);
    const shared = sharedOf(this.server);
    let fids = 0;
    for (const table of shared.tables) fids += table.size;
    let under = 0;
    for (const s of this.sessions) under += calls(s);
    const locks = (shared.locks as unknown as { total: number }).total;
    const { files, listings } = this.descriptors();
    return { connections: this.connections, sessions: shared.tables.size, fids, calls: under, locks, exclusive: shared.exclusive.size, opens: this.pipes.opens + files, listings };
  }

  /** Bytes of memory that the files of `ram` take, by what it says is free. */
  async used(): Promise<number> {
    const p = open(this.server);
    await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "root", aname: "", n_uname: NOU32 });
    const r = await p.call({ type: Tstatfs, fid: 0 });
    p.hangup();
    return r.type === Rstatfs ? (r.blocks - r.bfree) * r.bsize : NaN;
  }

  /** What is wrong now that everybody has left: what is left of them, what broke, what was touched. */
  async wounds(): Promise<string[]> {
    const left = await this.quiet();
    const harm = this.harm();
    return [
      ...(JSON.stringify(left) === JSON.stringify(NOTHING) ? [] : [`left behind: ${JSON.stringify(left)}`]), ...this.bugs.map((e) => (e instanceof Error ? (e.stack ?? e.message) : String(e))),
      ...(harm === undefined ? [] : [harm]),
    ];
  }

  /** What has changed outside the exported directory, or undefined. */
  harm(): string | undefined {
    const now = this.state();
    return now === this.before ? undefined : `outside was:\n${this.before}is:\n${now}`;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.listeners ?? {}).map((l) => l.close()));
    this.files?.close();
    // Clients may have taken all permissions away.
    for (const d of this.files ? dirs(this.dir) : []) fs.chmodSync(d, 0o700);
    fs.rmSync(this.top, { recursive: true, force: true });
  }

  private async root(): Promise<DirNode> {
    const node = await this.server.attach(caller("root", 0), "");
    if (!isDir(node)) throw new Error("the root is no directory");
    return node;
  }

  /** What of the export this process has open: files, and directories beyond the first descriptor of each. */
  private descriptors(): { files: number; listings: number } {
    if (!this.files) return { files: 0, listings: 0 };
    let files = 0;
    let listings = 0;
    const seen = new Set<bigint>();
    for (const fd of fs.readdirSync("/proc/self/fd")) {
      try {
        if (!fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(this.dir)) continue;
        const st = fs.statSync(`/proc/self/fd/${fd}`, { bigint: true });
        if (!st.isDirectory()) files++;
        else if (seen.has(st.ino)) listings++;
        seen.add(st.ino);
      } catch {
        // The descriptor the list was read through.
      }
    }
    return { files, listings };
  }

  /** Settles when no more is left than this; after so many turns of the event loop with what is. */
  async quiet(want: Left = NOTHING, turns = 2000): Promise<Left> {
    let left = this.left();
    for (let i = 0; i < turns && JSON.stringify(left) !== JSON.stringify(want); i++) {
      await new Promise((resolve) => setTimeout(resolve, i < 100 ? 0 : 5));
      left = this.left();
    }
    return left;
  }

  /** All there is to know of what lies outside. */
  private state(): string {
    let out = `${fs.readdirSync(this.top).toSorted().join(" ")}\n`;
    const look = (path: string): void => {
      const st = fs.lstatSync(path, { bigint: true });
      out += `${path} ${st.ino} ${st.mode} ${st.uid} ${st.gid} ${st.nlink} ${st.size} ${st.mtimeNs} ${st.ctimeNs}\n`;
      if (st.isFile()) out += fs.readFileSync(path, "latin1");
      else if (st.isDirectory()) for (const name of fs.readdirSync(path).toSorted()) look(join(path, name));
    };
    look(this.outside);
    return out;
  }
}

/** Calls of a session that are not over, at the server or for the client. */
function calls(s: Session): number {
  return (s as unknown as { pending: Map<unknown, unknown> }).pending.size + s.lingering;
}

function caller(uname: string, uid: number): Call {
  return { uname, uid, signal: new AbortController().signal };
}

async function emptied(d: DirNode, by: Call, spare?: string): Promise<void> {
  const all: (readonly [string, Node])[] = [];
  for await (const [name] of await d.list(by)) {
    const node = name === spare ? undefined : await d.walk(name, by);
    if (node) all.push([name, node]);
  }
  for (const [name, node] of all) {
    if (isDir(node)) await emptied(node, by);
    await d.remove?.(name, node, by);
  }
}

function dirs(d: string): string[] {
  fs.chmodSync(d, 0o700);
  return [d, ...fs.readdirSync(d, { withFileTypes: true, encoding: "buffer" }).flatMap((e) => (e.isDirectory() ? dirs(join(d, e.name.toString())) : []))];
}

/** The server, with a pipe for everybody who attaches to "pipe"; its qids are none of the server's. */
function withPipes(server: Server, seen: { opens: number }): Server {
  const pipes = pipe();
  let numbers = 0;
  const numbered = (node: Node): Node => {
    const qid: Qid = { type: isDir(node) ? QTDIR : 0, vers: 0, pathlo: ++numbers, pathhi: 0x7ff00000 };
    if (isDir(node)) {
      const children = new Map([...(node.list(caller("", 0)) as Iterable<readonly [string, Node]>)].map(([name, child]) => [name, numbered(child)]));
      return { qid: () => qid, walk: (name) => children.get(name), list: () => children.entries() };
    }
    if (!("open" in node)) return node;
    return {
      ...node, qid: () => qid,
      async open(mode, call) {
        const f = await node.open(mode, call);
        seen.opens++;
        return { ...f, close: () => (seen.opens--, f.close?.()) };
      },
    };
  };
  return {
    name: server.name,
    attach: (call, aname) => (aname === "pipe" ? numbered(pipes.attach(call, "") as Node) : server.attach(call, aname)),
  };
}
