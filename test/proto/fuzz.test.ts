/**
 * Random and mutated messages. Whatever the bytes, unpack throws a NineError or gives a message that
 * packs to the same bytes (when the message was canonical: no high half in a mask, no field left
 * out) and reads back from its text.
 */
import { describe, expect, it } from "vitest";
import { NineError } from "../../proto/errors.ts";
import { Rgetattr, Tfsync, Tgetattr, Tsetattr, Rerror, type Dialect, type Fcall } from "../../proto/fcall.ts";
import { layouts } from "../../proto/layout.ts";
import { packMessage, sizeOf, tagOf, unpack } from "../../proto/pack.ts";
import { parse, print } from "../../proto/print.ts";
import { golden } from "../support/golden.ts";
import { chance, seed } from "../support/random.ts";

const dialects: readonly Dialect[] = ["9P2000", "9P2000.u", "9P2000.L"];
const loose: ReadonlySet<number> = new Set([Tgetattr, Rgetattr, Tsetattr, Tfsync, Rerror]);
const edges = [0, 1, 2, 0x1f, 0x20, 0x40, 0x7f, 0x80, 0xc3, 0xed, 0xf0, 0xfe, 0xff];

/** The message, or undefined for a clean error. */
function decode(bytes: Uint8Array, d: Dialect): Fcall | undefined {
  try {
    return unpack(bytes, 0, bytes.length, d);
  } catch (e) {
    if (e instanceof NineError) return undefined;
    throw e;
  }
}

function check(bytes: Uint8Array, d: Dialect): boolean {
  const before = Buffer.from(bytes).toString("hex");
  const told = `SEED=${seed()} ${d} ${before}`;
  let f: Fcall | undefined;
  try {
    f = decode(bytes, d);
    if (!f) return false;
    const again = packMessage(f, tagOf(bytes, 0), d);
    if (!loose.has(f.type)) expect(Buffer.from(again).toString("hex"), told).toBe(before);
    expect(sizeOf(f, d)).toBe(again.length);
    expect(unpack(again, 0, again.length, d), told).toEqual(f);
    const line = print(f, tagOf(bytes, 0));
    expect(line).not.toContain("\n");
    expect(parse(line), told).toEqual({ tag: tagOf(bytes, 0), f });
    return true;
  } catch (e) {
    throw new Error(told, { cause: e });
  }
}

describe.each(dialects)("any bytes as %s", (d) => {
  const all = golden(d).map((g) => g.bytes);
  const rnd = chance(seed());
  const byte = (): number => rnd(3) === 0 ? edges[rnd(edges.length)]! : rnd(256);

  it("of messages changed here and there", () => {
    let good = 0;
    for (let n = 0; n < 6000; n++) {
      let b = all[rnd(all.length)]!.slice();
      if (rnd(4) === 0) {
        const at = 7 + rnd(b.length - 6);
        b = rnd(2) === 0 ? Uint8Array.from([...b.subarray(0, at), byte(), ...b.subarray(at)]) : b.slice(0, at);
      }
      for (let k = rnd(4); k > 0; k--) b[rnd(b.length)] = byte();
      if (rnd(8) !== 0) new DataView(b.buffer).setUint32(0, b.length, true);
      if (check(b, d)) good++;
    }
    expect(good).toBeGreaterThan(1000);
  });

  it("of one type's head and another's body, or chance", () => {
    const types = [...layouts.keys()];
    for (let n = 0; n < 6000; n++) {
      const b = rnd(2) === 0 ? all[rnd(all.length)]!.slice() : Uint8Array.from({ length: 7 + rnd(60) }, byte);
      new DataView(b.buffer).setUint32(0, b.length, true);
      b[4] = types[rnd(types.length)]!;
      check(b, d);
    }
  });

  it("anywhere in a larger buffer: what lies around it is not looked at", () => {
    for (const bytes of all) {
      const around = Uint8Array.from([...bytes, ...bytes, ...bytes]);
      const got = unpack(around, bytes.length, 2 * bytes.length, d);
      expect(got).toEqual(unpack(bytes, 0, bytes.length, d));
      for (let n = 7; n < bytes.length; n++) {
        const cut = around.slice();
        new DataView(cut.buffer).setUint32(bytes.length, n, true);
        expect(decode(cut.slice(bytes.length, bytes.length + n), d) === undefined).toBe(((): boolean => {
          try {
            unpack(cut, bytes.length, bytes.length + n, d);
            return false;
          } catch (e) {
            return e instanceof NineError;
          }
        })());
      }
    }
  });
});
