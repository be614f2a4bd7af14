/** The commands of /bin as programs by name, for boot(). */
import type { Program } from "../../kernel/sys.ts";
import { bind } from "./bind.ts";
import { cat } from "./cat.ts";
import { cp } from "./cp.ts";
import { echo } from "./echo.ts";
import { grep } from "./grep.ts";
import { head } from "./head.ts";
import { ls } from "./ls.ts";
import { mkdir } from "./mkdir.ts";
import { mount, type Dial } from "./mount.ts";
import { mv } from "./mv.ts";
import { ns } from "./ns.ts";
import { rm } from "./rm.ts";
import { sort } from "./sort.ts";
import { tail } from "./tail.ts";
import { unmount } from "./unmount.ts";
import { wc } from "./wc.ts";

export type { Dial } from "./mount.ts";

/** What only the client knows. */
export interface ToolDeps {
  readonly dial: Dial;
}

export function tools(deps: ToolDeps): ReadonlyMap<string, Program> {
  return new Map(Object.entries({
    bind, cat, cp, echo, grep, head, ls, mkdir, mount: mount(deps.dial), mv, ns, rm, sort, tail, unmount, wc,
  }));
}
