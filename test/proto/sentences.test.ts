/** Errors across dialects: what of a sentence reaches the client. */
import { expect, test } from "vitest";
import { attach, dial, dir, errno, NineError, open, pair, serve, textFile } from "../../proto/index.ts";

const server = {
  name: "ctl",
  attach: () => dir({
    own: textFile(() => "", () => {
      throw new NineError("bad ctl: rate x");
    }),
    known: textFile(() => "", () => {
      throw new NineError("file already exists");
    }),
    detailed: textFile(() => "", () => {
      throw new NineError("Invalid argument: rate x");
    }),
  }),
};

async function errors(version: string): Promise<[string, number][]> {
  const [a, b] = pair();
  serve(b, (s) => open(server, s));
  const fs = await attach(await dial(a, { versions: [version] }));
  const out: [string, number][] = [];
  for (const name of ["own", "known", "detailed", "none"]) {
    try {
      const f = await fs.open(`/${name}`, 1);
      await f.write(new Uint8Array(1));
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
      out.push([e.message, e.errno]);
    }
  }
  fs.close();
  return out;
}

const { EIO, EEXIST, EINVAL, ENOENT } = errno;
const full = [["bad ctl: rate x", EIO], ["file already exists", EEXIST], ["Invalid argument: rate x", EINVAL], ["file does not exist", ENOENT]];

test.each(["9P2000", "9P2000.u", "9P2000.x", "9P2000.L.x"])("%s: sentence and number", async (version) => {
  expect(await errors(version)).toEqual(full);
});

test("9P2000.L: the number alone", async () => {
  expect(await errors("9P2000.L")).toEqual([["i/o error", EIO], ["file already exists", EEXIST], ["Invalid argument", EINVAL], ["file does not exist", ENOENT]]);
});
