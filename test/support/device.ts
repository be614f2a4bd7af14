/** The server of a Device in a small kernel, as process 1 sees it: for the server suite, which attaches without a pid. */
import type { Device } from "../../kernel/index.ts";
import { Enonexist, NineError, type Server } from "../../proto/index.ts";
import { testKernel } from "./kernel.ts";
import type { Made } from "./serversuite.ts";

/** Who process 1 is, and somebody else. */
export const deviceUsers = [{ uname: "glenda" }, { uname: "bob" }] as const;

export async function madeDevice(device: Device, prepare: (k: Awaited<ReturnType<typeof testKernel>>) => unknown = () => undefined): Promise<Made> {
  let server: Server | undefined;
  const k = await testKernel({}, { it: (kernel) => (server = device(kernel)) });
  await k.sys.stat("#it");
  await prepare(k);
  return {
    dispose: () => k.shutdown(),
    server: {
      name: "device",
      attach: (call, aname) => {
        if (!server || (aname !== "" && aname !== "/")) throw new NineError(Enonexist);
        return server.attach(call, String(k.sys.pid));
      },
    },
  };
}
