/**
 * Procfs: what static programs look up in Linux's /proc, of themselves and of the machine, as a Device,
 * #linux: a directory for each process, and a few files of all. paths.ts sends names there; what is asked
 * of links, and of fd, it answers itself.
 */
import { dir, type DirNode, Enonexist, NineError, type Node, type Server, textFile } from "../../proto/index.ts";
import type { Device, Kernel } from "../kernel.ts";
import type { Proc } from "../proc.ts";
import { PAGE, PROT, type Segment } from "../segment.ts";

const TICKSMS = 10;
const KB = 1024;

function mapLine(s: Segment): string {
  const hex = (n: number): string => n.toString(16).padStart(8, "0");
  const rights = `${s.prot & PROT.read ? "r" : "-"}${s.prot & PROT.write ? "w" : "-"}${s.prot & PROT.exec ? "x" : "-"}${s.shared ? "s" : "p"}`;
  const head = `${hex(s.base)}-${hex(s.top)} ${rights} ${hex(s.image?.offset ?? 0)} 00:${(s.image?.chan.mnt.dev ?? 0).toString(16).padStart(2, "0")} ${s.image?.chan.qid.pathlo ?? 0}`;
  const name = s.image?.chan.path ?? (s.type === "Stack" ? "[stack]" : "");
  return name === "" ? `${head} \n` : `${head.padEnd(73)}${name}\n`;
}

function bytesOf(p: Proc): { readonly size: number; readonly rss: number } {
  return p.segments.reduce((n, s) => ({ size: n.size + s.top - s.base, rss: n.rss + s.pages.frames.size * PAGE }), { size: 0, rss: 0 });
}

/** stat of proc(5): 52 fields, of which are known who, whose, since when and how large. */
function statLine(p: Proc): string {
  const { size, rss } = bytesOf(p);
  const state = p.isStopped ? "T" : "R";
  const ticks = Math.floor((p.kernel.host.now() - p.startMs) / TICKSMS);
  const fields = [p.ppid, p.notes.id, p.notes.id, 0, -1, 0, 0, 0, 0, 0, ticks, 0, 0, 0, 20, 0, 1, 0, Math.floor(p.startMs / TICKSMS), size, rss / PAGE, "18446744073709551615"];
  return `${p.pid} (${p.name.slice(0, 15)}) ${state} ${[...fields, ...Array.from({ length: 27 }, () => 0)].join(" ")}\n`;
}

function status(p: Proc): string {
  const { size, rss } = bytesOf(p);
  const { uid } = p.kernel;
  const ids = [uid, uid, uid, uid].join("\t");
  return [
    `Name:\t${p.name.slice(0, 15)}`, "Umask:\t0022", `State:\t${p.isStopped ? "T (stopped)" : "R (running)"}`, `Tgid:\t${p.pid}`, "Ngid:\t0", `Pid:\t${p.pid}`, `PPid:\t${p.ppid}`,
    "TracerPid:\t0", `Uid:\t${ids}`, `Gid:\t${ids}`, "FDSize:\t64", `Groups:\t${uid} `, `VmPeak:\t${size / KB} kB`, `VmSize:\t${size / KB} kB`, `VmRSS:\t${rss / KB} kB`, "Threads:\t1",
  ].map((line) => `${line}\n`).join("");
}

function files(p: Proc): DirNode {
  return dir({
    cmdline: textFile(() => p.args.map((a) => `${a}\0`).join("")),
    comm: textFile(() => `${p.name.slice(0, 15)}\n`),
    maps: textFile(() => p.segments.map(mapLine).join("")),
    stat: textFile(() => statLine(p)),
    statm: textFile(() => {
      const { size, rss } = bytesOf(p);
      return `${size / PAGE} ${rss / PAGE} 0 0 0 ${rss / PAGE} 0\n`;
    }),
    status: textFile(() => status(p)),
    mounts: textFile(mounts),
    exe: textFile(() => ""),
    fd: dir({}),
  });
}

function mounts(): string {
  return "nineplex / 9p rw 0 0\n";
}

function machine(kernel: Kernel): Record<string, Node> {
  const seconds = (): string => (kernel.guests.machine.instructions / 1e8).toFixed(2);
  return {
    meminfo: textFile(() => {
      const { total, used } = kernel.guests.ram.usage;
      const line = (name: string, frames: number): string => `${`${name}:`.padEnd(16)}${String(frames * PAGE / KB).padStart(8)} kB\n`;
      return line("MemTotal", total) + line("MemFree", total - used) + line("MemAvailable", total - used) + line("Buffers", 0) + line("Cached", 0) + line("SwapTotal", 0) + line("SwapFree", 0);
    }),
    cpuinfo: textFile(() => "processor\t: 0\nvendor_id\t: nineplex\nmodel name\t: nineplex x86-64-v2\n\n"),
    uptime: textFile(() => `${seconds()} 0.00\n`),
    loadavg: textFile(() => `0.00 0.00 0.00 1/${kernel.procs.size} ${Math.max(0, ...kernel.procs.keys())}\n`),
    stat: textFile(() => "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"),
    version: textFile(() => "Linux version 6.1.0 (nineplex)\n"),
    filesystems: textFile(() => "nodev\t9p\n"),
    mounts: textFile(mounts),
  };
}

/** The tree of a kernel. */
export const procfs: Device = (kernel): Server => {
  const shared = dir(machine(kernel));
  const root: DirNode = {
    ...shared,
    walk(name, call) {
      const p = /^\d{1,9}$/.test(name) ? kernel.procs.get(Number(name)) : undefined;
      if (p) return files(p);
      if (/^\d+$/.test(name)) throw new NineError(Enonexist);
      return shared.walk(name, call);
    },
  };
  return { name: "linux", attach: () => root };
};
