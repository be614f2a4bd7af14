/** watch: connections that are silent or take nothing are ended, with the reason; what it says of the others. */
import { connect as connectSocket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { dial, NOFID, NOU32, NOTAG, open, ORDWR, packMessage, type Portal, Tattach, Tcreate, Tread, Tversion, Twrite } from "../../../proto/index.ts";
import { connectTransport, listen, type Listener, parseAddr, Watch } from "../../../clients/node/index.ts";
import { ram } from "../../../servers/index.ts";
import { later } from "../../support/transportsuite.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.close();
});

/** A listener whose connections are watched by a clock that the test moves. */
async function watched(limits: ConstructorParameters<typeof Watch>[0]): Promise<{ watch: Watch; pass: (seconds: number) => void; ends: string[]; ended: () => Promise<void> }> {
  let now = 0;
  const watch = new Watch({ ...limits, now: () => now });
  const ends: string[] = [];
  let wake = (): void => undefined;
  const server = ram({ now: () => 0 });
  listener = await listen("tcp://127.0.0.1:0", (s) => open(server, s), {
    watch,
    log(line) {
      if (!line.endsWith(": connected")) ends.push(line.replace(/^\S+: /, ""));
      wake();
    },
  });
  return {
    watch, ends,
    pass(seconds) {
      now += seconds * 1000;
      watch.tick();
    },
    async ended() {
      while (ends.length === 0) {
        const { promise, resolve } = later<undefined>();
        wake = () => resolve(undefined);
        await promise;
      }
    },
  };
}

async function client(): Promise<Portal> {
  return dial(await connectTransport(parseAddr(listener?.address ?? "")));
}

const attach = { type: Tattach, fid: 0, afid: NOFID, uname: "none", aname: "", n_uname: NOU32 } as const;

describe("watch", () => {
  it("ends a connection that agrees on no version", async () => {
    const { pass, ends, ended, watch } = await watched({ hello: 30 });
    const good = await client();
    await good.call({ ...attach });
    const mute = connectSocket(Number(/\d+$/.exec(listener?.address ?? "")?.[0]), "127.0.0.1");
    mute.on("error", () => undefined);
    while (!watch.line().startsWith("2 ")) await new Promise((resolve) => setImmediate(resolve));
    pass(29);
    expect(ends).toEqual([]);
    pass(1);
    await ended();
    expect(ends).toEqual(["no 9P version agreed in 30 s"]);
    expect(watch.line()).toMatch(/^1 connections, 1 fids .* so far 2 connections \(1 hung up on\)/);
  });

  it("ends an idle one if asked to", async () => {
    const { pass, ends, ended } = await watched({ idle: 100 });
    const p = await client();
    await p.call({ ...attach });
    pass(1);
    pass(50);
    await p.call({ type: 124, fid: 0 });
    pass(50);
    pass(99);
    expect(ends).toEqual([]);
    pass(1);
    await ended();
    expect(ends).toEqual(["idle for 100 s"]);
  });

  it("ends one whose peer asks and does not read", async () => {
    const { pass, ends, ended, watch } = await watched({ stall: 60 });
    const p = await client();
    await p.call({ ...attach });
    await p.call({ type: Tcreate, fid: 0, name: "f", perm: 0o666, mode: ORDWR, extension: "" });
    await p.call({ type: Twrite, fid: 0, offset: 0, data: new Uint8Array(1 << 19) });
    const deaf = connectSocket(Number(/\d+$/.exec(listener?.address ?? "")?.[0]), "127.0.0.1");
    deaf.on("error", () => undefined);
    deaf.pause();
    const send = (f: Parameters<typeof packMessage>[0], tag: number): void => void deaf.write(packMessage(f, tag, "9P2000"));
    send({ type: Tversion, msize: 1 << 20, version: "9P2000" }, NOTAG);
    send({ ...attach }, 1);
    send({ type: 110, fid: 0, newfid: 1, wname: ["f"] }, 2);
    send({ type: 112, fid: 1, mode: 0 }, 3);
    for (let tag = 10; tag < 100; tag++) send({ type: Tread, fid: 1, offset: 0, count: 1 << 19 }, tag);
    // No more of its requests are taken up than fit what may wait.
    while (!/[45]\d\d\dK not taken/.test(watch.line())) await new Promise((resolve) => setImmediate(resolve));
    pass(1);
    pass(59);
    expect(ends).toEqual([]);
    expect(watch.text({ fids: 7 })).toMatch(/^fids=7 budget=512M connections=1024 hello=30 idle=0 stall=60\n2 connections.*\npeer +version +msize .*\ntcp:\S+ +9P2000.L.x +1024K +1 +1 /);
    pass(1);
    await ended();
    expect(ends).toEqual(["no reply was taken for 60 s"]);
    deaf.destroy();
    expect((await p.call({ type: 124, fid: 0 })).type).toBe(125);
  });

  it("is told the number of connections that a listener takes", async () => {
    await watched({ connections: 1 });
    const p = await client();
    await p.call({ ...attach });
    await expect(client()).rejects.toThrow("hungup");
  });
});
