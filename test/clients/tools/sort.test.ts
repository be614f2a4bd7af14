/** sort: against the host's, flag by flag, and against sort(1) where that differs. */
import { describe, expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { host, make, run } from "../../support/toolbench.ts";
import { chance, seed as seedOf } from "../../support/random.ts";

const seed = seedOf();
const next = chance(seed);

function table(lines: number): string {
  const number = (): string => `${next(2) ? "-" : ""}${"0".repeat(next(3))}${next(1000)}${next(2) ? `.${next(100)}` : ""}`;
  const word = (): string => ["a", "B", "ab", "Ab", "zz", "é", "x-y", "JAN", "feb", "Dec", "", "9007199254740993", "9007199254740992"][next(13)] ?? "";
  const cell = (): string => (next(2) ? number() : word());
  return Array.from({ length: lines }, () => [cell(), cell(), cell()].join([" ", "  ", ":", "\t"][next(4)] ?? " ")).join("\n") + (next(2) ? "\n" : "");
}

describe("sort", () => {
  test("agrees with the host's", async () => {
    const sys = await make();
    for (const flags of [
      "", "-r", "-u", "-ru", "-n", "-nr", "-nu", "-b", "-d", "-f", "-fu", "-k2", "-k2,2", "-k2n", "-k2,2nr -k1,1", "-t: -k2", "-t: -k2,2 -k1,1r",
      "-k2.2,2.3", "-t: -k1.2,1.3", "-k2b,2", "-bk2,2", "-t: -k2,2n -u", "-k1,1 -u", "-rk2", "-M", "-k3", "-k1.3b,2.1b", "-t: -k2.1,3", "-g",
    ]) {
      // With -f and -d accents are letters here, no characters there; -g: words compare equal to zero here.
      let text = table(150);
      if (/[fdM]/.test(flags)) text = text.replaceAll("é", "e");
      if (flags === "-g") text = text.replace(/[^\d.\n-].*/g, "").replace(/^(-?|\..*)$/gm, "0");
      const argv = ["sort", ...flags.split(" ").filter((f) => f !== "")];
      const got = (await run(sys, argv, text)).out, want = host(argv, text);
      expect([`SEED=${seed}`, flags, got]).toEqual([`SEED=${seed}`, flags, want]);
    }
  });

  test("sort(1): old keys, -w, -o, -c, -m", async () => {
    const sys = await make();
    const text = table(60);
    expect((await run(sys, ["sort", "+1", "-2"], text)).out).toBe(host(["sort", "-k2,2"], text));
    expect((await run(sys, ["sort", "-t:", "+0.1", "-1"], text)).out).toBe(host(["sort", "-t:", "-k1.2,1"], text));
    expect((await run(sys, ["sort", "-w"], "a c\nab\nad\n")).out).toBe("ab\na c\nad\n");
    expect((await run(sys, ["sort", "-f"], "Éb\nea\nfa\n")).out).toBe("ea\nÉb\nfa\n");
    await sys.writeFile("/f", encode("b\na\n"));
    expect(await run(sys, ["sort", "-o", "/f", "/f"])).toMatchObject({ out: "", err: "", status: "" });
    expect((await run(sys, ["cat", "/f"])).out).toBe("a\nb\n");
    expect(await run(sys, ["sort", "-c", "/f"])).toMatchObject({ out: "", err: "", status: "" });
    expect(await run(sys, ["sort", "-c"], "b\na\n")).toMatchObject({ err: "sort: standard input:2: disorder\n", status: "disorder" });
    expect(await run(sys, ["sort", "-cu"], "a\na\n")).toMatchObject({ status: "disorder" });
    expect((await run(sys, ["sort", "-m", "/f", "/f"])).out).toBe("a\na\nb\nb\n");
    expect((await run(sys, ["sort", "-umM"], "jan 2\nJAN 1\nfeb\n")).out).toBe("jan 2\nfeb\n");
    expect(await run(sys, ["sort", "/none"])).toMatchObject({ out: "", err: "sort: /none: file does not exist\n", status: "errors" });
    expect(await run(sys, ["sort", "-k0"])).toMatchObject({ status: "usage" });
    expect((await run(sys, ["sort"])).out).toBe("");
    expect((await run(sys, ["sort"], Uint8Array.of(0xff, 10, 0x80, 10, 0, 10))).bytes).toEqual(Uint8Array.of(0, 10, 0x80, 10, 0xff, 10));
  });

  test("200,000 lines", async () => {
    const sys = await make();
    const text = Array.from({ length: 200_000 }, () => `${next(1e9)} ${next(1000)}\n`).join("");
    expect((await run(sys, ["sort"], text)).out === host(["sort"], text)).toBe(true);
    expect((await run(sys, ["sort", "-k2n"], text)).out === host(["sort", "-k2n"], text)).toBe(true);
  });
});
