/** 9p(1): one operation on the 9P server at an address, without a name space: the paths are the server's. */
import { attach } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { localZone } from "./lib/ctime.ts";
import { named, ninepVerbs } from "./lib/ninepverbs.ts";
import { tool, type Tool } from "./lib/tool.ts";

export const ninep: Program = tool("9p", "[-l] ls|read|write|stat|mkdir|rm|mv addr [path ...]", async (t, words) => {
  const before = parseArgs(words, "l");
  // -l may stand behind the verb too.
  const [verb = "", ...rest] = before.operands;
  const args = parseArgs(rest, "l");
  const [addr, ...paths] = args.operands;
  const v = Object.hasOwn(ninepVerbs, verb) ? ninepVerbs[verb] : undefined;
  if (!v || addr === undefined || paths.length < v.paths[0] || paths.length > v.paths[1]) throw new Usage();
  const portal = await named(addr, t.sys.dial(addr));
  // What is waited for there is no call of the kernel's, which a note would end.
  t.sys.notify(() => {
    portal.hangup();
    return false;
  });
  try {
    const fs = await named(addr, attach(portal, { uname: t.sys.user }));
    await v.run(fs, paths, {
      put: async (data) => {
        await t.out.put(data);
        await t.out.flush();
      },
      input: () => input(t), long: before.has("l") || args.has("l"), nowSec: t.sys.now() / 1000, zone: localZone(t.sys), shown: (text) => t.shown(text),
    });
  } finally {
    portal.hangup();
  }
});

async function* input(t: Tool): AsyncGenerator<Uint8Array> {
  for (let data = await t.sys.read(0); data.length > 0; data = await t.sys.read(0)) yield data;
}
