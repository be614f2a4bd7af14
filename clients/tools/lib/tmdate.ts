/**
 * tmdate: a time in a form of tmdate(2), where runs of a letter stand for a part of it: YYYY-MM-DD hh:mm:ss.
 * Pure. Parts are what they are in the zone.
 */
import type { Zone } from "./ctime.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

interface Parts {
  readonly date: Date;
  readonly nsec: number;
  readonly zone: string;
  readonly offset: number;
}

const padded = (n: number, width: number): string => String(n).padStart(width, "0");
/** A number as it is, and with two digits. */
const plain = (get: (p: Parts) => number): ((p: Parts) => string)[] => [(p) => String(get(p)), (p) => padded(get(p), 2)];
const hour = (p: Parts): number => p.date.getUTCHours();
const micro = (p: Parts): number => Math.floor(p.nsec / 1000);
const milli = (p: Parts): number => Math.floor(p.nsec / 1e6);
const year = (p: Parts): string => String(p.date.getUTCFullYear());
const month = (p: Parts): string => MONTHS[p.date.getUTCMonth()] ?? "";
const day = (p: Parts): string => DAYS[p.date.getUTCDay()] ?? "";
const zone = (colon: string) => (p: Parts): string => {
  const minutes = Math.floor(Math.abs(p.offset) / 60);
  return `${p.offset < 0 ? "-" : "+"}${padded(Math.floor(minutes / 60), 2)}${colon}${padded(minutes % 60, 2)}`;
};

/** By letter, what one of it shows, two, and so on. */
const FIELDS: Readonly<Record<string, readonly (((p: Parts) => string) | undefined)[]>> = {
  Y: [year, (p) => padded(p.date.getUTCFullYear() % 100, 2), undefined, year],
  M: [...plain((p) => p.date.getUTCMonth() + 1), (p) => month(p).slice(0, 3), month],
  D: plain((p) => p.date.getUTCDate()),
  W: [(p) => String(p.date.getUTCDay() + 1), (p) => day(p).slice(0, 3), day],
  h: plain(hour),
  H: plain((p) => hour(p) % 12),
  m: plain((p) => p.date.getUTCMinutes()),
  s: plain((p) => p.date.getUTCSeconds()),
  t: [(p) => String(milli(p)), (p) => padded(milli(p), 3), (p) => padded(milli(p), 3)],
  u: [(p) => String(micro(p) % 1000), (p) => padded(micro(p) % 1000, 3), (p) => String(micro(p)), (p) => padded(micro(p), 6)],
  n: [
    (p) => String(p.nsec % 1000), (p) => padded(p.nsec % 1000, 3), (p) => String(p.nsec % 1e6), (p) => padded(p.nsec % 1e6, 6),
    (p) => String(p.nsec), (p) => padded(p.nsec, 9),
  ],
  z: [zone("")],
  Z: [zone(""), zone(":"), (p) => p.zone],
  a: [(p) => (hour(p) < 12 ? "am" : "pm")],
  A: [(p) => (hour(p) < 12 ? "AM" : "PM")],
};

/** undefined when the form makes no sense. [...] is text as it is, with \ before what would end it; each _ is a column more. */
export function formatTime(form: string, sec: number, nsec: number, where: Zone): string | undefined {
  const { name, offset } = where.at(sec);
  const parts: Parts = { date: new Date((sec + offset) * 1000), nsec, zone: name, offset };
  let out = "";
  for (const [all, quoted, pad = "", letter = ""] of form.matchAll(/\[((?:\\[\s\S]|[^\]\\])*)\]|(_*)(?:([\s\S])\3*)/gu)) {
    if (quoted !== undefined) {
      out += quoted.replace(/\\([\s\S])/g, "$1");
      continue;
    }
    const run = all.slice(pad.length);
    const field = Object.hasOwn(FIELDS, letter) ? FIELDS[letter] : undefined;
    if (letter === "[" || (field && !field[run.length - 1])) return undefined;
    out += field ? (field[run.length - 1]?.(parts) ?? "").padStart(all.length) : run;
  }
  return out;
}
