/** uniq: against the manual; generated inputs are in test/interop. */
import { expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { make, run } from "../../support/toolbench.ts";

const sys = await make();

async function out(text: string | Uint8Array, ...argv: string[]): Promise<string> {
  const r = await run(sys, argv, text);
  return r.err + r.out + (r.status === "" ? "" : `[${r.status}]`);
}

test("uniq", async () => {
  const text = "a\na\nb\nc\nc\na\n";
  expect(await out(text, "uniq")).toBe("a\nb\nc\na\n");
  expect(await out(text, "uniq", "-u")).toBe("b\na\n");
  expect(await out(text, "uniq", "-d")).toBe("a\nc\n");
  expect(await out(text, "uniq", "-ud")).toBe("a\nb\nc\na\n");
  expect(await out(text, "uniq", "-c")).toBe("   2 a\n   1 b\n   2 c\n   1 a\n");
  expect(await out("/a\n/a/b\n/a/b/c\n/b\n/a\n", "uniq", "-s")).toBe("/a\n/b\n/a\n");
  expect(await out("x 1\ny 1\n z\t 1\nw 1\n", "uniq", "-1")).toBe("x 1\n z\t 1\nw 1\n");
  expect(await out("éa\nöa\nöb\n", "uniq", "+1")).toBe("éa\nöb\n");
  expect(await out("1 éa\n2 öa\n2 öb\n", "uniq", "-1", "+2")).toBe("1 éa\n2 öb\n");
  expect(await out("a\nb\nb", "uniq")).toBe("a\nb\n");
  expect(await out("", "uniq")).toBe("");
  expect(await out("\n\n", "uniq", "-c")).toBe("   2 \n");
  const long = "x".repeat(300_000);
  expect(await out(`${long}\n${long}\n${long}y\n`, "uniq")).toBe(`${long}\n${long}y\n`);
  expect((await run(sys, ["uniq"], Uint8Array.of(0xff, 10, 0xff, 10, 0, 10))).bytes).toEqual(Uint8Array.of(0xff, 10, 0, 10));
  await sys.writeFile("/f", encode("b\nb\n"));
  expect(await out(text, "uniq", "/f")).toBe("b\n");
  expect(await out(text, "uniq", "/nine")).toBe("uniq: /nine: file does not exist\n[errors]");
  for (const argv of [["-x"], ["/f", "/f"], ["-1x"]]) expect(await out(text, "uniq", ...argv)).toBe("usage: uniq [-udcs [+-num]] [file]\n[usage]");
});
