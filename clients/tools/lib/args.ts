/**
 * Args: options in the style of ARGBEGIN (arg(2)). Flags may be combined (-lt), "--" ends them, a
 * word that is "-" alone or does not begin with "-" ends them and belongs to the operands; the
 * argument of a flag is the rest of its word or the next word.
 */

/** A command line that makes no sense: ends the tool with its usage line and status "usage". */
export class Usage extends Error {}

export class Args {
  readonly operands: readonly string[];
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #order: readonly string[];

  constructor(given: ReadonlyMap<string, readonly string[]>, order: readonly string[], operands: readonly string[]) {
    this.#given = given;
    this.#order = order;
    this.operands = operands;
  }

  has(flag: string): boolean {
    return this.#given.has(flag);
  }

  /** Which of these flags was given last, where one takes the place of another. */
  last(flags: string): string | undefined {
    return this.#order.findLast((flag) => flags.includes(flag));
  }

  /** The argument of the flag, of the last one when it was given several times. */
  get(flag: string): string | undefined {
    return this.#given.get(flag)?.at(-1);
  }

  all(flag: string): readonly string[] {
    return this.#given.get(flag) ?? [];
  }

  /** A flag's argument as a whole number of at least 0; Usage when it is none. */
  count(flag: string): number | undefined {
    const arg = this.get(flag);
    if (arg === undefined) return undefined;
    if (!/^\d{1,15}$/.test(arg)) throw new Usage();
    return Number(arg);
  }
}

/** words is argv without argv[0]; spec lists the flags, a ":" after those that take an argument. */
export function parseArgs(words: readonly string[], spec: string): Args {
  const given = new Map<string, string[]>();
  const order: string[] = [];
  let i = 0;
  for (; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") {
      i++;
      break;
    }
    if (word.length < 2 || !word.startsWith("-")) break;
    for (let k = 1; k < word.length; k++) {
      const flag = word.charAt(k);
      const at = flag === ":" ? -1 : spec.indexOf(flag);
      if (at < 0) throw new Usage();
      const values = given.get(flag) ?? [];
      given.set(flag, values);
      order.push(flag);
      if (spec[at + 1] !== ":") continue;
      const value = k + 1 < word.length ? word.slice(k + 1) : words[++i];
      if (value === undefined) throw new Usage();
      values.push(value);
      break;
    }
  }
  return new Args(given, order, words.slice(i));
}
