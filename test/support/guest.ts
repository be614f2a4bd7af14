/**
 * Guest: a Linux in QEMU, under software emulation, that runs one script and powers off. Its kernel
 * and modules are Debian's, unpacked and never installed, and kept in the user's cache directory from
 * run to run; its root file system is in memory: busybox, and what the caller gives it. The guest sees
 * the host's loopback at 10.0.2.2; what its script prints comes out of the serial console.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { run, type Started, start } from "./children.ts";
import { cpio, type Packed } from "./cpio.ts";
import { programPath } from "./need.ts";

export interface GuestKernel {
  readonly vmlinuz: string;
  /** Paths of the modules' files, each after those it depends on. */
  readonly modules: readonly string[];
}

/** The network card and v9fs; what they depend on comes with them. */
const MODULES = ["virtio_pci", "virtio_net", "9pnet_fd", "9p"];
const PACKAGE = "linux-image-amd64";

/** The kernel of the cache, or Debian's current one put there; throws an Error that says why it cannot be had. */
export async function guestKernel(): Promise<GuestKernel> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "nineplex", "guest");
  const kept = join(cache, "kernel");
  if (!existsSync(kept)) {
    mkdirSync(cache, { recursive: true });
    const work = mkdtempSync(join(cache, "unpack-"));
    try {
      const made = await unpack(work);
      // Whoever else does the same at the same time may have been faster.
      if (!existsSync(kept)) renameSync(made, kept);
    } finally {
      rmSync(work, { recursive: true });
    }
  }
  const modules = readFileSync(join(kept, "modules"), "utf8").split("\n").filter((l) => l !== "").map((l) => join(kept, l));
  return { vmlinuz: join(kept, "vmlinuz"), modules };
}

/** Gets the package and leaves vmlinuz, the modules and their list in a directory of `work`: its path. */
async function unpack(work: string): Promise<string> {
  await aptGet(work);
  const deb = readdirSync(work).find((f) => f.endsWith(".deb"));
  if (!deb) throw new Error("apt-get download left no package");
  await must(work, "dpkg", "-x", deb, "x");
  const files = readdirSync(join(work, "x"), { recursive: true, encoding: "utf8" });
  const vmlinuz = files.find((f) => basename(f).startsWith("vmlinuz-"));
  if (!vmlinuz) throw new Error(`${deb} has no kernel`);
  const made = join(work, "kernel");
  mkdirSync(made);
  copyFileSync(join(work, "x", vmlinuz), join(made, "vmlinuz"));
  const order: string[] = [];
  const add = async (name: string): Promise<void> => {
    if (order.includes(`${name}.ko`)) return;
    const path = files.find((f) => basename(f).replaceAll("-", "_").match(/^(.*)\.ko(\.xz)?$/)?.[1] === name);
    if (!path) return; // Built into the kernel.
    copyFileSync(join(work, "x", path), join(made, basename(path)));
    if (path.endsWith(".xz")) await must(made, "xz", "-d", basename(path));
    renameSync(join(made, basename(path, ".xz")), join(made, `${name}.ko`));
    const needs = /\0depends=([^\0]*)\0/.exec(readFileSync(join(made, `${name}.ko`), "latin1"))?.[1] ?? "";
    for (const n of needs.split(",")) if (n !== "") await add(n.replaceAll("-", "_"));
    order.push(`${name}.ko`);
  };
  for (const m of MODULES) await add(m);
  writeFileSync(join(made, "modules"), order.map((m) => `${m}\n`).join(""));
  return made;
}

/** The newest package of the kernel as a file in `work`. */
async function aptGet(work: string): Promise<void> {
  const download = async (): Promise<string | undefined> => {
    const depends = await run("apt-cache", ["depends", PACKAGE], { cwd: work });
    const name = /Depends: (linux-image-\S+)/.exec(depends.stdout.toString())?.[1];
    if (!name) return `apt-cache knows no ${PACKAGE}`;
    const r = await run("apt-get", ["-q", "download", name], { cwd: work, timeoutMs: 600_000 });
    return r.status === 0 ? undefined : `apt-get download ${name}: ${r.stderr}`;
  };
  if ((await download()) === undefined) return;
  // The lists may be older than what the mirror still has.
  await run("apt-get", ["-qq", "update"], { cwd: work, timeoutMs: 600_000 });
  const why = await download();
  if (why !== undefined) throw new Error(why);
}

async function must(cwd: string, command: string, ...args: string[]): Promise<void> {
  const r = await run(command, args, { cwd, timeoutMs: 300_000 });
  if (r.status !== 0) throw new Error(`${command}: ${r.stderr}`);
}

export interface GuestOptions {
  /** What goes into the root file system besides busybox and modules; `init` of it is run by the shell as the first process. */
  readonly files: readonly Packed[];
  /** Where its root file system's image may stay while it runs. */
  readonly dir: string;
  /** It is killed after so long, whatever becomes of this process. */
  readonly seconds: number;
}

/** Boots it. `out()` is its console; it ends by itself when `init` ends. */
export function startGuest(kernel: GuestKernel, { files, dir, seconds }: GuestOptions): Started {
  const busybox = programPath("busybox");
  if (busybox === undefined) throw new Error("no busybox");
  const boot: Packed[] = [
    { path: "bin/busybox", mode: 0o100755, data: readFileSync(busybox) },
    ...kernel.modules.map((m) => ({ path: `modules/${basename(m)}`, mode: 0o100644, data: readFileSync(m) })),
    { path: "modules/order", mode: 0o100644, data: Buffer.from(kernel.modules.map((m) => `${basename(m)}\n`).join("")) },
    ...["proc", "sys", "dev", "tmp"].map((path) => ({ path, mode: 0o40755 })),
    { path: "boot.sh", mode: 0o100755, data: Buffer.from(BOOT) },
  ];
  const image = join(dir, "initramfs");
  writeFileSync(image, cpio([...boot, ...files]));
  return start("timeout", [
    "--kill-after=5", String(seconds), "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", "1", "-m", "768M", "-nodefaults",
    "-display", "none", "-serial", "stdio", "-no-reboot", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
    "-kernel", kernel.vmlinuz, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/boot.sh",
  ]);
}

/** Until the network is up; then the caller's script. */
const BOOT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read m; do insmod /modules/$m; done < /modules/order
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
cd /
sh /init
echo guest: ended
sync
poweroff -f
`;
