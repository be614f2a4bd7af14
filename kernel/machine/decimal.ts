/**
 * Decimal: packed numbers of 18 digits and a sign, fbld and fbstp. Digits above 9 count as what they
 * are; -0 is kept.
 */
import { bits, Fpu, INDEFINITE, isInfinity, isNan, isUnsupported, scaleOf, SW, BIAS, zero, type Real } from "./fpu.ts";
import { CPU, CPU_BASE } from "./layout.ts";
import type { NativeCall } from "./natives.ts";

/** Where the number is in memory, and behind it whether there is one. */
const WORK = CPU_BASE + CPU.work;
const STORED: number = CPU.work + 16;

/** Pushes the decimal number. */
export function load(call: NativeCall): boolean {
  const fpu = new Fpu(call.memory);
  const bytes = call.memory.u8.subarray(WORK, WORK + 10);
  if (!fpu.empty(7)) {
    if (!fpu.raise(SW.IE | SW.SF | SW.C1)) fpu.push(INDEFINITE);
    return true;
  }
  let v = 0n;
  for (let k = 8; k >= 0; k--) v = v * 100n + BigInt(((bytes[k] as number) >> 4) * 10 + ((bytes[k] as number) & 15));
  const sign = (bytes[9] as number) >> 7;
  const size = bits(v);
  fpu.raise(0);
  fpu.push(v === 0n ? zero(sign) : { m: v << BigInt(64 - size), e: BIAS + size - 1, sign });
  return true;
}

/** st(0) rounded to an integer of 18 digits; undefined when it is none. */
function digits(fpu: Fpu, a: Real): { m: bigint; up: boolean; exact: boolean } | undefined {
  if (isUnsupported(a) || isNan(a) || isInfinity(a) || a.e > BIAS + 63) return undefined;
  const s = fpu.shift(a.m, -scaleOf(a), a.sign);
  return s.m < 10n ** 18n ? s : undefined;
}

/** Makes a decimal number of st(0) and pops it. */
export function store(call: NativeCall): boolean {
  const fpu = new Fpu(call.memory);
  const empty = fpu.empty(0);
  const a = fpu.st(0);
  const s = empty ? undefined : digits(fpu, a);
  const bytes = call.memory.u8.subarray(WORK, WORK + 10).fill(0);
  if (s) {
    let rest = s.m;
    for (let k = 0; k < 9; k++) {
      bytes[k] = Number(rest % 10n) | (Number((rest / 10n) % 10n) << 4);
      rest /= 100n;
    }
    bytes[9] = a.sign << 7;
  } else bytes.set([0xc0, 0xff, 0xff], 7);
  const flags = s ? (s.exact ? 0 : SW.PE | (s.up ? SW.C1 : 0)) : SW.IE | (empty ? SW.SF : 0);
  // What is not masked keeps memory and stack as they are.
  const stored = !(fpu.raise(flags) & SW.IE);
  call.memory.setCpu(STORED, Number(stored));
  if (stored) fpu.pop();
  return true;
}
