/** general: numbers as C's %f, %e and %g write them (print(2)): where two are as near, the even one. Pure. */

/** Digits behind those wanted that are looked at: a tie of what doubles hold ends before. */
const BEHIND = 60;

/** %f */
export function fixed(n: number, digits: number): string {
  return even((d) => n.toFixed(d), digits);
}

/** %e, but for an exponent of two digits at least. */
export function exponential(n: number, digits: number): string {
  return even((d) => n.toExponential(d), digits);
}

/** %g: six digits, or so many, an exponent where that is shorter. */
export function general(n: number, precision = 6): string {
  if (!Number.isFinite(n)) return String(n);
  const most = Math.max(1, precision);
  const [digits = "", power = "0"] = exponential(n, most - 1).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < most) return String(Number(fixed(n, most - 1 - exponent)));
  return `${String(Number(digits))}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** What `to` writes rounds a tie up. */
function even(to: (digits: number) => string, digits: number): string {
  const [all = "", power] = to(Math.min(100, digits + BEHIND)).split("e");
  const end = all.indexOf(".") + 1 + digits;
  const kept = all.slice(0, digits === 0 ? end - 1 : end);
  if (!/^50*$/.test(all.slice(end)) || !/[02468]$/.test(kept)) return to(digits);
  return power === undefined ? kept : `${kept}e${power}`;
}
