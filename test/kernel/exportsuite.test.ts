/** The server suite on exports: of a ram server, of a union, of files behind plain wires, and in other dialects. */
import { boot, type Booted, MAFTER, MBEFORE, MCREATE, MREPL } from "../../kernel/index.ts";
import { type Dialect, dial, dir, open, pair, type Portal, serve, type Server } from "../../proto/index.ts";
import { pipe, ram, tree } from "../../servers/index.ts";
import { testHost } from "../support/kernel.ts";
import { type Caps, serverSuite } from "../support/serversuite.ts";

const now = (): number => Date.now();
const places = (): Server => tree("root", dir({ u: dir({}), x: dir({}) }));

/** An export of what `set` makes of a kernel that has the server as #fs, a kernel for each server. */
function exporting(root: string, set: (k: Booted, server: Server) => Promise<void>): (server: Server, dialect: Dialect) => Promise<Portal> {
  const kernels = new WeakMap<Server, Promise<Booted>>();
  return async (server, dialect) => {
    let k = kernels.get(server);
    if (!k) {
      k = boot({ host: testHost(), uname: "alice", servers: { root: places(), pipe: pipe(), fs: server } }).then(async (made) => {
        await set(made, server);
        return made;
      });
      kernels.set(server, k);
    }
    return (await k).sys.export(root, { dialect });
  };
}

const fs = (): Server => ram({ now, owner: "alice" });

serverSuite("export of ram", fs, {
  perms: false,
  portal: exporting("/x", (k) => k.sys.bind("#fs", "/x", MREPL | MCREATE)),
});

serverSuite("export of a union", fs, {
  perms: false,
  portal: exporting("/u", async (k) => {
    await k.sys.mount(open(ram({ now, owner: "alice", mode: 0o755 })), "/u", MREPL, "");
    await k.sys.bind("#fs", "/u", MBEFORE | MCREATE);
    await k.sys.mount(open(ram({ now, owner: "alice" })), "/u", MAFTER, "");
  }),
});

/** What those dialects have no words for; a 9P2000 client renames within a directory only. */
const plain: Readonly<Record<string, Caps>> = {
  "9P2000": { xattr: false, symlink: false, link: false, mknod: false, rename: false, mode: false, orphans: false, times: 1e9 },
  "9P2000.L": { xattr: false, append: false, exclusive: false },
};

for (const [version, caps] of Object.entries(plain)) {
  serverSuite(`export of a wire that speaks ${version}`, fs, {
    perms: false, ...caps,
    portal: exporting("/x", async (k, server) => {
      const [a, b] = pair();
      serve(b, (s) => open(server, s));
      await k.sys.mount(await dial(a, { versions: [version] }), "/x", MREPL | MCREATE, "");
    }),
  });
}
