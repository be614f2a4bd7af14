/**
 * Citizen: a client as it should be, at work in a directory of its own while others attack. Invariant:
 * every answer it gets is right, or run() rejects.
 */
import { connect } from "../../clients/node/index.ts";
import { attach, errno, type Fsys, NineError, type Portal } from "../../proto/index.ts";

export class Citizen {
  /** Rounds of work done. */
  rounds = 0;
  private readonly fs: Fsys;
  private readonly portal: Portal;
  private readonly name: string;
  private stopped = false;
  private working: Promise<void> | undefined;

  private constructor(portal: Portal, fs: Fsys, name: string) {
    this.portal = portal;
    this.fs = fs;
    this.name = name;
  }

  /** name: of its files, so that several can work side by side. */
  static async settle(address: string, name: string): Promise<Citizen> {
    const portal = await connect(address);
    return new Citizen(portal, await attach(portal, { uname: "citizen", aname: "/good" }), name);
  }

  /** Works until stop(). */
  start(): void {
    this.stopped = false;
    this.working = (async () => {
      while (!this.stopped) {
        await this.round();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    // Told by stop().
    this.working.catch(() => undefined);
  }

  /** Ends the work; rejects when anything went wrong. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
    await this.round();
  }

  leave(): void {
    this.portal.hangup();
  }

  async round(): Promise<void> {
    const n = this.rounds;
    const path = `/${this.name}`;
    const data = Uint8Array.from({ length: 1 + ((n * 977) % 9000) }, (_, i) => i * 7 + n);
    await this.fs.writeFile(path, data);
    const got = await this.fs.readFile(path);
    if (Buffer.compare(got, data) !== 0) throw new Error(`round ${n}: read ${got.length} bytes, not the ${data.length} written`);
    const st = await this.fs.stat(path);
    if (st.length !== data.length || st.name !== this.name) throw new Error(`round ${n}: stat says ${st.name}, ${st.length} bytes`);
    await this.fs.rename(path, `${path}.moved`);
    const names = (await this.fs.readDir("/")).map((d) => d.name).filter((x) => x.startsWith(this.name));
    if (names.join() !== `${this.name}.moved`) throw new Error(`round ${n}: the directory has ${names.join()}`);
    const e: unknown = await this.fs.stat(path).then(() => undefined, (x: unknown) => x);
    if (!(e instanceof NineError) || e.errno !== errno.ENOENT) throw new Error(`round ${n}: of a file that is not there: ${String(e)}`);
    await this.fs.remove(`${path}.moved`);
    this.rounds++;
  }
}
