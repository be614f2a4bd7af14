/**
 * Meanings: the string comparisons of SSE4.2. Two strings of 16 bytes or 8 words, each ended by a zero
 * (pcmpistr) or by a length in eax or edx (pcmpestr); the immediate says of what kind the elements are,
 * how they are compared and what is made of the result. ecx or xmm0 gets it, and the flags.
 */
import type { Emit } from "../emit.ts";
import type { Callee, Func } from "../func.ts";
import { CPU, CPU_BASE } from "../layout.ts";
import { define } from "../forms.ts";
import { fill, replace, simd, v128, vsum } from "../simd.ts";
import { i32, i64, select, type I32, type I64, type V128 } from "../wasm.ts";
import { byte, source } from "./sse.ts";

const AT: number = CPU_BASE + CPU.work;
const NOWHERE = i32.const(0);
const bit = (v: I32, n: number): I32 => i32.and(v, i32.const(1 << n));
/** The lowest n bits. */
const ones = (n: I32): I32 => i32.sub(i32.shl(i32.const(1), n), i32.const(1));

/** A bit for each lane of ones; both kinds are computed, the immediate's bit 0 chooses. */
function marks(f: Func, imm: I32, of: (lanes: "i8x16" | "i16x8") => V128): I32 {
  return f.let(select(bit(imm, 0), vsum("i16x8.bitmask", of("i16x8")), vsum("i8x16.bitmask", of("i8x16"))));
}

/** Of how many elements the string is before its zero. */
const lengthOf: Callee<"i32"> = {
  name: "strlength", params: ["v128", "i32"], result: "i32",
  write(f) {
    const v = f.param(0, "v128").get, imm = f.param(1, "i32").get;
    const zeros = marks(f, imm, (lanes) => simd(`${lanes}.eq`, v, v128.zero()));
    f.return(i32.ctz(i32.or(zeros, select(bit(imm, 0), i32.const(0x100), i32.const(0x10000)))));
    f.unreachable();
  },
};

/** The result as bits, after polarity: strings a (set, ranges or needle) and b, their lengths, the immediate. */
const compare: Callee<"i32"> = {
  name: "strcompare", params: ["v128", "v128", "i32", "i32", "i32"], result: "i32", shared: true,
  write(f) {
    const a = f.param(0, "v128").get, b = f.param(1, "v128").get;
    const la = f.param(2, "i32").get, lb = f.param(3, "i32").get, imm = f.param(4, "i32").get;
    const n = f.let(select(bit(imm, 0), i32.const(8), i32.const(16)));
    const all = f.let(ones(n));
    const inA = f.let(ones(la)), inB = f.let(ones(lb));
    const r = f.local("i32"), k = f.local("i32");
    f.put(v128.store(NOWHERE, a, AT));
    /** Element k of a in every lane. */
    const element = (lanes: "i8x16" | "i16x8", at: I32): V128 => (lanes === "i8x16" ? fill.i8(i32.load8U(at, AT)) : fill.i16(i32.load16U(i32.shl(at, i32.const(1)), AT)));
    const loop = (by: number, body: () => void): void => {
      f.set(k, i32.const(0));
      f.block((out) => {
        f.loop((again) => {
          f.brIf(out, i32.geS(k.get, la));
          body();
          f.set(k, i32.add(k.get, i32.const(by)));
          f.br(again);
        });
      });
    };
    const way = f.let(i32.and(i32.shrU(imm, i32.const(2)), i32.const(3)));
    const is = (what: number): I32 => i32.eq(way, i32.const(what));
    f.set(r, i32.const(0));
    // Equal to any of a.
    f.if(is(0), () => {
      loop(1, () => f.set(r, i32.or(r.get, marks(f, imm, (lanes) => simd(`${lanes}.eq`, b, element(lanes, k.get))))));
      f.set(r, i32.and(r.get, inB));
    });
    // Within any of a's ranges; a lower end without an upper one is none.
    f.if(is(1), () => {
      const within = (sign: "S" | "U"): I32 => marks(f, imm, (lanes) =>
        simd("v128.and", simd(`${lanes}.ge${sign}`, b, element(lanes, k.get)), simd(`${lanes}.le${sign}`, b, element(lanes, i32.add(k.get, i32.const(1))))));
      loop(2, () => f.if(i32.ltS(i32.add(k.get, i32.const(1)), la), () => f.set(r, i32.or(r.get, select(bit(imm, 1), within("S"), within("U"))))));
      f.set(r, i32.and(r.get, inB));
    });
    // Element by element; where both have ended they are equal.
    f.if(is(2), () => {
      const same = marks(f, imm, (lanes) => simd(`${lanes}.eq`, a, b));
      f.set(r, i32.or(i32.and(same, i32.and(inA, inB)), i32.and(all, i32.xor(i32.or(inA, inB), i32.const(-1)))));
    });
    // The whole of a from there on, as far as there is a b.
    f.if(is(3), () => {
      f.set(r, all);
      loop(1, () => {
        const same = i32.and(marks(f, imm, (lanes) => simd(`${lanes}.eq`, b, element(lanes, k.get))), inB);
        const beyond = i32.xor(ones(i32.sub(n, k.get)), i32.const(-1));
        f.set(r, i32.and(r.get, i32.or(i32.shrU(same, k.get), beyond)));
      });
    });
    // Polarity: negated whole, or where b is.
    const flip = select(bit(imm, 4), select(bit(imm, 5), inB, all), i32.const(0));
    f.return(i32.and(i32.xor(r.get, flip), all));
    f.unreachable();
  },
};

