/** gzip, gunzip: round trips, names, headers; damaged data; what is left behind. */
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { gunzip, gzip } from "../../../clients/tools/gzip.ts";
import { decode, encode, join } from "../../../clients/tools/lib/bytes.ts";
import { withName } from "../../../clients/tools/lib/gzhead.ts";
import type { Program, Sys } from "../../../kernel/sys.ts";
import { NineError } from "../../../proto/index.ts";
import { chance, seed } from "../../support/random.ts";
import { contents, make, pattern, run } from "../../support/toolbench.ts";

const names = async (sys: Sys, dir: string): Promise<string[]> => (await sys.readDir(dir)).map((d) => d.name).toSorted();

/** The program, whose reads give at most n bytes. */
const piecemeal = (main: Program, n: number): Program => (all, argv) => main(new Proxy(all, {
  get(of, key): unknown {
    if (key === "read") return (fd: number, want: number | undefined, ...rest: []) => of.read(fd, Math.min(n, want ?? n), ...rest);
    const member: unknown = Reflect.get(of, key, of);
    return typeof member === "function" ? member.bind(of) : member;
  },
}), argv);

describe("gzip and gunzip", () => {
  test("files: names, contents, times; the input stays", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await sys.mkdir("/w", 0o777);
    await sys.chdir("/w");
    const big = pattern(3_000_001);
    await sys.writeFile("/d/big", big);
    await sys.writeFile("/d/a.tar", encode("tar"));
    await sys.writeFile("/d/empty", encode(""));
    await sys.wstat("/d/big", { mtime: 1234567 });
    expect(await run(sys, ["gzip", "/d/big", "/d/a.tar", "/d/empty"])).toMatchObject({ out: "", err: "", status: "" });
    expect([await names(sys, "/d"), await names(sys, "/w")]).toEqual([["a.tar", "big", "empty"], ["a.tgz", "big.gz", "empty.gz"]]);
    const zipped = await contents(sys, "/w/big.gz");
    expect(Buffer.compare(gunzipSync(zipped), big)).toBe(0);
    expect([zipped[3], Buffer.from(zipped).readUInt32LE(4), decode(zipped.subarray(10, 14))]).toEqual([8, 1234567, "big\0"]);
    await sys.mkdir("/v", 0o777);
    await sys.chdir("/v");
    expect(await run(sys, ["gunzip", "-T", "/w/big.gz", "/w/a.tgz", "/w/empty.gz"])).toMatchObject({ out: "", err: "", status: "" });
    expect([await names(sys, "/w"), await names(sys, "/v")]).toEqual([["a.tgz", "big.gz", "empty.gz"], ["a.tar", "big", "empty"]]);
    expect(Buffer.compare(await contents(sys, "/v/big"), big)).toBe(0);
    expect([(await sys.stat("/v/big")).mtime, (await sys.stat("/v/empty")).length]).toEqual([1234567, 0]);
  });

  test("streams, levels, -n", async () => {
    const sys = await make();
    const text = encode("all work and no play\n".repeat(50_000));
    const sizes: number[] = [];
    for (const level of ["-1", "-6", "-9"]) {
      const z = await run(sys, ["gzip", "-n", level], text);
      expect(z).toMatchObject({ err: "", status: "" });
      expect(z.bytes).toEqual((await run(sys, ["gzip", "-cn", level], text)).bytes);
      expect([...z.bytes.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
      sizes.push(z.bytes.length);
      const back = await run(sys, ["gunzip"], z.bytes);
      expect(Buffer.compare(back.bytes, text)).toBe(0);
    }
    expect(sizes[0]).toBeGreaterThan(sizes[2] ?? 0);
    expect((await run(sys, ["gunzip"], (await run(sys, ["gzip"], "")).bytes)).bytes.length).toBe(0);
    expect(await run(sys, ["gzip", "-0"])).toMatchObject({ err: "usage: gzip [-cvn] [-1-9] [file ...]\n", status: "usage" });
  });

  test("-c, -v, -t", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("text"));
    await sys.wstat("/f", { mtime: 240591832 });
    expect(await run(sys, ["gzip", "-v", "/f"])).toMatchObject({ out: "", err: "compressing /f to f.gz\n", status: "" });
    expect(await run(sys, ["gunzip", "-cv", "/f.gz"])).toMatchObject({ out: "text", err: "extracting f to <stdout>\n", status: "" });
    expect(await run(sys, ["gunzip", "-t", "/f.gz"])).toMatchObject({ out: "f\n", err: "", status: "" });
    expect((await run(sys, ["gunzip", "-tv", "/f.gz"])).out).toBe(`f${" ".repeat(31)}          4 Tue Aug 16 15:03:52 GMT 1977\n`);
    expect((await run(sys, ["gunzip", "-t"], gzipSync("x"))).out).toBe("<unnamed file>\n");
    expect((await run(sys, ["gunzip"], (await run(sys, ["gzip", "-c", "/f", "/f"])).bytes)).out).toBe("texttext");
  });

  test("a header with everything in it, cut at every byte", async () => {
    const sys = await make();
    const plain = gzipSync("some text");
    const full = join([Uint8Array.of(0x1f, 0x8b, 8, 4 | 8 | 16, 0x87, 0xd6, 0x12, 0, 0, 3, 5, 0, 1, 2, 0, 4, 5), encode("näme\0comment\0"), plain.subarray(10)]);
    expect((await run(sys, ["gunzip", "-tv"], full)).out).toMatch(/^näme {28} {10}9 Thu Jan 15 06:56:07 GMT 1970\n$/);
    for (const step of [1, 2, 3, 7, 16]) expect([step, (await run(sys, ["gunzip", "-cv"], full, piecemeal(gunzip, step)))]).toMatchObject([step, { out: "some text", err: "extracting näme to <stdout>\n" }]);
    for (let n = 0; n < full.length; n++) {
      expect([n, await run(sys, ["gunzip"], full.subarray(0, n))]).toMatchObject([n, { err: "gunzip: standard input: bad gzip data: unexpected end of file\n", status: "errors" }]);
    }
    expect((await run(sys, ["gunzip", "-t"], join([full, gzipSync(pattern(1_000_000), { level: 0 })]))).out).toBe("näme\n");
    expect([...withName(plain.subarray(0, 10), { name: "", mtime: 1 }).subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 1, 0, 0, 0]);
  });

  test("several members, wherever reads cut them; padding; garbage", async () => {
    const sys = await make();
    const two = join([gzipSync("one "), gzipSync("two")]);
    const padded = join([two, new Uint8Array(600)]);
    for (const step of [1, 7, gzipSync("one ").length, two.length, 4096]) {
      for (const data of [two, padded]) expect([step, await run(sys, ["gunzip"], data, piecemeal(gunzip, step))]).toMatchObject([step, { out: "one two", err: "", status: "" }]);
      for (const garbage of [encode("garbage"), join([new Uint8Array(9), encode("x")]), join([new Uint8Array(9), two])]) {
        const r = await run(sys, ["gunzip"], join([two, garbage]), piecemeal(gunzip, step));
        expect([step, r.status]).toEqual([step, "errors"]);
        expect(r.err).toMatch(/^gunzip: standard input: bad gzip data: (incorrect header check|garbage at the end)\n$/);
      }
    }
  });

  test("damaged files: told, their output removed, the rest done", async () => {
    const sys = await make();
    const good = gzipSync(pattern(1_000_000));
    const changed = (at: number): Uint8Array => Uint8Array.from(good, (byte, i) => (i === good.length - at ? byte ^ 1 : byte));
    const cases: [Uint8Array, string][] = [
      [encode("plain text"), "not a gzip file"], [good.subarray(0, good.length >> 1), "bad gzip data: unexpected end of file"], [good.subarray(0, -1), "bad gzip data: unexpected end of file"],
      [changed(8), "bad gzip data: incorrect data check"], [changed(1), "bad gzip data: incorrect length check"], [new Uint8Array(0), "bad gzip data: unexpected end of file"],
    ];
    for (const [data, why] of cases) {
      await sys.writeFile("/bad.gz", data);
      await sys.writeFile("/ok.gz", gzipSync("ok"));
      expect([why, await run(sys, ["gunzip", "/bad.gz", "/ok.gz"])]).toMatchObject([why, { out: "", err: `gunzip: /bad.gz: ${why}\n`, status: "errors" }]);
      expect(await names(sys, "/")).toEqual(["bad.gz", "ok", "ok.gz"]);
      await sys.remove("/ok");
    }
  });

  test("nothing is written over what is read; directories; files that are not there", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await sys.writeFile("/f", gzipSync("text"));
    expect(await run(sys, ["gunzip", "/d/../f", "/none.gz"])).toMatchObject({
      err: "gunzip: /d/../f: f: cannot be written over itself\ngunzip: /none.gz: file does not exist\n", status: "errors",
    });
    expect(gunzipSync(await contents(sys, "/f")).toString()).toBe("text");
    expect(await run(sys, ["gzip", "/d"])).toMatchObject({ err: "gzip: /d: file is a directory\n", status: "errors" });
    await sys.mkdir("/f.gz", 0o777);
    expect((await run(sys, ["gzip", "/f"])).err).toMatch(/^gzip: \/f: f\.gz: /);
  });

  test("a failing read and a failing write end it, each with its reason", async () => {
    const sys = await make();
    await sys.writeFile("/f", pattern(2_000_000));
    const failing = (call: "read" | "write", after: number): Program => (all, argv) => {
      let n = 0;
      return gzip(new Proxy(all, {
        get(of, key): unknown {
          const member: unknown = Reflect.get(of, key, of);
          if (typeof member !== "function") return member;
          if (key !== call) return member.bind(of);
          return (...args: unknown[]): unknown => (args[0] !== 2 && ++n > after ? Promise.reject(new NineError("disk on fire")) : Reflect.apply(member, of, args));
        },
      }), argv);
    };
    for (const after of [0, 1, 3]) expect([after, await run(sys, ["gzip", "/f"], "", failing("read", after))]).toMatchObject([after, { err: "gzip: /f: disk on fire\n", status: "errors" }]);
    expect(await run(sys, ["gzip", "/f"], "", failing("write", 0))).toMatchObject({ err: "gzip: /f: f.gz: disk on fire\n", status: "errors" });
    expect(await run(sys, ["gzip", "-c", "/f"], "", failing("write", 0))).toMatchObject({ err: "gzip: write error: disk on fire\n", status: "disk on fire" });
    expect(await names(sys, "/")).toEqual(["f"]);
  });

  test("what is read and not yet written stays within a bound, however slow the output", async () => {
    const sys = await make();
    const next = chance(seed());
    const data = Uint8Array.from({ length: 8_000_000 }, () => next(256));
    await sys.writeFile("/f", data);
    await sys.writeFile("/f.gz", gzipSync(data, { level: 0 }));
    for (const [main, argv] of [[gzip, ["gzip", "-c1", "/f"]], [gunzip, ["gunzip", "-c", "/f.gz"]]] as const) {
      let under = 0, most = 0;
      const slow: Program = (all, words) => main(new Proxy(all, {
        get(of, key): unknown {
          if (key === "read") {
            return async (...args: Parameters<Sys["read"]>) => {
              const part = await of.read(...args);
              most = Math.max(most, under += part.length);
              return part;
            };
          }
          if (key === "write") {
            return async (fd: number, part: Uint8Array) => {
              for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
              under -= part.length;
              return of.write(fd, part);
            };
          }
          const member: unknown = Reflect.get(of, key, of);
          return typeof member === "function" ? member.bind(of) : member;
        },
      }), words);
      expect((await run(sys, argv, "", slow)).status).toBe("");
      expect(most, `SEED=${seed()}`).toBeLessThan(4_000_000);
    }
  });

  test("a note ends it while it waits", async () => {
    const sys = await make();
    const [r0, r1] = await sys.pipe();
    for (const main of [gzip, gunzip]) {
      const pid = await sys.spawn({ argv: ["gzip"], main, fds: new Map([[0, r0], [1, r1], [2, r1]]) });
      await sys.sleep(0);
      sys.postNote(pid, "interrupt");
      expect((await sys.wait(pid)).status).toBe("interrupt");
    }
  });
});
