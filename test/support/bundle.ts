/**
 * Bundle: the command line as one file of plain JavaScript, which starts in a fifth of the time the
 * sources take. It stands in node_modules/.cache, where `ws` is found. `module:` with TypeScript, and
 * --version, want the sources (MAIN of children.ts).
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Node's arguments that run it, and what removes it. */
export async function bundle(): Promise<{ main: readonly string[]; remove(): void }> {
  const cache = join(ROOT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, "nineplex-"));
  const outfile = join(dir, "main.mjs");
  await build({
    entryPoints: [join(ROOT, "clients/main.ts")], bundle: true, platform: "node", format: "esm", target: "node20", external: ["ws"], outfile, logLevel: "warning", sourcemap: "inline",
  });
  return { main: [outfile], remove: () => rmSync(dir, { recursive: true }) };
}
