/**
 * align: a longest common subsequence of two sequences of numbers, by Myers' divide and conquer (An O(ND)
 * difference algorithm and its variations, 1986): space in proportion to the lengths. Numbers that only one
 * of the two has are left out first, which changes nothing of the result and most often leaves little to do.
 * Where more than CAP differences lie in one stretch it is cut at the furthest point reached, so that time
 * stays bounded; only then may what is common be shorter than possible. Pure.
 */

/** Differences looked through from each side before a stretch is cut anywhere. */
const CAP = 4096;

/** For each element of a: the index in b of the one it is kept as, or -1; ascending. */
export function align(a: Int32Array, b: Int32Array): Int32Array {
  const mates = new Int32Array(a.length).fill(-1);
  const short = Math.min(a.length, b.length);
  let begin = 0, end = 0;
  while (begin < short && a[begin] === b[begin]) begin++;
  while (end < short - begin && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  for (let i = 0; i < begin; i++) mates[i] = i;
  for (let i = 1; i <= end; i++) mates[a.length - i] = b.length - i;
  const x = common(a, b, begin, end), y = common(b, a, begin, end);
  new Stretch(pick(a, x), pick(b, y), (i, k) => {
    mates[x[i]!] = y[k]!;
  }).all();
  return mates;
}

/** Indices in a, but for both ends, of what b has too. */
function common(a: Int32Array, b: Int32Array, begin: number, end: number): number[] {
  const there = new Set(b.subarray(begin, b.length - end));
  const found: number[] = [];
  for (let i = begin; i < a.length - end; i++) if (there.has(a[i]!)) found.push(i);
  return found;
}

function pick(a: Int32Array, at: readonly number[]): Int32Array {
  return Int32Array.from(at, (i) => a[i]!);
}

class Stretch {
  readonly #a: Int32Array;
  readonly #b: Int32Array;
  readonly #pair: (i: number, k: number) => void;
  /** By diagonal, x - y: how far a path has come in a, from the front and from the back. */
  readonly #front: Int32Array;
  readonly #back: Int32Array;
  /** The index of diagonal 0. */
  readonly #zero: number;
  #x = 0;
  #y = 0;

  constructor(a: Int32Array, b: Int32Array, pair: (i: number, k: number) => void) {
    this.#a = a;
    this.#b = b;
    this.#pair = pair;
    this.#zero = b.length + 1;
    this.#front = new Int32Array(a.length + b.length + 3);
    this.#back = new Int32Array(a.length + b.length + 3);
  }

  all(): void {
    const a = this.#a, b = this.#b;
    const todo: [number, number, number, number][] = [[0, a.length, 0, b.length]];
    for (let next = todo.pop(); next; next = todo.pop()) {
      let [a0, a1, b0, b1] = next;
      while (a0 < a1 && b0 < b1 && a[a0] === b[b0]) this.#pair(a0++, b0++);
      while (a0 < a1 && b0 < b1 && a[a1 - 1] === b[b1 - 1]) this.#pair(--a1, --b1);
      if (a0 === a1 || b0 === b1) continue;
      this.#middle(a0, a1, b0, b1);
      todo.push([a0, this.#x, b0, this.#y], [this.#x, a1, this.#y, b1]);
    }
  }

  /** Sets x and y to a point of a shortest path, neither its first nor its last. */
  #middle(a0: number, a1: number, b0: number, b1: number): void {
    const a = this.#a, b = this.#b, front = this.#front, back = this.#back, zero = this.#zero;
    const least = a0 - b1, most = a1 - b0, first = a0 - b0, last = a1 - b1;
    const odd = ((first - last) & 1) !== 0;
    let flo = first, fhi = first, blo = last, bhi = last;
    front[zero + first] = a0;
    back[zero + last] = a1;
    for (let cost = 1; ; cost++) {
      if (flo > least) front[zero + --flo - 1] = -1;
      else flo++;
      if (fhi < most) front[zero + ++fhi + 1] = -1;
      else fhi--;
      for (let d = fhi; d >= flo; d -= 2) {
        const below = front[zero + d - 1]!, above = front[zero + d + 1]!;
        let x = below < above ? above : below + 1;
        while (x < a1 && x - d < b1 && a[x] === b[x - d]) x++;
        front[zero + d] = x;
        if (odd && blo <= d && d <= bhi && back[zero + d]! <= x) return this.#cut(x, d);
      }
      if (blo > least) back[zero + --blo - 1] = 0x7fff_ffff;
      else blo++;
      if (bhi < most) back[zero + ++bhi + 1] = 0x7fff_ffff;
      else bhi--;
      for (let d = bhi; d >= blo; d -= 2) {
        const below = back[zero + d - 1]!, above = back[zero + d + 1]!;
        let x = below < above ? below : above - 1;
        while (x > a0 && x - d > b0 && a[x - 1] === b[x - d - 1]) x--;
        back[zero + d] = x;
        if (!odd && flo <= d && d <= fhi && x <= front[zero + d]!) return this.#cut(x, d);
      }
      if (cost >= CAP) return this.#furthest({ a0, a1, b0, b1 }, [flo, fhi], [blo, bhi]);
    }
  }

  /** The point furthest from where its path began, of both sides. */
  #furthest(area: { a0: number; a1: number; b0: number; b1: number }, [flo, fhi]: [number, number], [blo, bhi]: [number, number]): void {
    const { a0, a1, b0, b1 } = area;
    let best = -1;
    for (let d = fhi; d >= flo; d -= 2) {
      const x = Math.min(this.#front[this.#zero + d]!, a1, b1 + d);
      if (2 * x - d - a0 - b0 <= best) continue;
      best = 2 * x - d - a0 - b0;
      this.#cut(x, d);
    }
    for (let d = bhi; d >= blo; d -= 2) {
      const x = Math.max(this.#back[this.#zero + d]!, a0, b0 + d);
      if (a1 + b1 - 2 * x + d <= best) continue;
      best = a1 + b1 - 2 * x + d;
      this.#cut(x, d);
    }
  }

  #cut(x: number, d: number): void {
    this.#x = x;
    this.#y = x - d;
  }
}
