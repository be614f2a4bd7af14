/**
 * Envp: the environment as Unix programs have it, NAME=VALUE, and as a process here has it, lists of
 * strings. A list of more than one is joined by \001, as rc's are on Unix; but $path is PATH, joined by
 * colons, and $home is HOME. What no Unix program can be told, an empty list or rc's functions, it is not.
 */

/** What separates the elements of a list. */
const SEP = "\x01";

/** A process's variables for a program. */
export function envpOf(vars: ReadonlyMap<string, readonly string[]>): string[] {
  const out: string[] = [];
  for (const [name, list] of vars) {
    if (list.length === 0 || name.includes("=") || name.startsWith("fn#")) continue;
    if (name === "path") out.push(`PATH=${list.join(":")}`);
    else if (name === "home") out.push(`HOME=${list[0]}`);
    else if ((name === "PATH" && vars.has("path")) || (name === "HOME" && vars.has("home"))) continue;
    else out.push(`${name}=${list.join(SEP)}`);
  }
  return out.filter((s) => !s.includes("\0"));
}

/** The reverse, for a program that gives another its environment. */
export function varsOf(envp: readonly string[]): Map<string, readonly string[]> {
  const vars = new Map<string, readonly string[]>();
  for (const s of envp) {
    const eq = s.indexOf("=");
    if (eq < 1) continue;
    const name = s.slice(0, eq);
    const value = s.slice(eq + 1);
    if (name === "PATH") vars.set("path", value.split(":"));
    else if (name === "HOME") vars.set("home", [value]);
    vars.set(name, name === "PATH" || name === "HOME" ? [value] : value.split(SEP));
  }
  return vars;
}
