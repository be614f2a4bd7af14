/** ELF files: what is taken from them, what is refused and how; and what is made of headers with anything in them. */
import { expect, test } from "vitest";
import { elfTable, parseElf, WINDOW } from "../../../kernel/guest/elf.ts";
import { errno, NineError } from "../../../proto/index.ts";
import { DATAAT, elf, HELLO, TEXT } from "../../support/elf.ts";
import { chance, seed } from "../../support/random.ts";

const whole = elf(HELLO, { data: new Uint8Array(100).fill(7), bss: 10_000 });

function parsed(file: Uint8Array): ReturnType<typeof parseElf> {
  const head = file.subarray(0, 256);
  const { offset, length } = elfTable(head);
  return parseElf(head, file.subarray(offset, offset + length), file.length);
}

/** Changed at a place: so many bytes, little-endian. */
function changed(at: number, bytes: number, value: number): Uint8Array {
  const file = whole.slice();
  for (let k = 0; k < bytes; k++) file[at + k] = Math.floor(value / 2 ** (8 * k)) % 256;
  return file;
}

function refusal(file: Uint8Array): string {
  try {
    parsed(file);
  } catch (e) {
    if (!(e instanceof NineError)) throw e;
    expect(e.errno).toBe(errno.ENOEXEC);
    return e.message.replace(/^not an x86-64 ELF file: /, "");
  }
  return "";
}

test("a program's segments, entry, headers", () => {
  expect(parsed(whole)).toMatchObject({
    relocatable: false, entry: TEXT + 0x200, phdr: TEXT + 64, phnum: 2, phent: 56, interp: undefined, stackExecutable: false, align: 4096,
    segments: [{ offset: 0, vaddr: TEXT, prot: 5 }, { offset: 4096, vaddr: DATAAT, filesz: 100, memsz: 10_100, prot: 3 }],
  });
});

test.each([
  ["cut short", whole.subarray(0, 40)],
  ["a 32-bit program", changed(4, 1, 1)],
  ["big-endian", changed(5, 1, 2)],
  ["for machine 183", changed(18, 2, 183)],
  ["an object file", changed(16, 2, 1)],
  ["a core dump", changed(16, 2, 4)],
  ["size of program headers", changed(54, 2, 32)],
  ["no program headers", changed(56, 2, 0)],
  ["too many program headers", changed(56, 2, 65535)],
  ["truncated: program headers beyond its end", changed(32, 8, 8000)],
  ["truncated: a segment beyond its end", whole.subarray(0, 4150)],
  ["truncated: a segment beyond its end", changed(120 + 32, 8, 9000)],
  ["a segment larger in the file than in memory", changed(120 + 40, 8, 50)],
  ["a segment is not aligned as in the file", changed(120 + 16, 8, DATAAT + 1)],
  ["segments overlap", changed(120 + 16, 8, TEXT + 0x1000 - 0x1000)],
  ["segments are not in order", changed(120 + 16, 8, 0x10000)],
  ["a segment beyond the addresses of programs", changed(120 + 40, 8, WINDOW)],
  ["an absurd size or address", changed(120 + 40, 8, 2 ** 63)],
  ["an absurd size or address", changed(24, 8, 2 ** 60)],
  ["its entry is outside of it", changed(24, 8, TEXT + 0x3000)],
  ["alignment of a segment", changed(120 + 48, 8, 5000)],
  ["nothing to load", (() => {
    const file = changed(64, 4, 6);
    file[120] = 6;
    return file;
  })()],
])("refused: %s", (why, file) => {
  expect(refusal(file)).toBe(why);
});

test("whatever is in the headers, they are refused or consistent", () => {
  const int = chance(seed());
  let taken = 0;
  for (let n = 0; n < 20_000; n++) {
    const file = whole.slice(0, 1 + int(whole.length + 3000));
    for (let k = int(4); k >= 0; k--) file[int(176)] = [0, 1, 0x7f, 0x80, 0xff, int(256)][int(6)] as number;
    let e;
    try {
      e = parsed(file);
    } catch (x) {
      if (!(x instanceof NineError)) throw x;
      continue;
    }
    taken++;
    let top = 0;
    for (const s of e.segments) {
      expect(s.vaddr >= top && s.offset + s.filesz <= file.length && s.filesz <= s.memsz && s.vaddr % 4096 === s.offset % 4096).toBe(true);
      top = s.vaddr + s.memsz;
    }
    expect(top).toBeLessThanOrEqual(WINDOW);
  }
  expect(taken).toBeGreaterThan(100);
});
