/**
 * Handler: what a record names, a form with an address form, or fused with the jump behind it. The
 * numbers are the same in every process: first those of hot.ts, then all forms in their order, so that
 * code emitted elsewhere fits.
 */
import { allForms, formNamed, type Form } from "./forms.ts";
import { HOT } from "./hot.ts";
import { CC } from "./rows.ts";

/** One address form of a form, or a form fused with the jump behind it. */
export interface Handler {
  readonly id: number;
  readonly form: Form;
  /** Handlers of hot.ts with memory know whether there is an index; others take both kinds. */
  readonly index: boolean;
  /** The condition of the fused jump, or -1. */
  readonly cc: number;
}

/** All handlers, by number and by what they are for. */
export class Handlers {
  readonly all: Handler[] = [];
  /** How many of them, the first, are in the hot function. */
  readonly hot: number;
  private readonly byKey = new Map<string, Handler>();
  /** What has been looked up, by the form's number and whether there is an index; fused ones by the condition too. */
  private readonly best: (Handler | undefined)[] = [];
  private readonly pairs: (Handler | null | undefined)[] = [];

  constructor() {
    for (const key of HOT) {
      const [, name = "", index, cc] = /^(.*?)(?: \[(b|x)\])?(?: j(\w+))?$/.exec(key) ?? [];
      const form = formNamed(name);
      if (!form) throw new Error(`${key} has no meaning`);
      this.add(key, form, index !== "b", cc === undefined ? -1 : CC.indexOf(cc));
    }
    this.hot = this.all.length;
    for (const form of allForms()) this.add(form.kinds.includes("m") || this.byKey.has(form.key) ? `${form.key} [cold]` : form.key, form, true, -1);
  }

  /** The handler of a form: the best there is for this address. */
  of(form: Form, index: boolean): Handler {
    return (this.best[form.id * 2 + Number(index)] ??= this.hottest(form, index, "") ?? this.cold(form));
  }

  /** The handler of the form in the table. */
  cold(form: Form): Handler {
    const h = this.byKey.get(`${form.key} [cold]`) ?? this.byKey.get(form.key);
    if (!h) throw new Error(`no handler for ${form.key}`);
    return h;
  }

  /** The handler of a comparison and the jump behind it, if there is one. */
  fused(form: Form, index: boolean, cc: number): Handler | undefined {
    const at = (form.id * 2 + Number(index)) * 16 + cc;
    let h = this.pairs[at];
    if (h === undefined) this.pairs[at] = h = this.hottest(form, index, ` j${CC[cc]}`) ?? null;
    return h ?? undefined;
  }

  private hottest(form: Form, index: boolean, jump: string): Handler | undefined {
    const { byKey } = this;
    if (!form.kinds.includes("m")) return byKey.get(form.key + jump);
    return (index ? undefined : byKey.get(`${form.key} [b]${jump}`)) ?? byKey.get(`${form.key} [x]${jump}`);
  }

  private add(key: string, form: Form, index: boolean, cc: number): void {
    const h: Handler = { id: this.all.length, form, index, cc };
    this.all.push(h);
    this.byKey.set(key, h);
  }
}
