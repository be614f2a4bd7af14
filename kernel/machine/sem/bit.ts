/**
 * Meanings: single bits, scans and counts. With a register as bit number and memory as operand the
 * number reaches beyond the operand: it is a signed index into a string of bits.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import type { Callee } from "../func.ts";
import { i32, i64, select, type I64 } from "../wasm.ts";

const SIZES = [2, 4, 8];
const ONE = i64.const(1);
const ZERO = i64.const(0);

/** CF is the bit; of the other flags only CF is defined, and none else changes. */
function bitFlags(e: Emit, bit: I64): void {
  const f = e.f;
  const now = e.rflags();
  e.setRflags(i64.or(i64.and(now, i64.const(-2)), f.let(bit)));
}

/** How far from the operand's address the bit in operand 1 is, in whole operands. */
export function bitOffset(e: Emit): I64 {
  return i64.mul(i64.shrS(e.read(1), i64.const(Math.log2(e.size * 8))), i64.const(e.size));
}

function bitOp(e: Emit, change: ((a: I64, mask: I64) => I64) | undefined): void {
  const { f } = e;
  const mask = i64.const(e.size * 8 - 1);
  if (e.kinds === "mr") {
    const n = e.read(1);
    // With field d another record has been there: the address is that of the bit.
    const at = i64.add(e.address(), select(e.field(0), ZERO, bitOffset(e)));
    const place = e.place(at, e.size, change !== undefined);
    const a = f.let(e.size === 2 ? i64.load16U(place) : e.size === 4 ? i64.load32U(place) : i64.load(place));
    const k = f.let(i64.and(n, mask));
    if (change) e.store(place, change(a, f.let(i64.shl(ONE, k))));
    return bitFlags(e, i64.and(i64.shrU(a, k), ONE));
  }
  const a = change ? e.modify(0) : e.read(0);
  const k = f.let(i64.and(e.read(1), mask));
  const bit = f.let(i64.and(i64.shrU(a, k), ONE));
  if (change) e.write(0, change(a, f.let(i64.shl(ONE, k))));
  bitFlags(e, bit);
}
define("bit", "bt", SIZES, "rr mr ri mi", (e) => bitOp(e, undefined));
define("bit", "bts", SIZES, "rr mr ri mi", (e) => bitOp(e, i64.or));
define("bit", "btr", SIZES, "rr mr ri mi", (e) => bitOp(e, (a, m) => i64.and(a, i64.xor(m, i64.const(-1)))));
define("bit", "btc", SIZES, "rr mr ri mi", (e) => bitOp(e, i64.xor));

// Without a bit set the destination stays as it is, all 64 bits of it; ZF tells.
for (const [name, found] of [["bsf", i64.ctz], ["bsr", (v: I64): I64 => i64.sub(i64.const(63), i64.clz(v))]] as const) {
  define("bit", name, SIZES, "rr rm", (e) => {
    const { f } = e;
    const v = e.read(1, e.size, false);
    f.if(i64.ne(v, ZERO), () => e.write(0, found(v)));
    e.flagsLogic(v);
  });
}
define("bit", "popcnt", SIZES, "rr rm", (e) => {
  const r = e.f.let(i64.popcnt(e.read(1, e.size, false)));
  e.write(0, r);
  // Only ZF can be set.
  e.flags({ x: ZERO, y: ZERO, z: ZERO, r, s: ONE });
});

/** CRC-32C of `size` bytes more: bit by bit, as the instruction is defined. */
const crcOf = (size: number): Callee<"i64"> => ({
  name: `crc${size}`, params: ["i64", "i64"], result: "i64",
  write(f) {
    const crc = f.local("i64");
    const data = f.param(1, "i64");
    f.set(crc, i64.xor(f.param(0, "i64").get, size === 8 ? i64.and(data.get, i64.const(0xffffffff)) : data.get));
    const k = f.local("i32");
    const rounds = (n: number): void => {
      f.set(k, i32.const(n));
      f.loop((again) => {
        f.set(crc, i64.xor(i64.shrU(crc.get, ONE), select(i64.eqz(i64.and(crc.get, ONE)), ZERO, i64.const(0x82f63b78))));
        f.set(k, i32.sub(k.get, i32.const(1)));
        f.brIf(again, k.get);
      });
    };
    rounds(size === 8 ? 32 : size * 8);
    if (size === 8) {
      f.set(crc, i64.xor(crc.get, i64.shrU(data.get, i64.const(32))));
      rounds(32);
    }
    f.return(crc.get);
    f.unreachable();
  },
});
const CRC = new Map([1, 2, 4, 8].map((size) => [size, crcOf(size)]));
function crc(e: Emit, size: number): void {
  const data = e.read(1, size, false);
  e.write(0, e.f.let(e.call(CRC.get(size) as Callee<"i64">, e.read(0, 4, false), data)), 4);
}
define("bit", "crc32b", [4], "rr rm", (e) => crc(e, 1));
define("bit", "crc32", SIZES, "rr rm", (e) => crc(e, e.size));

// 8 or 16 bytes compared with rdx:rax, and replaced by rcx:rbx; only ZF changes.
define("bit", "cmpxchg8b", [4, 8], "m", (e) => {
  const { f } = e;
  const n = e.size;
  const place = e.place(e.address(), n * 2, true, n === 8);
  const word = (k: number): I64 => f.let(n === 4 ? i64.load32S(place, k * n) : i64.load(place, k * n));
  const [low, high] = [word(0), word(1)];
  const same = f.let(i32.and(i64.eq(low, e.gpr(0, n)), i64.eq(high, e.gpr(2, n))));
  const put = (k: number, v: I64): void => f.put(n === 4 ? i64.store32(place, v, k * n) : i64.store(place, v, k * n));
  f.if(same, () => {
    put(0, e.gpr(3, n));
    put(1, e.gpr(1, n));
  }, () => {
    put(0, low);
    put(1, high);
    e.setGpr(0, low, n);
    e.setGpr(2, high, n);
  });
  e.setRflags(i64.or(i64.and(e.rflags(), i64.const(~64)), i64.extendU(i32.shl(same, i32.const(6)))));
});
