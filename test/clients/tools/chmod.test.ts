/** chmod: octal and symbolic modes, on permissions and on a, l, t. */
import { describe, expect, test } from "vitest";
import { chmod } from "../../../clients/tools/chmod.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { DMAPPEND, DMDIR, DMEXCL, DMTMP } from "../../../proto/index.ts";
import { make, run, watched } from "../../support/toolbench.ts";

const modeOf = async (sys: Sys, path: string): Promise<number> => (await sys.stat(path)).mode;

describe("chmod", () => {
  test("octal: the permissions, nothing else", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("x"), 0o644);
    await sys.mkdir("/d", 0o755);
    for (const [mode, is] of [["600", 0o600], ["0751", 0o751], ["0", 0], ["4711", 0o711]] as const) {
      expect(await run(sys, ["chmod", mode, "/f", "/d"])).toMatchObject({ out: "", err: "", status: "" });
      expect([mode, await modeOf(sys, "/f"), await modeOf(sys, "/d")]).toEqual([mode, is, (DMDIR | is) >>> 0]);
    }
    await run(sys, ["chmod", "+a", "/f"]);
    await run(sys, ["chmod", "640", "/f"]);
    expect(await modeOf(sys, "/f")).toBe(DMAPPEND | 0o640);
  });

  test("[who]op permission", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("x"), 0o600);
    // Each from 0640 on.
    for (const [mode, is] of [
      ["+x", 0o751], ["-r", 0o200], ["=r", 0o444], ["u+x", 0o740], ["g-r", 0o600], ["o=rwx", 0o647], ["go+rw", 0o666], ["ug=x", 0o110], ["a=", 0], ["=", 0],
      ["u=", 0o040], ["+", 0o640], ["-w", 0o440], ["uo-rwx", 0o040], ["guu+w", 0o660], ["a+wx", 0o773],
    ] as const) {
      await sys.wstat("/f", { mode: 0o640 });
      expect([mode, (await run(sys, ["chmod", mode, "/f"])).err, await modeOf(sys, "/f")]).toEqual([mode, "", is]);
    }
  });

  test("append-only, exclusive, temporary", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("x"), 0o644);
    for (const [mode, is] of [
      ["+a", DMAPPEND | 0o644], ["+l", (DMAPPEND | DMEXCL | 0o644) >>> 0], ["u-a", DMEXCL | 0o644], ["+tx", (DMEXCL | DMTMP | 0o755) >>> 0], ["o=r", 0o754], ["=ra", DMAPPEND | 0o444], ["-alt", 0o444],
    ] as const) {
      expect([mode, (await run(sys, ["chmod", mode, "/f"])).err, await modeOf(sys, "/f")]).toEqual([mode, "", is]);
    }
    await run(sys, ["chmod", "=rwa", "/f"]);
    await sys.writeFile("/f", encode("y"));
    expect((await sys.stat("/f")).length).toBe(2);
  });

  test("errors: the rest is done", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("x"), 0o644);
    expect(await run(sys, ["chmod", "600", "/none", "/f"])).toMatchObject({ out: "", err: "chmod: /none: file does not exist\n", status: "errors" });
    expect(await modeOf(sys, "/f")).toBe(0o600);
    for (const mode of ["888", "rwx", "u", "u*x", "+q", "ux", "", "u+x,g+x", "0x1ff", "123456789"]) {
      expect([mode, await run(sys, ["chmod", mode, "/f"])]).toMatchObject([mode, { err: `chmod: bad mode: ${mode}\n`, status: "mode" }]);
    }
    for (const words of [[], ["600"]]) expect(await run(sys, ["chmod", ...words])).toMatchObject({ err: "usage: chmod 0777 file ... or chmod [who]op[rwxalt] file ...\n", status: "usage" });
    await sys.symlink("f", "/l");
    await run(sys, ["chmod", "400", "/l"]);
    expect(await modeOf(sys, "/f")).toBe(0o400);
  });

  test("says so when a server takes the permissions only", async () => {
    const sys = await make();
    await sys.writeFile("/f", encode("x"), 0o644);
    const deaf = (all: Sys): Sys => new Proxy(all, {
      get(of, key): unknown {
        if (key === "wstat") return (path: string, changes: { mode: number }) => of.wstat(path, { mode: changes.mode & 0o777 });
        const member: unknown = Reflect.get(of, key, of);
        return typeof member === "function" ? member.bind(of) : member;
      },
    });
    expect(await run(sys, ["chmod", "+xa", "/f"], "", (s, argv) => chmod(deaf(s), argv))).toMatchObject({
      err: "chmod: /f: the server keeps no append-only, exclusive or temporary files\n", status: "errors",
    });
    expect(await modeOf(sys, "/f")).toBe(0o755);
  });

  test("many files are asked for several at a time, in two calls each", async () => {
    const sys = await make();
    const names = Array.from({ length: 60 }, (_, i) => `/f${i}`);
    for (const name of names) await sys.writeFile(name, encode("x"), 0o644);
    const watch = { most: 0, calls: 0 };
    expect((await run(sys, ["chmod", "u+x", ...names], "", watched(chmod, ["stat", "wstat"], watch))).status).toBe("");
    expect(watch.calls).toBe(2 * names.length);
    expect(watch.most).toBeGreaterThan(8);
  });
});
