/** The commands of /bin as programs by name, for boot(). */
import type { Program } from "../../kernel/sys.ts";
import { basename } from "./basename.ts";
import { bind } from "./bind.ts";
import { cat } from "./cat.ts";
import { chmod } from "./chmod.ts";
import { cmp } from "./cmp.ts";
import { comm } from "./comm.ts";
import { cp } from "./cp.ts";
import { date } from "./date.ts";
import { diff } from "./diff.ts";
import { du } from "./du.ts";
import { echo } from "./echo.ts";
import { grep } from "./grep.ts";
import { gunzip, gzip } from "./gzip.ts";
import { md5sum, sha1sum } from "./hashsum.ts";
import { head } from "./head.ts";
import { help } from "./help.ts";
import { history } from "./history.ts";
import { kill, slay } from "./kill.ts";
import { ls } from "./ls.ts";
import { man } from "./man.ts";
import { mkdir } from "./mkdir.ts";
import { mount } from "./mount.ts";
import { mtime } from "./mtime.ts";
import { mv } from "./mv.ts";
import { ninep } from "./ninep.ts";
import { ns } from "./ns.ts";
import { p } from "./p.ts";
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
import { sum } from "./sum.ts";
import { tail } from "./tail.ts";
import { tee } from "./tee.ts";
import { test } from "./test.ts";
import { time } from "./time.ts";
import { touch } from "./touch.ts";
import { tr } from "./tr.ts";
import { trace } from "./trace.ts";
import { uniq } from "./uniq.ts";
import { unmount } from "./unmount.ts";
import { walk } from "./walk.ts";
import { wc } from "./wc.ts";
import { xargs } from "./xargs.ts";
import { xd } from "./xd.ts";

export { tar, type TarDeps } from "./tar.ts";
export { tarfs, type TarfsDeps } from "./tarfs.ts";

export const tools: ReadonlyMap<string, Program> = new Map(Object.entries({
  "9p": ninep, basename, bind, cat, chmod, cmp, comm, cp, date, diff, du, echo, false: fail, grep, gunzip, gzip, head, help, history, kill, ls, man, md5sum, mkdir, mount, mtime, mv, ns, p, ps,
  pwd, rm, sed, seq, sha1sum, slay, sleep, sort, srv, strings, sum, tail, tee, test, time, touch, tr, trace, true: succeed, uniq, unmount, walk, wc, xargs, xd,
}));
