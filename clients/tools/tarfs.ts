/**
 * tarfs: tapefs(4)'s: mounts a tar archive, plain or compressed by gzip, that any name of the name
 * space leads to, on /n/tapefs or where -m says. A process of its own holds the archive open until
 * nobody has the tree mounted any more. A plain archive is read where it lies; a compressed one is
 * unpacked into memory, -s megabytes of it at most.
 */
import { Eisdir, NineError, open, OREAD, type Portal, QTDIR } from "../../proto/index.ts";
import { MAFTER, MBEFORE, MREPL, type Program, type Sys } from "../../kernel/sys.ts";
import { tar, type TarFormat, type TarSource } from "../../servers/index.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { isGzip, MAGIC } from "./lib/compressed.ts";
import { tool } from "./lib/tool.ts";

export interface TarfsDeps {
  /** How the format is read; asked for once it is needed. */
  format(): Promise<TarFormat>;
  /** Rejects with Efbig beyond limit. */
  gunzip(data: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array>;
}

/** Megabytes unpacked without -s. */
const LIMITMB = 256;

export const tarfs = (deps: TarfsDeps): Program =>
  tool("tarfs", "[-ab] [-m mtpt] [-s megabytes] file", async (t, words) => {
    const { sys } = t;
    const args = parseArgs(words, "abm:s:");
    const [file, more] = args.operands;
    if (file === undefined || more !== undefined || (args.has("a") && args.has("b"))) throw new Usage();
    const limit = (args.count("s") ?? LIMITMB) * 2 ** 20;
    const mtpt = args.get("m") ?? "/n/tapefs";
    const outcome: Outcome = {};
    const [told, tell] = await sys.pipe();
    await sys.spawn({
      argv: ["tarfs", ...words], fds: new Map([[0, tell]]), ns: "copy", noteGroup: "new", nowait: true,
      main: (child) => served(child, file, limit, deps, outcome),
    });
    await sys.close(tell);
    // A byte when it is ready, the end when it has failed.
    await sys.read(told);
    const { portal } = outcome;
    if (!portal) throw outcome.failed instanceof NineError ? new NineError(`${file}: ${outcome.failed.message}`, outcome.failed.errno) : outcome.failed;
    outcome.taken = true;
    try {
      await sys.close(told);
      await sys.mount(portal, mtpt, args.has("a") ? MAFTER : args.has("b") ? MBEFORE : MREPL, "", outcome.name);
    } catch (e) {
      portal.hangup();
      await t.fail(mtpt, e);
    }
  });

interface Outcome {
  portal?: Portal;
  name?: string;
  failed?: unknown;
  /** The portal is somebody's who will hang up. */
  taken?: boolean;
}

/** The process that has the archive: ends when its tree is hung up on. */
async function served(sys: Sys, file: string, limit: number, deps: TarfsDeps, outcome: Outcome): Promise<string> {
  // Whoever waits for it may be gone before it is ready: then nobody will hang up.
  sys.read(0).then(() => outcome.taken || sys.postNote(sys.pid, "kill")).catch(() => undefined);
  try {
    const fd = await sys.open(file, OREAD);
    // What it is mounted in, or mounted beside, is not to live as long as it does.
    sys.rfork({ ns: "clean" });
    const portal = open(await tar(await sourceOf(sys, fd, limit, deps), await deps.format()));
    const [end, hold] = await sys.pipe();
    outcome.name = sys.fd2path(fd);
    outcome.portal = {
      dialect: portal.dialect, msize: portal.msize, ordered: portal.ordered, ...(portal.lasting !== undefined && { lasting: portal.lasting }),
      call: (m) => portal.call(m), flush: (m) => portal.flush(m),
      hangup() {
        portal.hangup();
        void sys.close(hold).catch(() => undefined);
      },
    };
    await sys.write(0, Uint8Array.of(1));
    await sys.read(end);
    return "";
  } catch (e) {
    outcome.failed = e;
    return "failed";
  }
}

async function sourceOf(sys: Sys, fd: number, limit: number, deps: TarfsDeps): Promise<TarSource> {
  const { length, qid } = await sys.fstat(fd);
  if (qid.type & QTDIR) throw new NineError(Eisdir);
  const head = await sys.read(fd, MAGIC, 0);
  if (head.length === 0) throw new NineError("no tar archive: the file is empty");
  if (!isGzip(head)) return { length, read: (at, n) => sys.read(fd, n, at) };
  const data = await deps.gunzip(all(sys, fd), limit);
  return { length: data.length, read: (at, n) => data.subarray(at, at + n) };
}

async function* all(sys: Sys, fd: number): AsyncGenerator<Uint8Array> {
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) yield data;
}
