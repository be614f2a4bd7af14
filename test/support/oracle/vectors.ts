/**
 * Vectors: what the host's processor did with some cases of every form, in files that replay anywhere.
 * A file is compressed (brotli) and holds pieces, each with some cases:
 *
 *   piece    code (u8 length, bytes), varint offset, u8 cases
 *   case     delta from the state of its number (values.ts `start`), delta of the outcome from that state
 *   delta    varint runs, each: varint equal bytes, varint different ones, those
 *
 * The numbers count up; the file ends with a checksum of the cases, for `start` must give what it gave.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { Form } from "../../../kernel/machine/forms.ts";
import { CASE, Case, CODE, FX, type Outcome, type Run } from "./case.ts";
import { begin, pieceOf, type Piece } from "./cases.ts";

/** The files, and of which forms they are. */
export const FILES: Readonly<Record<string, (form: Form) => boolean>> = {
  integer: (f) => !/^(sse|mmx|x87)/.test(f.group),
  sse: (f) => f.group.startsWith("sse"),
  mmx: (f) => f.group.startsWith("mmx"),
  x87: (f) => f.group.startsWith("x87"),
};

/** Where they are. */
export const vectorFile = (name: string): URL => new URL(`../../vectors/${name}.bin`, import.meta.url);

/** A case and what came of it. */
export interface Vector {
  readonly piece: Piece;
  readonly case: Case;
  readonly outcome: Outcome;
}

/** An outcome's bytes: i16 trap, u16 error, u32 flags, u64 address, i64 rip from the end of the code, registers, fx. */
const OUTCOME = 24 + 128 + FX;

function flat(piece: Piece, o: Pick<Outcome, "trap" | "error" | "flags" | "address" | "rip" | "regs" | "fx">): Uint8Array {
  const bytes = new Uint8Array(OUTCOME);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, o.trap, true);
  view.setUint16(2, o.error, true);
  view.setUint32(4, o.flags, true);
  view.setBigInt64(8, BigInt(o.address), true);
  view.setBigInt64(16, BigInt(o.rip - CODE - piece.offset - piece.code.length), true);
  o.regs.forEach((half, k) => view.setUint32(24 + k * 4, half, true));
  bytes.set(o.fx, 152);
  return bytes;
}

/** The outcome of doing nothing. */
const still = (piece: Piece, c: Case): Uint8Array => flat(piece, { trap: -1, error: 0, flags: c.flags, address: 0, rip: CODE + piece.offset + piece.code.length, regs: c.regs, fx: c.fx });

class Writer {
  readonly bytes: number[] = [];

  varint(v: number): void {
    for (; v >= 128; v = Math.floor(v / 128)) this.bytes.push((v % 128) | 128);
    this.bytes.push(v);
  }

  put(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
  }

  delta(from: Uint8Array, to: Uint8Array): void {
    const runs: (readonly [number, number])[] = [];
    for (let at = 0; at < to.length; at++) {
      if (from[at] === to[at]) continue;
      let end = at;
      while (end < to.length && (from[end] !== to[end] || from[end + 1] !== to[end + 1])) end++;
      runs.push([at, end]);
      at = end;
    }
    this.varint(runs.length);
    let last = 0;
    for (const [at, end] of runs) {
      this.varint(at - last);
      this.varint(end - at);
      this.put(to.subarray(at, end));
      last = end;
    }
  }
}

class Reader {
  private at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  varint(): number {
    let v = 0;
    for (let scale = 1; ; scale *= 128) {
      const b = this.byte();
      v += (b & 127) * scale;
      if (b < 128) return v;
    }
  }

  take(n: number): Uint8Array {
    this.at += n;
    return this.bytes.slice(this.at - n, this.at);
  }

  /** Applied where it belongs. */
  delta(to: Uint8Array): void {
    let at = 0;
    for (let n = this.varint(); n > 0; n--) {
      at += this.varint();
      const length = this.varint();
      to.set(this.take(length), at);
      at += length;
    }
  }
}

/** FNV-1a. */
function sum(from: number, bytes: Uint8Array): number {
  let h = from;
  for (const b of bytes) h = Math.imul(h ^ b, 0x01000193);
  return h >>> 0;
}

/** A file of these; cases of one piece stand together, and number k is of state k. */
export function pack(vectors: readonly Vector[]): Uint8Array {
  const w = new Writer();
  let check = 0x811c9dc5;
  const plain = new Case();
  for (let k = 0; k < vectors.length;) {
    const { piece } = vectors[k] as Vector;
    let end = k;
    while (vectors[end]?.piece === piece) end++;
    w.varint(piece.code.length);
    w.put(piece.code);
    w.varint(piece.offset);
    w.varint(end - k);
    for (; k < end; k++) {
      const { case: c, outcome } = vectors[k] as Vector;
      begin(plain, piece, k);
      w.delta(plain.bytes, c.bytes);
      w.delta(still(piece, c), flat(piece, outcome));
      w.varint(outcome.runs.length);
      for (const run of outcome.runs) {
        w.varint(run.page);
        w.varint(run.offset);
        w.varint(run.bytes.length);
        w.put(run.bytes);
      }
      check = sum(check, c.bytes);
    }
  }
  w.put(Buffer.from(Uint32Array.of(check).buffer));
  return brotliCompressSync(Uint8Array.from(w.bytes), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } });
}

/** The vectors of a file. */
export function unpack(file: Uint8Array): Vector[] {
  const r = new Reader(new Uint8Array(brotliDecompressSync(file)));
  const all: Vector[] = [];
  let check = 0x811c9dc5;
  while (r.left > 4) {
    const code = r.take(r.varint());
    const piece = pieceOf(code, r.varint());
    for (let n = r.varint(); n > 0; n--) {
      const c = new Case(new Uint8Array(CASE));
      begin(c, piece, all.length);
      r.delta(c.bytes);
      const bytes = still(piece, c);
      r.delta(bytes);
      const runs: Run[] = [];
      for (let m = r.varint(); m > 0; m--) {
        const [page, offset] = [r.varint(), r.varint()];
        runs.push({ page, offset, bytes: r.take(r.varint()) });
      }
      const view = new DataView(bytes.buffer);
      const regs = Uint32Array.from({ length: 32 }, (_, k) => view.getUint32(24 + k * 4, true));
      const rip = Number(view.getBigInt64(16, true)) + CODE + piece.offset + code.length;
      all.push({ piece, case: c, outcome: { trap: view.getInt16(0, true), error: view.getUint16(2, true), flags: view.getUint32(4, true), address: Number(view.getBigInt64(8, true)), rip, regs, fx: bytes.subarray(152), runs } });
      check = sum(check, c.bytes);
    }
  }
  if (check !== new DataView(r.take(4).buffer).getUint32(0, true)) throw new Error("these vectors were recorded from other states: npm run soak machine -- --record");
  return all;
}
