/**
 * Host: the harness on the host's processor, built with gcc into a directory of its own and fed with
 * batches. One batch at a time; `close` ends it and removes what was built.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CASE, readOutcomes, type Case, type Outcome } from "./case.ts";

const SOURCE = fileURLToPath(new URL("../../interop/cpu/harness.c", import.meta.url));
/** No batch has more cases. */
export const BATCH = 2048;

export class Host {
  private readonly child: ChildProcess;
  private readonly dir: string;
  private readonly parts: Buffer[] = [];
  private got = 0;
  private waiting: { resolve: (bytes: Buffer) => void; reject: (e: Error) => void } | undefined;
  private said = "";

  /** Builds and starts it; `pristine` is what the data pages hold. */
  constructor(pristine: Uint8Array) {
    this.dir = mkdtempSync(join(tmpdir(), "cpu-"));
    const program = join(this.dir, "harness");
    execFileSync("gcc", ["-O2", "-fno-stack-protector", "-mno-red-zone", "-o", program, SOURCE], { stdio: ["ignore", "inherit", "inherit"] });
    const child = spawn(program, { stdio: "pipe" });
    this.child = child;
    child.stdout.on("data", (part: Buffer) => this.receive(part));
    child.stderr.on("data", (part: Buffer) => (this.said += part.toString()));
    child.stdin.on("error", () => {});
    child.on("close", (status) => this.waiting?.reject(new Error(`the harness ended with ${status}: ${this.said.trim()}`)));
    child.stdin.write(pristine);
  }

  /** Runs the cases, which are views of one buffer in order. */
  async run(cases: readonly Case[]): Promise<Outcome[]> {
    const first = cases[0] as Case;
    const answer = new Promise<Buffer>((resolve, reject) => (this.waiting = { resolve, reject }));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(cases.length);
    this.child.stdin?.write(head);
    this.child.stdin?.write(new Uint8Array(first.bytes.buffer, first.bytes.byteOffset, cases.length * CASE));
    return readOutcomes(await answer, cases);
  }

  close(): void {
    this.child.stdin?.end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private receive(part: Buffer): void {
    this.parts.push(part);
    this.got += part.length;
    if (this.got < 4) return;
    const head = this.parts[0] as Buffer;
    const whole = head.length >= 4 ? undefined : Buffer.concat(this.parts);
    if (this.got < 4 + (whole ?? head).readUInt32LE()) return;
    const bytes = (whole ?? Buffer.concat(this.parts)).subarray(4);
    this.parts.length = this.got = 0;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(bytes);
  }
}
