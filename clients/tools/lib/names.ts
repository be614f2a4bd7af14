/** Names: file names as text (intro(2), rc(1)). Pure. */

/** The last element, slashes at the end left out; "/" of the root. */
export function baseName(path: string): string {
  const p = trimSlashes(path);
  return p === "/" ? p : p.slice(p.lastIndexOf("/") + 1);
}

/** What is before the last element: "." when there is nothing. */
export function dirName(path: string): string {
  const p = trimSlashes(path);
  const slash = p.lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : trimSlashes(p.slice(0, slash));
}

export function joinName(dir: string, name: string): string {
  return dir.endsWith("/") ? dir + name : `${dir}/${name}`;
}

/** Without slashes at its end, but "/" stays. */
export function trimSlashes(path: string): string {
  let n = path.length;
  while (n > 1 && path[n - 1] === "/") n--;
  return path.slice(0, n);
}

/** cleanname(2): the shortest name lexically the same. A name of a server (#s/x) keeps its first element. */
export function cleanName(path: string): string {
  const rooted = path.startsWith("/"), server = path.startsWith("#");
  const out: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") out.push(name);
    else if (out.length > (server ? 1 : 0) && out.at(-1) !== "..") out.pop();
    else if (!rooted && !server) out.push("..");
  }
  return rooted ? `/${out.join("/")}` : out.join("/") || ".";
}

/** In the order of bytes: surrogate pairs, being above all else, come after U+E000..U+FFFF. */
export function compareNames(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? (x >= 0xe000 ? x - 0x10000 : x) - (y >= 0xe000 ? y - 0x10000 : y) : x - y;
  }
  return a.length - b.length;
}
