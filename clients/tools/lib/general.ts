/** general: a number as C's %g writes it: six digits, an exponent where that is shorter (print(2)). Pure. */
export function general(n: number): string {
  if (!Number.isFinite(n)) return String(n);
  const [digits = "", power = "0"] = n.toExponential(5).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(Number(n.toFixed(5 - exponent)));
  return `${String(Number(digits))}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
