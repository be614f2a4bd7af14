/** Directory reads that a server breaks off: no entry is lost or given twice, whatever the reader does next. */
import { describe, expect, it } from "vitest";
import { type Cookie, type DirNode, type FileNode, Eintr, errno, NineError, NOFID, NOU32, open, type Portal, Rerror, type Rmsg, Rread, Rreaddir, Tattach, Tread, Treaddir, type Tmsg, Topen, type Node } from "../../proto/index.ts";
import { unpackDirents, unpackDirs } from "../../proto/dir.ts";
import { cookieOf, Trail, TRAIL } from "../../proto/srv/trail.ts";
import { settle } from "../support/peer.ts";
import { chance, seed } from "../support/random.ts";

const file: FileNode = { open: () => ({}) };

async function reading(list: DirNode["list"], walk: DirNode["walk"] = () => file, version?: () => number | undefined): Promise<Portal> {
  const p = open({ name: "t", attach: (): Node => ({ walk, list, ...(version && { version }) }) }, { dialect: "9P2000" });
  await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  await p.call({ type: Topen, fid: 0, mode: 0 });
  return p;
}

const read = (offset: number, count = 4096): Tmsg => ({ type: Tread, fid: 0, offset, count });

function names(r: Rmsg): string[] {
  if (r.type === Rread) return unpackDirs(r.data, "9P2000").map((d) => d.name);
  if (r.type === Rreaddir) return unpackDirents(r.data).map((d) => d.name);
  return [r.type === Rerror ? r.ename : String(r.type)];
}

/** Names f0 to f4; at the third, what `fails` throws, if anything. */
function five(fails: () => void): DirNode["list"] {
  return function* () {
    for (let i = 0; i < 5; i++) {
      if (i === 2) fails();
      yield [`f${i}`, file] as const;
    }
  };
}

function later(list: DirNode["list"]): DirNode["list"] {
  return async function* (call) {
    for await (const e of await list(call)) {
      await Promise.resolve();
      yield e;
    }
  };
}

describe.each([["at once", (l: DirNode["list"]) => l], ["later", later]] as const)("a listing that fails %s", (_how, wrap) => {
  it("gives what came before, and its error with the next read", async () => {
    const p = await reading(wrap(five(() => {
      throw new NineError("i/o error");
    })));
    const r = await p.call(read(0));
    expect(names(r)).toEqual(["f0", "f1"]);
    const at = r.type === Rread ? r.data.length : 0;
    for (let i = 0; i < 2; i++) expect(names(await p.call(read(at)))).toEqual(["i/o error"]);
    const d = await p.call({ type: Treaddir, fid: 0, offset: 0, count: 4096 });
    expect(names(d)).toEqual([".", "..", "f0", "f1"]);
    const offset = d.type === Rreaddir ? (unpackDirents(d.data).at(-1)?.offset ?? 0) : 0;
    expect(names(await p.call({ type: Treaddir, fid: 0, offset, count: 4096 }))).toEqual(["i/o error"]);
  });

  it("goes on where it was when it fails no more", async () => {
    let once = true;
    const p = await reading(wrap(five(() => {
      if (once) {
        once = false;
        throw new NineError(Eintr);
      }
    })));
    const r = await p.call(read(0));
    expect(names(r)).toEqual(["f0", "f1"]);
    const rest = await p.call(read(r.type === Rread ? r.data.length : 0));
    expect(names(rest)).toEqual(["f2", "f3", "f4"]);
  });
});

it("a flushed read has an answer that agrees with where the reading is", async () => {
  let go: () => void = () => undefined;
  const p = await reading(async function* () {
    for (let i = 0; i < 4; i++) {
      await new Promise<void>((resolve) => (go = resolve));
      yield [`f${i}`, file] as const;
    }
  });
  const pass = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) {
      await settle();
      go();
    }
    await settle();
  };
  const first = p.call(read(0, 80));
  await pass(2);
  const r = await first;
  expect(names(r)).toEqual(["f0"]);
  const at = r.type === Rread ? r.data.length : 0;
  const t = read(at, 80);
  const flushed = p.call(t);
  p.flush(t);
  await pass(2);
  const r2 = await flushed;
  // Interrupted, the same read again gives the same; answered, the reader goes on behind it.
  const gone = r2.type === Rerror && r2.errno === errno.EINTR;
  const next = p.call(read(gone || r2.type !== Rread ? at : at + r2.data.length, 80));
  await pass(6);
  expect([...(gone ? [] : names(r2)), ...names(await next)].slice(0, 2)).toEqual(gone ? ["f1"] : ["f1", "f2"]);
});

