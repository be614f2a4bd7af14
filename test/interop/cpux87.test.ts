/**
 * The machine's x87 against the host's processor where cases by chance over all forms are too thin, or
 * leave it out: arithmetic at the edges of precision, range and rounding with every control word; images
 * of the state but for the pointers to the last instruction; transcendental functions, which may differ
 * by one in the last place, and so in C1.
 */
import { expect, test } from "vitest";
import { describeWith } from "../support/need.ts";
import { Board } from "../support/oracle/board.ts";
import { CASE, Case, DATA, FXSAVE, STACK, type Outcome } from "../support/oracle/case.ts";
import { pieceOf, type Piece } from "../support/oracle/cases.ts";
import { differences, line, listing } from "../support/oracle/compare.ts";
import { pristine } from "../support/oracle/compared.ts";
import { BATCH, Host } from "../support/oracle/host.ts";
import { register, word } from "../support/oracle/values.ts";
import { chance, seed } from "../support/random.ts";

const n = chance(seed());
const one = <T>(of: readonly T[]): T => of[n(of.length)] as T;
const OPERAND: number = DATA + 0x100;
/** States of one piece of code. */
const STATES = 32;

/** Significands at ties of 24, 53 and 64 bits, and by chance. */
const LOW = [0, 1, 0x3ff, 0x400, 0x401, 0x7ff, 0x800, 0xbff, 0xc00, 0xffffffff, 0x80000000, 0x7fffffff, 0x80000001];
const HIGH = [0, 0x7fffffff, 0x40000000, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x17f, 0x180];
const EDGES = [0x3f81, 0x3c01, 0x407e, 0x43fe, 0x3f6a, 0x3bcd, 0, 1, 0x7ffe, 0x403e, 0x401e];

function put(fx: Uint8Array, k: number, exponent: number, negative = n(2)): void {
  const view = new DataView(fx.buffer, fx.byteOffset + FXSAVE.st + k * 16, 16);
  view.setUint32(0, n(2) ? one(LOW) : word(n), true);
  view.setUint32(4, (0x80000000 | (n(3) ? one(HIGH) : word(n))) >>> 0, true);
  view.setUint16(8, Math.max(0, Math.min(0x7fff, exponent)) | (negative << 15), true);
}

/** Control and status words, tags and registers; two numbers whose exponents have to do with each other. */
function state(c: Case): void {
  const { fx } = c;
  fx.fill(0);
  const view = new DataView(fx.buffer, fx.byteOffset);
  const fcw = (n(4) ? 0x7f : 0x40 | n(64)) | (one([0, 2, 3, 3]) << 8) | (n(4) << 10);
  view.setUint16(FXSAVE.fcw, fcw, true);
  view.setUint16(FXSAVE.fsw, (n(2) ? 0 : n(64) & fcw & 0x3f) | (n(64) << 8) | (n(2) << 14), true);
  fx[FXSAVE.ftw] = n(12) ? 255 : n(256);
  view.setUint32(FXSAVE.mxcsr, 0x1f80, true);
  for (let k = 0; k < 8; k++) register(n, fx, FXSAVE.st + k * 16);
  if (n(5)) {
    const e = n(3) ? one(EDGES) + n(5) - 2 : n(2) ? 0x3fff + n(160) - 80 : n(0x8000);
    put(fx, 0, e);
    put(fx, 1, n(3) ? e + one([0, 0, 1, -1, 2, -2, n(70) - 35, n(140) - 70]) : 0x7ffe - e + n(7) - 3);
  }
  c.flags = 0x202 | (n(0x1000) & 0x8d5);
  c.regs.fill(0);
  c.setNumber(4, STACK + 0x800);
  c.setNumber(7, OPERAND);
}

/** Runs cases of these pieces of code on both; `told` gives what is wrong with one. */
async function both(count: number, codes: readonly (readonly number[])[], prepare: (c: Case, piece: Piece) => void, told: (piece: Piece, expected: Outcome, got: Outcome) => string[]): Promise<string[]> {
  const data = pristine();
  const host = new Host(data);
  const board = new Board(data);
  const buffer = new Uint8Array(BATCH * CASE);
  const cases = Array.from({ length: BATCH }, (_, k) => new Case(buffer.subarray(k * CASE, (k + 1) * CASE)));
  const wrong: string[] = [];
  try {
    for (let done = 0; done < count; done += BATCH) {
      const pieces = Array.from({ length: BATCH / STATES }, () => pieceOf(Uint8Array.from(one(codes)), 16));
      const pieceAt = (k: number): Piece => pieces[Math.floor(k / STATES)] as Piece;
      cases.forEach((c, k) => {
        c.begin(16, pieceAt(k).code);
        state(c);
        prepare(c, pieceAt(k));
      });
      const answer = host.run(cases);
      const ours = cases.map((c) => board.run(c));
      (await answer).forEach((expected, k) => {
        const found = told(pieceAt(k), expected, ours[k] as Outcome);
        if (found.length > 0) wrong.push(`${listing(pieceAt(k))}: ${found.join("; ")}\n${line(cases[k] as Case)}`);
      });
    }
  } finally {
    host.close();
  }
  return wrong;
}

