import { describe, expect, it } from "vitest";
import { NineError, errno } from "../../proto/errors.ts";
import * as fcall from "../../proto/fcall.ts";
import type { Dialect, Fcall } from "../../proto/fcall.ts";
import { layouts } from "../../proto/layout.ts";
import { pack, packMessage, sizeAt, sizeOf, tagOf, typeOf, unpack } from "../../proto/pack.ts";
import { parse, print } from "../../proto/print.ts";
import { golden } from "../support/golden.ts";

const dialects: readonly Dialect[] = ["9P2000", "9P2000.u", "9P2000.L"];
const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");

const read = (offset: number): Fcall => ({ type: fcall.Tread, fid: 1, offset, count: 1 });

function thrown(f: () => unknown): NineError {
  try {
    f();
  } catch (e) {
    if (e instanceof NineError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}

describe.each(dialects)("golden bytes of %s", (d) => {
  const all = golden(d);

  it("are there for every message", () => {
    const names = new Set(all.map((g) => g.text.split(" ")[0]));
    for (const l of layouts.values()) if (l.type >= fcall.Tversion || d === "9P2000.L") expect(names).toContain(l.name);
  });

  it.each(all)("$text", ({ text, bytes }) => {
    const { tag, f } = parse(text);
    expect(hex(packMessage(f, tag, d))).toBe(hex(bytes));
    const got = unpack(bytes, 0, bytes.length, d);
    expect(print(got, tagOf(bytes, 0))).toBe(text);
    expect(got).toEqual(f);
    expect([sizeAt(bytes, 0), typeOf(bytes, 0), tagOf(bytes, 0), sizeOf(f, d)]).toEqual([bytes.length, f.type, tag, bytes.length]);
  });

  it("encode and decode anywhere in a buffer", () => {
    for (const { text, bytes } of all) {
      const { tag, f } = parse(text);
      const buf = new Uint8Array(bytes.length + 20).fill(0xee);
      expect(pack(f, tag, d, buf, 10)).toBe(bytes.length + 10);
      expect(hex(buf)).toBe("ee".repeat(10) + hex(bytes) + "ee".repeat(10));
      expect(unpack(buf, 10, bytes.length + 10, d)).toEqual(f);
    }
  });

  it("are an error when cut at any byte, and with one byte more, whatever size[4] says", () => {
    for (const { text, bytes } of all) {
      const optional = text.startsWith("Tfsync") ? 4 : text.startsWith("Rerror") && d === "9P2000.L" ? 4 : -1;
      for (let n = 0; n < bytes.length; n++) {
        const cut = bytes.slice(0, n);
        expect(thrown(() => unpack(cut, 0, n, d)).errno).toBe(errno.EPROTO);
        if (n >= 4) cut[0] = n;
        if (bytes.length - n === optional) expect(unpack(cut, 0, n, d).type).toBe(bytes[4]);
        else expect(thrown(() => unpack(cut, 0, n, d)).message, `${text} cut at ${n}`).toMatch(/^protocol botch: /);
        expect(thrown(() => unpack(bytes, 0, n, d)).errno).toBe(errno.EPROTO);
        expect(thrown(() => unpack(cut, 0, bytes.length, d)).errno).toBe(errno.EPROTO);
      }
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      expect(thrown(() => unpack(longer, 0, longer.length, d)).errno).toBe(errno.EPROTO);
      longer[0]!++;
      expect(thrown(() => unpack(longer, 0, longer.length, d)).message, text).toMatch(/^protocol botch: /);
    }
  });
});

describe("dialects", () => {
  it("have no message above their own: unknown, with EOPNOTSUPP", () => {
    for (const d of dialects) {
      for (let type = 0; type < 256; type++) {
        if (layouts.has(type) && (type >= fcall.Tversion || d === "9P2000.L")) continue;
        const e = thrown(() => unpack(Uint8Array.of(7, 0, 0, 0, type, 1, 0), 0, 7, d));
        expect([e.message, e.errno]).toEqual([`unknown message type ${type}`, errno.EOPNOTSUPP]);
      }
    }
    expect(thrown(() => packMessage({ type: fcall.Tstatfs, fid: 1 }, 1, "9P2000.u")).errno).toBe(errno.EOPNOTSUPP);
  });

  it("drop what they have no room for", () => {
    const auth: Fcall = { type: fcall.Tauth, afid: 1, uname: "u", aname: "a", n_uname: 7 };
    const bytes = packMessage(auth, 1, "9P2000");
    expect(unpack(bytes, 0, bytes.length, "9P2000")).toEqual({ ...auth, n_uname: fcall.NOU32 });
    const create: Fcall = { type: fcall.Tcreate, fid: 1, name: "n", perm: 0, mode: 0, extension: "x" };
    for (const d of ["9P2000", "9P2000.L"] as const) {
      const b = packMessage(create, 1, d);
      expect(unpack(b, 0, b.length, d)).toEqual({ ...create, extension: "" });
    }
  });

  it("accept Rerror in .L without errno, and Tfsync without datasync", () => {
    const e = packMessage({ type: fcall.Rerror, ename: "x", errno: 0 }, 1, "9P2000");
    expect(unpack(e, 0, e.length, "9P2000.L")).toEqual({ type: fcall.Rerror, ename: "x", errno: 0 });
    expect(unpack(Uint8Array.of(11, 0, 0, 0, 50, 1, 0, 9, 0, 0, 0), 0, 11, "9P2000.L")).toEqual({ type: fcall.Tfsync, fid: 9, datasync: 0 });
  });
});

describe("numbers", () => {
  it("of 64 bits reach 2^53-1", () => {
    for (const n of [0, 1, 0xffffffff, 0x100000000, 0x1fffffffffffff]) {
      const b = packMessage(read(n), 1, "9P2000");
      expect(unpack(b, 0, b.length, "9P2000")).toEqual(read(n));
    }
    for (const n of [-1, 0.5, 2 ** 53, Number.NaN, Infinity]) expect(thrown(() => packMessage(read(n), 1, "9P2000")).errno).toBe(errno.EINVAL);
    for (const high of [0x20, 0x80, 0xff]) {
      const b = packMessage(read(0), 1, "9P2000");
      b[17] = high;
      const e = thrown(() => unpack(b, 0, b.length, "9P2000"));
      expect([e.message, e.errno]).toEqual(["protocol botch: number above 2^53-1", errno.EOVERFLOW]);
    }
  });

  it("of cookies use all 64 bits", () => {
    for (const offset of [0, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      const f: Fcall = { type: fcall.Treaddir, fid: 1, offset, count: 1 };
      const b = packMessage(f, 1, "9P2000.L");
      expect(unpack(b, 0, b.length, "9P2000.L")).toEqual(f);
    }
    for (const offset of [-1n, 2n ** 64n, -1]) {
      expect(thrown(() => packMessage({ type: fcall.Treaddir, fid: 1, offset, count: 1 }, 1, "9P2000.L")).errno).toBe(errno.EINVAL);
    }
  });

  it("of times are signed", () => {
    const { f } = parse("Tsetattr tag 1 fid 1 valid 0x1ff");
    if (f.type !== fcall.Tsetattr) throw new Error("parse");
    for (const t of [-1, -(2 ** 31), -(2 ** 32), -(2 ** 32) - 1, -(2 ** 53) + 1, 2 ** 53 - 1]) {
      const g = { ...f, mtime_sec: t };
      const b = packMessage(g, 1, "9P2000.L");
      expect(unpack(b, 0, b.length, "9P2000.L")).toEqual(g);
      expect(Buffer.from(b).readBigInt64LE(51)).toBe(BigInt(t));
    }
  });

  it("of fields that `valid` does not name may be anything", () => {
    const b = packMessage(parse("Tsetattr tag 1 fid 1 valid 8 size 5").f, 1, "9P2000.L");
    b.fill(0x77, 35);
    expect(print(unpack(b, 0, b.length, "9P2000.L"), 1)).toBe("Tsetattr tag 1 fid 1 valid 8 size 5");
    b.fill(0x77, 27);
    expect(thrown(() => unpack(b, 0, b.length, "9P2000.L")).errno).toBe(errno.EOVERFLOW);
  });

  it("out of range are an error, not another number", () => {
    const bad: Fcall[] = [
      { type: fcall.Tclunk, fid: -1 }, { type: fcall.Tclunk, fid: 2 ** 32 }, { type: fcall.Tclunk, fid: 1.5 },
      { type: fcall.Tflush, oldtag: 65536 }, { type: fcall.Topen, fid: 1, mode: 256 }, { type: fcall.Topen, fid: 1, mode: Number.NaN },
      { type: fcall.Rattach, qid: { type: 0x100, vers: 0, pathlo: 0, pathhi: 0 } },
    ];
    for (const f of bad) expect(thrown(() => packMessage(f, 1, "9P2000")).errno).toBe(errno.EINVAL);
    expect(thrown(() => packMessage({ type: fcall.Rflush }, 0x10000, "9P2000")).errno).toBe(errno.EINVAL);
  });
});

describe("lengths and counts", () => {
  it("are bounded when encoding", () => {
    const name = "x".repeat(65536);
    for (const f of [{ type: fcall.Rerror, ename: name, errno: 0 }, { type: fcall.Twalk, fid: 1, newfid: 2, wname: [name] }] as const) {
      expect(thrown(() => sizeOf(f, "9P2000")).errno).toBe(errno.ENAMETOOLONG);
      expect(thrown(() => pack(f, 1, "9P2000", new Uint8Array(70000), 0)).errno).toBe(errno.ENAMETOOLONG);
    }
    const stat: Fcall = { type: fcall.Rstat, stat: { ...fcall.untouched(), name: "x".repeat(40000), uid: "y".repeat(30000) } };
    expect(thrown(() => packMessage(stat, 1, "9P2000")).errno).toBe(errno.EMSGSIZE);
    const wname = Array.from({ length: 17 }, () => "a");
    expect(thrown(() => packMessage({ type: fcall.Twalk, fid: 1, newfid: 2, wname }, 1, "9P2000")).message).toBe("protocol botch: 17 names");
    const ok: Fcall = { type: fcall.Rerror, ename: "x".repeat(65535), errno: 0 };
    const b = packMessage(ok, 1, "9P2000");
    expect(unpack(b, 0, b.length, "9P2000")).toEqual(ok);
  });

  it("are not believed when decoding", () => {
    const walk = packMessage({ type: fcall.Twalk, fid: 1, newfid: 2, wname: Array.from({ length: 16 }, () => "a") }, 1, "9P2000");
    expect(unpack(walk, 0, walk.length, "9P2000").type).toBe(fcall.Twalk);
    walk[15] = 17;
    expect(thrown(() => unpack(walk, 0, walk.length, "9P2000")).message).toBe("protocol botch: 17 names");
    for (const n of [0, 2, 4, 0xff]) {
      const b = packMessage({ type: fcall.Rread, data: Uint8Array.of(1, 2, 3) }, 1, "9P2000");
      b.fill(n, 7, 11);
      expect(thrown(() => unpack(b, 0, b.length, "9P2000")).errno).toBe(errno.EPROTO);
    }
  });

  it("give payloads as plain views, also of a Buffer", () => {
    const b = Buffer.from(packMessage({ type: fcall.Twrite, fid: 1, offset: 0, data: Uint8Array.of(1, 2, 3) }, 1, "9P2000"));
    const f = unpack(b, 0, b.length, "9P2000");
    if (f.type !== fcall.Twrite) throw new Error("type");
    expect(f.data.constructor).toBe(Uint8Array);
    b[b.length - 1] = 9;
    expect([...f.data]).toEqual([1, 2, 9]);
  });
});
