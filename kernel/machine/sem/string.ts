/**
 * Meanings: string instructions. One round is done at a time, or as many as stay within a page of both
 * sides; rcx, rsi and rdi are right after each, so that a fault or the end of the slice can come between.
 * Record field s says whether the address size is 32, base which segment the source is in.
 */
import { define } from "../forms.ts";
import type { Emit } from "../emit.ts";
import { CPU } from "../layout.ts";
import { bulk, i32, i64, select, type I32, type I64 } from "../wasm.ts";

const SIZES = [1, 2, 4, 8];
const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7];
const DF = 0x400;

const source = (e: Emit): I64 => e.f.let(i64.add(e.wrapped(e.gpr(RSI)), e.segmentBase()));
const destination = (e: Emit): I64 => e.wrapped(e.gpr(RDI));

const down = (e: Emit): I32 => i32.and(e.state(CPU.system), i32.const(DF));

/** Moves an index register n rounds on, in the direction of DF. */
function advance(e: Emit, register: number, n: I64): void {
  const by = i64.mul(n, select(down(e), i64.const(-e.size), i64.const(e.size)));
  e.setGpr(register, e.f.let(i64.and(i64.add(e.gpr(register), by), e.addressMask())));
}

/** Does `round`, which says how many it did, while rcx is not 0 and `more` holds. */
function repeat(e: Emit, round: (count: I64) => I64, more?: () => I32): void {
  const { f } = e;
  e.field(1);
  const count = e.wrapped(e.gpr(RCX));
  f.if(i64.ne(count, i64.const(0)), () => {
    const n = f.let(round(count));
    const left = f.let(i64.sub(count, n));
    e.setGpr(RCX, left);
    const cost = f.let(i32.add(i32.const(1), i32.shrU(i32.wrap(n), i32.const(3))));
    const again = i64.ne(left, i64.const(0));
    f.if(more ? i32.and(again, more()) : again, () => e.again(cost));
  });
}

/** How many whole elements there are to the end of the page; 0: the first one crosses it. */
const room = (e: Emit, at: I64): I64 => i64.shrU(i64.sub(i64.const(4096), i64.and(at, i64.const(4095))), i64.const(Math.log2(e.size)));

/** The rounds that can be done at once: 1 downwards or across a page. */
function together(e: Emit, count: I64, rooms: readonly I64[]): I64 {
  const least = rooms.reduce((a, b) => select(i64.ltU(a, b), a, b), count);
  const n = e.f.let(select(down(e), i64.const(1), least));
  return e.f.let(select(i64.eqz(n), i64.const(1), n));
}

function movs(e: Emit, count: I64): I64 {
  const { f } = e;
  const from = source(e);
  const to = destination(e);
  const most = together(e, count, [f.let(room(e, from)), f.let(room(e, to))]);
  const a = e.place(from, e.size, false);
  const b = e.place(to, e.size, true);
  // What a round has stored, a later one may read: no more at once than lies between the two.
  const gap = f.let(i64.extendU(i32.sub(b, a)));
  const apart = f.let(i64.shrU(gap, i64.const(Math.log2(e.size))));
  const n = f.let(select(i32.or(i64.eqz(gap), i64.leU(most, apart)), most, select(i64.eqz(apart), i64.const(1), apart)));
  f.if(i64.eq(n, i64.const(1)), () => e.store(b, e.size === 1 ? i64.load8U(a) : e.size === 2 ? i64.load16U(a) : e.size === 4 ? i64.load32U(a) : i64.load(a)),
    () => f.put(bulk.copy(b, a, i32.mul(i32.wrap(n), i32.const(e.size)))));
  advance(e, RSI, n);
  advance(e, RDI, n);
  return n;
}

function stos(e: Emit, count: I64): I64 {
  const { f } = e;
  const to = destination(e);
  const n = together(e, count, [f.let(room(e, to))]);
  const value = e.gpr(RAX, e.size, false);
  const place = e.place(to, e.size, true);
  const bytes = f.let(i32.mul(i32.wrap(n), i32.const(e.size)));
  const one = i64.eq(n, i64.const(1));
  f.if(e.size === 1 ? one : i32.or(one, i64.ne(value, i64.const(0))), () => {
    const at = f.local("i32");
    f.set(at, place);
    const end = f.let(i32.add(place, bytes));
    f.loop((again) => {
      e.store(at.get, value);
      f.set(at, i32.add(at.get, i32.const(e.size)));
      f.brIf(again, i32.ltU(at.get, end));
    });
  }, () => f.put(bulk.fill(place, i32.wrap(value), bytes)));
  advance(e, RDI, n);
  return n;
}

const ONE = i64.const(1);
function lods(e: Emit): I64 {
  const v = e.load(source(e), e.size);
  e.setGpr(RAX, v, e.size);
  advance(e, RSI, ONE);
  return ONE;
}
function compare(e: Emit, a: I64, b: I64): void {
  e.flagsSub(a, b, e.f.let(e.narrow(i64.sub(a, b))));
}
function cmps(e: Emit): I64 {
  const a = e.load(source(e), e.size);
  const b = e.load(destination(e), e.size);
  advance(e, RSI, ONE);
  advance(e, RDI, ONE);
  compare(e, a, b);
  return ONE;
}
function scas(e: Emit): I64 {
  const b = e.load(destination(e), e.size);
  advance(e, RDI, ONE);
  compare(e, e.gpr(RAX, e.size), b);
  return ONE;
}

const NAMES: Readonly<Record<string, (e: Emit, count: I64) => I64>> = { movs, stos, lods, cmps, scas };
for (const [name, round] of Object.entries(NAMES)) {
  const compares = name === "cmps" || name === "scas";
  define("string", name, SIZES, "-", (e) => {
    e.field(1);
    e.f.let(round(e, ONE));
  });
  define("string", `rep ${name}`, SIZES, "-", (e) => repeat(e, (n) => round(e, n), compares ? () => e.cond(4) : undefined));
  define("string", `repne ${name}`, SIZES, "-", (e) => repeat(e, (n) => round(e, n), compares ? () => e.cond(5) : undefined));
}
