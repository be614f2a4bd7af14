/** Toolkernel: a system with a ram server far away on /n/far, and a terminal that remembers. */
import { noStreams } from "../../clients/node/streams.ts";
import { system, type System, type SystemOptions } from "../../clients/node/system.ts";
import { MCREATE, MREPL } from "../../kernel/index.ts";
import { ram } from "../../servers/index.ts";
import { type Distant, distant } from "./distant.ts";
import { remote } from "./kernel.ts";

export interface ToolKernel extends System {
  /** What the terminal was told, by each write. */
  readonly screen: string[];
  /** What a command line prints, its errors behind. */
  sh(command: string): Promise<string>;
  /** The same, and how many journeys to /n/far and back it took. */
  counted(command: string): Promise<{ out: string; trips: number }>;
  /** What a command line writes on the terminal, on which its fds 1 and 2 are. */
  seen(command: string): Promise<string>;
}

export async function toolKernel(options: SystemOptions = {}): Promise<ToolKernel> {
  const screen: string[] = [];
  const write = (data: Uint8Array): void => void screen.push(new TextDecoder().decode(data));
  const console = { ...noStreams().console, write, isTTY: true };
  const k = await system({ streams: { ...noStreams(), stdout: { write, isTTY: true }, stderr: { write, isTTY: true }, console }, uname: "glenda", ...options });
  let far: Distant | undefined;
  const { portal } = await remote(ram({ now: () => 1e12 }), undefined, (t) => (far = distant(t)).transport);
  if (!far) throw new Error("no wire");
  await k.sys.mount(portal, "/n/far", MREPL | MCREATE, "");
  const wire = far;
  const sh = async (command: string): Promise<string> => {
    const { out, err } = await k.run(command);
    return out + err;
  };
  return {
    ...k, screen, sh,
    async counted(command) {
      const { trips, value } = await wire.during(() => sh(command));
      return { out: value, trips };
    },
    async seen(command) {
      screen.length = 0;
      await sh(`{${command}} </dev/null >/dev/cons >[2=1]`);
      return screen.join("");
    },
  };
}
