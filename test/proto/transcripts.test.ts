/**
 * Plays test/transcripts/*.9p into serve: `->` lines as bytes, all of those that follow each other in
 * one chunk, `<-` lines as patterns of what comes back, in that order and nothing else. Besides
 * messages: `-> x'hex'` sends bytes, `-> hangup` hangs up, `<- closed` wants to be hung up on.
 * Comments that mean something: `# server: NAME`, `# msize: N`, `# peer: NAME` (another connection to
 * the same server), and `Rules N, N:` in the first comment.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Dialect, mismatch, open, packMessage, pair, parse, print, Rversion, serve, type Server, Splitter, tagOf, transcript, type Transport, unpack,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { odd } from "../support/odd.ts";

const dir = new URL("../transcripts/", import.meta.url);

const servers: Readonly<Record<string, () => Server>> = {
  ram: () => ram({ now: () => 1_000_000_000_000 }),
  odd: () => odd(),
};

/** Rules that a server cannot show, and where they are tested. */
const elsewhere: Readonly<Record<number, string>> = {
  17: "proto/fsys.test.ts",
  25: "proto/client.test.ts",
  31: "proto/mux.test.ts",
  36: "proto/serve.test.ts",
};

interface Frame { readonly f: ReturnType<typeof unpack>; readonly tag: number }

/** One connection of a transcript. */
class Peer {
  readonly replies: Frame[] = [];
  over = false;
  private readonly transport: Transport;
  private dialect: Dialect = "9P2000";
  private out: Uint8Array[] = [];

  constructor(server: Server, msize: number) {
    const [client, end] = pair();
    serve(end, (s) => open(server, s), { msize });
    this.transport = client;
    const splitter = new Splitter(1 << 20);
    client.start({
      recv: (chunk) => splitter.push(chunk, (buf, at, to) => {
        const f = unpack(buf.slice(at, to), 0, to - at, this.dialect);
        if (f.type === Rversion) this.dialect = /^9P2000(\.[uL])?/.exec(f.version)?.[0] as Dialect ?? "9P2000";
        this.replies.push({ f, tag: tagOf(buf, at) });
      }),
      closed: () => {
        this.over = true;
      },
    });
  }

  put(text: string): void {
    const hex = /^x'([0-9a-f\s]*)'/.exec(text);
    if (hex) {
      this.out.push(Uint8Array.from(hex[1]?.match(/[0-9a-f]{2}/g) ?? [], (x) => Number.parseInt(x, 16)));
    } else {
      const { f, tag } = parse(text);
      this.out.push(packMessage(f, tag, this.dialect));
    }
  }

  flush(): void {
    if (this.out.length > 0) this.transport.send(new Uint8Array(Buffer.concat(this.out.splice(0))));
  }

  hangup(): void {
    this.flush();
    this.transport.close();
  }
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20 && !done(); i++) await new Promise((resolve) => setImmediate(resolve));
}

async function play(text: string, fail: (line: number, why: string) => never): Promise<void> {
  const header = (name: string): string | undefined => new RegExp(`^# ${name}: (\\S+)`, "m").exec(text)?.[1];
  const make = servers[header("server") ?? "ram"] ?? fail(1, "no such server");
  const server = make();
  const msize = Number(header("msize") ?? 1 << 20);
  const peers = new Map<string, Peer>();
  const named = text.split("\n").flatMap((l, i) => {
    const m = /^# peer: (\S+)/.exec(l);
    return m?.[1] ? [{ line: i + 1, name: m[1] }] : [];
  });
  const peerAt = (line: number): Peer => {
    const name = named.findLast((p) => p.line < line)?.name ?? "a";
    let p = peers.get(name);
    if (!p) peers.set(name, (p = new Peer(server, msize)));
    return p;
  };
  for (const l of transcript(text)) {
    const p = peerAt(l.line);
    if (l.from === "client") {
      if (l.text === "hangup") {
        p.hangup();
        await until(() => p.over);
      } else p.put(l.text);
      continue;
    }
    for (const q of peers.values()) q.flush();
    if (l.text === "closed") {
      await until(() => p.over);
      if (!p.over) fail(l.line, "still connected");
      continue;
    }
    await until(() => p.replies.length > 0);
    const r = p.replies.shift() ?? fail(l.line, `no reply; expected ${l.text}`);
    const why = mismatch(l.text, r.f, r.tag);
    if (why !== undefined) fail(l.line, why);
  }
  for (const q of peers.values()) q.flush();
  await until(() => false);
  for (const [name, p] of peers) {
    const r = p.replies[0];
    if (r) fail(0, `peer ${name} got more: ${print(r.f, r.tag, 64)}`);
  }
}

describe("transcripts", () => {
  const names = readdirSync(dir).filter((n) => n.endsWith(".9p"));
  const covered = new Set<number>();
  for (const name of names) {
    const text = readFileSync(new URL(name, dir), "utf8");
    for (const n of /^# Rules? ([\d, ]+):/.exec(text)?.[1]?.split(",") ?? []) covered.add(Number(n));
    it(name, () => play(text, (line, why) => expect.fail(`${name}:${line}: ${why}`)));
  }

  it("cover every rule of 9P, but those tested elsewhere", () => {
    const missing: number[] = [];
    for (let n = 1; n <= 38; n++) if (!covered.has(n) && elsewhere[n] === undefined) missing.push(n);
    expect(missing).toEqual([]);
    for (const [n, file] of Object.entries(elsewhere)) {
      expect(readFileSync(new URL(`../${file}`, import.meta.url), "utf8")).toMatch(new RegExp(`\\(rules? [\\d, ]*\\b${n}\\b`));
    }
  });
});
