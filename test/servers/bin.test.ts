/** bin: the shared suite; each file is a line that exec reads, and a copy of it is as good. */
import { expect, it } from "vitest";
import { OREAD } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { bin } from "../../servers/index.ts";
import { Nine } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("bin", () => bin(["cat", "ls"]), { write: false, sample: { file: "cat" } });

it("a program's file says which it is, and may be executed", async () => {
  const n = await Nine.attach(open(bin(["cat", "ls"])), { uname: "glenda" });
  expect((await n.names("")).toSorted()).toEqual(["cat", "ls"]);
  expect(await n.stat("ls")).toMatchObject({ mode: 0o555, length: 10 });
  expect(await n.readText(await n.open("ls", OREAD))).toBe("#!host ls\n");
});
