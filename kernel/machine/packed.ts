/**
 * Packed: the forms and the code of a machine as text, made by `npm run build`. Invariant: what it
 * declares and unpacks is what the semantic table has and code.ts emits, in the same order.
 */
import type { Code } from "./code.ts";
import { declare } from "./forms.ts";
import type { Handlers } from "./handlers.ts";

/** All of it; bytes are in base64. */
export interface Packed {
  /** A line for each form: group, meaning, size, kinds, 1 if it ends a block, with commas. */
  readonly forms: string;
  readonly hot: string;
  /** Cold handlers in modules of those that programs meet together. */
  readonly cold: readonly { readonly ids: readonly number[]; readonly code: string }[];
  /** By slot, from the first behind the handlers' on. */
  readonly shared: readonly string[];
}

/** Declares the forms; gives what makes their code for a machine. */
export function packed(p: Packed): (handlers: Handlers) => Code {
  for (const line of p.forms.split("\n")) {
    const [group = "", meaning = "", size, kinds = "", ends] = line.split(",");
    declare(group, meaning, Number(size), kinds, ends === "1");
  }
  const module = new Map(p.cold.flatMap((m) => m.ids.map((id) => [id, m] as const)));
  return (handlers) => ({
    hot: () => unpack(p.hot),
    cold(id) {
      const m = module.get(id);
      if (!m) throw new Error(`no code for handler ${id}`);
      return { bytes: unpack(m.code), ids: m.ids };
    },
    shared: (slot) => unpack(p.shared[slot - handlers.all.length] ?? ""),
  });
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Uint8Array(128);
for (let k = 0; k < 64; k++) VALUES[DIGITS.charCodeAt(k)] = k;

/** Bytes from base64 without line ends. It runs once and cold, so that a call for each digit would be most of it. */
export function unpack(text: string): Uint8Array<ArrayBuffer> {
  const values = VALUES;
  const out = new Uint8Array((text.length / 4) * 3);
  let at = 0;
  for (let k = 0; k < text.length; k += 4) {
    const four = ((values[text.charCodeAt(k)] as number) << 18) | ((values[text.charCodeAt(k + 1)] as number) << 12) | ((values[text.charCodeAt(k + 2)] as number) << 6) | (values[text.charCodeAt(k + 3)] as number);
    out[at++] = four >> 16;
    out[at++] = four >> 8;
    out[at++] = four;
  }
  return out.subarray(0, out.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
}
