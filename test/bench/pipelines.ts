/**
 * Pipelines: bytes through a `pipe` of the kernel, from one host process to another, beside the same
 * through a pipe of the system. A runner moves TOTAL bytes again and again; an operation is a
 * megabyte. Invariant: every byte that was written has been read when a round ends.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Booted, Program, Sys } from "../../kernel/index.ts";
import { rc } from "../../clients/rc/index.ts";
import { repeated, type Row, type Runner } from "./row.ts";

const TOTAL = 256 << 20;
const MB = 1e6;
/** Megabytes a second that each should reach. */
const TARGET = { rate: 1000 };

/** chunk: of the writes; the reader asks for 64 KiB. */
export function pipelines({ sys }: Booted): Row[] {
  return [
    ...[4096, 1 << 16, 1 << 20].map((chunk) => row(`pipe, writes of ${chunk / 1024} KiB, reads of 64 KiB`, [
      repeated("nineplex, two processes", TOTAL / MB, () => between(sys, chunk), TARGET),
      repeated("system: dd | cat", TOTAL / MB, () => native(`dd if=/dev/zero bs=${chunk} count=${TOTAL / chunk} 2>/dev/null | cat >/dev/null`)),
    ])),
    row("cat FILE | cat > /dev/null", [
      repeated("nineplex, rc", TOTAL / MB, async () => {
        await written(sys);
        const pid = await sys.spawn({ argv: ["rc", "-c", "cat /tmp/big | cat > /dev/null"], main: rc({}), noteGroup: "new" });
        const { status } = await sys.wait(pid);
        if (status !== "") throw new Error(`rc: ${status}`);
      }, TARGET),
      repeated("system: dd | cat", TOTAL / MB, () => native(`dd if=/dev/zero bs=256k count=${TOTAL >> 18} 2>/dev/null | cat >/dev/null`)),
    ]),
  ];
}

function row(name: string, runners: (() => Promise<Runner>)[]): Row {
  return { name, unit: "MB/s", scale: 1, compared: true, profiled: false, runners };
}

async function between(sys: Sys, chunk: number): Promise<void> {
  const [r, w] = await sys.pipe();
  const data = new Uint8Array(chunk);
  const writer: Program = async (s) => {
    for (let n = 0; n < TOTAL; n += chunk) await s.write(1, data);
  };
  const pid = await sys.spawn({ argv: ["writer"], fds: new Map([[1, w]]), main: writer });
  await sys.close(w);
  let n = 0;
  for (;;) {
    const got = await sys.read(r, 1 << 16);
    if (got.length === 0) break;
    n += got.length;
  }
  await sys.close(r);
  await sys.wait(pid);
  if (n !== TOTAL) throw new Error(`${n} bytes came of ${TOTAL}`);
}

/** The file that rc's pipeline reads. */
async function written(sys: Sys): Promise<void> {
  const there = await sys.stat("/tmp/big").catch(() => undefined);
  if (there?.length === TOTAL) return;
  const block = new Uint8Array(1 << 20);
  await sys.writeFile("/tmp/big", block);
  const fd = await sys.open("/tmp/big", 1);
  for (let at = 0; at < TOTAL; at += block.length) await sys.write(fd, block, at);
  await sys.close(fd);
}

async function native(command: string): Promise<void> {
  const [status] = await once(spawn("sh", ["-c", command], { stdio: "ignore" }), "exit");
  if (status !== 0) throw new Error(`${command}: ${String(status)}`);
}
