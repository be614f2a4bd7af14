/**
 * Meanings: moves of vectors and parts of them. Loads of less than 16 bytes clear the rest; moves between
 * registers of less than 16 bytes leave it, but for movq. Sizes are in the mnemonic, not in the form.
 */
import type { Emit } from "../emit.ts";
import { define } from "../forms.ts";
import { CPU } from "../layout.ts";
import { extract, replace, simd, v128, vsum } from "../simd.ts";
import { Trap } from "../trap.ts";
import { i32, i64, type I64, type V128 } from "../wasm.ts";

const ZERO = i64.const(0);

// Whole vectors: aligned, or anywhere.
for (const [name, aligned] of [["movaps", true], ["movups", false]] as const) {
  define("ssemoves", name, [0], "xx xm", (e) => e.setVector(0, e.vector(1, 16, aligned)));
  define("ssemoves", name, [0], "mx", (e) => {
    const to = e.place(e.address(), 16, true, aligned);
    e.put(v128.store(to, e.vector(1)));
  });
}

/** The low `size` bytes of vector operand k, to memory. */
function storeLow(e: Emit, k: number, size: 4 | 8, lane = 0): void {
  const to = e.place(e.address(), size, true);
  const v = e.vector(k);
  e.put(size === 8 ? i64.store(to, extract.i64(v, lane)) : i32.store(to, extract.i32(v, lane)));
}

for (const [name, size] of [["movss", 4], ["movsd", 8]] as const) {
  define("ssemoves", name, [0], "xm", (e) => e.setVector(0, e.vector(1, size)));
  define("ssemoves", name, [0], "mx", (e) => storeLow(e, 1, size));
  define("ssemoves", name, [0], "xx", (e) => {
    const [a, b] = [e.vector(0), e.vector(1)];
    e.setVector(0, size === 8 ? replace.i64(a, 0, extract.i64(b, 0)) : replace.i32(a, 0, extract.i32(b, 0)));
  });
}
// The low half, the rest cleared.
define("ssemoves", "movq", [0], "xx xm", (e) => e.setVector(0, e.kinds === "xm" ? e.vector(1, 8) : v128.fromI64(extract.i64(e.vector(1), 0))));
define("ssemoves", "movq", [0], "mx", (e) => storeLow(e, 1, 8));

for (const [name, lane] of [["movlps", 0], ["movhps", 1]] as const) {
  define("ssemoves", name, [0], "xm", (e) => {
    const value = e.read(1, 8);
    e.setVector(0, replace.i64(e.vector(0), lane, value));
  });
  define("ssemoves", name, [0], "mx", (e) => storeLow(e, 1, 8, lane));
}
define("ssemoves", "movhlps", [0], "xx", (e) => e.setVector(0, replace.i64(e.vector(0), 0, extract.i64(e.vector(1), 1))));
define("ssemoves", "movlhps", [0], "xx", (e) => e.setVector(0, replace.i64(e.vector(0), 1, extract.i64(e.vector(1), 0))));

define("ssemoves", "movd", [4, 8], "xr xm", (e) => e.setVector(0, v128.fromI64(e.read(1, e.size, false))));
define("ssemoves", "movd", [4, 8], "rx mx", (e) => {
  if (e.kinds === "mx") e.target();
  const low = e.f.let(extract.i64(e.vector(1), 0));
  e.write(0, e.size === 8 ? low : i64.and(low, i64.const(0xffffffff)));
});

const shuffled = (name: string, lanes: readonly number[], size = 16): void =>
  define("ssemoves", name, [0], "xx xm", (e) => {
    const v = e.vector(1, size);
    e.setVector(0, v128.shuffle(v, v, lanes));
  });
shuffled("movddup", [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7], 8);
shuffled("movsldup", [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]);
shuffled("movshdup", [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15]);

const mask = (name: string, bits: (v: V128) => I64): void => define("ssemoves", name, [0], "rx", (e) => e.write(0, bits(e.vector(1)), 4));
mask("pmovmskb", (v) => i64.extendU(vsum("i8x16.bitmask", v)));
mask("movmskps", (v) => i64.extendU(vsum("i32x4.bitmask", v)));
mask("movmskpd", (v) => i64.extendU(vsum("i64x2.bitmask", v)));

// Bytes of the first whose mask has its sign set, to [rdi], each for itself.
define("ssemoves", "maskmovdqu", [0], "xx", (e) => {
  const { f } = e;
  const [data, which] = [e.vector(0), e.vector(1)];
  f.if(vsum("i8x16.bitmask", which), () => {
    const to = e.place(e.gpr(7), 16, true);
    const sign = simd("i8x16.ltS", which, v128.zero());
    e.put(v128.store(to, simd("v128.bitselect", data, v128.load(to), sign)));
  });
});

define("ssemoves", "ldmxcsr", [4], "m", (e) => {
  const v = e.read(0, 4, false);
  // Reserved bits are refused.
  e.trapIf(i64.ne(i64.and(v, i64.const(~0xffff)), ZERO), Trap.GP);
  e.setState(CPU.mxcsr, i32.wrap(v));
});
define("ssemoves", "stmxcsr", [4], "m", (e) => e.write(0, i64.extendU(e.state(CPU.mxcsr))));
