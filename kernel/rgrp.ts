/**
 * Rgrp: the tags at which processes of a group meet (rendezvous(2)). Invariant: at most one process
 * waits at a tag; whoever comes second takes it away, and both go on with each other's value.
 */
import { type Awaitable, Eintr, NineError } from "../proto/index.ts";
import type { Blocked } from "./blocked.ts";

interface Meeting {
  readonly value: unknown;
  readonly meet: (value: unknown) => void;
}

export class Rgrp {
  private readonly waiting = new Map<unknown, Meeting>();

  /** The other's value: at once when somebody waits at the tag, else when somebody comes. Rejects with Eintr when a note comes first. */
  rendezvous(p: Blocked, tag: unknown, value: unknown): Awaitable<unknown> {
    const other = this.waiting.get(tag);
    if (other) {
      this.waiting.delete(tag);
      other.meet(value);
      return other.value;
    }
    return new Promise((resolve, reject) => {
      const interrupted = (): void => {
        this.waiting.delete(tag);
        reject(new NineError(Eintr));
      };
      this.waiting.set(tag, {
        value,
        meet: (theirs) => {
          p.unblock(interrupted);
          resolve(theirs);
        },
      });
      p.block(interrupted);
    });
  }
}
