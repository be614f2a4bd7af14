/**
 * nineplex/browser: 9P from a page or a worker: the transports of the browser, and all of
 * nineplex/proto, so that the one bundled file is enough without a package manager.
 */
import { dial, type DialOptions, type Portal } from "../../proto/index.ts";
import { connectWs, type ConnectWsOptions } from "./ws.ts";

export * from "../../proto/index.ts";
export { overPort } from "./messageport.ts";
export { connectWs, type ConnectWsOptions } from "./ws.ts";

/** A portal to a WebSocket server: ws://HOST:PORT/?token=T. Attaching is the caller's. */
export async function connect(url: string, options: ConnectWsOptions & DialOptions = {}): Promise<Portal> {
  return dial(await connectWs(url, options), options);
}
