/** A kernel with a server mounted on /n/x by its address, and commands of rc run in it. */
import { connect } from "../../clients/node/connect.ts";
import { rc } from "../../clients/rc/index.ts";
import { tools } from "../../clients/tools/index.ts";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { run } from "./toolbench.ts";
import { testKernel, type TestKernel } from "./kernel.ts";

export interface MountedKernel extends TestKernel {
  /** What a command line prints, its errors behind. */
  sh(command: string): Promise<string>;
}

export async function mounted(addr: string, cwd: string): Promise<MountedKernel> {
  const dial = (a: string): ReturnType<typeof connect> => connect(a, { cwd });
  const k = await testKernel(Object.fromEntries([...tools, ["rc", rc({})]]), {}, { dial });
  await k.sys.mount(await dial(addr), "/n/x", MREPL | MCREATE, "", addr);
  k.sys.setenv("path", ["/bin"]);
  return {
    ...k,
    async sh(command) {
      const r = await run(k.sys, ["rc", "-c", command], "", rc({}));
      return r.out + r.err;
    },
  };
}
