/**
 * WireLog: what went over a wire, as lines of the trace language, and the question that peers other
 * than ours ask of it: did any message depend on one that was not answered yet?
 */
import { type Dialect, print, type Receiver, Rversion, Splitter, tagOf, type Transport, unpack } from "../../proto/index.ts";

/** A transport that writes down every message in both directions. */
export class Tap implements Transport {
  readonly peer: string;
  readonly framed: boolean;
  readonly lines: string[] = [];
  private readonly transport: Transport;
  private readonly sent: Splitter = new Splitter(64 << 20);
  private readonly came: Splitter = new Splitter(64 << 20);
  private dialect: Dialect = "9P2000.L";

  constructor(transport: Transport) {
    this.transport = transport;
    this.peer = transport.peer;
    this.framed = transport.framed;
  }

  get buffered(): number {
    return this.transport.buffered;
  }

  start(to: Receiver): void {
    this.transport.start({
      recv: (chunk) => {
        this.came.push(chunk, (buf, at, end) => this.line("<-", buf, at, end));
        to.recv(chunk);
      },
      closed: (why) => to.closed(why),
    });
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    this.sent.push(chunk, (buf, at, end) => this.line("->", buf, at, end));
    this.transport.send(chunk, sent);
  }

  drain(): Promise<void> {
    return this.transport.drain();
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  close(why?: string): void {
    this.transport.close(why);
  }

  private line(arrow: string, buf: Uint8Array, at: number, end: number): void {
    const f = unpack(buf, at, end, this.dialect);
    if (f.type === Rversion && (f.version === "9P2000" || f.version === "9P2000.u")) this.dialect = f.version;
    this.lines.push(`${arrow} ${print(f, tagOf(buf, at), 32)}`);
  }
}

/** Messages after which a fid is another thing than before, or no more. */
const CHANGES: Readonly<Record<string, string>> = {
  Tattach: "fid", Tauth: "afid", Twalk: "newfid", Topen: "fid", Tlopen: "fid", Tcreate: "fid", Tlcreate: "fid", Tclunk: "fid", Tremove: "fid",
  Txattrwalk: "newfid", Txattrcreate: "fid",
};

interface Message { readonly line: string; readonly uses: Set<string>; readonly changes: string | undefined }

/**
 * Messages of a trace that were sent though another was not answered that changes a fid they name,
 * or that names the fid they change. Empty is what a server without the `.x` promise must see.
 */
export function dependent(lines: readonly string[]): string[] {
  const under = new Map<string, Message>();
  const found: string[] = [];
  for (const line of lines) {
    const m = /^(->|<-) (\w+) tag (\w+|~)(.*)$/.exec(line);
    if (!m) continue;
    const [, arrow, type = "", tag = "", rest = ""] = m;
    if (arrow === "<-") {
      under.delete(tag);
      continue;
    }
    const fields = new Map([...rest.matchAll(/\b(fid|newfid|dfid|afid|dirfid|olddirfid|newdirfid) (\d+)\b/g)].map((f) => [f[1], f[2]] as const));
    const changed = CHANGES[type];
    const message: Message = { line, uses: new Set([...fields.values()].map(String)), changes: changed && fields.get(changed) };
    for (const other of under.values()) {
      if ((other.changes !== undefined && message.uses.has(other.changes)) || (message.changes !== undefined && other.uses.has(message.changes))) {
        found.push(`${message.line}   before the answer to   ${other.line}`);
      }
    }
    under.set(tag, message);
  }
  return found;
}
