/**
 * opened: files opened for reading one after the other, the next ones ahead of their turn, because a server
 * may be far: what openRead brings of a small file is all of it. Nothing is opened ahead of, or behind, a
 * name of the devices: what is read there is gone, and may take long to come.
 */
import type { Sys } from "../../../kernel/sys.ts";
import { cleanName, joinName } from "./names.ts";

/** Files open at a time; of each as much is held as one read brings. */
const AHEAD = 8;
const DEVICES = /^(#|\/(dev|env|fd|proc|srv)(\/|$))/;

/** Each name with its fd, or with why it cannot be opened. */
export async function* opened(sys: Sys, files: readonly string[]): AsyncGenerator<{ name: string; fd: Promise<number> }> {
  const begun: { name: string; fd: Promise<number> }[] = [];
  const wd = files.length > 1 ? sys.getwd() : "";
  const device = (name: string): boolean => DEVICES.test(cleanName(/^[/#]/.test(name) ? name : joinName(wd, name)));
  let next = 0;
  for (let i = 0; i < files.length; i++) {
    while (next < files.length && next < i + AHEAD) {
      const name = files[next]!;
      if (next > i && (device(name) || begun.some((b) => b.name === name || device(b.name)))) break;
      const fd = sys.openRead(name);
      // It may fail long before its turn.
      fd.catch(() => {});
      begun.push({ name, fd });
      next++;
    }
    yield begun.shift()!;
  }
}
