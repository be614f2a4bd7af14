/** Nearest: what was probably meant by a word that nobody knows. Pure. */

/** The word among those known that is most like it; undefined when none is like it enough to be told. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined, least = Infinity;
  for (const other of known) {
    const d = distance(bare(word), bare(other));
    if (d < least && d <= allowed(bare(word))) [best, least] = [other, d];
  }
  return best;
}

function bare(word: string): string {
  return word.replace(/^-+/, "").toLowerCase();
}

/** Mistakes that so long a word may have. */
function allowed(word: string): number {
  return word.length < 3 ? 0 : word.length < 6 ? 1 : 2;
}

/** Characters added, left out, changed, and neighbours exchanged (Damerau). */
function distance(a: string, b: string): number {
  let before: number[] = [], last = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const same = a[i - 1] === b[k - 1] ? 0 : 1;
      row[k] = Math.min((last[k] ?? 0) + 1, (row[k - 1] ?? 0) + 1, (last[k - 1] ?? 0) + same);
      if (i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1]) row[k] = Math.min(row[k] ?? 0, (before[k - 2] ?? 0) + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
