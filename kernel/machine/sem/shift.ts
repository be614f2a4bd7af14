/**
 * Meanings: shifts and rotates. The count is masked to 5 bits, 6 for 64-bit operands; a masked count
 * of 0 leaves the flags. OF is defined for a count of 1; for others it is what processors do.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { i32, i64, select, type I64 } from "../wasm.ts";

const SIZES = [1, 2, 4, 8];
const ONE = i64.const(1);
const ZERO = i64.const(0);

/** The masked count. */
function count(e: Emit, k = 1): I64 {
  return e.f.let(i64.and(e.read(k, 1, false), i64.const(e.size === 8 ? 63 : 31)));
}

const bit = (v: I64, at: I64): I64 => i64.and(i64.shrU(v, at), ONE);

define("shift", "shl", SIZES, "ri rc mi mc", (e) => {
  const { f } = e;
  const width = i64.const(e.size * 8);
  const a = e.modify(0);
  const n = count(e);
  const r = f.let(e.narrow(i64.shl(a, n)));
  e.write(0, r);
  f.if(i64.ne(n, ZERO), () => {
    // For 8 and 16 bits a count above the width shifts CF out to 0.
    const c = f.let(e.size < 4 ? select(i64.gtU(n, width), ZERO, bit(e.unsigned(a), i64.sub(width, n))) : bit(a, i64.sub(width, n)));
    e.flagsExplicit(c, i64.xor(c, i64.shrU(r, i64.const(63))), ZERO, r);
  });
});
define("shift", "shr", SIZES, "ri rc mi mc", (e) => {
  const { f } = e;
  const a = f.let(e.unsigned(e.modify(0)));
  const n = count(e);
  const r = f.let(e.narrow(i64.shrU(a, n)));
  e.write(0, r);
  f.if(i64.ne(n, ZERO), () => e.flagsExplicit(bit(a, i64.sub(n, ONE)), shrOverflow(e, a, n), ZERO, r));
});

/** OF of shr: the top bit, for a count of 1; the two top bits of the result differ from it otherwise. */
function shrOverflow(e: Emit, a: I64, n: I64): I64 {
  return i64.and(bit(a, i64.const(e.size * 8 - 1)), i64.extendU(i64.eq(n, ONE)));
}

define("shift", "sar", SIZES, "ri rc mi mc", (e) => {
  const { f } = e;
  const a = e.modify(0);
  const n = count(e);
  const r = f.let(i64.shrS(a, n));
  e.write(0, r);
  f.if(i64.ne(n, ZERO), () => e.flagsExplicit(bit(a, i64.sub(n, ONE)), ZERO, ZERO, r));
});

/** a rotated left within its size by n below the size. */
function rotated(e: Emit, a: I64, n: I64, left: boolean): I64 {
  if (e.size === 8) return left ? i64.rotl(a, n) : i64.rotr(a, n);
  if (e.size === 4) return i64.extendS(left ? i32.rotl(i32.wrap(a), i32.wrap(n)) : i32.rotr(i32.wrap(a), i32.wrap(n)));
  const width = e.size * 8;
  const m = i64.and(n, i64.const(width - 1));
  const back = i64.and(i64.sub(ZERO, n), i64.const(width - 1));
  const u = e.unsigned(a);
  return e.narrow(left ? i64.or(i64.shl(u, m), i64.shrU(u, back)) : i64.or(i64.shrU(u, m), i64.shl(u, back)));
}

