/** walk and xargs: orders, depths, formats, loops; round trips; with rc's substitutions. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { toolKernel, type ToolKernel } from "../../support/toolkernel.ts";

let k: ToolKernel;
beforeEach(async () => {
  k = await toolKernel();
  await k.sh("cd /tmp; mkdir -p t/a/b t/c; echo -n xyz > t/a/x; echo y > t/a/b/y; touch t/c/empty t/z 't/a b'; chmod 755 t/z");
});
afterEach(() => k.shutdown());

test("walk: all of a tree, below before above", async () => {
  expect(await k.sh("cd /tmp; walk t")).toBe("t/a/b/y\nt/a/b\nt/a/x\nt/a\nt/c/empty\nt/c\nt/z\nt/a b\nt\n");
  expect(await k.sh("cd /tmp/t; walk")).toBe("a/b/y\na/b\na/x\na\nc/empty\nc\nz\na b\n");
  expect(await k.sh("cd /tmp; walk -d t")).toBe("t/a/b\nt/a\nt/c\nt\n");
  expect(await k.sh("cd /tmp; walk -f t//a/../a/ t/z t/z; walk -fx t; walk -fd t/c; walk -d t/z")).toBe("t/a/b/y\nt/a/x\nt/z\nt/z\nt/z\nt/c\n");
  expect(await k.sh("cd /tmp; walk /tmp/t/none t/c; echo $status")).toBe("t/c/empty\nt/c\nerrors\nwalk: /tmp/t/none: file does not exist\n");
});

test("walk: depths and formats", async () => {
  expect(await k.sh("cd /tmp; walk -n0 t; walk -n1 t; echo; walk -n 2,2 t; echo; walk -fn3, t")).toBe("t\nt/a\nt/c\nt/z\nt/a b\nt\n\nt/a/b\nt/a/x\nt/c/empty\n\nt/a/b/y\n");
  expect(await k.sh("cd /tmp; walk -fesnp t/a")).toBe("2 y t/a/b/y\n3 x t/a/x\n");
  expect(await k.sh("cd /tmp; touch -t 77 t/z; walk -e UGMamxq t/z")).toMatch(/^\S+ \S+ \S* \d+ 77 755 [0-9a-f]+\.\d+\.00\n$/);
  for (const flags of ["-e ''", "-e py", "-n ''", "-n x", "-n 1,2,3", "-y"]) expect(await k.sh(`walk ${flags}`)).toBe("usage: walk [-dftxu] [-n mind,maxd] [-e statfmt] [name ...]\n");
});

test("walk: loops of binds and links end", async () => {
  expect(await k.sh("cd /tmp; mkdir loop loop/in; bind /tmp/loop /tmp/loop/in; walk loop")).toBe("loop/in\nloop\n");
  await k.sys.symlink("/tmp", "/tmp/c-link");
  expect(await k.sh("cd /tmp; walk -n1")).toBe("t\nloop\nc-link\n");
});

test("walk: unions, and a directory a round trip far away, several at once", async () => {
  await k.sh("cd /n/far; for(d in 1 2 3 4 5 6 7 8){mkdir $d; for(e in a b c d){mkdir $d/$e; echo $d$e > $d/$e/f}}");
  const { out, trips } = await k.counted("walk /n/far");
  expect(out.split("\n")).toHaveLength(8 * 9 + 2);
  // A stat, the root, then 40 directories of which up to 16 are under way, each with a look at its end.
  expect(trips).toBeLessThan(12);
  expect(await k.sh("bind -a /tmp/t /n/far; walk -fn1 /n/far; walk -dn1 /n/far | wc -l")).toBe("/n/far/z\n/n/far/a b\n     11\n");
});

test("xargs: so many lines at a time, so many commands at once", async () => {
  expect(await k.sh("seq 1 12 | xargs echo; seq 1 5 | xargs -n 2 echo x; xargs echo </tmp/t/z; echo -n 'a b' | xargs echo -n")).toBe(
    "1 2 3 4 5 6 7 8 9 10\n11 12\nx 1 2\nx 3 4\nx 5\na b");
  const [sorted, whole] = (await k.sh("seq 1 40 | xargs -n 1 -p 7 echo | sort -n | md5sum; seq 1 40 | md5sum")).split("\n");
  expect(sorted).toBe(whole);
  expect(await k.sh("{ echo one; echo two } | xargs -n1 cat; echo $status; echo x | xargs wc nothing; echo y | xargs none; echo $status")).toBe(
    "|errors\n      0       0       0 total\n|none: file does not exist\ncat: one: file does not exist\ncat: two: file does not exist\nwc: nothing: file does not exist\nwc: x: file does not exist\nxargs: none: file does not exist\n");
  // A command has nothing to read.
  expect(await k.sh("seq 1 4 | xargs -n 2 rc -c 'cat; echo $*'")).toBe("1 2\n3 4\n");
  for (const words of ["", "-n 0 echo", "-p 0 echo", "-n x echo", "-q echo"]) expect(await k.sh(`xargs ${words} </tmp/t/z`)).toBe("usage: xargs [-n number] [-p maxprocs] cmd [arg ...]\n");
});

test("with rc's loops and substitutions, of much output too", async () => {
  expect(await k.sh("ifs='\n'{for(i in `{walk -f /tmp/t}) echo '<'^$i^'>'}")).toBe("</tmp/t/a/b/y>\n</tmp/t/a/x>\n</tmp/t/c/empty>\n</tmp/t/z>\n</tmp/t/a b>\n");
  expect(await k.sh("x=`{seq 1 20000}; echo $#x $x(20000); walk -f /tmp/t | xargs -n 100 ls -s | wc -l")).toMatch(/^20000 20000\n +5\n$/);
  expect(await k.sh("cat <{walk -d /tmp/t} | sed 1q")).toBe("/tmp/t/a/b\n");
});
