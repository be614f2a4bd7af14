/** tr: against the manual; generated strings are in test/interop. */
import { expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { tools } from "../../../clients/tools/index.ts";
import { make, run } from "../../support/toolbench.ts";

const sys = await make();

async function tr(text: string | Uint8Array, ...argv: string[]): Promise<string> {
  const r = await run(sys, ["tr", ...argv], text);
  return r.err + r.out + (r.status === "" ? "" : `[${r.status}]`);
}

test("translation", async () => {
  expect(await tr("Mixed Case\n", "A-Z", "a-z")).toBe("mixed case\n");
  expect(await tr("abcd", "a-d", "xy")).toBe("xyyy");
  expect(await tr("été", "é", "e")).toBe("ete");
  expect(await tr("ete", "e", "€")).toBe("€t€");
  expect(await tr("x𝄞", "𝄞x", "x𝄞")).toBe("𝄞x");
  expect(await tr("a-b", "a-", "xy")).toBe("xyb");
  expect(await tr("a-b", "--", "-a", "xy")).toBe("yxb");
  expect(await tr("abc", "a-b-c", "x-z")).toBe("xyz");
  expect(await tr("abc-", "a\\-c", "x-z0")).toBe("xbzy");
  expect(await tr("a1\\n", "\\141\\x31\\\\", "b2/")).toBe("b2/n");
  expect(await tr("n\n", "\\n", "x")).toBe("x\n");
  expect(await tr("aa", "a-a", "x")).toBe("xx");
});

test("complement, deletion and squeezing", async () => {
  expect(await tr("one, two:  three\n", "-cs", "A-Za-z", "\n")).toBe("one\ntwo\nthree\n");
  expect(await tr("abc\n", "-cd", "ac")).toBe("ac");
  expect(await tr("abc\n", "-d", "ac")).toBe("b\n");
  expect(await tr("aabbcc", "-s", "a-c", "a-c")).toBe("abc");
  expect(await tr("aabbcc", "-s", "a", "x")).toBe("xbbcc");
  expect(await tr("aabbcc", "-ds", "a", "b")).toBe("bcc");
  expect(await tr("aabbcc", "-cds", "ab", "b")).toBe("aab");
  // The list of all other characters is in order: \0 and \1 are its first.
  expect(await tr("\0\u0001\u0002a€", "-c", "a", "xyz")).toBe("xyzaz");
  expect(await tr("b\0\u0001é", "-c", "\\0-é", "xyz")).toBe("b\0\u0001é");
  expect(await tr("€", "-c", "\\0-é", "xyz")).toBe("z");
});

test("bytes that are no UTF-8, and characters cut by reads", async () => {
  const broken = Uint8Array.of(97, 0xff, 97, 0xe2, 0x82);
  expect((await run(sys, ["tr", "a", "b"], broken)).bytes).toEqual(Uint8Array.of(98, 0xff, 98, 0xe2, 0x82));
  expect(await tr(broken, "-cd", "a")).toBe("aa");
  const text = `x${"€".repeat(100_000)}${"é".repeat(100_001)}𝄞`;
  expect(await tr(text, "€é𝄞", "é€𝄢")).toBe(`x${"é".repeat(100_000)}${"€".repeat(100_001)}𝄢`);
  const main = tools.get("tr");
  if (!main) throw new Error("no tr");
  const [in0, in1] = await sys.pipe();
  const [out0, out1] = await sys.pipe();
  const pid = await sys.spawn({ argv: ["tr", "a€", "b$"], main, fds: new Map([[0, in0], [1, out1]]) });
  await sys.close(in0);
  await sys.close(out1);
  await sys.write(in1, Uint8Array.of(97, 0xe2, 0x82));
  expect(await sys.read(out0)).toEqual(encode("b"));
  await sys.write(in1, Uint8Array.of(0xac));
  expect(await sys.read(out0)).toEqual(encode("$"));
  await sys.close(in1);
  expect((await sys.wait(pid)).status).toBe("");
});

test("what makes no sense", async () => {
  for (const argv of [[], ["a"], ["-d", "a", "b"], ["-ds", "a"], ["a", "b", "c"], ["-x", "a", "b"]]) {
    expect([argv, await tr("", ...argv)]).toEqual([argv, "usage: tr [-cds] [string1 [string2]]\n[usage]"]);
  }
  expect(await tr("", "c-a", "x")).toContain("tr: invalid range specification\n");
  expect(await tr("", "aa", "xy")).toContain("tr: ambiguous translation\n");
  expect(await tr("", "\\777", "x")).toContain("tr: character > 0377\n");
});
