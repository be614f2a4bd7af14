/**
 * ram against a model: random operations, each compared with what a file system of a hundred lines
 * says; afterwards everything is removed and the memory must be all back. SEED=... replays a run.
 */
import { expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { ram } from "../../servers/ram.ts";
import { Nine, nameOf, parentOf, pattern } from "../support/nine.ts";
import { chance, seed } from "../support/random.ts";

interface File { kind: "file"; data: Uint8Array; nlink: number }
interface Link { kind: "link"; target: string; nlink: number }
interface Folder { kind: "dir"; entries: Map<string, Item>; parent: Folder | undefined }
type Item = File | Link | Folder;

class Fail extends Error {
  readonly errno: number;
  constructor(n: number) {
    super(`errno ${n}`);
    this.errno = n;
  }
}

/** The model: paths are walked from the root, symbolic links are not followed. */
class Model {
  readonly root: Folder = { kind: "dir", entries: new Map(), parent: undefined };

  find(path: string): Item {
    let at: Item = this.root;
    for (const name of path.split("/").filter((s) => s !== "")) {
      // A walk that ends early does not say why.
      const next: Item | undefined = at.kind === "dir" ? at.entries.get(name) : undefined;
      if (!next) throw new Fail(errno.ENOENT);
      at = next;
    }
    return at;
  }

  folder(path: string, d: Item = this.find(parentOf(path))): Folder {
    if (d.kind !== "dir") throw new Fail(errno.ENOTDIR);
    return d;
  }

  vacant(path: string): Folder {
    const d = this.folder(path);
    if (d.entries.has(nameOf(path))) throw new Fail(errno.EEXIST);
    return d;
  }

  file(path: string): File {
    const f = this.find(path);
    if (f.kind === "dir") throw new Fail(errno.EISDIR);
    if (f.kind === "link") throw new Fail(errno.ELOOP);
    return f;
  }

  add(path: string, item: Item): void {
    const d = this.vacant(path);
    d.entries.set(nameOf(path), item);
    if (item.kind === "dir") item.parent = d;
    else item.nlink++;
  }

  remove(path: string): void {
    const item = this.find(path);
    if (item.kind === "dir" && item.entries.size > 0) throw new Fail(errno.ENOTEMPTY);
    this.folder(path).entries.delete(nameOf(path));
    if (item.kind === "dir") item.parent = undefined;
    else item.nlink--;
  }

  link(from: string, to: string): void {
    const item = this.find(from);
    const d = this.folder(to);
    if (item.kind === "dir") throw new Fail(errno.EPERM);
    if (d.entries.has(nameOf(to))) throw new Fail(errno.EEXIST);
    this.add(to, item);
  }

  rename(from: string, to: string): void {
    const parents = [this.find(parentOf(from)), this.find(parentOf(to))];
    const olddir = this.folder(from, parents[0]);
    const item = this.find(from);
    const newdir = this.folder(to, parents[1]);
    for (let d: Folder | undefined = newdir; d; d = d.parent) if (d === item) throw new Fail(errno.EINVAL);
    const there = newdir.entries.get(nameOf(to));
    if (there === item) return;
    if (there?.kind === "dir") {
      if (item.kind !== "dir") throw new Fail(errno.EISDIR);
      if (there.entries.size > 0) throw new Fail(errno.ENOTEMPTY);
      there.parent = undefined;
    } else if (there) {
      if (item.kind === "dir") throw new Fail(errno.ENOTDIR);
      there.nlink--;
    }
    olddir.entries.delete(nameOf(from));
    newdir.entries.set(nameOf(to), item);
    if (item.kind === "dir") item.parent = newdir;
  }
}

function resize(f: File, length: number): void {
  const data = new Uint8Array(length);
  data.set(f.data.subarray(0, length));
  f.data = data;
}

function put(f: File, at: number, data: Uint8Array): void {
  if (data.length === 0) return;
  if (at + data.length > f.data.length) resize(f, at + data.length);
  f.data.set(data, at);
}

/** What `f` gives, or the number of its error. */
async function outcome<T>(f: () => T | Promise<T>): Promise<{ value?: T; errno?: number }> {
  try {
    return { value: await f() };
  } catch (e) {
    if (e instanceof Fail || e instanceof p.NineError) return { errno: e.errno };
    throw e;
  }
}

const NAMES = ["a", "b", "c"];
/** Where pages begin and end. */
const EDGES = [0, 1, 100, 127, 128, 129, 4096, 65_535, 65_536, 65_537, 131_072, 200_000];

async function compare(n: Nine, path: string, item: Item, seen: Map<Item, string>): Promise<void> {
  const a = await n.getattr(path);
  const id = `${a.qid.pathhi}.${a.qid.pathlo}`;
  expect(seen.get(item) ?? id, path).toBe(id);
  seen.set(item, id);
  if (item.kind === "dir") {
    const names = await n.names(path);
    expect(names, path).toEqual([...item.entries.keys()].toSorted());
    expect(a.nlink, path).toBe(2 + [...item.entries.values()].filter((x) => x.kind === "dir").length);
    for (const [name, child] of item.entries) await compare(n, `${path}/${name}`, child, seen);
    return;
  }
  expect(a.nlink, path).toBe(item.nlink);
  if (item.kind === "link") {
    expect((await n.at(path, (fid) => n.rpc({ type: p.Treadlink, fid }))).target).toBe(item.target);
    return;
  }
  expect(a.size, path).toBe(item.data.length);
  const fid = await n.open(path);
  expect(Buffer.from(await n.readAll(fid)).equals(Buffer.from(item.data)), path).toBe(true);
  await n.clunk(fid);
}

async function run(start: number, steps: number): Promise<void> {
  const pick = chance(start);
  const one = <T>(of: readonly T[]): T => of[pick(of.length)] ?? expect.fail("nothing to choose from");
  const path = (): string => Array.from({ length: 1 + pick(3) }, () => one(NAMES)).join("/");
  const n = await Nine.attach(open(ram({ now: () => 0 })), { uname: "alice" });
  const free = async (): Promise<number> => (await n.rpc({ type: p.Tstatfs, fid: n.root })).ffree;
  const before = await free();
  const m = new Model();
  const opens: { fid: number; file: File }[] = [];
  const place = (): number => Math.max(0, one(EDGES) + pick(7) - 3);

  const operations: (() => [string, () => unknown, () => Promise<unknown>])[] = [
    () => {
      const at = path();
      const data = pattern(pick(300), pick(1e6));
      return [`create ${at} ${data.length}`, () => m.add(at, { kind: "file", data, nlink: 0 }), () => n.put(at, data)];
    },
    () => {
      const at = path();
      return [`mkdir ${at}`, () => m.add(at, { kind: "dir", entries: new Map(), parent: undefined }), () => n.mkdir(at)];
    },
    () => {
      const [at, target] = [path(), path()];
      return [`symlink ${at}`, () => m.add(at, { kind: "link", target, nlink: 0 }), () => n.symlink(target, at)];
    },
    () => {
      const [from, to] = [path(), path()];
      return [`link ${from} ${to}`, () => m.link(from, to), () => n.link(from, to)];
    },
    () => {
      const [from, to] = [path(), path()];
      return [`rename ${from} ${to}`, () => m.rename(from, to), () => n.rename(from, to)];
    },
    () => {
      const at = path();
      return [`remove ${at}`, () => m.remove(at), () => n.remove(at)];
    },
    () => {
      const at = path();
      return [`open ${at}`, () => m.file(at), async () => {
        const fid = await n.lopen(at, p.L_O_RDWR);
        opens.push({ fid, file: m.file(at) });
      }];
    },
    () => {
      const at = path();
      return [`truncate on open ${at}`, () => resize(m.file(at), 0), async () => n.clunk(await n.lopen(at, p.L_O_WRONLY | p.L_O_TRUNC))];
    },
    () => {
      const h = opens[pick(opens.length)];
      const data = pattern(one([0, 1, 50, 5000, 70_000]), pick(1e6));
      const at = place();
      return [`write ${at} ${data.length}`, () => h && put(h.file, at, data), async () => h && n.write(h.fid, at, data)];
    },
    () => {
      const h = opens[pick(opens.length)];
      const length = place();
      return [`resize ${length}`, () => h && resize(h.file, length), async () => h && n.fsetattr(h.fid, p.SETATTR_SIZE, { size: length })];
    },
    () => {
      const h = opens[pick(opens.length)];
      const [at, count] = [place(), one([1, 100, 66_000, 150_000])];
      return [`read ${at} ${count}`, () => h && Buffer.from(h.file.data.subarray(at, at + count)).toString("hex"),
        async () => h && Buffer.from(await n.read(h.fid, at, count)).toString("hex")];
    },
    () => {
      const i = pick(opens.length);
      const h = opens.length > 4 || pick(3) === 0 ? opens[i] : undefined;
      return [`close`, () => undefined, async () => {
        if (!h) return;
        opens.splice(i, 1);
        await n.clunk(h.fid);
      }];
    },
  ];

  for (let step = 0; step < steps; step++) {
    const [what, wanted, done] = one(operations)();
    const where = `SEED=${start} step ${step}: ${what}`;
    // The model goes second where it fails, so that both see the same state.
    const real = await outcome(done);
    const model = await outcome(wanted);
    expect(real.errno, where).toBe(model.errno);
    if (what.startsWith("read ")) expect(real.value === model.value, where).toBe(true);
    if (step % 100 === 99) await compare(n, "", m.root, new Map());
  }
  await compare(n, "", m.root, new Map());
  for (const h of opens) await n.clunk(h.fid);
  const empty = async (dir: string): Promise<void> => {
    for (const d of await n.list(dir)) {
      const at = dir === "" ? d.name : `${dir}/${d.name}`;
      if (d.mode & p.DMDIR) await empty(at);
      await n.remove(at);
    }
  };
  await empty("");
  expect(await free(), `SEED=${start}: memory is lost`).toBe(before);
  expect((await n.rpc({ type: p.Tstatfs, fid: n.root })).bfree).toBeGreaterThan(0);
}

it("does what the model does", async () => {
  for (let i = 0; i < 6; i++) await run(seed() + i, 1000);
});
