import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { connectExec } from "../../../clients/node/exec.ts";
import { StreamTransport } from "../../../clients/node/stream.ts";
import { errno, NineError, type Transport } from "../../../proto/index.ts";
import { alive } from "../../support/children.ts";
import { type Ends, Sink, transportSuite } from "../../support/transportsuite.ts";

transportSuite("two pipes", () => {
  const up = new PassThrough();
  const down = new PassThrough();
  const a = new StreamTransport(down, up, "a");
  const b = new StreamTransport(up, down, "b");
  return Promise.resolve({ a, b, crash: () => down.destroy(new Error("it broke apart")) } satisfies Ends);
});

describe("stdio", () => {
  it("is the other end of exec", async () => {
    const program = `
      const { stdio } = await import(${JSON.stringify(new URL("../../../clients/node/stdio.ts", import.meta.url).href)});
      const t = stdio();
      t.start({ recv: (c) => (c.length === 1 && c[0] === 255 ? t.close() : t.send(c.slice())), closed: () => {} });`;
    const { t, sink } = await run([process.execPath, "--import", "tsx", "--input-type=module", "-e", program], 5000);
    const data = Buffer.alloc(1_000_000, "0123456789-");
    t.send(Uint8Array.from(data));
    await sink.until(() => sink.size === data.length);
    expect(sink.bytes().equals(data)).toBe(true);
    // Its own close ends the child, which holds nothing else open.
    t.send(Uint8Array.of(255));
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBeUndefined();
  });
});

function run(command: string | string[], graceMs = 100): Promise<{ t: Transport; sink: Sink }> {
  return connectExec(command, { graceMs, stderr: "ignore" }).then((t) => {
    const sink = new Sink();
    t.start(sink);
    return { t, sink };
  });
}

/** The child says its pid first. */
async function pidOf(sink: Sink): Promise<number> {
  await sink.until(() => sink.bytes().includes("\n") || sink.ends > 0);
  return Number(String(sink.bytes()).split("\n")[0]);
}

describe("exec", () => {
  it("talks to a child over its standard input and output", async () => {
    const { t, sink } = await run("cat | cat");
    expect(t.peer).toBe("exec:cat | cat");
    const data = Buffer.alloc(3_000_000, "0123456789abcdef-");
    for (let at = 0; at < data.length; at += 70_000) t.send(Uint8Array.from(data.subarray(at, at + 70_000)));
    await sink.until(() => sink.size === data.length);
    expect(sink.bytes().equals(data)).toBe(true);
    t.close();
    await sink.until(() => sink.ends > 0);
    expect([sink.ends, sink.why]).toEqual([1, undefined]);
  });

  it("runs an array without a shell", async () => {
    const { sink } = await run(["printf", "%s|", "a b", "$HOME"]);
    await sink.until(() => sink.ends > 0);
    expect([String(sink.bytes()), sink.why]).toEqual(["a b|$HOME|", undefined]);
  });

  it.each([
    ["exit 0", undefined],
    ["echo out; exit 3", "exited with status 3"],
    ["kill -SEGV $$", "killed by SIGSEGV"],
    ["no-such-command-here", "command not found (status 127)"],
    ["/", "command cannot be executed (status 126)"],
  ])("tells how the child ended: %s", async (command, why) => {
    const { t, sink } = await run(command);
    t.send(new Uint8Array(300_000));
    await sink.until(() => sink.ends > 0);
    expect([sink.ends, sink.why]).toEqual([1, why]);
    expect(String(sink.bytes())).toBe(command.startsWith("echo") ? "out\n" : "");
    t.send(Uint8Array.of(1));
    t.close();
  });

  it("tells that there is no such program", async () => {
    const e = await connectExec(["no-such-command-here"]).then(() => undefined, (x: unknown) => x);
    expect(e).toBeInstanceOf(NineError);
    expect(e).toMatchObject({ message: "command not found: no-such-command-here", errno: errno.ENOENT });
  });

  it("ends a child by its input first, what was sent before it flushed", async () => {
    const { t, sink } = await run("sh -c 'n=$(wc -c); echo $n >&2; exit $((n % 256))'");
    t.send(new Uint8Array(1_000_003));
    t.close("done with it");
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBe("done with it");
  });

  it("tells a child that stays to end, and all it has started", async () => {
    const { t, sink } = await run("echo $$; sleep 1000 & sleep 1000; exit 0");
    const pid = await pidOf(sink);
    expect(alive(pid)).toBe(true);
    t.close();
    await sink.until(() => sink.ends > 0);
    await expect.poll(() => alive(pid)).toBe(false);
  });

  it("kills a child that will not listen", async () => {
    const { t, sink } = await run("trap '' TERM; echo $$; while :; do sleep 1000; done", 60);
    const pid = await pidOf(sink);
    t.close();
    await sink.until(() => sink.ends > 0);
    await expect.poll(() => alive(pid)).toBe(false);
    expect(sink.why).toBeUndefined();
  });

  it("ends a child that has closed its output", async () => {
    const { sink } = await run("exec >&-; sleep 1000");
    await sink.until(() => sink.ends > 0);
    expect(sink.why).toBe("killed by SIGTERM");
  });
});
