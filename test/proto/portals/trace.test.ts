/** trace: a line a message, as a wire would have carried it; the lines are a transcript. */
import { expect, it } from "vitest";
import { attach, dial, NOFID, NOU32, open, pair, parse, serve, Tattach, type Tmsg, Topen, trace, transcript, Tread, Twalk, Twrite } from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";
import { odd } from "../../support/odd.ts";

it("shows what goes by, with tags while calls are outstanding, and flushes", async () => {
  const lines: string[] = [];
  const p = trace(open(odd(), { dialect: "9P2000" }), (l) => lines.push(l), { name: "odd" });
  await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  await p.call({ type: Twalk, fid: 0, newfid: 1, wname: ["block"] });
  await p.call({ type: Topen, fid: 1, mode: 2 });
  const t: Tmsg = { type: Tread, fid: 1, offset: 0, count: 10 };
  const r = p.call(t);
  await p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(200).fill(97) });
  p.flush(t);
  p.flush(t);
  await r;
  p.flush(t);
  await p.call({ type: Twalk, fid: 0, newfid: 2, wname: ["none"] });
  p.hangup();
  expect(lines).toEqual([
    "# 9P2000.x msize 1048576 odd",
    "-> Tattach tag 0 fid 0 afid NOFID uname 'glenda' aname '' # odd",
    "<- Rattach tag 0 qid (0x1 0 d) # odd",
    "-> Twalk tag 0 fid 0 newfid 1 'block' # odd",
    "<- Rwalk tag 0 (0x2 0 f) # odd",
    "-> Topen tag 0 fid 1 mode 2 # odd",
    "<- Ropen tag 0 qid (0x2 0 f) iounit 0 # odd",
    "-> Tread tag 0 fid 1 offset 0 count 10 # odd",
    `-> Twrite tag 1 fid 1 offset 0 count 200 '${"a".repeat(64)}'... # odd`,
    "<- Rwrite tag 1 count 200 # odd",
    "-> Tflush tag 1 oldtag 0 # odd",
    "-> Tflush tag 2 oldtag 0 # odd",
    "<- Rflush tag 1 # odd",
    "<- Rflush tag 2 # odd",
    "-> Twalk tag 0 fid 0 newfid 2 'none' # odd",
    "<- Rerror tag 0 ename 'file does not exist' errno ENOENT # odd",
    "# hangup odd",
  ]);
});

it("without a limit is a transcript whose lines are the messages", async () => {
  const lines: string[] = [];
  const server = ram({ now: () => 0 });
  const [a, b] = pair();
  serve(b, (s) => trace(open(server, s), (l) => lines.push(l), { max: Infinity }));
  const fs = await attach(await dial(a), { uname: "glenda" });
  await fs.writeFile("/f", "x".repeat(500));
  await fs.stat("/f");
  const all = transcript(lines.join("\n"));
  expect(all.length).toBe(lines.length - 1);
  expect(all.map((l) => parse(l.text).f.type)).toEqual([104, 105, 110, 111, 114, 115, 118, 119, 120, 121, 110, 111, 124, 125, 120, 121]);
});
