/** What another user may do with the files of a process: see who it is, and nothing more. */
import { expect, test } from "vitest";
import type { Device } from "../../kernel/index.ts";
import { attach, type Fsys, open, OREAD, ORDWR, OWRITE } from "../../proto/index.ts";
import { dup, LiveTrace, proc, ram, srv } from "../../servers/index.ts";
import { madeDevice } from "../support/device.ts";
import { bytes, failure } from "../support/kernel.ts";

type Prepare = Parameters<typeof madeDevice>[1];

/** The files that glenda may open with that mode, and that bob may. */
async function may(device: Device, files: readonly string[], mode: number, prepare?: Prepare): Promise<{ glenda: string[]; bob: string[] }> {
  const { server, dispose } = await madeDevice(device, prepare);
  const opens = async (fs: Fsys): Promise<string[]> => {
    const may: string[] = [];
    for (const file of files) {
      const why = await failure(fs.open(file, mode).then((f) => f.close()));
      if (why === "no error") may.push(file);
      else expect([file, why]).toEqual([file, "permission denied"]);
    }
    return may;
  };
  try {
    const [glenda, bob] = await Promise.all(["glenda", "bob"].map((uname) => attach(open(server), { uname })));
    return { glenda: glenda ? await opens(glenda) : [], bob: bob ? await opens(bob) : [] };
  } finally {
    await dispose?.();
  }
}

test("/proc: who it is, what it has open, its name space; nothing is told it, nor done to it", async () => {
  const files = ["args", "ctl", "fd", "note", "noteid", "notepg", "ns", "ppid", "segment", "status", "trace", "wait"].map((name) => `/2/${name}`);
  const prepare: Prepare = (k) => k.sys.spawn({ argv: ["x"], main: (sys) => sys.sleep(7200_000) });
  const reads = await may(proc, files, OREAD, prepare);
  expect(reads.bob).toEqual(["/2/fd", "/2/noteid", "/2/ns", "/2/ppid", "/2/segment", "/2/status"]);
  expect(reads.glenda).toEqual(files.filter((f) => f !== "/2/notepg"));
  const writes = await may(proc, files, OWRITE, prepare);
  expect(writes.bob).toEqual([]);
  expect(writes.glenda).toEqual(["/2/args", "/2/ctl", "/2/note", "/2/noteid", "/2/notepg", "/2/ns"]);
});

test("/fd: none of its files", async () => {
  const prepare: Prepare = (k) => k.sys.create("/tmp/f", ORDWR, 0o666);
  expect(await may(dup, ["/0", "/0ctl"], OREAD, prepare)).toEqual({ glenda: ["/0", "/0ctl"], bob: [] });
  expect(await may(dup, ["/0"], OWRITE, prepare)).toEqual({ glenda: ["/0"], bob: [] });
});

test("/srv: what its owner lets others have", async () => {
  const prepare: Prepare = async (k) => {
    k.sys.post("own", () => open(ram({ now: () => 0 })));
    k.sys.post("all", () => open(ram({ now: () => 0 })), 0o666);
    await k.put("/tmp/f", "x");
  };
  expect(await may(srv, ["/own", "/all"], ORDWR, prepare)).toEqual({ glenda: ["/own", "/all"], bob: ["/all"] });
  const { server, dispose } = await madeDevice(srv, prepare);
  const bob = await attach(open(server), { uname: "bob" });
  for (const act of [bob.remove("/all"), bob.rename("/all", "/mine"), bob.wstat("/all", { mode: 0o600 }), bob.writeFile("/own", bytes("0"))]) {
    expect(await failure(act)).toMatch(/^(permission denied|not owner)/);
  }
  await dispose?.();
});

test("/dev/trace: nobody else's", async () => {
  expect(await may((k) => new LiveTrace().device(k), ["/trace"], OREAD)).toEqual({ glenda: ["/trace"], bob: [] });
});
