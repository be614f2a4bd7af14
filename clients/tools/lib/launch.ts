/** launch: starts a command found where rc would look, for tools that run others. */
import { NineError, errno, isInterrupted } from "../../../proto/index.ts";
import type { SpawnOptions, Sys } from "../../../kernel/sys.ts";
import { joinName } from "./names.ts";

/** Its pid. Looks in $path, unless the name itself says where. */
export async function launch(sys: Sys, argv: readonly string[], options: Pick<SpawnOptions, "fds" | "stopped"> = {}): Promise<number> {
  const name = argv[0] ?? "";
  const direct = /^(\/|#|\.\.?(\/|$))/.test(name);
  const places = direct ? [name] : (sys.getenv("path") ?? [".", "/bin"]).map((dir) => joinName(dir === "" ? "." : dir, name));
  let why = new NineError("file does not exist", errno.ENOENT);
  for (const path of places) {
    try {
      return await sys.spawn({ argv, path, ...options });
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      if (e.errno !== errno.ENOENT && e.errno !== errno.ENOTDIR) why = e;
    }
  }
  throw new NineError(`${name}: ${why.message}`, why.errno);
}
