import { describe, expect, it } from "vitest";
import { dirEnd, packDir, packDirent, sizeofDir, sizeofDirent, unpackDir, unpackDirents, unpackDirs } from "../../proto/dir.ts";
import { NineError, errno } from "../../proto/errors.ts";
import { NOLENGTH, NOU32, untouched, type Dialect, type Dir } from "../../proto/fcall.ts";

const dir = (name: string): Dir => ({
  type: 1, dev: 2, qid: { type: 0, vers: 3, pathlo: 4, pathhi: 5 }, mode: 0o644, atime: 6, mtime: 7, length: 8, name,
  uid: "u", gid: "g", muid: "m", extension: "", n_uid: NOU32, n_gid: NOU32, n_muid: NOU32,
});

function records(dirs: readonly Dir[], d: Dialect): Uint8Array {
  const buf = new Uint8Array(dirs.reduce((n, x) => n + sizeofDir(x, d), 0));
  let at = 0;
  for (const x of dirs) at = packDir(x, d, buf, at);
  expect(at).toBe(buf.length);
  return buf;
}

describe("stat records", () => {
  it.each<Dialect>(["9P2000", "9P2000.u", "9P2000.L"])("stand one behind another in %s", (d) => {
    const dirs = ["a", "bb", "", "\udcff"].map(dir);
    const data = records(dirs, d);
    expect(unpackDirs(data, d)).toEqual(dirs);
    const ends: number[] = [];
    for (let at = 0; at < data.length; at = ends.at(-1)!) ends.push(dirEnd(data, at, data.length));
    for (let n = 0; n < data.length; n++) {
      if (n === 0 || ends.includes(n)) expect(unpackDirs(data.subarray(0, n), d)).toHaveLength(ends.indexOf(n) + 1);
      else expect(() => unpackDirs(data.subarray(0, n), d), `cut at ${n}`).toThrow(NineError);
    }
  });

  it("have 41 bytes besides their strings, and .u 12 more", () => {
    const bare = { ...dir(""), uid: "", gid: "", muid: "" };
    expect([sizeofDir(bare, "9P2000"), sizeofDir(bare, "9P2000.u"), sizeofDir(bare, "9P2000.L")]).toEqual([49, 63, 63]);
  });

  it("keep .u's fields in .u and .L, and lose them in 9P2000", () => {
    const d = { ...dir("x"), extension: "c 1 3", n_uid: 0, n_gid: 1, n_muid: 2 };
    expect(unpackDirs(records([d], "9P2000.u"), "9P2000.u")).toEqual([d]);
    expect(unpackDirs(records([d], "9P2000.L"), "9P2000.u")).toEqual([d]);
    expect(unpackDirs(records([d], "9P2000"), "9P2000")).toEqual([dir("x")]);
    expect(() => unpackDirs(records([d], "9P2000.u"), "9P2000")).toThrow("protocol botch: stat record longer than its fields");
    expect(() => unpackDirs(records([d], "9P2000"), "9P2000.u")).toThrow("protocol botch");
  });

  it("write don't touch as ones, in 64 bits too", () => {
    const data = records([untouched()], "9P2000");
    expect([...data.subarray(2, 41)]).toEqual(Array.from({ length: 39 }, () => 0xff));
    expect(unpackDirs(data, "9P2000")).toEqual([untouched()]);
    for (const length of [0, 2 ** 32, 2 ** 53 - 1, NOLENGTH]) {
      expect(unpackDirs(records([{ ...dir("l"), length }], "9P2000"), "9P2000")[0]?.length).toBe(length);
    }
    const long = records([dir("l")], "9P2000");
    long[40] = 0x80;
    expect(() => unpackDirs(long, "9P2000")).toThrow(expect.objectContaining({ errno: errno.EOVERFLOW }));
    for (const length of [-2, 2 ** 53, 0.5]) expect(() => records([{ ...dir("l"), length }], "9P2000")).toThrow(NineError);
  });

  it("are at most 65535 bytes", () => {
    const most = 65535 - sizeofDir(dir(""), "9P2000");
    expect(records([dir("x".repeat(most))], "9P2000")).toHaveLength(65535);
    expect(() => sizeofDir(dir("x".repeat(most + 1)), "9P2000")).toThrow(expect.objectContaining({ errno: errno.EMSGSIZE }));
  });

  it("are not read behind `end`", () => {
    const data = records([dir("a"), dir("b")], "9P2000");
    const half = data.length / 2;
    expect(unpackDir(data, half, data.length, "9P2000").name).toBe("b");
    expect(() => unpackDir(data, 0, half - 1, "9P2000")).toThrow(NineError);
    expect(() => unpackDir(data, half, data.length + 1, "9P2000")).toThrow(NineError);
    expect(() => unpackDir(data, data.length, data.length, "9P2000")).toThrow(NineError);
  });
});

describe("entries of Rreaddir", () => {
  const qid = { type: 0x80, vers: 1, pathlo: 2, pathhi: 3 };

  it("fill a buffer as far as whole ones fit", () => {
    const buf = new Uint8Array(100);
    let at = 0;
    let n = 0;
    for (;;) {
      const next = packDirent(qid, n + 1, 4, `n${n}`, buf, at);
      if (next < 0) break;
      expect(next - at).toBe(sizeofDirent(`n${n}`));
      at = next;
      n++;
    }
    expect([n, at]).toEqual([3, 78]);
    expect([...buf.subarray(at)].every((b) => b === 0)).toBe(true);
    expect(unpackDirents(buf.subarray(0, at))).toEqual([0, 1, 2].map((i) => ({ qid, offset: i + 1, type: 4, name: `n${i}` })));
    expect(packDirent(qid, 1, 4, "n", new Uint8Array(25), 0)).toBe(25);
    expect(packDirent(qid, 1, 4, "n", new Uint8Array(24), 0)).toBe(-1);
  });

  it("carry any cookie and any bytes, and are whole or an error", () => {
    const buf = new Uint8Array(64);
    const end = packDirent(qid, 2n ** 64n - 1n, 8, "\udcff/", buf, 0);
    expect(unpackDirents(buf.subarray(0, end))).toEqual([{ qid, offset: 2n ** 64n - 1n, type: 8, name: "\udcff/" }]);
    for (let n = 1; n < end; n++) expect(() => unpackDirents(buf.subarray(0, n))).toThrow(NineError);
    expect(unpackDirents(new Uint8Array(0))).toEqual([]);
  });
});
