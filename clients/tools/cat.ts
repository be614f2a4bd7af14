/** cat(1): files, one after the other, in constant memory. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { pump } from "./lib/pump.ts";
import { eachInput, tool } from "./lib/tool.ts";

export const cat: Program = tool("cat", "[file ...]", async (t, words) => {
  await eachInput(t, parseArgs(words, "").operands, async (fd, name) => {
    const put = async (data: Uint8Array): Promise<void> => {
      await t.out.put(data);
      await t.out.flush();
    };
    if (name === "") {
      for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) await put(data);
      return;
    }
    await pump(t.sys, fd, { anyOrder: false, put });
  });
});
