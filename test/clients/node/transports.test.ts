import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseAddr } from "../../../clients/node/addr.ts";
import { connectTransport, listenTransport } from "../../../clients/node/transports.ts";
import { Sink } from "../../support/transportsuite.ts";

const dir = mkdtempSync(join(tmpdir(), "nx-addr-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("addresses become transports", () => {
  it.each(["tcp://127.0.0.1:0", "tcp!127.0.0.1!0", "ws://127.0.0.1:0", "ws://127.0.0.1:0/9p?token=abc", `unix:${dir}/s`])("%s", async (text) => {
    const l = await listenTransport(parseAddr(text), (t) => t.start({ recv: (c) => t.send(c.slice()), closed: () => {} }));
    const t = await connectTransport(parseAddr(l.address));
    const sink = new Sink();
    t.start(sink);
    t.send(Uint8Array.of(42));
    await sink.until(() => sink.size === 1);
    await l.close();
    await sink.until(() => sink.ends === 1);
    expect(sink.why).toBeUndefined();
  });

  it("exec:cat", async () => {
    const t = await connectTransport(parseAddr("exec:cat"));
    const sink = new Sink();
    t.start(sink);
    t.send(Uint8Array.of(42));
    await sink.until(() => sink.size === 1);
    t.close();
    await sink.until(() => sink.ends === 1);
  });

  it("refuses what cannot be", async () => {
    await expect(connectTransport(parseAddr("module:x.ts"))).rejects.toThrow("a server, not a connection");
    await expect(listenTransport(parseAddr("exec:cat"), () => {})).rejects.toThrow("cannot listen at exec:; write");
    await expect(listenTransport(parseAddr("wss://h"), () => {})).rejects.toThrow("put a TLS proxy in front");
  });
});
