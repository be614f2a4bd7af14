/**
 * pages: manual pages as files, read-only: a directory for each section, a file for each page. Where
 * they come from is injected; nothing is asked for before somebody looks. Invariant: the names are those
 * of the first look. Anyone may stand it in a directory.
 */
import { type Awaitable, dir, type DirNode, type FileNode } from "../proto/index.ts";

/** Where pages are kept: files of a package, or what a browser fetches. */
export interface PageSource {
  /** All names as SECTION/PAGE. Rejects with a NineError. */
  names(): Awaitable<Iterable<string>>;
  /** The text of one of them. */
  read(name: string): Awaitable<Uint8Array>;
}

/** The directory of sections. */
export function pages(source: PageSource): DirNode {
  let known: Promise<ReadonlyMap<string, DirNode>> | undefined;
  const sections = (): Promise<ReadonlyMap<string, DirNode>> => (known ??= sorted(source).catch((e: unknown) => {
    known = undefined;
    throw e;
  }));
  return {
    mode: 0o555,
    walk: async (name) => (await sections()).get(name),
    list: async () => (await sections()).entries(),
    version: () => 0,
  };
}

async function sorted(source: PageSource): Promise<ReadonlyMap<string, DirNode>> {
  const sections = new Map<string, Map<string, FileNode>>();
  for (const name of Array.from(await source.names()).toSorted()) {
    const [section = "", page = ""] = name.split("/");
    const files = sections.get(section) ?? new Map<string, FileNode>();
    sections.set(section, files.set(page, file(() => source.read(name))));
  }
  return new Map(Array.from(sections, ([section, files]) => [section, dir(files, 0o555)]));
}

function file(text: () => Awaitable<Uint8Array>): FileNode {
  return {
    stat: async () => ({ mode: 0o444, length: (await text()).length }),
    async open() {
      const body = await text();
      return { read: (at, n) => body.subarray(at, at + n) };
    },
  };
}
