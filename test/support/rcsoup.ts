/** Rcsoup: tokens of rc in no order, by chance: what a parser must survive. */
const TOKENS: readonly string[] = [
  "a", "b", "x=", "=", "$", "$#", '$"', "$x", "$x(", "(", ")", "{", "}", "{", "}", "(", ")", "`", "`{", "<{", ">{", "<[2]{", "'q'", "''", "'", "^", "|", "|[2]",
  "|[2=3]", "||", "&&", "&", ";", "\n", " ", " ", " ", " ", "\\\n", "#c\n", "if", "if(", "if not", "not", "for(", "for(i in ", "in", "while(", "switch(", "switch",
  "case", "case *;", "fn", "fn f{", "~", "!", "@", ">", ">>", "<", "<>", "<<", "<<E\n", "E\n", "<<'E'\n", ">[2=1]", ">[2=]", "<[0=3]", ">[3]", "*", "?", "[a]",
  "/", ".", "%", "\\", "é", "\u{1f600}", "\udc80", "\0", "\t", "~ a b", "1", "-", "[", "]", "[2", "<>[4]f", "@{",
];

/** A text of 1 to 14 of them. */
export function soup(below: (n: number) => number): string {
  return Array.from({ length: 1 + below(14) }, () => TOKENS[below(TOKENS.length)]!).join(below(2) === 0 ? " " : "");
}
