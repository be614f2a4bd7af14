/** The commands of /bin as programs by name, for boot(). */
import type { Program } from "../../kernel/sys.ts";
import { basename } from "./basename.ts";
import { bind } from "./bind.ts";
import { cat } from "./cat.ts";
import { cmp } from "./cmp.ts";
import { comm } from "./comm.ts";
import { cp } from "./cp.ts";
import { date } from "./date.ts";
import { echo } from "./echo.ts";
import { grep } from "./grep.ts";
import { head } from "./head.ts";
import { kill, slay } from "./kill.ts";
import { ls } from "./ls.ts";
import { mkdir } from "./mkdir.ts";
import { mount } from "./mount.ts";
import { mv } from "./mv.ts";
import { ns } from "./ns.ts";
import { ps } from "./ps.ts";
import { pwd } from "./pwd.ts";
import { rm } from "./rm.ts";
import { sed } from "./sed.ts";
import { seq } from "./seq.ts";
import { sleep } from "./sleep.ts";
import { sort } from "./sort.ts";
import { srv } from "./srv.ts";
import { fail, succeed } from "./status.ts";
import { strings } from "./strings.ts";
import { tail } from "./tail.ts";
import { tee } from "./tee.ts";
import { test } from "./test.ts";
import { touch } from "./touch.ts";
import { tr } from "./tr.ts";
import { uniq } from "./uniq.ts";
import { unmount } from "./unmount.ts";
import { wc } from "./wc.ts";
import { xd } from "./xd.ts";

export { tarfs, type TarfsDeps } from "./tarfs.ts";

export const tools: ReadonlyMap<string, Program> = new Map(Object.entries({
  basename, bind, cat, cmp, comm, cp, date, echo, false: fail, grep, head, kill, ls, mkdir, mount, mv, ns, ps, pwd, rm, sed, seq, slay, sleep, sort, srv, strings, tail, tee, test, touch,
  tr, true: succeed, uniq, unmount, wc, xd,
}));