for (const left of [true, false]) {
  define("shift", left ? "rol" : "ror", SIZES, "ri rc mi mc", (e) => {
    const { f } = e;
    const a = e.modify(0);
    const n = count(e);
    const r = f.let(rotated(e, a, n, left));
    e.write(0, r);
    f.if(i64.ne(n, ZERO), () => {
      const top = bit(r, i64.const(e.size * 8 - 1));
      if (left) {
        const c = f.let(i64.and(r, ONE));
        e.flagsExplicit(c, i64.xor(c, top), auxNow(e));
      } else {
        const c = f.let(top);
        e.flagsExplicit(c, i64.xor(c, bit(r, i64.const(e.size * 8 - 2))), auxNow(e));
      }
    });
  });
  // Through CF: of size * 8 + 1 bits; the count is taken modulo that.
  define("shift", left ? "rcl" : "rcr", SIZES, "ri rc mi mc", (e) => {
    const { f } = e;
    const width = e.size * 8;
    const a = f.let(e.unsigned(e.modify(0)));
    const masked = count(e);
    const n = f.let(e.size < 4 ? i64.remU(masked, i64.const(width + 1)) : masked);
    const c = f.let(e.carry());
    // With b = the other count: left = a<<n | c<<(n-1) | a>>(width+1-n); right alike. Counts of 0 keep a.
    const other = f.let(i64.sub(i64.const(width + 1), n));
    const shr = (v: I64, by: I64): I64 => (e.size === 8 ? select(i64.gtU(by, i64.const(63)), ZERO, i64.shrU(v, by)) : i64.shrU(v, by));
    const shl = (v: I64, by: I64): I64 => (e.size === 8 ? select(i64.gtU(by, i64.const(63)), ZERO, i64.shl(v, by)) : i64.shl(v, by));
    const r = f.let(e.narrow(select(i64.eqz(n), a, left
      ? i64.or(i64.or(i64.shl(a, n), i64.shl(c, i64.sub(n, ONE))), shr(a, other))
      : i64.or(i64.or(i64.shrU(a, n), shl(c, i64.sub(i64.const(width), n))), shl(a, other)))));
    e.write(0, r);
    // A whole turn, of 9 or 17, leaves CF and sets OF.
    f.if(i64.ne(masked, ZERO), () => {
      const out = f.let(select(i64.eqz(n), c, bit(a, left ? i64.sub(i64.const(width), n) : i64.sub(n, ONE))));
      const top = bit(r, i64.const(width - 1));
      e.flagsExplicit(out, left ? i64.xor(out, top) : i64.xor(top, bit(r, i64.const(width - 2))), auxNow(e));
    });
  });
}

/** AF as it is, for what leaves it. */
function auxNow(e: Emit): I64 {
  return i64.and(i64.shrU(i64.xor(i64.xor(e.flag("x"), e.flag("y")), e.flag("z")), i64.const(4)), ONE);
}

// Double shifts. A count above 16 with 16-bit operands is undefined; here the source comes round again.
for (const left of [true, false]) {
  define("shift", left ? "shld" : "shrd", [2, 4, 8], "rri rrc mri mrc", (e) => {
    const { f } = e;
    const width = e.size * 8;
    const a = f.let(e.unsigned(e.modify(0)));
    const b = f.let(e.unsigned(e.read(1)));
    const n = count(e, 2);
    const w = i64.const(width);
    const back = f.let(i64.sub(w, n));
    const shifted = e.size === 2
      ? (left
        ? i64.shrU(i64.shl(i64.or(i64.or(i64.shl(a, i64.const(32)), i64.shl(b, i64.const(16))), a), n), i64.const(32))
        : i64.shrU(i64.or(i64.or(i64.shl(a, i64.const(32)), i64.shl(b, i64.const(16))), a), n))
      : left ? i64.or(i64.shl(a, n), i64.shrU(b, back)) : i64.or(i64.shrU(a, n), i64.shl(b, back));
    const r = f.let(e.narrow(select(i64.eqz(n), a, shifted)));
    e.write(0, r);
    f.if(i64.ne(n, ZERO), () => {
      const c = left
        ? (e.size === 2 ? select(i64.leU(n, w), bit(a, back), bit(b, i64.sub(i64.const(32), n))) : bit(a, back))
        : (e.size === 2 ? select(i64.leU(n, w), bit(a, i64.sub(n, ONE)), bit(b, i64.sub(n, i64.const(17)))) : bit(a, i64.sub(n, ONE)));
      e.flagsExplicit(c, bit(i64.xor(a, r), i64.const(width - 1)), ZERO, r);
    });
  });
}
