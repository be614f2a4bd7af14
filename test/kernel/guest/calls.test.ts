/** Calls with whatever for arguments: a number or a signal each time; the kernel goes on, and nothing is left. SEED=... replays. */
import { expect, test } from "vitest";
import { CALLS } from "../../../kernel/linux/calls.ts";
import { NAMES as NAMED } from "../../../kernel/linux/names.ts";
import { call, DATAAT, elf, SYS } from "../../support/elf.ts";
import { guestKernel } from "../../support/guests.ts";
import { chance, seed } from "../../support/random.ts";

/** Words of one call in the data: its number and six arguments. */
const WORDS = 7;
const CALLSEACH = 40;
const STRINGS = DATAAT + 0x10000;
const NAMES = ["/tmp/x", ".", "/proc/self/status", "/dev/zero", "", "/n/nothing/at/all", "/tmp/prog", "/dev/cons"];

test("random calls end a program at most", { timeout: 120_000 }, async () => {
  const from = seed();
  const int = chance(from);
  // Does what its data say, from the first to the last.
  const source = `mov $${DATAAT}, %rbx\nmov $${CALLSEACH}, %r12d\nnext: mov (%rbx), %rax\nmov 8(%rbx), %rdi\nmov 16(%rbx), %rsi\nmov 24(%rbx), %rdx\nmov 32(%rbx), %r10\nmov 40(%rbx), %r8\nmov 48(%rbx), %r9\n`
    + `syscall\nadd $${WORDS * 8}, %rbx\ndec %r12d\njnz next\n${call(SYS.exit, 0)}`;
  // But those that end it, and those that would end others.
  const known = [...CALLS.keys()].filter((nr) => CALLS[nr] && !/^(exit|exit_group|kill|tkill|tgkill)$/.test(NAMED[nr]?.name ?? ""));
  const word = (): bigint => {
    switch (int(10)) {
      case 0: return BigInt(int(8));
      case 1: return -1n;
      case 2: return BigInt(STRINGS + 64 * int(NAMES.length));
      case 3: return BigInt(DATAAT + int(0x12000));
      case 4: return BigInt(DATAAT + 0x11fff - int(16));
      case 5: return [0n, 1n << 31n, 1n << 32n, 1n << 44n, 1n << 47n, 1n << 63n, 0xfff_ffff_e000n, 0x7fff_ffff_ffff_f000n][int(8)] as bigint;
      case 6: return BigInt(int(4096)) << BigInt(int(52));
      case 7: return BigInt(4096 * int(100));
      case 8: return BigInt(0x400000 + int(4096));
      default: return BigInt(int(300));
    }
  };
  await using k = await guestKernel({}, { ram: 8 << 20 });
  const before = k.stats();
  for (let n = 0; n < 60; n++) {
    const data = new Uint8Array(0x12000);
    const words = new BigInt64Array(data.buffer, 0, CALLSEACH * WORDS);
    for (let i = 0; i < words.length; i++) words[i] = i % WORDS === 0 ? BigInt(known[int(known.length)] as number) : BigInt.asIntN(64, word());
    NAMES.forEach((name, i) => data.set(new TextEncoder().encode(`${name}\0`), 0x10000 + 64 * i));
    await k.sys.writeFile("/tmp/prog", elf(source, { data }), 0o755);
    const pid = await k.sys.spawn({ path: "/tmp/prog", argv: ["prog"], fds: "clean", noteGroup: "new", env: "copy" });
    for (let turn = 0; turn < 10 && k.sys.groupSize(pid) > 0; turn++) await k.sys.sleep(0);
    if (k.sys.groupSize(pid) > 0) k.sys.postNote(pid, "kill");
    const { status } = await k.sys.wait(pid);
    expect(status, `SEED=${from} program ${n}`).not.toBe("sys: bug");
    for (const { name } of await k.sys.readDir("/tmp")) await k.sys.remove(`/tmp/${name}`);
  }
  expect(k.stats()).toEqual(before);
});
