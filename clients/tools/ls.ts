/** ls(1): names of files and what stat says of them. */
import { DMDIR } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { localZone } from "./lib/ctime.ts";
import { type Entry, listing } from "./lib/listing.ts";
import { joinName, trimSlashes } from "./lib/names.ts";
import { tool } from "./lib/tool.ts";

export const ls: Program = tool("ls", "[-dlmnpqrstuFQT] [file ...]", async (t, words) => {
  const args = parseArgs(words, "dlmnpqrstuFQT");
  const zone = localZone(t.sys);
  let files: Entry[] = [];
  const print = async (): Promise<void> => {
    for (const line of listing(files, args, t.sys.now() / 1000, zone)) await t.out.put(`${t.shown(line.slice(0, -1))}\n`);
    files = [];
  };
  const paths = args.operands.length > 0 ? args.operands : ["."];
  // -l and -d speak of a link itself; otherwise a link to a directory is its contents.
  const nofollow = args.has("d") || args.has("l");
  for await (const { item: path, result } of ahead(paths, (p) => t.sys.stat(p, nofollow))) {
    try {
      const dir = await result;
      if (args.has("d") || !(dir.mode & DMDIR)) {
        files.push({ name: args.has("p") ? dir.name : path, dir });
        continue;
      }
      const here = trimSlashes(path);
      const found = await t.sys.readDir(path);
      await print();
      files = found.map((d) => ({ name: here === "." || args.has("p") ? d.name : joinName(here, d.name), dir: d }));
      await print();
    } catch (e) {
      await t.fail(path, e);
    }
  }
  await print();
});
