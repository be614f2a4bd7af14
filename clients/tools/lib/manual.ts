/** Manual: the pages in /lib/man, by name and by what they are about. Those of a section lie in a directory. */
import { NineError, errno, isInterrupted } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { decode } from "./bytes.ts";
import { parsePage, type Page } from "./page.ts";
import { readAll } from "./readall.ts";

const MAN = "/lib/man";

export interface Found {
  readonly path: string;
  readonly page: Page;
}

/** All pages, of one section or of all, in order. */
export async function* pagesOf(sys: Sys, section?: string): AsyncGenerator<Found> {
  for (const dir of await sections(sys, section)) {
    for (const { name } of await sys.readDir(`${MAN}/${dir}`)) yield pageAt(sys, `${MAN}/${dir}/${name}`);
  }
}

/** The pages of that name, or else those whose NAME has it. */
export async function pagesNamed(sys: Sys, name: string, section?: string): Promise<Found[]> {
  const found: Found[] = [];
  if (/^[^/]+$/.test(name) && !/^\.\.?$/.test(name)) {
    for (const dir of await sections(sys, section)) {
      try {
        found.push(await pageAt(sys, `${MAN}/${dir}/${name}`));
      } catch (e) {
        if (!(e instanceof NineError) || isInterrupted(e) || e.errno !== errno.ENOENT) throw e;
      }
    }
  }
  if (found.length === 0) for await (const p of pagesOf(sys, section)) if (p.page.names.includes(name)) found.push(p);
  return found;
}

/** Whether a word of a man command is a section. */
export function isSection(word: string): boolean {
  return /^[1-9]$/.test(word);
}

/** Those there are, of one or of all. */
async function sections(sys: Sys, wanted?: string): Promise<string[]> {
  const all = (await sys.readDir(MAN)).map(({ name }) => name).filter((name) => wanted === undefined || name === wanted);
  return all.toSorted();
}

async function pageAt(sys: Sys, path: string): Promise<Found> {
  return { path, page: parsePage(decode(await readAll(sys, path))) };
}
