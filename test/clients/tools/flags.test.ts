/** Flags: what no tool knows is refused with its usage line; forms of date and seq; seq and date beside what C prints. */
import { describe, expect, test } from "vitest";
import { formatTime } from "../../../clients/tools/lib/tmdate.ts";
import { gmt } from "../../../clients/tools/lib/ctime.ts";
import { tools } from "../../../clients/tools/index.ts";
import { host, make, run } from "../../support/toolbench.ts";

/** Those whose words are all operands, whatever they look like. */
const TAKING = ["echo", "false", "true", "help", "kill", "slay", "pwd", "sleep", "test", "time", "chmod", "man"];

test.each([...tools.keys()].filter((name) => !TAKING.includes(name)))("%s refuses a flag that it does not know", async (name) => {
  const sys = await make();
  const r = await run(sys, [name, "-Z", "x", "y"]);
  expect(r).toMatchObject({ out: "", status: "usage" });
  expect(r.err).toMatch(new RegExp(`^usage: ${name}( .*)?\\n$`));
});

describe("date", () => {
  test("-i -t -f", async () => {
    const sys = await make();
    sys.setenv("timezone", ["CET", "3600"]);
    const out = async (...words: string[]): Promise<string> => (await run(sys, ["date", ...words, "1234567890"])).out;
    expect(await out("-i")).toBe("2009-02-14\n");
    expect(await out("-t")).toBe("2009-02-14T00:31:30+01:00\n");
    expect(await out("-ut")).toBe("2009-02-13T23:31:30+00:00\n");
    expect(await out("-f", "WW MMM _D hh:mm:ss ZZZ YYYY")).toBe(await out());
    expect(await out("-f", "WWW D MMMM YY, H:mm a Z [hh\\]]__h")).toBe("Saturday 14 February 09, 0:31 am +0100 hh]  0\n");
    expect(await out("-if", "YYYY")).toBe("2009\n");
    expect(await run(sys, ["date", "-f", "YYY", "0"])).toMatchObject({ out: "", err: "date: garbled format YYY\n" });
    expect(formatTime("t tt ttt u uu uuu uuuu n nn nnn nnnn nnnnn nnnnnn", 0, 7_008_009, gmt)).toBe("7 007 007 8 008 7008 007008 9 009 8009 008009 7008009 007008009");
  });

  test("agrees with the host's", async () => {
    const sys = await make();
    for (const sec of ["0", "951782399", "951782400", "1709164800", "4102444799"]) {
      expect((await run(sys, ["date", "-u", "-f", "YYYY-MM-DD hh:mm:ss WWW MMMM W", sec])).out).toBe(host(["date", "-u", "-d", `@${sec}`, "+%Y-%m-%d %H:%M:%S %A %B "]).trimEnd() + ` ${Number(host(["date", "-u", "-d", `@${sec}`, "+%w"])) + 1}\n`);
    }
  });
});

test("seq -f agrees with the host's", async () => {
  const sys = await make();
  for (const format of ["%g", "%.3f", "%05.1f", "%-8gx", "%8g", "%+g", "%e", "%.2e", "%%%g%%", "n%03gx", "%.3g", "%G"]) {
    for (const range of [["3"], ["1", "0.25", "2"], ["-2", "3"], ["1000000", "333333", "2000000"]]) {
      expect([format, range, (await run(sys, ["seq", "-f", format, ...range])).out]).toEqual([format, range, host(["seq", "-f", format, ...range])]);
    }
  }
  for (const bad of ["x", "%d", "%s", "%g%g", ""]) expect((await run(sys, ["seq", "-f", bad, "2"])).err).toBe(`seq: bad format: ${bad}: wants one of %e %f %g\n`);
});
