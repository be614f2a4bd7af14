/**
 * Guestfuzz: programs that mean no good, made from a seed: ELF files with bytes changed, and programs
 * that make calls with whatever for arguments. Each ends or is ended; what is wrong with the kernel
 * afterwards is an error that names the seed. Used by npm test and by soak.
 */
import { CALLS } from "../../kernel/linux/calls.ts";
import { NAMES as NAMED } from "../../kernel/linux/names.ts";
import { NineError } from "../../proto/index.ts";
import { call, DATAAT, elf, HELLO, SYS } from "./elf.ts";
import type { GuestKernel } from "./guests.ts";
import { chance } from "./random.ts";

const MUTATED = elf(HELLO, { data: new Uint8Array(100).fill(7), bss: 10_000 });
/** Devices there are besides those that every run uses. */
const DEVICES = 2;
/** Words of one call in the data: its number and six arguments. */
const WORDS = 7;
const CALLSEACH = 40;
const STRINGS = DATAAT + 0x10000;
const NAMES = ["/tmp/x", ".", "/proc/self/status", "/dev/zero", "", "/n/nothing/at/all", "/tmp/prog", "/dev/cons"];
/** Does what its data say, from the first call to the last. */
const CALLER = `mov $${DATAAT}, %rbx\nmov $${CALLSEACH}, %r12d\nnext: mov (%rbx), %rax\nmov 8(%rbx), %rdi\nmov 16(%rbx), %rsi\nmov 24(%rbx), %rdx\nmov 32(%rbx), %r10\nmov 40(%rbx), %r8\nmov 48(%rbx), %r9\n`
  + `syscall\nadd $${WORDS * 8}, %rbx\ndec %r12d\njnz next\n${call(SYS.exit, 0)}`;
const template = elf(CALLER, { data: new Uint8Array(0x12000) });
/** All but those that end it, and those that would end others. */
const known = [...CALLS.keys()].filter((nr) => CALLS[nr] && !/^(exit|exit_group|kill|tkill|tgkill)$/.test(NAMED[nr]?.name ?? ""));

/** An ELF file that was one. */
function mutant(from: number): Uint8Array {
  const int = chance(from);
  const file = MUTATED.slice();
  for (let k = int(3); k >= 0; k--) file[int(2) ? int(176) : 0x200 + int(80)] = int(256);
  return file;
}

/** A program of random calls. */
function caller(from: number): Uint8Array {
  const int = chance(from);
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
  const file = template.slice();
  const data = file.length - 0x12000;
  const view = new DataView(file.buffer, data);
  for (let i = 0; i < CALLSEACH * WORDS; i++) view.setBigInt64(i * 8, i % WORDS === 0 ? BigInt(known[int(known.length)] as number) : BigInt.asIntN(64, word()), true);
  NAMES.forEach((name, i) => file.set(new TextEncoder().encode(`${name}\0`), data + 0x10000 + 64 * i));
  return file;
}

/** Runs n programs, whose seeds begin with `from`; what is left over is an error. */
export async function runPrograms(k: GuestKernel, kind: "mutants" | "callers", from: number, n: number): Promise<void> {
  // Of devices that nobody had used before, the kernel keeps a Mnt each.
  const { mnts } = k.stats();
  const counted = (): string => JSON.stringify({ ...k.stats(), mnts: Math.max(mnts + DEVICES, k.stats().mnts) });
  const before = counted();
  for (let seed = from; seed < from + n; seed++) {
    await k.sys.writeFile("/tmp/prog", kind === "mutants" ? mutant(seed) : caller(seed), 0o755);
    const pid = await k.sys.spawn({ path: "/tmp/prog", argv: ["prog"], fds: "clean", noteGroup: "new", env: "copy" }).catch((e: unknown) => {
      if (!(e instanceof NineError)) throw e;
      return 0;
    });
    if (pid !== 0) {
      for (let turn = 0; turn < 3 && k.sys.groupSize(pid) > 0; turn++) await k.sys.sleep(0);
      if (k.sys.groupSize(pid) > 0) k.sys.postNote(pid, "kill");
      const { status } = await k.sys.wait(pid);
      if (status === "sys: bug") throw new Error(`SEED=${seed} ${kind}`);
    }
    for (const { name } of await k.sys.readDir("/tmp")) await k.sys.remove(`/tmp/${name}`);
    const after = counted();
    if (after !== before) throw new Error(`SEED=${seed} ${kind}: left behind: ${before} ${after}`);
  }
}
