/**
 * Ctime: times as people read them, ctime(2). Local time is what $timezone says (the text of
 * /env/timezone: name and offset, the same for summer, and the seconds when summer begins and
 * ends); without it, GMT. The host's own zone is never asked, so output does not depend on it.
 */
import type { Sys } from "../../../kernel/sys.ts";

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface Zone {
  /** The zone's name and its offset east of Greenwich, in seconds, at that time. */
  at(sec: number): { readonly name: string; readonly offset: number };
}

export const gmt: Zone = { at: () => ({ name: "GMT", offset: 0 }) };

export function localZone(sys: Sys): Zone {
  const words = (sys.getenv("timezone") ?? []).join(" ").split(/\s+/);
  const standard = { name: words[0] ?? "", offset: Number(words[1]) };
  if (!/^[A-Za-z+-]\S*$/.test(standard.name) || !Number.isFinite(standard.offset)) return gmt;
  const summer = { name: words[2] ?? "", offset: Number(words[3]) };
  const changes = words.slice(4).map(Number).filter((n) => Number.isFinite(n));
  return {
    at(sec) {
      for (let i = 0; i + 1 < changes.length; i += 2) {
        if (sec >= (changes[i] ?? 0) && sec < (changes[i + 1] ?? 0)) return summer;
      }
      return standard;
    },
  };
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

function parts(sec: number, zone: Zone): { day: string; date: string; clock: string; year: string; zone: string } {
  const z = zone.at(sec);
  const d = new Date((sec + z.offset) * 1000);
  return {
    day: days[d.getUTCDay()] ?? "",
    date: `${months[d.getUTCMonth()] ?? ""} ${String(d.getUTCDate()).padStart(2)}`,
    clock: `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`,
    year: String(d.getUTCFullYear()),
    zone: z.name,
  };
}

/** `Tue Aug 16 17:03:52 CDT 1977`, date(1). */
export function longTime(sec: number, zone: Zone): string {
  const p = parts(sec, zone);
  return `${p.day} ${p.date} ${p.clock} ${p.zone} ${p.year}`;
}

/** `Aug 16 17:03`, or `Aug 16  1977` when that is half a year ago or in the future: ls(1). */
export function shortTime(sec: number, nowSec: number, zone: Zone): string {
  const p = parts(sec, zone);
  const recent = sec > nowSec - 15_552_000 && sec <= nowSec + 86_400;
  return `${p.date} ${recent ? p.clock.slice(0, 5) : ` ${p.year}`}`;
}
