/** Guests: a system with programs of our own in /tmp. */
import { system, type System, type SystemOptions } from "../../clients/node/system.ts";

export interface GuestKernel extends System, AsyncDisposable {
  /** A file's whole text. */
  cat(path: string): Promise<string>;
}

/** Boots; each program is /tmp/NAME. */
export async function guestKernel(programs: Readonly<Record<string, Uint8Array>>, options: SystemOptions = {}): Promise<GuestKernel> {
  const k = await system({ uname: "glenda", ...options });
  for (const [name, body] of Object.entries(programs)) await k.sys.writeFile(`/tmp/${name}`, body, 0o755);
  // What every run needs, once: counts are equal afterwards.
  await k.run("");
  return {
    ...k,
    cat: async (path) => (await k.run(["cat", path])).out,
    async [Symbol.asyncDispose]() {
      k.shutdown();
    },
  };
}

/** How each program ends, one after the other; nothing is left of any. */
export async function outcomes(programs: Readonly<Record<string, Uint8Array>>, options?: SystemOptions): Promise<Record<string, string>> {
  await using k = await guestKernel(programs, options);
  const before = k.stats();
  const ends: Record<string, string> = {};
  for (const name of Object.keys(programs)) ends[name] = (await k.run([`/tmp/${name}`])).status;
  const after = k.stats();
  if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error(`left behind: ${JSON.stringify({ before, after })}`);
  return ends;
}
