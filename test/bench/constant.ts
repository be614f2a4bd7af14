/**
 * Constant: a server that only scans sizes and answers every message with the same Rgetattr, all
 * replies of a chunk in one write: the limit of Node itself. Prints its port.
 */
import { createServer } from "node:net";
import { GETATTR_BASIC, packMessage, Rgetattr, sizeAt } from "../../proto/index.ts";

const reply = Buffer.from(packMessage({
  type: Rgetattr, valid: GETATTR_BASIC, qid: { type: 0, vers: 1, pathlo: 1, pathhi: 0 }, mode: 0o100644, uid: 0, gid: 0, nlink: 1, rdev: 0,
  size: 4096, blksize: 4096, blocks: 8, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0, ctime_sec: 0, ctime_nsec: 0,
  btime_sec: 0, btime_nsec: 0, gen: 0, data_version: 0,
}, 0, "9P2000.L"));

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (data: Buffer) => {
    const chunk = rest.length > 0 ? Buffer.concat([rest, data]) : data;
    const out = Buffer.allocUnsafe(Math.ceil(chunk.length / 7) * reply.length);
    let n = 0;
    let at = 0;
    while (chunk.length - at >= 7) {
      const size = sizeAt(chunk, at);
      if (size > chunk.length - at) break;
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
