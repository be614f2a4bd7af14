/** pages: sections and pages as files, asked for when somebody looks. */
import { expect, it } from "vitest";
import { attach, dir, NineError, open, type Fsys } from "../../proto/index.ts";
import { pages, tree, type PageSource } from "../../servers/index.ts";

const texts: Readonly<Record<string, string>> = { "3/cons": "the console\n", "1/ls": "lists\n", "1/cat": "prints\n" };

class Source implements PageSource {
  asked: string[] = [];
  broken = false;

  names(): string[] {
    this.asked.push("names");
    if (this.broken) throw new NineError("out of reach");
    return Object.keys(texts);
  }

  async read(name: string): Promise<Uint8Array> {
    this.asked.push(name);
    return new TextEncoder().encode(texts[name]);
  }
}

const served = (source: PageSource): Promise<Fsys> => attach(open(tree("pages", dir({ man: pages(source) }))), { uname: "glenda" });
const names = async (fs: Fsys, path: string): Promise<string[]> => (await fs.readDir(path)).map((d) => d.name);

it("sections and pages in order, texts with their lengths, nothing to write", async () => {
  const fs = await served(new Source());
  expect(await names(fs, "/man")).toEqual(["1", "3"]);
  expect(await names(fs, "/man/1")).toEqual(["cat", "ls"]);
  expect(await fs.stat("/man/1/ls")).toMatchObject({ name: "ls", length: 6, mode: 0o444 });
  expect(new TextDecoder().decode(await fs.readFile("/man/3/cons"))).toBe("the console\n");
  await expect(fs.readFile("/man/2/ls")).rejects.toThrow("file does not exist");
  await expect(fs.writeFile("/man/1/ls", "mine")).rejects.toThrow("permission denied");
});

it("asks for the names at the first look, for a text when it is wanted, and again after an error", async () => {
  const source = new Source();
  const fs = await served(source);
  await fs.stat("/");
  expect(source.asked).toEqual([]);
  source.broken = true;
  await expect(names(fs, "/man")).rejects.toThrow("out of reach");
  source.broken = false;
  expect(await names(fs, "/man")).toEqual(["1", "3"]);
  await fs.readFile("/man/3/cons");
  expect(source.asked.filter((x) => x === "names")).toHaveLength(2);
  expect(new Set(source.asked)).toEqual(new Set(["names", "3/cons"]));
});
