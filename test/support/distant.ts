/**
 * Distant: a wire so long that all else takes no time. Counts how many journeys there and back went by while
 * something was done, however many were under way at once: what a person waits for.
 */
import type { Receiver, Transport } from "../../proto/index.ts";

/** Turns of the event loop in one direction: many more than what runs at the ends takes. */
const FAR = 60;

export interface Distant {
  readonly transport: Transport;
  /** Journeys there and back that op took. */
  during<T>(op: () => Promise<T>): Promise<{ trips: number; value: T }>;
}

export function distant(inner: Transport): Distant {
  let ticks = 0;
  let counting = 0;
  /** In the order in which they arrive. */
  const travelling: { at: number; arrive: () => void }[] = [];
  let turning = false;
  const turn = (): void => {
    ticks++;
    while (travelling[0] && travelling[0].at <= ticks) travelling.shift()!.arrive();
    turning = travelling.length > 0 || counting > 0;
    if (turning) setImmediate(turn);
  };
  const later = (arrive: () => void): void => {
    travelling.push({ at: ticks + FAR, arrive });
    if (!turning) setImmediate(turn);
    turning = true;
  };
  return {
    transport: {
      peer: inner.peer,
      framed: inner.framed,
      get buffered() {
        return inner.buffered;
      },
      start: (to: Receiver) => inner.start({
        recv(chunk) {
          const copy = chunk.slice();
          later(() => to.recv(copy));
        },
        closed: (why) => later(() => to.closed(why)),
      }),
      send: (chunk, sent) => later(() => inner.send(chunk, sent)),
      drain: () => inner.drain(),
      pause: () => inner.pause(),
      resume: () => inner.resume(),
      close: (why) => inner.close(why),
    },
    async during(op) {
      counting++;
      if (!turning) setImmediate(turn);
      turning = true;
      const from = ticks;
      const value = await op();
      const trips = (ticks - from) / (2 * FAR);
      counting--;
      return { trips, value };
    },
  };
}
