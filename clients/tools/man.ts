/**
 * man(1): pages of the manual: on a terminal as wide as it is, through p(1) where they are longer than
 * the screen; -k lists those that are about a word, -w where they are.
 */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { encode } from "./lib/bytes.ts";
import { type Found, isSection, pagesNamed, pagesOf } from "./lib/manual.ts";
import { render } from "./lib/page.ts";
import { terminal } from "./lib/terminal.ts";
import { tool, type Tool } from "./lib/tool.ts";

/** Columns of a page, on a screen that is no narrower. */
const WIDTH = 80;

export const man: Program = tool("man", "[-w] [section] name ... or man -k word ...", async (t, words) => {
  const args = parseArgs(words, "kw");
  if (args.operands.length === 0) throw new Usage();
  if (args.has("k")) {
    if (!(await apropos(t, args.operands))) t.status = "no manual page";
    return;
  }
  const [first = "", ...rest] = args.operands;
  const [section, names] = isSection(first) && rest.length > 0 ? [first, rest] : [undefined, args.operands];
  const found: Found[] = [];
  for (const name of names) {
    const pages = await pagesNamed(t.sys, name, section);
    if (pages.length === 0) await t.warn(`${name}: no manual page${section === undefined ? "" : ` in section ${section}`}; man -k finds words`);
    found.push(...pages);
  }
  if (args.has("w")) for (const { path } of found) await t.out.put(`${path}\n`);
  else if (found.length > 0) await show(t, found);
});

/** The pages whose NAME has all of the words in it. */
async function apropos(t: Tool, words: readonly string[]): Promise<boolean> {
  let any = false;
  for await (const { page } of pagesOf(t.sys)) {
    const about = `${page.title} ${page.names.join(" ")} ${page.about}`.toLowerCase();
    if (!words.every((word) => about.includes(word.toLowerCase()))) continue;
    any = true;
    const section = /\(.*\)$/.exec(page.title)?.[0] ?? "";
    await t.out.put(`${page.names.join(", ")} ${section} - ${page.about}\n`);
  }
  return any;
}

async function show(t: Tool, found: readonly Found[]): Promise<void> {
  const screen = await terminal(t.sys);
  const look = { width: Math.min(WIDTH, screen?.cols ?? WIDTH), styled: screen !== undefined && t.sys.getenv("TERM")?.[0] !== "dumb" };
  const text = found.map(({ page }) => render(page, look)).join("\n");
  if (!screen || text.split("\n").length <= screen.rows) await t.out.put(text);
  else await paged(t, text, screen.rows - 1);
}

/** Through p, which waits after so many lines. */
async function paged(t: Tool, text: string, lines: number): Promise<void> {
  const [from, to] = await t.sys.pipe();
  const pid = await t.sys.spawn({ argv: ["p", `-${lines}`], path: "/bin/p", fds: new Map([[0, from], [1, 1], [2, 2]]) });
  await t.sys.close(from);
  // A pipe holds more than a page.
  await t.sys.write(to, encode(text));
  await t.sys.close(to);
  await t.sys.wait(pid);
}
