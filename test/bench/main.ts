/**
 * `npm run bench [NAME]`: builds into a temporary directory and runs what is asked for from there, so
 * that nothing measured goes through a loader. Ends with 0 also when a target is missed: it reports.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const BENCHES: Readonly<Record<string, string>> = {
  "9p": "9P servers beside each other, over TCP, WebSocket and in process", kernel: "kernel calls beside the messages they make, and pipelines",
  rc: "loops and commands of rc, beside 9base's", tools: "what programs of /bin do to bytes, beside the system's", machine: "x86-64 programs on the machine, beside qemu-user",
};
const USAGE = `usage: npm run bench [NAME] [-- OPTIONS]

${Object.entries(BENCHES).map(([name, what]) => `  ${name.padEnd(8)} ${what}`).join("\n")}

Without NAME all of them. Options are the bench's own: npm run bench NAME -- -h
`;

const root = fileURLToPath(new URL("../..", import.meta.url));
const [name, ...args] = process.argv.slice(2);
const named = name !== undefined && !name.startsWith("-");
if (name === "-h" || name === "--help") process.stdout.write(USAGE);
else if (named && !(name in BENCHES)) {
  process.stderr.write(`bench: no ${name}\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = await run(named ? [name] : Object.keys(BENCHES), named ? args : process.argv.slice(2));
}

async function run(names: readonly string[], options: readonly string[]): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-bench-"));
  // The one who runs is told to end by the terminal itself, and then this goes on to clean up.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  try {
    writeFileSync(join(dir, "package.json"), '{ "type": "module", "version": "0" }\n');
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    const built = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "test/bench"), "--outDir", join(dir, "dist")], { stdio: "inherit" });
    if (built.status !== 0) return 1;
    if (names.includes("machine")) {
      // As the package has it.
      const packed = spawnSync(process.execPath, ["--import", "tsx", join(root, "test/support/machinecode.ts"), pathToFileURL(join(dir, "dist/kernel/machine/")).href], { stdio: "inherit", cwd: root });
      if (packed.status !== 0) return 1;
    }
    for (const one of names) {
      const child = spawn(process.execPath, [join(dir, "dist/test/bench", `${one}.js`), ...options], { stdio: "inherit" });
      const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
      if (status !== 0) return status;
    }
    return 0;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
