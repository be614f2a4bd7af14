/**
 * Compared: cases by chance over the forms of the semantic table, run by the host's processor and by the
 * machine at the same time, and what differs. One piece of code is run from several states.
 */
import type { Form } from "../../../kernel/machine/forms.ts";
import { chance, seed } from "../random.ts";
import { Board } from "./board.ts";
import { CASE, Case, End } from "./case.ts";
import { depends, Maker, type Piece } from "./cases.ts";
import { differences, line, listing } from "./compare.ts";
import { BATCH, Host } from "./host.ts";
import { contents } from "./values.ts";

/** What the data pages hold, in every run and in recorded vectors. */
export const pristine = (): Uint8Array<ArrayBuffer> => contents(chance(20_000));

/** States of one piece of code. */
const STATES = 8;
export interface Tally {
  cases: number;
  /** How many ended in which trap. */
  readonly traps: Map<number, number>;
  /** Forms that have run to their end at least once. */
  readonly done: Set<string>;
  readonly forms: readonly string[];
  readonly left: ReadonlyMap<string, string>;
  /** Differences by the forms they were seen with. */
  readonly differences: Map<string, string[]>;
}

/** At least n cases of the forms that `which` says; `shown` differences of each are kept as text. */
export async function compared(n: number, which: (form: Form) => boolean = () => true, shown = 2, progress: (t: Tally) => void = () => {}): Promise<Tally> {
  const maker = new Maker(chance(seed()), which);
  const data = pristine();
  const host = new Host(data);
  const board = new Board(data);
  const tally: Tally = { cases: 0, traps: new Map(), done: new Set(), forms: maker.forms.map((f) => f.form.key), left: maker.left, differences: new Map() };
  const asked = new Set(tally.forms);
  const buffer = new Uint8Array(BATCH * CASE);
  const cases = Array.from({ length: BATCH }, (_, k) => new Case(buffer.subarray(k * CASE, (k + 1) * CASE)));
  try {
    while (tally.cases < n) {
      const pieces: Piece[] = [];
      while (pieces.length < BATCH / STATES) {
        const piece = maker.piece();
        if (!depends(piece)) pieces.push(piece);
      }
      cases.forEach((c, k) => maker.state(pieces[Math.floor(k / STATES)] as Piece, c));
      const answer = host.run(cases);
      const ours = cases.map((c) => board.run(c));
      const theirs = await answer;
      theirs.forEach((expected, k) => {
        const piece = pieces[Math.floor(k / STATES)] as Piece;
        tally.traps.set(expected.trap, (tally.traps.get(expected.trap) ?? 0) + 1);
        if (expected.trap === End.Done) for (const s of piece.steps) if (asked.has(s.form.key)) tally.done.add(s.form.key);
        const wrong = differences(piece, expected, ours[k] as (typeof ours)[0]);
        if (wrong.length === 0) return;
        const key = piece.steps.length > 1 ? "sequences" : (piece.steps[0]?.form.key ?? "(bad)");
        const all = tally.differences.get(key) ?? [];
        tally.differences.set(key, all);
        all.push(all.length < shown ? `${listing(piece)}: ${wrong.join("; ")}\n    ${line(cases[k] as Case)}` : "");
      });
      tally.cases += cases.length;
      progress(tally);
    }
  } finally {
    host.close();
  }
  return tally;
}