describe.each([["no version", false], ["a version", true]])("cookies, whatever comes and goes, in a directory with %s", (_, versions) => {
  const START = seed();
  for (let round = 0; round < 40; round++) {
    it(`round ${round}`, async () => {
      const random = chance(START + round);
      /** In the order of the directory; those that are gone keep their place. */
      const order: { name: string; gone: boolean }[] = [];
      let names = 0;
      const add = (): void => void order.splice(random(order.length + 1), 0, { name: `n${names++}`, gone: false });
      const FIRST = 300;
      let version = 0;
      for (let i = 0; i < FIRST; i++) add();
      const portal = await reading(function* () {
        // As it is at each step; what comes into the part that was passed is not seen.
        for (let i = 0, e = order[0]; e; e = order[++i]) {
          if (e.gone) continue;
          yield [e.name] as const;
          i = order.indexOf(e);
        }
      }, (name) => (order.some((e) => e.name === name && !e.gone) ? file : undefined), versions ? () => (version % 7 === 3 ? undefined : version) : undefined);
      const ask = async (offset: Cookie, count: number): Promise<{ name: string; offset: Cookie }[]> => {
        const r = await portal.call({ type: Treaddir, fid: 0, offset, count });
        if (r.type !== Rreaddir) expect.fail(`SEED=${START}: ${r.type === Rerror ? r.ename : r.type}`);
        return unpackDirents(r.data).map((d) => ({ name: d.name, offset: d.offset }));
      };
      const given: { name: string; offset: Cookie }[] = [];
      let at: Cookie = 0;
      for (let step = 0; step < 120; step++) {
        for (let i = versions && random(3) > 0 ? 0 : random(8); i > 0; i--) {
          version++;
          const e = order[random(order.length)];
          if (random(2) === 0) add();
          else if (e) e.gone = true;
        }
        // Back to something given before, now and then.
        const back = random(3) === 0 ? given[random(given.length)] : undefined;
        if (back) at = back.offset;
        const some = await ask(at, 60 + random(400));
        given.push(...some);
        at = some.at(-1)?.offset ?? at;
        if (!back) continue;
        const rest = [...some];
        for (let more = await ask(at, 200 + random(2000)); more.length > 0; more = await ask(at, 200)) {
          rest.push(...more);
          at = more.at(-1)?.offset ?? at;
        }
        given.push(...rest);
        const place = order.findIndex((e) => e.name === back.name);
        const left = order.slice(back.name.startsWith(".") ? 0 : place + 1).filter((e) => !e.gone).map((e) => e.name);
        const got = rest.map((e) => e.name).filter((n) => !n.startsWith("."));
        const old = (n: string): boolean => Number(n.slice(1)) < FIRST;
        expect(got.filter(old), `SEED=${START}, step ${step}`).toEqual(left.filter(old));
        expect(new Set(got).size, `SEED=${START}, step ${step}`).toBe(got.length);
      }
    });
  }
});

describe("a directory that says its version", () => {
  it("is listed and walked once, by whoever reads it, until the version is another", async () => {
    let [lists, walks, version] = [0, 0, 1];
    const all = ["a", "bb", "ccc"];
    const server = { name: "t", attach: (): Node => dir };
    const dir: DirNode = {
      version: () => version,
      walk: () => (walks++, file),
      list: () => (lists++, all.map((n) => [n] as const).values()),
    };
    const readers = await Promise.all([1, 2].map(async () => {
      const p = open(server, { dialect: "9P2000.L" });
      await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
      await p.call({ type: Topen, fid: 0, mode: 0 });
      return async (offset: Cookie, count = 4096): Promise<[string[], Cookie]> => {
        const r = await p.call({ type: Treaddir, fid: 0, offset, count });
        return [names(r), (r.type === Rreaddir && unpackDirents(r.data).at(-1)?.offset) || offset];
      };
    }));
    const [one, two] = readers;
    if (!one || !two) expect.fail();
    const [whole, end] = await one(0);
    expect(whole).toEqual([".", "..", "a", "bb", "ccc"]);
    expect(await one(end)).toEqual([[], end]);
    expect([lists, walks]).toEqual([1, 3]);
    // In small pieces, which end between entries; a count that is too small is an error as ever.
    const got: string[] = [];
    for (let at: Cookie = 0; ; ) {
      const [some, next] = await two(at, 53);
      if (some.length === 0) break;
      expect(some.length).toBeLessThan(3);
      got.push(...some);
      at = next;
    }
    expect(got).toEqual(whole);
    expect((await two(0, 24))[0]).toEqual(["Invalid argument: count 24 is less than one directory entry"]);
    const [, dots] = await two(0, 51);
    expect((await two(dots, 24))[0]).toEqual(["Invalid argument: count 24 is less than one directory entry"]);
    expect([lists, walks]).toEqual([1, 3]);
    // Another version in the middle: on behind the entry, in the directory as it is now.
    const [, b] = await two(0, 53 + 26);
    all.splice(0, 2);
    all.push("dd");
    version++;
    expect((await two(b))[0]).toEqual(["ccc", "dd"]);
    expect((await one(0))[0]).toEqual([".", "..", "ccc", "dd"]);
  });
});

