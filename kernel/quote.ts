/** quote: a word as rc(1) reads it, for what prints commands and names: ns, ls. */

/** In quotes when it is empty or has a character that means something to rc. */
export function quote(word: string): string {
  return word !== "" && !/[\0- `^#*[\]=|\\?${}()'<>&;]/.test(word) ? word : `'${word.replaceAll("'", "''")}'`;
}
