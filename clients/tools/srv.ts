/** srv(4): posts in /srv the server at an address, and mounts it if told to. */
import { errno, isInterrupted, NineError } from "../../proto/index.ts";
import { MAFTER, MBEFORE, MCREATE, type Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { about, tool } from "./lib/tool.ts";
import { bindFlag } from "./bind.ts";

/**
 * The server is dialled at once, to see that it answers, and again by each who mounts /srv/NAME. The
 * address itself is the name when none is given. -m mounts on /n/NAME, as a third operand does there;
 * -q is silent about a name that is there already.
 */
export const srv: Program = tool("srv", "[-abcCmq] addr [srvname [mtpt]]", async (t, words) => {
  const args = parseArgs(words, "abcCmq");
  const [addr, given, place, more] = args.operands;
  if (addr === undefined || more !== undefined) throw new Usage();
  const name = (given ?? addr).split("/").findLast((part) => part !== "") ?? "";
  const mtpt = place ?? (args.has("m") ? `/n/${name}` : undefined);
  const order = bindFlag(args);
  (await about(addr, () => t.sys.dial(addr))).hangup();
  try {
    t.sys.post(name, addr, 0o600);
  } catch (e) {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    if (!args.has("q") || e.errno !== errno.EEXIST) await t.fail(`/srv/${name}`, e);
    if (e.errno !== errno.EEXIST) return;
  }
  if (mtpt !== undefined) await about(mtpt, () => t.sys.mount(`/srv/${name}`, mtpt, order & (MBEFORE | MAFTER) ? order : order | MCREATE, ""));
});
