/**
 * Ramserver: our server on memory, which asks the system for nothing: what 9P and the socket cost by
 * themselves. Prints its addresses.
 */
import { listen, nodeHost } from "../../clients/node/index.ts";
import { attach, open } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";

const server = ram({ now: nodeHost().now });
const fs = await attach(open(server));
await fs.writeFile("/small", new Uint8Array(4096).fill(0x61));
fs.close();
for (const at of ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"]) {
  const listener = await listen(at, (session) => open(server, session), { token: "none" });
  process.stdout.write(`${listener.address}\n`);
}
