/**
 * machinecode: the machine's code as the package has it, emitted from the semantic table and written as
 * text. `npm run build` runs this file, which puts it in the place of dist/kernel/machine/code.js, or of
 * that in the folder whose URL is the argument, and then starts a machine with it.
 */
import { rmSync, writeFileSync } from "node:fs";
import { Emitted, SHARED } from "../../kernel/machine/code.ts";
import { allForms, formNamed } from "../../kernel/machine/forms.ts";
import { Handlers } from "../../kernel/machine/handlers.ts";
import { WARM } from "../../kernel/machine/hot.ts";
import type { Packed } from "../../kernel/machine/packed.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** What packed() takes: cold handlers are together with those of their group, or of WARM. */
export function packedCode(): Packed {
  const handlers = new Handlers();
  const warm = new Set(WARM.map((key) => {
    const form = formNamed(key);
    if (!form) throw new Error(`${key} has no meaning`);
    return form;
  }));
  const groups = new Map<string, number[]>();
  for (const { id, form } of handlers.all.slice(handlers.hot)) {
    const group = warm.has(form) ? "warm" : form.group;
    groups.set(group, [...(groups.get(group) ?? []), id]);
  }
  const code = new Emitted(handlers, true);
  code.hot();
  const cold = [...groups.values()].map((ids) => ({ ids, code: base64(code.together(ids)) }));
  const shared: string[] = [];
  // One may call another that nobody else does.
  while (shared.length < code.callees.length) shared.push(base64(code.shared(handlers.all.length + shared.length)));
  return {
    forms: allForms().map((f) => [f.group, f.meaning, f.size, f.kinds, Number(f.ends)].join()).join("\n"),
    hot: base64(code.hot()),
    cold,
    shared,
  };
}

if (import.meta.filename === process.argv[1]) {
  const dist = new URL(process.argv[2] ?? "../../dist/kernel/machine/", import.meta.url);
  writeFileSync(new URL("code.js", dist), `import { packed } from "./packed.js";\nexport const SHARED = ${SHARED};\nexport const newCode = packed(${JSON.stringify(packedCode())});\n`);
  rmSync(new URL("code.js.map", dist));
  const { createMachine } = (await import(new URL("index.js", dist).href)) as typeof import("../../kernel/machine/index.ts");
  createMachine({ ramBytes: 2 ** 20 });
}
