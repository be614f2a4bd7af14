/**
 * Simops: what simulated processes can do: calls on files that everybody shares, changes of the name
 * space and of the process, children, notes, pipelines, and files of one's own, of which a model says
 * what is in them. Ops are data, so that a run can be printed, and made again without some of them
 * (simplans.ts says who does which). Invariant: each op succeeds, or fails with a sentence that somebody may get; a file of
 * one's own is as the model says unless something that was done to it failed.
 */
import { MCREATE, MREPL, type SpawnOptions, type Sys } from "../../kernel/index.ts";
import * as p from "../../proto/index.ts";
import { NineError, ORDWR, type Portal } from "../../proto/index.ts";

export type Op = readonly [kind: string, ...args: (number | string | readonly Op[])[]];

/** What a process may be told. Not among them: what only a client that breaks the protocol hears. */
const SENTENCES: ReadonlySet<string> = new Set([
  ...[
    p.Enonexist, p.Eexist, p.Eperm, p.Enotdir, p.Eisdir, p.Enotempty, p.Ebadarg, p.Ebadfd, p.Ebadusefd, p.Einuse, p.Eio, p.Ehungup, p.Eintr, p.Ebadoffset,
    p.Eloop, p.Exdev, p.Enotsup, p.Einval, p.Epipe, p.Enocreate, p.Emount, p.Enotmounted, p.Enotunion, p.Enochild, p.Enoexec, p.Ebadwstat, p.Ewstat,
    p.Enoanswer, p.Ebadname, p.Eremoved,
  ],
  "process not found", "process exited", "is a mount point", "Operation not permitted", "wstat can't convert between files and directories",
]);

/** The sentence, with what it is about in front of it, or with more behind it. */
const knows = (message: string): boolean => message.split(": ").some((part) => SENTENCES.has(part));

/** What is posted need not speak 9P. */
const NO9P = /unknown message type|protocol botch|speaks no version/;

/** After which it is not known how far things went: an error of the wire, a note, an fd that somebody closes through /proc. */
const TROUBLE: ReadonlySet<string> = new Set([p.Eio, p.Ehungup, p.Eintr, p.Ebadfd]);

/** What all processes of a run have in common. */
export interface Common {
  readonly say: (line: string) => void;
  /** A server behind a wire of its own, with the troubles of the run. */
  readonly wire: () => Promise<Portal>;
  /** The portal behind a wire with the troubles of the run. */
  readonly link: (portal: Portal) => Promise<Portal>;
  /** Serves files on a transport until it closes. */
  readonly serve: (t: p.Transport) => void;
  readonly pids: number[];
  /** What each process is in the middle of. */
  readonly doing: Map<number, string>;
  /** What may wait for ever does so for that long. */
  readonly longMs: number;
}

/** A process that does ops. */
export class Actor {
  readonly sys: Sys;
  readonly all: Common;
  readonly fds: number[];
  /** Directories of its own; its children have none. */
  readonly own: readonly string[];
  /** Content of the files in them; undefined: there is none; null: not known. */
  private readonly model = new Map<string, string | undefined | null>();

  constructor(sys: Sys, all: Common, fds: number[], own: readonly string[]) {
    this.sys = sys;
    this.all = all;
    this.fds = fds;
    this.own = own;
    all.pids.push(sys.pid);
    sys.notify((note) => note !== "hangup");
  }

  async do(ops: readonly Op[]): Promise<void> {
    for (const op of ops) await this.one(op);
  }

