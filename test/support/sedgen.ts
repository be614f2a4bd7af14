/**
 * Sedgen: sed scripts and texts for them from a seed, of what the manual defines and every sed(1)
 * does alike. No script runs for ever: branches go forward, and the one loop takes something away.
 */
import type { chance } from "./random.ts";

type Chance = ReturnType<typeof chance>;

/** Lines of few letters, so that expressions match often. */
function sedText(next: Chance): string {
  return Array.from({ length: next(9) }, () => `${Array.from({ length: next(9) }, () => "aaabbc é".charAt(next(8))).join("")}\n`).join("");
}

interface Expression {
  readonly text: string;
  readonly groups: number;
  readonly empty: boolean;
}

/** An expression of at most that depth. What may be empty is not repeated: there Plan 9's own misses matches. */
function expression(next: Chance, depth: number): Expression {
  const one = (text: string): Expression => ({ text, groups: 0, empty: false });
  switch (next(depth > 0 ? 10 : 5)) {
    case 0: return one("a");
    case 1: return one("b");
    case 2: return one("[ab]");
    case 3: return one(next(3) ? "." : "é");
    case 4: return one("[^a]");
    case 5: case 6: {
      const x = expression(next, depth - 1), y = expression(next, depth - 1);
      return { text: x.text + y.text, groups: x.groups + y.groups, empty: x.empty && y.empty };
    }
    case 7: {
      const x = expression(next, depth - 1), y = expression(next, depth - 1);
      return { text: `(${x.text}|${y.text})`, groups: x.groups + y.groups + 1, empty: x.empty || y.empty };
    }
    default: {
      const x = expression(next, depth - 1);
      const repeat = x.empty ? "" : "*+?".charAt(next(4));
      return { text: `(${x.text})${repeat}`, groups: x.groups + 1, empty: x.empty || repeat === "*" || repeat === "?" };
    }
  }
}

function address(next: Chance): string {
  return [`${next(6) + 1}`, `/${expression(next, 2).text}/`, "/^a/", "/b$/", "/^$/", "$"][next(6)] ?? "$";
}

function addresses(next: Chance): string {
  const not = next(6) === 0 ? "!" : "";
  switch (next(4)) {
    case 0: return `${address(next)}${not}`;
    case 1: {
      const from = next(5) + 1;
      return [`${from},${from + 1 + next(4)}`, `/${expression(next, 1).text}/,/${expression(next, 1).text}/`, `${from},/${expression(next, 1).text}/`, `${from},$`][next(4)] + not;
    }
    default: return "";
  }
}

function substitution(next: Chance): string {
  const { text, groups } = expression(next, 3);
  const global = next(2) === 0;
  const anchored = `${!global && next(4) === 0 ? "^" : ""}${text}${next(5) === 0 ? "$" : ""}`;
  const by = Array.from({ length: next(4) }, () =>
    ["x", "&", "[&]", "\\&", "é", "\\n", groups > 0 ? `<\\${next(Math.min(9, groups)) + 1}>` : "y"][next(7)]).join("");
  const mark = "/,|".charAt(next(2));
  return `s${mark}${anchored}${mark}${by}${mark}${global ? "g" : ""}${next(6) === 0 ? "p" : ""}`;
}

/** A script with the flags that go before it, and a text. */
export function sedCase(next: Chance): { flags: string[]; script: string; text: string } {
  const lines: string[] = [];
  let labels = 0;
  // What may put newlines into the pattern space is not used with D, whose cycles might not end.
  const takesAway = next(4) === 0;
  const command = (): string => {
    switch (next(takesAway ? 12 : 19)) {
      case 0: case 1: case 2: return `${addresses(next)}${takesAway ? "s/[ab]c?/x/" : substitution(next)}`;
      case 3: return `${addresses(next)}p`;
      case 4: return `${addresses(next)}d`;
      case 5: return `${address(next)}a\\\n  text \\\\ é\\\n  more`;
      case 6: return `${address(next)}i\\\n\\  text`;
      case 7: return `${addresses(next)}y/abé/b a/`;
      case 8: return `${address(next)}=`;
      case 9: return `${addresses(next)}${"nNP"[next(3)]}`;
      case 10: return `${address(next)}q`;
      case 11: return takesAway ? `${addresses(next)}D` : "l";
      case 12: return `${next(5) + 1}c\\\nchanged`;
      case 13: return `${addresses(next)}{\n${command()}\n${command()}\n}`;
      case 14: {
        const label = `l${labels++}`;
        return `${addresses(next)}${"bt"[next(2)]} ${next(4) ? label : ""}\n${command()}\n:${label}`;
      }
      case 15: {
        const label = `l${labels++}`;
        return `:${label}\ns/a(b*)a/\\1c/\nt${label}`;
      }
      case 16: return `${addresses(next)}r /`;
      default: return `${addresses(next)}${"gGhHx"[next(5)]}`;
    }
  };
  for (let n = next(5) + 1; n > 0; n--) lines.push(command());
  const script = lines.join("\n");
  // There ^ matches at each of several matches, and P writes bytes for characters.
  const flags = [...(next(4) === 0 ? ["-n"] : []), ...(next(12) === 0 && !/s.\^/.test(script) ? ["-g"] : [])];
  const text = sedText(next);
  return script.includes("P") ? { flags, script: script.replaceAll("é", "e"), text: text.replaceAll("é", "e") } : { flags, script, text };
}
