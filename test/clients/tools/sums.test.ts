/** md5sum, sha1sum, sum: digests of known texts, streams, errors. */
import { describe, expect, test } from "vitest";
import { md5sum } from "../../../clients/tools/hashsum.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { make, pattern, run, watched } from "../../support/toolbench.ts";

describe("md5sum, sha1sum", () => {
  // RFC 1321, FIPS 180-2.
  const known: [string[], string, string][] = [
    [["md5sum"], "", "d41d8cd98f00b204e9800998ecf8427e"],
    [["md5sum"], "abc", "900150983cd24fb0d6963f7d28e17f72"],
    [["md5sum"], "1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
    [["sha1sum"], "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [["sha1sum"], "a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
    [["sha1sum", "-2", "224"], "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"],
    [["sha1sum", "-2256"], "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [["sha1sum", "-2", "384"], "abc", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"],
    [["sha1sum", "-2", "512"], "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"],
  ];
  test.each(known)("%s %#", async (argv, text, digest) => {
    const sys = await make();
    await sys.writeFile("/f", encode(text));
    expect(await run(sys, argv, text)).toMatchObject({ out: `${digest}\n`, err: "", status: "" });
    expect(await run(sys, [...argv, "/f"])).toMatchObject({ out: `${digest}\t/f\n`, err: "", status: "" });
  });

  test("files that fail are told, the others summed", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("abc"));
    await sys.mkdir("/d", 0o777);
    expect(await run(sys, ["md5sum", "/none", "/f"])).toMatchObject({ out: "900150983cd24fb0d6963f7d28e17f72\t/f\n", err: "md5sum: /none: file does not exist\n", status: "errors" });
    expect(await run(sys, ["sha1sum", "-2", "160", "/f"])).toMatchObject({ err: "usage: sha1sum [-2 bits] [file ...]\n", status: "usage" });
    expect((await run(sys, ["md5sum", "-b"])).status).toBe("usage");
  });

  test("a large file: several reads under way, each piece in its place", async () => {
    const sys = await make();
    const big = pattern(5_000_001);
    await sys.writeFile("/big", big);
    const watch = { most: 0, calls: 0 };
    const [byName, byStream] = [await run(sys, ["md5sum", "/big"], "", watched(md5sum, ["read"], watch)), await run(sys, ["md5sum"], big)];
    expect(byName.out.split("\t")[0]).toBe(byStream.out.trimEnd());
    expect(watch.most).toBeGreaterThan(4);
  });
});

describe("sum", () => {
  test("the CRC with the length summed last", async () => {
    const sys = await make();
    // By hand: the length's four bytes as cc 55 cc 55 are all that is summed of nothing.
    expect((await run(sys, ["sum"])).out).toBe(`${bitwise(Uint8Array.of(0xcc, 0x55, 0xcc, 0x55))}      0\n`);
    const text = encode("hello, world\n");
    await sys.writeFile("/f", text);
    const sum = bitwise(Uint8Array.of(...text, 0xcc, 0x55, 0xcc, text.length ^ 0x55));
    expect((await run(sys, ["sum", "/f", "/none"])).out).toBe(`${sum}     13 /f\n`);
    const big = pattern(300_000);
    const end = Uint8Array.of(0xcc, (300_000 >>> 16) ^ 0x55, ((300_000 >>> 8) & 0xff) ^ 0xcc, (300_000 & 0xff) ^ 0x55);
    expect((await run(sys, ["sum"], big)).out).toBe(`${bitwise(Uint8Array.from([...big, ...end]))} 300000\n`);
  });

  test("-r and -5", async () => {
    const sys = await make();
    expect((await run(sys, ["sum", "-r"], "abc")).out).toBe("16556     1\n");
    expect((await run(sys, ["sum", "-5"], "abc")).out).toBe("00294     1\n");
    expect((await run(sys, ["sum", "-5"], new Uint8Array(513))).out).toBe("00000     2\n");
    expect((await run(sys, ["sum", "-x"])).err).toBe("usage: sum [-5r] [file ...]\n");
  });
});

/** The polynomial of Ethernet, a bit at a time, from zero and not turned over. */
function bitwise(data: Uint8Array): string {
  let c = 0;
  for (const byte of data) {
    c ^= byte;
    for (let i = 0; i < 8; i++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return (c >>> 0).toString(16).padStart(8, "0");
}
