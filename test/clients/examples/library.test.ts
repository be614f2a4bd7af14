/** clients/examples/library.ts, as it stands. */
import { expect, test } from "vitest";
import { example } from "../../../clients/examples/library.ts";

test("two systems, a server, a program, a WebSocket between them", async () => {
  expect(await example("times ho")).toBe("ho ho ho ");
  expect(await example("cat /n/far/n/counter/next /n/far/n/counter/next; ls -d /n/far/bin")).toBe("1\n2\n/n/far/bin\n");
  expect(await example("echo x > /n/far/tmp/f")).toMatch(/read only file system/);
});