  private async one(op: Op): Promise<void> {
    const [kind, ...args] = op;
    const f = KINDS[kind] as ((a: Actor, ...args: readonly unknown[]) => unknown) | undefined;
    if (!f) throw new Error(`no op ${kind}`);
    // What cannot wait for ever and does is seen by its being left when nobody can go on.
    const waits = WAITS.has(kind);
    if (waits) this.sys.alarm(this.all.longMs);
    const said = `${kind} ${args.map((a) => (typeof a === "object" ? "..." : a)).join(" ")}`;
    this.all.doing.set(this.sys.pid, said);
    let what: string;
    try {
      what = shown(await f(this, ...args));
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
      what = `! ${e.message}`;
      if (!knows(e.message) && !(kind === "mountName" && NO9P.test(e.message))) throw new Error(`${kind}: ${e.message}`, { cause: e });
    }
    if (waits) this.sys.alarm(0);
    this.all.doing.delete(this.sys.pid);
    this.all.say(`${this.sys.pid} ${said} -> ${what}`);
  }

  fd(i: number): number {
    const fd = this.fds[i % Math.max(1, this.fds.length)];
    if (fd === undefined) throw new NineError(p.Ebadfd);
    return fd;
  }

  /** Somebody, the youngest first. */
  pid(i: number): number {
    return this.all.pids.at(-1 - (i % this.all.pids.length)) ?? 0;
  }

  take(fd: number): number {
    this.fds.push(fd);
    return fd;
  }

  path(i: number, name: string): string {
    return `${this.own[i % this.own.length] ?? "/tmp/nobody's"}/${name}`;
  }

  /** Something is done to a file of one's own: afterwards it is as `then` says, or unknown if that failed by trouble. */
  async mine<T>(path: string, then: string | undefined, f: () => Promise<T>): Promise<T | string> {
    const was = this.known(path);
    this.model.set(path, null);
    try {
      const r = await f();
      this.model.set(path, then);
      return r;
    } catch (e) {
      if (e instanceof NineError && e.message === p.Enonexist && was === undefined) {
        this.model.set(path, undefined);
        return "not there";
      }
      return this.excused(path, was, e);
    }
  }

  /** The file is read: it says what the model says. */
  async check(path: string): Promise<string> {
    const was = this.known(path);
    let got: string | undefined;
    try {
      const fd = await this.sys.openRead(path);
      try {
        got = "";
        for (let data = await this.sys.read(fd); data.length > 0; data = await this.sys.read(fd)) got += text(data);
      } finally {
        await this.sys.close(fd);
      }
    } catch (e) {
      if (e instanceof NineError && e.message === p.Enonexist && was === undefined) return "not there";
      return this.excused(path, was, e);
    }
    if (was !== null && got !== was) throw new Error(`${path} says ${JSON.stringify(got)} instead of ${JSON.stringify(was)}`);
    return got;
  }

  private known(path: string): string | undefined | null {
    return this.model.get(path);
  }

  private excused(path: string, was: string | undefined | null, e: unknown): string {
    if (!(e instanceof NineError)) throw e;
    // Once it is not known what is there, it may also be that nothing is.
    if (!TROUBLE.has(e.message.split(":")[0] ?? "") && !(was === null && e.message === p.Enonexist)) {
      throw new Error(`${path}, which is ${JSON.stringify(was)}: ${e.message}`, { cause: e });
    }
    return `! ${e.message}`;
  }
}

const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);

function shown(v: unknown): string {
  if (v instanceof Uint8Array) return JSON.stringify(text(v.subarray(0, 40)));
  if (Array.isArray(v)) return v.map((x: { name?: string }) => x.name ?? shown(x)).join(" ");
  if (typeof v === "object" && v !== null) return (v as { name?: string }).name ?? "";
  return typeof v === "string" ? v : typeof v === "number" ? String(v) : "";
}

/** May wait until somebody does something, or for ever. */
const WAITS: ReadonlySet<string> = new Set(["read", "write", "wait", "rendezvous", "seek", "fork", "pipeline", "rc", "dirread", "close", "mountName", "server"]);

