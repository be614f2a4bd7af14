/** mount(1): joins the file tree of a server to the name space. */
import { isInterrupted, NineError } from "../../proto/index.ts";
import { MAFTER, MBEFORE, MCREATE, type Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";
import { bindFlag } from "./bind.ts";

/**
 * The server is an address, a file of /srv, or any other that 9P is spoken on. -C is accepted: whether
 * contents are cached is decided by the server's qid.vers, not here.
 */
export const mount: Program = tool("mount", "[-abcCq] server mtpt [aname]", async (t, words) => {
  const args = parseArgs(words, "abcCq");
  const [server, mtpt, aname = "", more] = args.operands;
  if (server === undefined || mtpt === undefined || more !== undefined) throw new Usage();
  // In place of a directory, a mounted server is written to like any other; in a union, -c says where.
  const order = bindFlag(args);
  const flag = order & (MBEFORE | MAFTER) ? order : order | MCREATE;
  try {
    await t.sys.mount(server, mtpt, flag, aname, server);
  } catch (e) {
    // Whoever dials may throw any Error; an error that begins with the server's name is about that.
    if (!(e instanceof Error) || isInterrupted(e) || e instanceof TypeError) throw e;
    const about = e.message.startsWith(`${server}: `) || !(e instanceof NineError) ? server : mtpt;
    t.status = e.message.replace(`${server}: `, "");
    if (!args.has("q")) await t.warn(`${about}: ${t.status}`);
  }
});
