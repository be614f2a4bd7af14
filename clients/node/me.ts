/** Me: who runs this process, as 9P servers are told. */
import { userInfo } from "node:os";

/** name: the login name, the number where the system knows no name for it; uid is -1 where there are no numbers. */
export function me(): { name: string; uid: number } {
  try {
    const { username, uid } = userInfo();
    return { name: username, uid };
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { name: uid < 0 ? "none" : String(uid), uid };
  }
}
