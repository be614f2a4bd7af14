/**
 * hostUsers: the host's users and groups from /etc/passwd and /etc/group, read once. Invariant:
 * idOf(nameOf(n)) === n, for groupName and userName too, so no number is lost by way of a name.
 */
import { readFileSync } from "node:fs";
import { NOU32 } from "../../proto/index.ts";
import type { HostUsers } from "../../servers/index.ts";

/** The table of these texts (passwd(5), group(5)); lines that make no sense are passed over. */
export function parseUsers(passwd: string, group: string): HostUsers {
  const ids = new Map<string, number>();
  const userNames = new Map<number, string>();
  const groupNames = new Map<number, string>();
  const groups = new Map<number, number[]>();
  const gids = new Set<number>();
  for (const [name, , id, gid] of lines(passwd)) {
    const uid = decimal(id);
    const primary = decimal(gid);
    if (primary !== undefined) gids.add(primary);
    if (!name || uid === undefined || ids.has(name)) continue;
    ids.set(name, uid);
    if (!userNames.has(uid)) userNames.set(uid, name);
    if (primary !== undefined && !groups.has(uid)) groups.set(uid, [primary]);
  }
  for (const [name, , id, members] of lines(group)) {
    const gid = decimal(id);
    if (!name || gid === undefined) continue;
    gids.add(gid);
    if (!ids.has(name)) ids.set(name, gid);
    if (ids.get(name) === gid && !groupNames.has(gid)) groupNames.set(gid, name);
    for (const member of members?.split(",") ?? []) {
      const uid = ids.get(member);
      const of = uid === undefined ? undefined : groups.get(uid);
      if (of && userNames.has(uid ?? 0) && !of.includes(gid)) of.push(gid);
    }
  }
  const idOf = (name: string): number => ids.get(name) ?? decimal(name) ?? NOU32;
  // A user the table does not know has a group of his own, unless it is somebody's.
  const groupsOf = (uid: number): readonly number[] => groups.get(uid) ?? (uid === NOU32 || gids.has(uid) ? [] : [uid]);
  return {
    idOf,
    nameOf: (id) => (id === NOU32 ? "" : (userNames.get(id) ?? groupNames.get(id) ?? String(id))),
    userName: (uid) => userNames.get(uid) ?? String(uid),
    groupName: (gid) => groupNames.get(gid) ?? String(gid),
    groups: groupsOf,
    member: (uname, name) => groupsOf(idOf(uname)).includes(idOf(name)),
  };
}

/** The host's table; empty where the files are not to be had. */
export function hostUsers(): HostUsers {
  return parseUsers(textOf("/etc/passwd"), textOf("/etc/group"));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function lines(text: string): string[][] {
  return text.split("\n").filter((l) => l !== "" && !l.startsWith("#")).map((l) => l.split(":"));
}

function decimal(s: string | undefined): number | undefined {
  return s !== undefined && /^(0|[1-9]\d{0,9})$/.test(s) && Number(s) < NOU32 ? Number(s) : undefined;
}
