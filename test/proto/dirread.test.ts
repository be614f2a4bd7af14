/** Directory reads that a server breaks off: no entry is lost or given twice, whatever the reader does next. */
import { describe, expect, it } from "vitest";
import { type DirNode, type FileNode, Eintr, errno, NineError, NOFID, NOU32, open, type Portal, Rerror, type Rmsg, Rread, Rreaddir, Tattach, Tread, Treaddir, type Tmsg, Topen, type Node } from "../../proto/index.ts";
import { unpackDirents, unpackDirs } from "../../proto/dir.ts";
import { settle } from "../support/peer.ts";

const file: FileNode = { open: () => ({}) };

async function reading(list: DirNode["list"]): Promise<Portal> {
  const p = open({ name: "t", attach: (): Node => ({ walk: () => file, list }) }, { dialect: "9P2000" });
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
