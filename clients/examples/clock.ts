/**
 * clock: a file server in thirty lines. `time` is the time now, each read of `tick` waits for the next
 * tick, `ctl` sets the rate: `nineplex 9p read module:clients/examples/clock.ts /tick`.
 */
import { type Call, dir, encode, type FileNode, type Host, NineError, type Server, textFile } from "../../proto/index.ts";

/** Time is received, not taken: a test can bring its own. */
export type ClockDeps = Pick<Host, "now" | "sleep">;

export default function server(deps: ClockDeps): Server {
  let rateMs = 1000;
  let ticks = 0;
  const tick: FileNode = {
    open: () => ({
      async read(_at: number, _n: number, call: Call) {
        await deps.sleep(rateMs, call.signal); // Tflush aborts the signal
        return encode(`${++ticks}\n`);
      },
    }),
  };
  const ctl = textFile(() => `rate ${rateMs}\n`, (line) => {
    const [verb, arg] = line.trim().split(/\s+/);
    if (verb !== "rate" || !(Number(arg) > 0)) throw new NineError(`bad ctl: ${line.trim()}`);
    rateMs = Number(arg);
  });
  const root = dir({ time: textFile(() => `${deps.now()}\n`), tick, ctl });
  return { name: "clock", attach: () => root };
}
