/**
 * deadtty: the end of a process whose terminal has gone before it. Node gives terminals their modes
 * back last of all, and aborts with a core dump when one no longer takes them; so such a process ends
 * as one does that lets a hangup end it. For main alone: it is to be the last to hear "exit".
 */
import { isatty } from "node:tty";

const STANDARD = [0, 1, 2];

/** To be called at the start: which of the standard files are terminals is looked at now, and again at the end. */
export function hangUpAtExit(): void {
  const terminals = STANDARD.filter((fd) => isatty(fd));
  if (terminals.length === 0) return;
  process.on("exit", () => {
    if (terminals.every((fd) => isatty(fd))) return;
    process.removeAllListeners("SIGHUP");
    process.kill(process.pid, "SIGHUP");
    // Under nohup that was not heard.
    process.kill(process.pid, "SIGKILL");
  });
}
