/**
 * serverSuite: what every file server must do, as vitest tests in T messages through a Portal. A
 * server that cannot do something says so in its Caps, and the tests of it are skipped; those of a
 * server that cannot be written are few, and the others are not even named. Each test gets
 * a server of its own, whose root must be an empty directory that the first user may write, unless
 * `write` is off: then `sample` names something that is there.
 */
import { afterEach, describe, it } from "vitest";
import { open } from "../../proto/srv.ts";
import type { Dialect, Portal, Server } from "../../proto/index.ts";
import { Nine, type TestUser } from "./nine.ts";
import { dirTests } from "./suite/dirs.ts";
import { ioTests } from "./suite/io.ts";
import { linkTests } from "./suite/links.ts";
import { permTests } from "./suite/perms.ts";
import { renameTests } from "./suite/rename.ts";
import { removeTests } from "./suite/remove.ts";
import { statTests } from "./suite/stat.ts";
import { walkTests } from "./suite/walk.ts";

/** What a server can do; everything is taken to be there unless it is said not to be. */
export interface Caps {
  /** Files and directories can be made, written, renamed, removed. */
  readonly write?: boolean;
  /** Directories can be made. */
  readonly subdirs?: boolean;
  /** Files can be renamed. */
  readonly rename?: boolean;
  /** A file that was removed while it was open can still be used. */
  readonly orphans?: boolean;
  readonly symlink?: boolean;
  readonly link?: boolean;
  readonly mknod?: boolean;
  readonly xattr?: boolean;
  /** Several users, told apart by permissions. */
  readonly perms?: boolean;
  readonly exclusive?: boolean;
  readonly append?: boolean;
  /** Permission bits can be set. */
  readonly mode?: boolean;
  /** Finest step of times that are set and got back, in nanoseconds: 1, 1000, 1e9; 0: times cannot be set. */
  readonly times?: number;
  /** qid.vers differs after each change. */
  readonly vers?: boolean;
  /** Its directories say their version: entries of Treaddir have version 0, "do not cache". */
  readonly versioned?: boolean;
  /** Sparse files of more than 4 GiB. */
  readonly sparse?: boolean;
  /** Names of any bytes, valid UTF-8 or not. */
  readonly bytes?: boolean;
  /** Twstat with a new name and something impossible changes nothing at all. */
  readonly allOrNothing?: boolean;
  /** Rename refuses an existing target when it must not replace it, also for directories. */
  readonly norepl?: boolean;
  /** Entries of the big directory: default 10,000; fewer for a server that is slow by nature. */
  readonly entries?: number;
  /** The first is the owner; the second somebody else, in no group of his. */
  readonly users?: readonly [TestUser, TestUser];
  /** For servers without `write`: a directory (default "") and a file in it. */
  readonly sample?: { readonly dir?: string; readonly file?: string };
  /** How a portal is made: default open(server, {dialect}). */
  readonly portal?: (server: Server, dialect: Dialect) => Portal | Promise<Portal>;
}

export interface Made {
  readonly server: Server;
  readonly dispose: () => void | Promise<void>;
}

/** What a test gets. */
export interface Ctx {
  /** Attached as the first user, in 9P2000.L. */
  readonly n: Nine;
  readonly caps: Caps;
  /** A further portal of the same server. */
  readonly connect: (user?: 0 | 1, dialect?: Dialect) => Promise<Nine>;
}

/** Declares one test; skipped when the server lacks something. */
export type Test = (title: string, needs: readonly (keyof Caps)[], body: (c: Ctx) => Promise<void>) => void;

const defaultUsers: readonly [TestUser, TestUser] = [{ uname: "alice" }, { uname: "bob" }];

export function serverSuite(name: string, make: () => Server | Made | Promise<Server | Made>, caps: Caps = {}): void {
  const cleanups: (() => void | Promise<void>)[] = [];

  const test: Test = (title, needs, body) => {
    if (caps.write === false && needs.includes("write")) return;
    const able = needs.every((need) => caps[need] !== false && caps[need] !== 0);
    it.runIf(able)(title, async () => {
      const made = await make();
      const server = "server" in made ? made.server : made;
      if ("dispose" in made) cleanups.push(made.dispose);
      const connect = async (user: 0 | 1 = 0, dialect: Dialect = "9P2000.L"): Promise<Nine> => {
        const portal = await (caps.portal ?? ((s, d) => open(s, { dialect: d })))(server, dialect);
        cleanups.push(() => portal.hangup());
        return Nine.attach(portal, (caps.users ?? defaultUsers)[user]);
      };
      await body({ n: await connect(), caps, connect });
    });
  };

  describe(`${name}: server suite`, () => {
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    });
    for (const tests of [walkTests, ioTests, dirTests, statTests, removeTests, renameTests, linkTests, permTests]) tests(test, caps);
  });
}
