/**
 * stdio: a module's server on standard input and output, which is all that exec: asks of a program:
 *
 *   mount 'exec:npx tsx clients/examples/stdio.ts clients/examples/kv.ts?file=store.json' /n/kv
 *
 * So it runs in a process of its own, here, or with ssh in front on another machine.
 */
import { open, serve } from "../../proto/index.ts";
import { loadServer, parseAddr, stdio } from "../node/index.ts";

const addr = parseAddr(`module:${process.argv[2] ?? ""}`);
if (addr.kind === "module") {
  const server = await loadServer(addr, process.cwd());
  serve(stdio(), (session) => open(server, session));
}
