/** valueFile and dir as who writes a server meets them: by a client's writes. */
import { expect, it } from "vitest";
import { attach, dir, Ebadoffset, Efbig, type Fsys, NineError, type Node, open, ORDWR, OTRUNC, OWRITE, valueFile } from "../../proto/index.ts";

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);

async function served(files: ReadonlyMap<string, Node>): Promise<Fsys> {
  return attach(open({ name: "x", attach: () => dir(files) }));
}

it("every write gives the whole text; truncating alone gives none", async () => {
  let value = "first";
  const puts: string[] = [];
  const fs = await served(new Map([["v", valueFile(() => value, (text) => {
    puts.push(text);
    if (text.includes("!")) throw new NineError("no shouting");
    value = text;
  })]]));
  expect((await fs.stat("/v")).length).toBe(5);
  const f = await fs.open("/v", OWRITE | OTRUNC);
  await f.write(bytes("ab"));
  await f.write(bytes("cd"));
  await expect(f.write(bytes("!"))).rejects.toThrow("no shouting");
  await f.write(bytes("é"));
  await f.close();
  expect(puts.splice(0)).toEqual(["ab", "abcd", "abcd!", "abcdé"]);
  expect((await fs.stat("/v")).length).toBe(6);

  const over = await fs.open("/v", ORDWR);
  await over.write(bytes("XY"), 1);
  expect(new TextDecoder().decode(await over.read(100, 0))).toBe("aXYdé");
  await expect(over.write(bytes("z"), 7)).rejects.toThrow(Ebadoffset);
  await expect(over.write(bytes("z"), 1e9)).rejects.toThrow(Ebadoffset);
  await over.close();

  await (await fs.open("/v", OWRITE | OTRUNC)).close();
  expect(value).toBe("");
  puts.length = 0;
  await (await fs.open("/v", OWRITE)).close();
  expect(puts).toEqual([]);
});

it("its size is bounded, and bytes that are no text survive", async () => {
  let value = "";
  const fs = await served(new Map([["v", valueFile(() => value, (text) => void (value = text))]]));
  const odd = Uint8Array.of(0xff, 0xc3, 0x28, 0, 0xe2, 0x82);
  await (await fs.open("/v", OWRITE)).write(odd);
  expect(await fs.readFile("/v")).toEqual(odd);
  await expect((await fs.open("/v", OWRITE)).write(new Uint8Array((16 << 20) + 1))).rejects.toThrow(Efbig);
});

it("the files of a Map come and go", async () => {
  const files = new Map<string, Node>();
  const fs = await served(files);
  expect(await fs.readDir("/")).toEqual([]);
  files.set("a", valueFile(() => "x", () => undefined));
  expect((await fs.readDir("/")).map((d) => d.name)).toEqual(["a"]);
  files.delete("a");
  await expect(fs.stat("/a")).rejects.toThrow("file does not exist");
});