/** Each kind's arguments are those that someOp gives it. */
const KINDS: Readonly<Record<string, (a: Actor, ...args: never[]) => unknown>> = {
  open: async (a: Actor, path: string, mode: number) => a.take(await a.sys.open(path, mode)),
  openRead: async (a: Actor, path: string) => a.take(await a.sys.openRead(path)),
  create: async (a: Actor, path: string, mode: number, perm: number) => a.take(await a.sys.create(path, mode, perm)),
  close(a: Actor, i: number) {
    const fd = a.fd(i);
    a.fds.splice(a.fds.indexOf(fd), 1);
    return a.sys.close(fd);
  },
  read: (a: Actor, i: number, n: number) => a.sys.read(a.fd(i), n),
  write: (a: Actor, i: number, s: string) => a.sys.write(a.fd(i), bytes(s)),
  seek: (a: Actor, i: number, to: number) => a.sys.seek(a.fd(i), to, 0),
  dup: async (a: Actor, i: number) => a.take(await a.sys.dup(a.fd(i))),
  fstat: (a: Actor, i: number) => a.sys.fstat(a.fd(i)),
  dirread: (a: Actor, i: number) => a.sys.dirread(a.fd(i)),
  async pipe(a: Actor) {
    for (const fd of await a.sys.pipe()) a.take(fd);
  },
  stat: (a: Actor, path: string) => a.sys.stat(path),
  readDir: (a: Actor, path: string) => a.sys.readDir(path),
  writeFile: (a: Actor, path: string, s: string) => a.sys.writeFile(path, bytes(s)),
  mkdir: (a: Actor, path: string) => a.sys.mkdir(path, 0o777),
  remove: (a: Actor, path: string) => a.sys.remove(path),
  rename: (a: Actor, from: string, to: string) => a.sys.rename(from, to),
  symlink: (a: Actor, target: string, path: string) => a.sys.symlink(target, path),
  link: (a: Actor, from: string, to: string) => a.sys.link(from, to),
  readlink: (a: Actor, path: string) => a.sys.readlink(path),
  chmod: (a: Actor, path: string, mode: number) => a.sys.wstat(path, { mode }),
  chdir: (a: Actor, path: string) => a.sys.chdir(path),
  bind: (a: Actor, from: string, to: string, flag: number) => a.sys.bind(from, to, flag),
  mount: async (a: Actor, to: string, flag: number) => a.sys.mount(await a.all.wire(), to, flag, ""),
  unmount: (a: Actor, to: string, name: string) => a.sys.unmount(name === "" ? undefined : name, to),
  rfork(a: Actor, what: string) {
    a.sys.rfork({ [what]: what === "noteGroup" || what === "rend" ? "new" : "copy" });
  },
  env(a: Actor, name: string, value: string) {
    const was = a.sys.getenv(name);
    a.sys.setenv(name, value === "" ? undefined : [value, value]);
    return was?.join(" ");
  },
  sleep: (a: Actor, ms: number) => a.sys.sleep(ms),
  /** Others are in the middle of what they do. */
  async hop(_a: Actor, n: number) {
    for (let i = 0; i < n; i++) await Promise.resolve();
  },
  rendezvous: (a: Actor, tag: string) => a.sys.rendezvous(tag, a.sys.pid),
  wait: async (a: Actor) => (await a.sys.wait()).status,
  note(a: Actor, i: number, note: string) {
    a.sys.postNote(a.pid(i), note);
  },
  async fork(a: Actor, how: string, ops: readonly Op[]) {
    const own = how.includes("share fds") ? a.fds : [...a.fds];
    const options: Pick<SpawnOptions, "fds" | "ns" | "env" | "noteGroup" | "rend" | "nowait"> = {
      fds: how.includes("share fds") ? "share" : "copy", ns: how.includes("copy ns") ? "copy" : "share", env: "share",
      ...(how.includes("notes") && { noteGroup: "new" as const }), ...(how.includes("nowait") && { nowait: true }),
    };
    const pid = await a.sys.spawn({ argv: ["child"], ...options, main: (sys) => new Actor(sys, a.all, own, []).do(ops) });
    if (how.includes("and wait")) return (await a.sys.wait(pid)).status;
    return pid;
  },
  /** Serves files to whoever mounts the other end of a pipe, for a while. */
  async server(a: Actor, to: string, ms: number) {
    const [here, there] = await a.sys.pipe();
    try {
      await a.sys.spawn({
        argv: ["server"], fds: new Map([[0, there]]), nowait: true, noteGroup: "new", main: async (sys) => {
          a.all.pids.push(sys.pid);
          a.all.serve(sys.transport(0));
          await sys.close(0);
          await sys.sleep(ms);
        },
      });
      await a.sys.close(there);
      await a.sys.mount(here, to, MREPL | MCREATE, "");
    } finally {
      await a.sys.close(here).catch(() => undefined);
    }
  },
  /** The name space as it is here, somewhere in it. */
  async export(a: Actor, root: string, to: string, far: number) {
    const portal = a.sys.export(root);
    return a.sys.mount(far ? await a.all.link(portal) : portal, to, MREPL | MCREATE, "");
  },
  /** A file that one has open, for everybody; or somebody's server. */
  async post(a: Actor, name: string, i: number) {
    if (a.fds.length > 0) return a.sys.post(name, a.fd(i));
    return a.sys.post(name, () => a.all.wire());
  },
  /** What /proc says of somebody. */
  async proc(a: Actor, i: number, file: string) {
    const fd = await a.sys.openRead(`/proc/${a.pid(i)}/${file}`);
    const said = await a.sys.read(fd).finally(() => a.sys.close(fd));
    return file === "fd" || file === "ns" ? text(said).split("\n").length : said;
  },
  /** What is done to somebody by /proc. */
  ctl: (a: Actor, i: number, file: string, what: string) => a.sys.writeFile(`/proc/${a.pid(i)}/${file}`, bytes(what)),
  mountName: (a: Actor, name: string, to: string) => a.sys.mount(name, to, MREPL | MCREATE, ""),
  /** What one child writes comes to the other as it was, whatever way and in whatever pieces. */
  async pipeline(a: Actor, lines: number, piece: number) {
    const [r, w] = await a.sys.pipe();
    const said = Array.from({ length: lines }, (_, i) => `line ${i}\n`);
    const quiet = { noteGroup: "new", ns: "share" } as const;
    const writer = await a.sys.spawn({
      argv: ["writer"], ...quiet, fds: new Map([[1, w]]), main: async (sys) => {
        for (const s of said) await sys.write(1, bytes(s));
      },
    });
    let got = "";
    const reader = await a.sys.spawn({
      argv: ["reader"], ...quiet, fds: new Map([[0, r]]), main: async (sys) => {
        for (let data = await sys.read(0, piece); data.length > 0; data = await sys.read(0, piece)) got += text(data);
      },
    });
    await a.sys.close(r);
    await a.sys.close(w);
    const ended = [(await a.sys.wait(writer)).status, (await a.sys.wait(reader)).status];
    if (ended.join("") === "" && got !== said.join("")) throw new Error(`a pipeline gave ${JSON.stringify(got)}`);
    return got.length;
  },
  async rc(a: Actor, script: string) {
    const pid = await a.sys.spawn({ argv: ["rc", "-c", script], path: "/bin/rc", fds: new Map(), ns: "copy", noteGroup: "new", env: "copy" });
    return (await a.sys.wait(pid)).status;
  },
  put: (a: Actor, i: number, name: string, s: string) => a.mine(a.path(i, name), s, () => a.sys.writeFile(a.path(i, name), bytes(s))),
  /** As put, by several calls. */
  async rewrite(a: Actor, i: number, name: string, s: string) {
    return a.mine(a.path(i, name), s + s, async () => {
      const fd = await a.sys.create(a.path(i, name), ORDWR, 0o666);
      try {
        await a.sys.write(fd, bytes(s));
        await a.sys.write(fd, bytes(s));
      } finally {
        await a.sys.close(fd);
      }
    });
  },
  get: (a: Actor, i: number, name: string) => a.check(a.path(i, name)),
  drop: (a: Actor, i: number, name: string) => a.mine(a.path(i, name), undefined, () => a.sys.remove(a.path(i, name))),
};
