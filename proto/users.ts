/**
 * Users: names and numbers of users and groups, between the dialects that name (9P2000) and those
 * that count (.u, .L). Invariant: idOf(nameOf(n)) === n for every uint32, so a number is never lost.
 */
import { NOU32 } from "./fcall.ts";

export interface Users {
  /** The number of a user's or group's name; NOU32 for "". */
  idOf(name: string): number;
  nameOf(id: number): string;
  /** Whether a user belongs to a group. */
  member(uname: string, group: string): boolean;
}

/**
 * A table for servers without a user database: root is 0, nobody 65534, a decimal name is its
 * number, any other name gets the next number from 1001 when it is first seen (4096 at most: further
 * names, and ones above 64 characters, are nobody's number, so that a peer cannot fill memory). A user is in the group of his name.
 */
export function users(known: Readonly<Record<string, number>> = { root: 0, nobody: 65534, none: 65534 }): Users {
  const ids = new Map(Object.entries(known));
  const names = new Map<number, string>();
  for (const [name, id] of ids) if (!names.has(id)) names.set(id, name);
  let next = 1001;
  const idOf = (name: string): number => {
    const id = ids.get(name);
    if (id !== undefined) return id;
    if (name === "") return NOU32;
    if (/^(0|[1-9]\d{0,9})$/.test(name) && Number(name) < NOU32) return Number(name);
    if (ids.size >= 4096 || name.length > 64) return 65534;
    while (names.has(next)) next++;
    ids.set(name, next);
    names.set(next, name);
    return next;
  };
  return {
    idOf,
    nameOf: (id) => (id === NOU32 ? "" : (names.get(id) ?? String(id))),
    member: (uname, group) => uname === group,
  };
}
