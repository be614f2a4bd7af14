/** Whether a command is whole, line by line; of long ones the same as the parser alone would say. */
import { expect, it } from "vitest";
import { Lexer } from "../../../clients/rc/lex.ts";
import { parseLine, textSource } from "../../../clients/rc/parse.ts";
import { Whole } from "../../../clients/rc/whole.ts";
import { chance, seed } from "../../support/random.ts";

const source = { ...textSource(""), final: false };

it.each([
  ["", true], ["ls", true], ["ls |", false], ["ls |\nwc", true], ["{", false], ["{\nls", false], ["{\nls\n}", true], ["if(a)", false], ["if(a)\nb", true],
  ["echo 'a", false], ["echo 'a\nb'", true], ["cat <<end", false], ["cat <<end\nx\nend", true], [")", true], ["{\n)", true], ["ls\n{", false], ["ls\\", false], ["ls\\\nx", true],
])("%j: %j", (text, whole) => expect(new Whole(source).test(text)).toBe(whole));

it("of a long text as of a short one", () => {
  const from = seed();
  const lines = ["echo a b", "{", "}", "if(~ $x (a b)) {", "x=(a 'it''s'", ")", "cat <<end", "end", "'", "ls |", "for(i){", "} # {", "echo '{'"];
  for (let run = 0; run < 300; run++) {
    const pick = chance(from * 1000 + run);
    const padding = `# ${"x".repeat(9000)}\n{\n`;
    const long = new Whole(source);
    let text = "";
    for (let i = 0; i < 20; i++) {
      text += `${i > 0 ? "\n" : ""}${lines[pick(lines.length)]}`;
      // A mistake may be told later, a whole command not.
      const want = new Whole(source).test(`{\n${text}`);
      const got = long.test(padding + text);
      if (got !== want) {
        expect(want, `SEED=${from} ${JSON.stringify(text)}`).toBe(true);
        expect(() => parseLine(textSource(`{\n${text}\n`)), text).toThrow("syntax");
      }
      if (want) break;
    }
  }
});

it("10,000 lines within braces: each token is looked at once", () => {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own
  const next = Lexer.prototype.next;
  let tokens = 0;
  Lexer.prototype.next = function counting() {
    tokens++;
    return next.call(this);
  };
  try {
    const whole = new Whole(source);
    let text = "{";
    for (let i = 0; i < 10_000; i++) {
      text += `\necho ${i}`;
      expect(whole.test(text)).toBe(false);
    }
    expect(whole.test(`${text}\n}`)).toBe(true);
  } finally {
    Lexer.prototype.next = next;
  }
  // Of the first 8 KB with every line of them, which is most; the square would be 150 million.
  expect(tokens).toBeLessThan(1_500_000);
});