/** Ones in the lanes whose bit is set. */
function spread(e: Emit, bits: I32, bytes: number): V128 {
  const own = v128.const(Array.from({ length: 16 }, (_, k) => (bytes === 1 ? 1 << (k % 8) : k % 2 ? 0 : 1 << (k / 2))));
  const low = e.f.let(fill.i16(bits));
  const each = bytes === 1 ? v128.shuffle(low, low, Array.from({ length: 16 }, (_, k) => (k < 8 ? 0 : 1))) : low;
  return simd(bytes === 1 ? "i8x16.eq" : "i16x8.eq", simd("v128.and", each, own), own);
}

/** A length in eax or edx: its magnitude, at most n. */
function given(e: Emit, register: number, n: I32): I32 {
  const v = e.gpr(register, e.size);
  const size = e.f.let(select(i64.ltS(v, i64.const(0)), i64.sub(i64.const(0), v), v));
  return e.f.let(select(i64.gtU(size, i64.extendU(n)), n, i32.wrap(size)));
}

function strings(name: string, explicit: boolean, index: boolean): void {
  define("ssestring", name, explicit ? [4, 8] : [0], "xxi xmi", (e) => {
    const { f } = e;
    const b = source(e, 1, 16, false);
    const a = source(e, 0);
    const imm = byte(e);
    const n = f.let(select(bit(imm, 0), i32.const(8), i32.const(16)));
    const [la, lb] = explicit ? [given(e, 0, n), given(e, 2, n)] : [f.let(e.call(lengthOf, a, imm)), f.let(e.call(lengthOf, b, imm))];
    const r = f.let(e.call(compare, a, b, la, lb, imm));
    if (index) {
      const none = f.let(i32.eqz(r));
      const last = select(bit(imm, 6), i32.sub(i32.const(31), i32.clz(r)), i32.ctz(r));
      e.setGpr(1, i64.extendU(select(none, n, last)), 4);
    } else {
      const mask = select(bit(imm, 0), spread(e, r, 2), spread(e, r, 1));
      const whole = f.let(select(bit(imm, 6), mask, replace.i32(v128.zero(), 0, r)));
      e.put(v128.store(NOWHERE, whole, e.cpu + CPU.xmm));
    }
    const flag = (cond: I32, at: number): I64 => i64.extendU(i32.shl(cond, i32.const(at)));
    e.setRflags([flag(i32.ne(r, i32.const(0)), 0), flag(i32.ltU(lb, n), 6), flag(i32.ltU(la, n), 7), flag(i32.and(r, i32.const(1)), 11)].reduce((x, y) => i64.or(x, y)));
  });
}
strings("pcmpestrm", true, false);
strings("pcmpestri", true, true);
strings("pcmpistrm", false, false);
strings("pcmpistri", false, true);
