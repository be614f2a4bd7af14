/**
 * sum(1): a checksum and the length of files: 32 bits of CRC that depend on the length too, or with -r
 * and -5 what System V's sum -r and sum print, lengths in blocks of 1024 and 512 bytes.
 */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { pour } from "./lib/pump.ts";
import { eachInput, tool } from "./lib/tool.ts";

/** A sum in the making. */
interface Sum {
  add(data: Uint8Array): void;
  /** What is printed of the sum and of the length. */
  text(length: number): string;
}

type Crc = (data: Uint8Array, value: number) => number;

export const sum: Program = tool("sum", "[-5r] [file ...]", async (t, words) => {
  const args = parseArgs(words, "5r");
  const { crc32 } = await import("node:zlib");
  await eachInput(t, args.operands, async (fd, name) => {
    const s = args.has("r") ? rotated() : args.has("5") ? added() : crc(crc32);
    let length = 0;
    await pour(t.sys, fd, name, async (data) => {
      length += data.length;
      t.progress.add(data.length);
      s.add(data);
    });
    await t.out.put(`${s.text(length)}${name === "" ? "" : ` ${t.shown(name)}`}\n`);
  });
});

/** The length's low 32 bits are summed last, changed so that nothing and a zero differ. */
function crc(crc32: Crc): Sum {
  let c = 0;
  // zlib's begins and ends with all bits turned over, this one does not.
  const add = (data: Uint8Array): void => {
    c = ~crc32(data, ~c >>> 0) >>> 0;
  };
  return {
    add,
    text(length) {
      add(Uint8Array.of((length / 2 ** 24) ^ 0xcc, (length >>> 16) ^ 0x55, (length >>> 8) ^ 0xcc, length ^ 0x55));
      return `${c.toString(16).padStart(8, "0")} ${String(length).padStart(6)}`;
    },
  };
}

function rotated(): Sum {
  let s = 0;
  return {
    add(data) {
      for (const byte of data) s = ((s >>> 1) + ((s & 1) << 15) + byte) & 0xffff;
    },
    text: (length) => blocks(s, length, 1024),
  };
}

function added(): Sum {
  let s = 0;
  return {
    add(data) {
      for (const byte of data) s = (s + byte) >>> 0;
    },
    text(length) {
      const folded = (s & 0xffff) + (s >>> 16);
      return blocks((folded & 0xffff) + (folded >>> 16), length, 512);
    },
  };
}

function blocks(s: number, length: number, size: number): string {
  return String(s).padStart(5, "0") + String(Math.ceil(length / size)).padStart(6);
}
