/** Guests: a system with programs of our own in /tmp. */
import { system, type System, type SystemOptions } from "../../clients/node/system.ts";

export interface GuestKernel extends System, AsyncDisposable {}

/** Boots; each program is /tmp/NAME. */
export async function guestKernel(programs: Readonly<Record<string, Uint8Array>>, options: SystemOptions = {}): Promise<GuestKernel> {
  const k = await system({ uname: "glenda", ...options });
  for (const [name, body] of Object.entries(programs)) await k.sys.writeFile(`/tmp/${name}`, body, 0o755);
  return {
    ...k,
    async [Symbol.asyncDispose]() {
      k.shutdown();
    },
  };
}
