/**
 * manfiles: the manual's pages, clients/man/SECTION/PAGE.md of this package, as servers/pages.ts wants
 * them; the build copies them beside what it makes. Nothing is read before somebody asks, so that they
 * cost nothing at the start. Where a program that uses nineplex was bundled without them, there are none.
 */
import { readdir, readFile } from "node:fs/promises";
import type { PageSource } from "../../servers/index.ts";
import { hostError } from "./guard.ts";

const ROOT = new URL("../man/", import.meta.url);
const SUFFIX = ".md";

async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (e) {
    throw hostError(e);
  }
}

/** Names of pages are those of the files, without their suffix. */
export const manFiles: PageSource = {
  async names() {
    const sections = await readdir(ROOT).catch(() => []);
    const found = await asked(Promise.all(sections.map(async (section) => {
      const files = await readdir(new URL(`${section}/`, ROOT));
      return files.filter((file) => file.endsWith(SUFFIX)).map((file) => `${section}/${file.slice(0, -SUFFIX.length)}`);
    })));
    return found.flat();
  },
  read: (name) => asked(readFile(new URL(name + SUFFIX, ROOT))),
};