describe("a listing that is being kept", () => {
  it.each([[100], [900]])("is not spoilt by a Tread of %i bytes in between", async (count) => {
    const all = Array.from({ length: 20 }, (_, i) => `f${i}`);
    const dir: DirNode = { version: () => 1, walk: () => file, list: () => all.map((n) => [n] as const).values() };
    const server = { name: "t", attach: (): Node => dir };
    const one = async (): Promise<(t: Tmsg) => Promise<Rmsg>> => {
      const p = open(server, { dialect: "9P2000.L" });
      await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
      await p.call({ type: Topen, fid: 0, mode: 0 });
      return async (t) => p.call(t);
    };
    const foe = await one();
    const some = await foe({ type: Treaddir, fid: 0, offset: 0, count: 200 });
    const records = await foe({ type: Tread, fid: 0, offset: 0, count });
    const last = records.type === Rread ? unpackDirs(records.data, "9P2000.u").at(-1)?.name : undefined;
    expect(names(some).length).toBeGreaterThan(2);
    for (const name of [last, names(some).at(-1)]) {
      const e = (await foe({ type: Treaddir, fid: 0, offset: 0, count: 4096 }).then((r) => (r.type === Rreaddir ? unpackDirents(r.data) : []))).find((d) => d.name === name);
      await foe({ type: Tread, fid: 0, offset: 0, count });
      if (e) await foe({ type: Treaddir, fid: 0, offset: e.offset, count: 4096 });
    }
    const other = await one();
    expect(names(await other({ type: Treaddir, fid: 0, offset: 0, count: 4096 }))).toEqual([".", "..", ...all]);
  });

  it("nor by one that goes on from a Tread's place", async () => {
    const all = Array.from({ length: 20 }, (_, i) => `f${i}`);
    const dir: DirNode = { version: () => 1, walk: () => file, list: () => all.map((n) => [n] as const).values() };
    const server = { name: "t", attach: (): Node => dir };
    const p = open(server, { dialect: "9P2000.L" });
    await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
    await p.call({ type: Topen, fid: 0, mode: 0 });
    const first = await p.call({ type: Treaddir, fid: 0, offset: 0, count: 200 });
    const at = first.type === Rreaddir ? (unpackDirents(first.data).at(-1)?.offset ?? 0) : 0;
    const records = await p.call({ type: Tread, fid: 0, offset: 0, count: 300 });
    const behind = records.type === Rread ? cookieOf(unpackDirs(records.data, "9P2000.u").at(-1)?.name ?? "") : 0;
    await p.call({ type: Treaddir, fid: 0, offset: behind, count: 4096 });
    await p.call({ type: Treaddir, fid: 0, offset: at, count: 4096 });
    const q = open(server, { dialect: "9P2000.L" });
    await q.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
    await q.call({ type: Topen, fid: 0, mode: 0 });
    expect(names(await q.call({ type: Treaddir, fid: 0, offset: 0, count: 4096 }))).toEqual([".", "..", ...all]);
  });
});

describe("a reader's trail", () => {
  it("knows the last entries given, also to a reader who went back", () => {
    const t = new Trail();
    for (let i = 0; i < 2 * TRAIL - 1; i++) t.add(1000 + i);
    t.goto(1010);
    t.add(5);
    expect(t.before(5)?.has(1010)).toBe(true);
    for (let i = 0; i < 3 * TRAIL; i++) t.add(100_000 + i);
    const last = 100_000 + 3 * TRAIL - 1;
    expect(t.before(last)?.size).toBeGreaterThanOrEqual(TRAIL - 1);
    expect(t.before(last)?.has(last - 1)).toBe(true);
  });
});
