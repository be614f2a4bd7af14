/** The import table of ARCHITECTURE.md, enforced on the source: who may import whom, and which host APIs. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

interface Rule {
  /** Files below this folder. */
  readonly wing: string;
  /** What they may import of ours; a folder, or one file. */
  readonly ours: readonly string[];
  /** Bare specifiers they may import. */
  readonly bare: RegExp;
  /** Host globals they must not touch. */
  readonly banned?: RegExp;
}

/** Time, chance and timers come through Host; nothing of a platform either. */
const HOST = /\b(Date|Math\.random|setTimeout|setInterval|setImmediate|performance|process|Buffer|require|window|document|crypto|fetch)\b(?!["'\w:])/;
const NONE = /^$/;

// The first rule that fits a file holds.
const rules: readonly Rule[] = [
  { wing: "proto", ours: ["proto"], bare: NONE, banned: HOST },
  { wing: "servers", ours: ["servers", "proto/index.ts"], bare: NONE, banned: HOST },
  { wing: "kernel/machine", ours: ["kernel/machine"], bare: NONE, banned: HOST },
  { wing: "kernel", ours: ["kernel", "proto/index.ts"], bare: NONE, banned: HOST },
  { wing: "clients/browser", ours: ["clients/browser", "kernel/index.ts", "proto/index.ts", "servers/index.ts"], bare: NONE, banned: /\b(process|Buffer|require)\b/ },
  { wing: "clients/examples", ours: ["clients/examples", "clients/node/index.ts", "kernel/index.ts", "proto/index.ts", "servers/index.ts"], bare: /^node:/ },
  // The tar format is a library's; servers/tar.ts is given it.
  { wing: "clients/node/tarformat.ts", ours: ["clients", "proto/index.ts", "servers/index.ts"], bare: /^(node:.*|tar\/(header|pax))$/ },
  // The line editor knows no host: only how wide characters are.
  { wing: "clients/edit", ours: ["clients/edit", "proto/index.ts"], bare: /^get-east-asian-width$/, banned: HOST },
  { wing: "clients", ours: ["clients", "kernel/index.ts", "kernel/sys.ts", "proto/index.ts", "servers/index.ts"], bare: /^(node:.*|ws)$/ },
];

function sources(dir: string): string[] {
  return readdirSync(join(root, dir)).flatMap((name) => {
    const path = `${dir}/${name}`;
    if (statSync(join(root, path)).isDirectory()) return sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** Source without comments and strings, and its import specifiers. */
function read(path: string): { code: string; imports: string[] } {
  const text = readFileSync(join(root, path), "utf8");
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  const imports = [...bare.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/g)].map((m) => m[1] ?? m[2] ?? "");
  return { code: bare.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, '""'), imports };
}

const files = ["proto", "servers", "kernel", "clients"].flatMap(sources);

test("every source file lies in a wing", () => {
  expect(files.length).toBeGreaterThan(50);
});

test.each(files)("%s", (path) => {
  const rule = rules.find((r) => path === r.wing || path.startsWith(`${r.wing}/`));
  expect(rule, "a rule").toBeDefined();
  if (!rule) return;
  const { code, imports } = read(path);
  for (const spec of imports) {
    if (spec.startsWith(".")) {
      const to = relative(root, resolve(root, dirname(path), spec));
      expect(rule.ours.some((o) => to === o || to.startsWith(`${o}/`)), `${path} imports ${to}`).toBe(true);
    } else expect(rule.bare.test(spec), `${path} imports ${spec}`).toBe(true);
  }
  const hit = rule.banned?.exec(code);
  expect(hit?.[0], `${path} uses a host API`).toBeUndefined();
});