/** Bytes at the operand, by chance. */
function operand(c: Case): void {
  for (let part = 0; part < 3; part++) {
    const bytes = Uint8Array.from({ length: 16 }, () => n(256));
    if (n(2)) new DataView(bytes.buffer).setUint32(one([0, 4]), one([0, 1, 0x7f800000, 0x7f800001, 0x807fffff, 0x7ff00000, 0xfff80000, 0x000fffff, 0x3ff00000, 0x7fefffff]), true);
    c.write(OPERAND + part * 16, bytes);
  }
}

const REG = [0, 1, 2, 3, 4, 5, 6, 7];
const ARITHMETIC = [
  ...[0xc1, 0xc9, 0xd1, 0xe1, 0xe9, 0xf1, 0xf9].map((b) => [0xd8, b]), ...[0xc1, 0xc9, 0xe1, 0xe9, 0xf1, 0xf9].flatMap((b) => [[0xdc, b], [0xde, b]]),
  // sqrt, rndint, scale, prem, prem1, xtract, tst; comi, ucomi, ucompp
  ...[0xfa, 0xfc, 0xfd, 0xf8, 0xf5, 0xf4, 0xe4].map((b) => [0xd9, b]), [0xdb, 0xf1], [0xdb, 0xe9], [0xda, 0xe9],
  ...[0xd8, 0xdc, 0xda, 0xde].flatMap((b) => REG.map((r) => [b, (r << 3) | 7])), ...[0xd9, 0xdb, 0xdd, 0xdf].flatMap((b) => [0, 2, 3].map((r) => [b, (r << 3) | 7])),
  [0xdb, 0x0f], [0xdd, 0x0f], [0xdf, 0x0f], [0xdf, 0x27], [0xdf, 0x37], [0xdf, 0x3f],
];

/** The same without what processors keep differently: the pointers, and which bits MXCSR has. */
function unpointed(piece: Piece, o: Outcome): Outcome {
  const start = OPERAND - DATA;
  const fxsave = piece.code.includes(0xae);
  const [from, to] = fxsave ? [6, 24] : piece.code[0] === 0x66 ? [6, 14] : [12, 28];
  const page = new Uint8Array(0x400);
  for (const r of o.runs) if (r.page === 0) page.set(r.bytes, r.offset);
  page.fill(0, start + from, start + to);
  if (fxsave) page.fill(0, start + 28, start + 32);
  return { ...o, runs: [{ page: 0, offset: 0, bytes: page }] };
}
const IMAGES = [...[0xd9, 0xdd].flatMap((b) => [0x27, 0x37].flatMap((m) => [[b, m], [0x66, b, m]])), ...[0x07, 0x0f].flatMap((m) => [[0x0f, 0xae, m], [0x48, 0x0f, 0xae, m]])];

/** Sign, exponent and significand as one number that grows with what it stands for. */
function ordered(o: Outcome, k: number): bigint {
  const view = new DataView(o.fx.buffer, o.fx.byteOffset + FXSAVE.st + k * 16);
  const se = view.getUint16(8, true);
  const magnitude = (BigInt(se & 0x7fff) << 63n) + (view.getBigUint64(0, true) & ((1n << 63n) - 1n));
  return se >> 15 ? -magnitude : magnitude;
}
function almost(piece: Piece, expected: Outcome, got: Outcome): string[] {
  const fx = got.fx.slice();
  for (let k = 0; k < 2; k++) {
    const off = ordered(expected, k) - ordered(got, k);
    const at = FXSAVE.st + k * 16;
    if (off <= 1n && off >= -1n) fx.set(expected.fx.subarray(at, at + 16), at);
  }
  fx[FXSAVE.fsw + 1] = ((fx[FXSAVE.fsw + 1] as number) & ~2) | ((expected.fx[FXSAVE.fsw + 1] as number) & 2);
  return differences(piece, expected, { ...got, fx });
}
const TRANSCENDENTAL = [0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff].map((b) => [0xd9, b]);
/** Operands for which there is something to compute, most of the time. */
function moderate(c: Case, piece: Piece): void {
  const which = piece.code[1] as number;
  if (n(3) === 0) return;
  const logarithm = which === 0xf1;
  put(c.fx, 0, 0x3fff - n(24) + (which === 0xf0 ? -1 : which === 0xf9 ? -3 : n(24)), logarithm ? 0 : n(2));
  put(c.fx, 1, 0x3fff + n(40) - 20);
  c.fx[FXSAVE.ftw] = 255;
  // Two are pushed: st(7) has to be empty.
  if (which === 0xf2 || which === 0xfb) c.fx[FXSAVE.ftw] = 255 ^ (1 << (((((c.fx[FXSAVE.fsw + 1] as number) >> 3) & 7) + 7) & 7));
}

describeWith(["gcc"], "the host's x87", () => {
  test("arithmetic at its edges", async () => {
    expect((await both(200_000, ARITHMETIC, (c) => n(2) && operand(c), differences)).slice(0, 5), `SEED=${seed()}`).toEqual([]);
  }, 120_000);
  test("images of the state", async () => {
    const told = (piece: Piece, a: Outcome, b: Outcome): string[] => differences(piece, unpointed(piece, a), unpointed(piece, b));
    expect((await both(20_000, IMAGES, operand, told)).slice(0, 5), `SEED=${seed()}`).toEqual([]);
  }, 120_000);
  test("transcendental functions, to one in the last place", async () => {
    expect((await both(10_000, TRANSCENDENTAL, moderate, almost)).slice(0, 5), `SEED=${seed()}`).toEqual([]);
  }, 120_000);
});
