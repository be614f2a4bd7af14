/** help(1): what somebody who is here for the first time types; and of a command, how it is called, with an example. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { pagesNamed } from "./lib/manual.ts";
import { itemsOf, linesOf, renderLines } from "./lib/page.ts";
import { tool } from "./lib/tool.ts";

const WIDTH = 80;
/** A screenful. */
const HELP = `This is rc, the shell of Plan 9, in a name space of your own.

ls /; ls -l          what there is; where you are: /host, on your machine
ls /bin; help ls     the commands; how one of them is called
man intro; man rc    a tour; the shell; man -k WORD looks for a page
ls /lib/man/*        all pages: 1 commands, 2 your own servers, 3 devices,
                     4 servers, 5 9P, 6 formats, 8 nineplex itself

ls -l | grep txt > /tmp/out              pipelines; /tmp is in memory
for(f in *.txt) wc -l $f                 a loop; 'a word in quotes'
sleep 100 &; jobs; kill %1               in the background; Ctrl-Z stops
mount tcp://127.0.0.1:5640 /n/x          a 9P server, on any name in /n
bind -b /n/x/bin /bin                    what is there before what is here
unmount /n/x; ns                         undone; the name space as it is
tarfs src.tar.gz; ls /n/tapefs           an archive as a tree
cat /dev/trace &; cat /proc/$pid/status  files for everything

Ctrl-C interrupts what waits, Ctrl-Z stops it: jobs, fg, bg; Ctrl-D or exit ends
the shell.
`;

/** The first lines that are indented as code. */
function firstCode(lines: readonly string[]): string {
  const from = lines.findIndex((line) => line.startsWith("    "));
  const end = lines.findIndex((line, i) => i > from && !line.startsWith("    "));
  return from < 0 ? "" : lines.slice(from, end < 0 ? undefined : end).map((line) => `${line.slice(4)}\n`).join("");
}

export const help: Program = tool("help", "[command ...]", async (t, words) => {
  const { operands } = parseArgs(words, "");
  if (operands.length === 0) await t.out.put(HELP);
  for (const name of operands) {
    const [found] = await pagesNamed(t.sys, name);
    if (!found) {
      await t.warn(`${name}: no manual page; help alone says how to look around`);
      continue;
    }
    const { page } = found;
    const item = page.names[0] === name ? [] : itemsOf(page, name);
    if (item.length > 0) {
      await t.out.put(`${name}: in ${page.title}\n\n${renderLines(item, { width: WIDTH, styled: false })}\nman ${page.names[0]} tells the rest\n`);
      continue;
    }
    const example = linesOf(page, "EXAMPLES").join("\n").split(/^```.*\n?/m)[1] ?? firstCode(linesOf(page, "EXAMPLES"));
    await t.out.put(`${page.names.join(", ")} - ${page.about}\n\n`);
    for (const line of linesOf(page, "SYNOPSIS")) await t.out.put(`    ${line}\n`);
    await t.out.put(`${example === "" ? "" : `\n${example.replace(/^(?=.)/gm, "    ")}`}\nman ${page.names[0] ?? name} tells the rest\n`);
  }
});
