/**
 * stdio: a module's server on standard input and output, which is all that exec: asks of a program:
 *
 *   mount 'exec:npx tsx clients/examples/stdio.ts clients/examples/kv.ts?file=store.json' /n/kv
 *
 * So it runs in a process of its own, here, or with ssh in front on another machine.
 */
import { open, serve } from "../../proto/index.ts";
import { loadServer, stdio } from "../node/index.ts";

const server = await loadServer(process.argv[2] ?? "");
serve(stdio(), (session) => open(server, session));
