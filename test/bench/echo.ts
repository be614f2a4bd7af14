/**
 * Echo: a bare `ws` server, one message a frame: it answers each with a constant reply of the size
 * that 9P's has, and prints its port. What WebSocket frames cost by themselves.
 */
import { WebSocketServer } from "ws";
import { replyTo } from "./constant.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
  const at = server.address();
  process.stdout.write(`port ${typeof at === "object" && at ? at.port : 0}\n`);
});
server.on("connection", (ws) => {
  ws.on("message", (data) => {
    if (!Buffer.isBuffer(data)) return;
    const reply = Buffer.from(replyTo(data, 0));
    reply[5] = data[5]!;
    reply[6] = data[6]!;
    ws.send(reply);
  });
});
