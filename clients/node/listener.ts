/**
 * Listener: something that waits for connections and hands each on as a Transport. It owns the
 * transports it has accepted: close() ends them too.
 */
import type { Server } from "node:net";
import type { Transport } from "../../proto/index.ts";
import { netError } from "./neterror.ts";

export interface Listener {
  /** Complete, so that it can be given to connect: ws://127.0.0.1:5640/?token=... */
  readonly address: string;
  /** Stop listening, close what was accepted, settle when all of it is gone. Twice is fine. */
  close(): Promise<void>;
}

/** Called with each connection; must call start() on it in time, or close it. */
export type OnTransport = (t: Transport) => void;

/** Runs `listen` and waits for the outcome; a host's error becomes a NineError. */
export function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (e: Error): void => reject(netError(e, "listen"));
    server.once("error", failed);
    server.once("listening", () => {
      server.off("error", failed);
      // Later ones are failed accepts (too many open files): that connection is lost, the listener is not.
      server.on("error", () => {});
      resolve();
    });
    listen();
  });
}

/** A Listener over a server; `open` is kept by the caller. */
export function listener(address: string, server: Server, open: ReadonlySet<Transport>): Listener {
  let done: Promise<void> | undefined;
  return {
    address,
    close() {
      done ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const t of open) t.close();
      });
      return done;
    },
  };
}
