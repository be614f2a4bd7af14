/** What a relay tells a server of changes, and what it makes of what the server tells. */
import { expect, test } from "vitest";
import { toSetattr } from "../../kernel/export/relayattr.ts";
import { NineError, NOU32 } from "../../proto/index.ts";

test("users and groups of a .L server are numbers of 32 bits, but not the one that stands for none", () => {
  expect(toSetattr(1, { uid: "4294967294", gid: "0" })).toMatchObject({ uid: 4294967294, gid: 0 });
  expect(toSetattr(1, {})).toMatchObject({ uid: NOU32, gid: NOU32, valid: 0 });
  for (const name of ["4294967295", "4294967296", "1e3", "-1", "", "glenda"]) {
    expect(() => toSetattr(1, { uid: name })).toThrow(NineError);
    expect(() => toSetattr(1, { gid: name })).toThrow(NineError);
  }
});
