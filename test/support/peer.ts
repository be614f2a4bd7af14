/**
 * peer: the other end of a wire, by hand. A ScriptedServer is shown each T and answers when the test
 * says so; frames are whole messages.
 */
import {
  type Dialect, type Fcall, packMessage, pair, Splitter, tagOf, type Transport, Tversion, unpack,
} from "../../proto/index.ts";

export interface Frame {
  readonly f: Fcall;
  readonly tag: number;
}

/** Lets everything that waits in microtasks run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class ScriptedServer {
  /** To be given to dial. */
  readonly transport: Transport;
  /** Messages that came and were not taken yet, Tversions left out when `version` answers them. */
  readonly got: Frame[] = [];
  over = false;
  dialect: Dialect = "9P2000";
  private readonly end: Transport;

  /** version: what is answered to each Tversion in turn; when they are used up, the test must answer. */
  constructor(versions: readonly (string | Fcall)[] = ["9P2000"], msize?: number) {
    const [a, b] = pair();
    this.transport = a;
    this.end = b;
    const left = [...versions];
    const splitter = new Splitter(1 << 24);
    b.start({
      recv: (chunk) => splitter.push(chunk, (buf, at, end) => {
        // What is kept of a chunk is a copy.
        const f = unpack(buf.slice(at, end), 0, end - at, this.dialect);
        const tag = tagOf(buf, at);
        const answer = f.type === Tversion ? left.shift() : undefined;
        if (f.type !== Tversion || answer === undefined) {
          this.got.push({ f, tag });
          return;
        }
        if (typeof answer !== "string") {
          this.dialect = "9P2000.L";
          this.send(answer, tag);
          this.dialect = "9P2000";
          return;
        }
        this.send({ type: 101, msize: msize ?? f.msize, version: answer }, tag);
        const name = answer.replace(/\.x$/, "");
        if (name === "9P2000.u" || name === "9P2000.L") this.dialect = name;
      }),
      closed: () => {
        this.over = true;
      },
    });
  }

  send(f: Fcall, tag: number): void {
    this.end.send(packMessage(f, tag, this.dialect));
  }

  bytes(chunk: Uint8Array): void {
    this.end.send(chunk);
  }

  close(why?: string): void {
    this.end.close(why);
  }

  /** The next message; fails when there is none. */
  async next(): Promise<Frame> {
    await settle();
    const frame = this.got.shift();
    if (!frame) throw new Error("no message came");
    return frame;
  }
}
