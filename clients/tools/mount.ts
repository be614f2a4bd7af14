/** mount(1): joins the file tree of a server to the name space. */
import type { Portal } from "../../proto/index.ts";
import { isInterrupted } from "../../proto/index.ts";
import { MAFTER, MBEFORE, MCREATE, type Program, type Sys } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";
import { bindFlag } from "./bind.ts";

/** Connects to the server at addr. May throw any Error; its message is what the user reads. */
export type Dial = (addr: string, sys: Sys) => Promise<Portal>;

/** -C is accepted: whether contents are cached is decided by the server's qid.vers, not here. */
export const mount = (dial: Dial): Program =>
  tool("mount", "[-abcCq] addr mtpt [aname]", async (t, words) => {
    const args = parseArgs(words, "abcCq");
    const [addr, mtpt, aname = "", more] = args.operands;
    if (addr === undefined || mtpt === undefined || more !== undefined) throw new Usage();
    // In place of a directory, a mounted server is written to like any other; in a union, -c says where.
    const order = bindFlag(args);
    const flag = order & (MBEFORE | MAFTER) ? order : order | MCREATE;
    let what = addr;
    let portal: Portal | undefined;
    try {
      portal = await dial(addr, t.sys);
      what = mtpt;
      await t.sys.mount(portal, mtpt, flag, aname, addr);
    } catch (e) {
      portal?.hangup();
      if (!(e instanceof Error) || isInterrupted(e) || e instanceof TypeError) throw e;
      t.status = e.message;
      if (!args.has("q")) await t.warn(`${what}: ${e.message}`);
    }
  });
