/**
 * Limit: a TCP server that only scans sizes and answers each message with a constant, all replies of
 * a chunk in one write: the limit of Node itself. Prints its port.
 */
import { createServer } from "node:net";
import { sizeAt } from "../../proto/index.ts";
import { LONGEST, replyTo } from "./constant.ts";

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (data: Buffer) => {
    const chunk = rest.length > 0 ? Buffer.concat([rest, data]) : data;
    // No message is shorter than a Tread's 23 bytes or a Tgetattr's 19.
    const out = Buffer.allocUnsafe(Math.ceil(chunk.length / 19) * LONGEST);
    let n = 0;
    let at = 0;
    while (chunk.length - at >= 7) {
      const size = sizeAt(chunk, at);
      if (size > chunk.length - at) break;
      const reply = replyTo(chunk, at);
      out.set(reply, n);
      out[n + 5] = chunk[at + 5]!;
      out[n + 6] = chunk[at + 6]!;
      n += reply.length;
      at += size;
    }
    rest = chunk.subarray(at);
    if (n > 0) socket.write(out.subarray(0, n));
  });
});
server.listen(0, "127.0.0.1", () => {
  const at = server.address();
  process.stdout.write(`port ${typeof at === "object" && at ? at.port : 0}\n`);
});
