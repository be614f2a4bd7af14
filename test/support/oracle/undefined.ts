/**
 * What the architecture leaves open: flags that instructions leave undefined, as iced-x86 knows them
 * from the manuals, and instructions that are not compared, each with its reason.
 */
import { Code, Decoder, DecoderOptions, Instruction, RflagsBits } from "iced-x86";
import type { Form } from "../../../kernel/machine/forms.ts";
import type { Insn } from "../../../kernel/machine/decode.ts";

/** CF PF AF ZF SF DF OF: the flags that instructions are about; RF and IF are the kernel's. */
export const FLAGS: number = 0xcd5;
/** And those that popf changes: NT, AC, ID. */
export const ALL_FLAGS: number = FLAGS | 0x244000;

const BITS: readonly (readonly [number, number])[] = [
  [RflagsBits.OF, 0x800], [RflagsBits.SF, 0x80], [RflagsBits.ZF, 0x40], [RflagsBits.AF, 0x10], [RflagsBits.CF, 1], [RflagsBits.PF, 4], [RflagsBits.DF, 0x400],
];
const places = (iced: number): number => BITS.reduce((all, [theirs, ours]) => all | (iced & theirs ? ours : 0), 0);

export interface FlagUse {
  readonly undefined: number;
  readonly defined: number;
  readonly read: number;
}

const instruction = new Instruction();

/** What the instruction does to the flags. */
export function flagUse(code: Uint8Array): FlagUse {
  const d = new Decoder(64, code, DecoderOptions.None);
  d.decodeOut(instruction);
  d.free();
  const modified = places(instruction.rflagsModified);
  const undef = places(instruction.rflagsUndefined);
  return { undefined: undef, defined: modified & ~undef, read: places(instruction.rflagsRead) };
}

const PREFIX: ReadonlySet<number> = new Set([0x66, 0xf2, 0xf3, 0xf0, 0x64, 0x65, 0x67, 0x2e, 0x36, 0x3e, 0x26, ...Array.from({ length: 16 }, (_, k) => 0x40 + k)]);

/** Whether bytes are no instruction of any processor, as far as iced knows. */
export function nobodyHas(code: Uint8Array): boolean {
  // One that would be too long as well is refused for either.
  if (code.findIndex((b) => !PREFIX.has(b)) > 3) return false;
  // With LOCK AMD's look at the operands of 0F 00 and 01 first, and know one control register more; XOP,
  // behind 8F, has a length before it is undefined.
  const zeros = code.findIndex((b, k) => b === 0x0f && [0x00, 0x01, 0x20, 0x21, 0x22, 0x23].includes(code[k + 1] as number));
  if (code.includes(0x8f) || (code.includes(0xf0) && zeros >= 0)) return false;
  const d = new Decoder(64, code, DecoderOptions.None);
  d.decodeOut(instruction);
  d.free();
  return instruction.code === Code.INVALID;
}

/** Instructions that may leave the flags as they were: counts of zero. */
export const MAY_KEEP_FLAGS: RegExp = /^(rol|ror|rcl|rcr|shl|shr|sar|shld|shrd|rep.*)$/;

/** Not compared, by meaning or key. */
const NEVER: readonly (readonly [RegExp, string])[] = [
  [/^(cpuid|rdtsc)$/, "tells which processor and when"],
  [/^(descriptor|verify)$/, "tells the kernel's tables"],
  [/^(movtoseg|popseg|movfromseg)$/, "the host's selectors"],
  [/^(far.*|sysenter)$/, "the host's descriptors and gates"],
  [/^(rcp|rsqrt)[ps]s$/, "approximations, each processor's own"],
  [/^(fsin|fcos|fsincos|fptan|fpatan|f2xm1|fyl2x|fyl2xp1)$/, "transcendental: the last bit is each processor's own"],
  [/^movsxd\.2/, "two bytes are read by Intel's, four by AMD's"],
  [/^ud2\.[248]/, "ud0 and ud1 have a modrm byte for Intel's, none for AMD's"],
  [/^int1$/, "hypervisors tell another rip"],
  [/^(stale|goto|far|bad|toolong|ea)$/, "no instruction"],
];

/** Why instructions of a form are not compared; undefined: they are. */
export function never(form: Form): string | undefined {
  return NEVER.find(([which]) => which.test(form.meaning) || which.test(form.key))?.[1];
}

/** Why this instruction is not, of a form that is. */
export function notThis(form: Form, i: Insn, code: Uint8Array): string | undefined {
  if (/^bs[fr]$/.test(form.meaning) && i.repeat === 0xf3) return "tzcnt, lzcnt on newer processors";
  if (form.meaning === "int" && ((i.imm & 255) === 4 || (i.imm & 255) === 0x80)) return "gates that the host's kernel opens";
  if (form.size === 2 && /^sh[lr]d$/.test(form.meaning) && form.kinds.endsWith("i") && (i.imm & 31) > 16) return "undefined result of counts beyond the size; with cl states keep to that";
  // AMD's let F3 and F2 choose between the two.
  if (/^loopn?e$/.test(form.meaning) && i.repeat) return "a repeat prefix before loope, loopne";
  // AMD's take 66 as a 16-bit jump, Intel's ignore it.
  if (/^(j.*|call.*|ret.*|loop.*)$/.test(form.meaning) && form.size === 8 && code.subarray(0, i.length - 1).includes(0x66)) return "66 before a jump";
  return undefined;
}
