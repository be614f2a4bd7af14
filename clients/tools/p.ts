/**
 * p(1): files a page at a time: after so many lines, and between files, it waits for a line from
 * /dev/cons: an empty one goes on, q quits, ! and a command runs that and waits again. The newline that
 * ends a page is the one that is typed. Where the output is no terminal there is nobody to wait for: it
 * is cat.
 */
import { ORDWR } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { decode } from "./lib/bytes.ts";
import { Lines, NL, lineEnd } from "./lib/lines.ts";
import { pour } from "./lib/pump.ts";
import { terminal } from "./lib/terminal.ts";
import { about, eachInput, tool, type Tool } from "./lib/tool.ts";

/** Lines on a page: a third of a printed one. */
const PAGE = 22;

/** The user has seen enough. */
class Quit extends Error {}

export const p: Program = tool("p", "[-number] [file ...]", async (t, words) => {
  let page = PAGE;
  const files: string[] = [];
  for (const word of words) {
    if (/^-[1-9]\d{0,8}$/.test(word)) page = Number(word.slice(1));
    else if (word.length > 1 && word.startsWith("-")) throw new Usage();
    else files.push(word);
  }
  if (!(await terminal(t.sys))) {
    await eachInput(t, files, (fd, name) => pour(t.sys, fd, name, async (data) => {
      await t.out.put(data);
      await t.out.flush();
    }));
    return;
  }
  const cons = await about("/dev/cons", () => t.sys.open("/dev/cons", ORDWR));
  let due = false;
  try {
    await eachInput(t, files, async (fd) => {
      if (due) await wait(t, cons);
      due = await paged(t, fd, page, () => wait(t, cons));
    });
  } catch (e) {
    if (!(e instanceof Quit)) throw e;
  }
});

/** Waits at the end of each page; true when something was shown since. */
async function paged(t: Tool, fd: number, page: number, turn: () => Promise<void>): Promise<boolean> {
  const lines = new Lines(t.sys, fd, () => t.out.flush());
  let left = page;
  for (let block = await lines.next(); block; block = await lines.next()) {
    for (let at = 0; at < block.length;) {
      const next = lineEnd(block, at);
      if (--left > 0) await t.out.put(block.subarray(at, next));
      else {
        await t.out.put(block.subarray(at, block[next - 1] === NL ? next - 1 : next));
        await turn();
        left = page;
      }
      at = next;
    }
  }
  return left < page;
}

/** Until the user wants to go on; throws Quit. */
async function wait(t: Tool, cons: number): Promise<void> {
  await t.out.flush();
  for (;;) {
    const answer = decode(await t.sys.read(cons));
    if (answer === "") await t.out.put("\n");
    if (answer === "" || answer.startsWith("q")) throw new Quit();
    if (!answer.startsWith("!")) return;
    const pid = await t.sys.spawn({
      argv: ["rc", "-c", answer.slice(1).replace(/\n$/, "")], path: "/bin/rc", fds: new Map([[0, cons], [1, 1], [2, 2]]),
    });
    await t.sys.wait(pid);
  }
}
