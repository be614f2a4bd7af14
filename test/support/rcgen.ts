/**
 * Rcgen: scripts from the grammar of rc(1), by chance. A script is a tree of blocks: a block is a
 * list of commands, each of which can be dropped and leaves a script (shrinks()).
 * Invariant: a script ends, reads and writes only files of its directory (named f0 f1 f2), and prints
 * the same whatever the speed of its processes: a pipeline's writers are read to their end, a
 * background command is waited for at once.
 *
 * The scripts may use $* and the variables a (no elements), b (one), c (three), and the functions
 * and files the prelude makes.
 *
 * What 9base's rc has not got, `sep{} and here documents in functions, it gets in other words (two()).
 *
 * Not covered. What 9base's rc has not got at all: patterns as values of local assignments; a "(" directly
 * after a keyword that is an argument; functions whose pipes have redirections or fds, printed by whatis. What
 * is the machine's or a matter of time: the numbers in $apid and $pid, the names <{} gives, when a >{} ends, prompts, what rfork
 * does, $path, a command name that is empty, writes that fail, the order in which processes end. Where words
 * are expanded from the right: $status in a command with several `{}. Where messages are lost: whatis of what
 * is nothing, with fd 2 in a `{}. Commands that cannot be parsed, but for "=" among arguments
 * (test/clients/rc/parse.test.ts has those).
 */
import { chance } from "./random.ts";

/** Text, and blocks in it. */
export type Part = string | Block;

/** Commands, and the words between two of them. A command that ends with a here document ends itself. */
export interface Block {
  readonly commands: readonly (readonly Part[])[];
  readonly separator: string;
  /** What the block is when it has no commands left. */
  readonly none: string;
}

/** A script as rc input. With `late`, here documents stand where 9base's rc looks for them: after the whole of a top-level command. */
export function print(script: Block, late: boolean): string {
  if (!late) return flat(script).replace(TWO, "$1").replace(/[\ue000\ue001]/g, "");
  return script.commands.map((command) => {
    const text = flat({ ...script, commands: [command] }).replace(TWO, "$2");
    const bodies = text.match(HERE)?.map((body) => body.slice(1, -1)) ?? [];
    return bodies.length === 0 ? `${text}\n` : `${text.replace(HERE, "").replace(/\n$/, "")}\n${bodies.join("")}`;
  }).join("");
}

/** What is written in one way for us, and in another for 9base. */
const TWO = /\ue002([^\ue003]*)\ue003([^\ue004]*)\ue004/g;

function two(ours: string, theirs: string): string {
  return `\ue002${ours}\ue003${theirs}\ue004`;
}

/** The text of a here document, in a command that ends with it. */
const HERE = /\ue000[^\ue001]*\ue001/g;

function flat(block: Block): string {
  const texts = block.commands.map((command) => command.map((part) => typeof part === "string" ? part : flat(part)).join(""));
  return texts.map((text, i) => i + 1 < texts.length && !text.endsWith("\ue001") ? text + block.separator : text).join("") || block.none;
}

/** The scripts with one command less. */
export function* shrinks(block: Block): Generator<Block> {
  for (const [i, command] of block.commands.entries()) {
    yield { ...block, commands: block.commands.toSpliced(i, 1) };
    for (const [k, part] of command.entries()) {
      if (typeof part === "string") continue;
      // A compound command may be replaced by what it holds.
      yield { ...block, commands: block.commands.toSpliced(i, 1, ...part.commands) };
      for (const less of shrinks(part)) yield { ...block, commands: block.commands.with(i, command.with(k, less)) };
    }
  }
}

/** Commands every script begins with. */
export const PRELUDE = `b=bee c=(one 'two 2' 3) n=c e=''
fn say { k=($#* $*) whatis k }
fn st { x=$status; whatis x; status=$x }
fn bad { status=$1 }
`;

/** The script of this seed. */
export function script(seed: number): Block {
  const gen = new Gen(chance(seed));
  const { commands } = gen.block(3, 3 + gen.upTo(5));
  return { commands: commands.flatMap((command) => gen.upTo(6) === 0 ? [[gen.onTop()], command] : [command]), separator: "\n", none: "" };
}

class Gen {
  private readonly chance: (n: number) => number;
  private readonly bodies: ((depth: number) => Part[])[];
  private files = 0;
  private names = 0;
  private noHere = 0;
  private inBack = 0;
  private inErr = 0;

  constructor(from: (n: number) => number) {
    this.chance = from;
    this.bodies = this.compounds();
  }

  upTo(n: number): number {
    return this.chance(n);
  }

  /** A list of commands for between braces, parentheses or as a script. */
  block(depth: number, count: number): Block {
    const commands = Array.from({ length: count }, () => this.command(depth));
    return { commands, separator: this.of([";", " ; ", "\n", "\n\n", " # end\n", ";\\\n"]), none: "" };
  }

  private of<T>(list: readonly T[]): T {
    return list[this.chance(list.length)]!;
  }

  private one(n: number): boolean {
    return this.chance(n) === 0;
  }

  /** Some of them, each after a blank, or after `before`. */
  private many(least: number, most: number, f: () => string, before?: string): string {
    let text = "";
    for (let n = least + this.chance(most - least + 1), i = 0; i < n; i++) text += (before ?? this.blank()) + f();
    return text;
  }

  private blank(): string {
    return this.of([" ", " ", " ", " ", "  ", "\t", " \\\n", "\\\n"]);
  }

  /** Space that need not be. */
  private gap(): string {
    return this.of(["", "", " ", "\t"]);
  }

  // Words.

  private quoted(): string {
    return this.of(["''", "'q'", "'it''s'", "'a  b'", "'$b'", "'*'", "'x;y'", "'#no'", "'two\nlines'", "'`{b}'", "'\\'", "'a\tb'"]);
  }

  private bare(): string {
    return this.of([
      "w", "foo", "a.c", "x-y", "1", "22", "%", "a,b", "/", ".", "..", "+", "é", "世界", "\\x", "a\\b", "~", "!", "if", "in", "not", "fn", "[", "]", "a]b",
      "*zz", "f[", "g/*.c", "g/?", "g/[ab]", "g/[~a-c]*", "g/.*", "*/a.c", "g/*/x", "x:y", "a!b", "@", "n@", '"',
    ]);
  }

  private variable(): string {
    return this.of([
      "$a", "$b", "$c", "$e", "$*", "$1", "$2", "$9", "$#a", "$#b", "$#c", "$#*", '$"a', '$"b', '$"c', '$"*', "$$n", "$#$n", "$'b'", "$(b)", "$undefined", "$#undefined",
      "$c(1)", "$c(2-3)", "$c(2-)", "$c(3 1)", "$c(1 9)", "$c(4)", "$*(2)", "$*(1-2)", "$c($#c)", "$b(1)", "$a(1)", "$c(2-9)", "$c(1-1)", "$c()", "$c(0)", "$$n(2)", "$c(3-2)", "$1(1)", "$#1",
    ]);
  }

  /** A word that is one string, for where a list would be a mistake. */
  private single(): string {
    return this.of([() => this.quoted(), () => this.of(["w", "foo", "a.c", "1", "x-y"]), () => this.of(["$b", '$"c', "$c(2)", "$#c", "$1", "$e"])])();
  }

  private word(): string {
    switch (this.chance(12)) {
      case 0: case 1: return this.quoted();
      case 2: case 3: return this.bare();
      case 4: case 5: return this.variable();
      case 6: return this.free();
      case 7: return `(${this.many(0, 3, () => this.word())}${this.gap()})`;
      case 8: return `${this.single()}${this.gap()}^${this.gap()}${this.of([() => this.single(), () => "$c", () => `(${this.many(1, 3, () => this.word())} z)`])()}`;
      case 9: return this.of(["$c^$c", "$c^.o", "x^$c", "(a b)^(1 2)", "$b^$b", "$c^(1 2 3)", "()^()", "$a^$a"]);
      case 10: return this.one(3) ? this.backquote() : this.variable();
      default: return this.of(["w", "v"]);
    }
  }

  /** Words without a blank between them, where rc puts the carets. */
  private free(): string {
    return this.of([
      "x$b", "$b.c", "$b'q'", "'q'$b", "'q'w", "w'q'", "$b$b", "-$c", "$c.o", "$b-$b", "w$#c", "$b/x", "'a''b'c", "x'*'y", "$b:$b", "$b^_x", "w`{echo t}", "`{echo t}w", "$b`{echo t}",
      "$b[x", "$c(1).c", "$c(1)$c(2)", "x$c(1)", '$"c.x', 'x$"c', "$#c.x", "$b,", "$b=", "a=b", "$b\\\n", "g/*$e.c", "$b'*'",
    ]).replace(/=/g, () => this.one(2) ? "'='" : "%");
  }

  private backquote(): string {
    return this.of([
      "`{echo u q}", "`{echo 'u  q' r}", "`{}", "`{echo}", "`{echo $c}", "` {echo sp}", "`{echo 1;echo 2}", "`{say 1 2}", "`{whatis b}", "`{~ a b}", "`{bad x}", "`{cat g/a.c}", "`{echo u\necho q}",
      "`{for(i in $c) echo $i}", "`{echo `{echo in}}", "`{x=1 whatis x}", "`{echo -n nonl}",
    ]);
  }

  /** A word without patterns. */
  private value(): string {
    let word = this.word();
    while (/[*?[]/.test(word)) word = this.word();
    return word;
  }

  private words(least: number, most: number): string {
    return this.many(least, most, () => this.word());
  }

  // Commands.

  private command(depth: number): Part[] {
    if (depth > 0 && this.one(2)) return this.of(this.bodies)(depth - 1);
    return [this.simple()];
  }

  private simple(): string {
    switch (this.chance(24)) {
      case 0: return `echo${this.words(0, 4)}`;
      case 1: case 2: case 3: return `say${this.words(0, 3)}`;
      case 4: return `whatis${this.many(1, 2, () => this.of(this.told ? ["say", "shift", "eval", "n", "st"] : ["a", "b", "c", "x", "y", "e", "say", "shift", "eval", "undefined", "f", "'*'", "i"]))}`;
      case 5: case 6: return `${this.name()}${this.gap()}=${this.gap()}${this.word()}`;
      case 7: return `x=${this.value()}${this.blank()}y=${this.value()}${this.blank()}${this.of(["whatis x y", "say $x $y", "{ say $x; y=new; whatis y }", "eval 'say $y'"])}`;
      case 8: return this.match();
      case 9: return "st";
      case 10: return `eval${this.many(1, this.told ? 1 : 2, () => this.of(["say $c", "'say $c'", "'x=$c;whatis x'", "whatis b", "'~ a b'", "'say ''in'' $1'", "'if (~ 1 1)' say yes", "''", "'for (i in 1 2)' say", "'#'"]))}`;
      case 11: return `bad ${this.of(["''", "x", "1", "0", "'a b'"])}`;
      case 12: return this.of(["shift", "shift 1", "shift 2", "shift 0", "shift 9"]);
      case 13: return `echo ${this.single()} ${this.of([">f0", ">>f0", ">f1", ">[1]f1", "> f2", ">>[1] f1", "<g/a.c >f2"])}`;
      case 14: return `cat ${this.of(["<g/a.c", "g/a.c g/b.c", "<>g/b.c", "<[0]g/b.c", "g/*.c", "<g/'a'.c"])}`;
      case 15: return `cat f0 >[2]f2; st`;
      case 16: return this.noHere > 0 ? `echo${this.words(1, 5)}` : this.here();
      case 17: return this.of(["true", "false", "builtin whatis b", "builtin eval echo b", "nonesuch", "wait", "status=''", "status=(a b)", "@{}", "{}", "flag e", "whatis status"]);
      case 18: return this.of(["echo err >[1=2]", "{echo o; echo e >[1=2]} >[2=1]", "{whatis st} >[1=]", "{echo 3 >[1=3]} >[3]f1", "{echo 3 >[1=3]} >[3=1]", "echo x >[2=]", "{cat <[0=4]} <[4]g/a.c",
        this.told ? "{echo e >[1=2]} >[2=1]" : "{whatis undefined >[2=]}", "{echo e >[1=2]} >[2]f0", "echo 1 >f0 >f1", ">f1", ">f0 echo front", "<g/a.c cat >f1", "echo mid >f0 dle"]);
      case 19: return this.dot();
      case 20: return this.of([
        "@{exec echo a $c}", "@{exec cat <g/a.c}", "@{x=1 exec cat g/b.c}", "@{echo a | exec cat}", "@{exec cat g/a.c >f1}; cat f1", "@{fn echo {no}; exec echo}", "{exec echo} | cat",
        "cd g; echo *; cat a.c; cd ..", "@{cd g; echo *.c}; echo */a.c", "{cd g/sub; echo *; cd ../..}",
        "fn cd {echo cd $*}; cd g; fn cd; echo a*", "builtin cd g; cd ..; st",
        ...(this.told ? [] : ["cd nosuchdir; st", "cd g/a.c; st", "cdpath=(nosuchdir g) cd sub; st; cd ../..", "cd a b; st", "rfork x; st", "rfork e n; st"]),
      ]);
      case 21: return this.separated();
      case 22: return `rc -c '${this.quotedScript()}'${this.of(["", " x 'y z'"])}; st`;
      default: return this.of(["! ~ a b", "! bad x", "! ! bad x", "! true | bad x", "exit", "exit 3", "exit ''", "exit bad"]).replace(/^exit.*/, (text) => this.one(2) ? text : `@{${text}}`);
    }
  }

  /** Would a message of a builtin be read, or lost? */
  private get told(): boolean {
    return this.inErr > 0 || this.inBack > 0;
  }

  /** A command after which $status is known: what it was before depends on who ended first. */
  private settled(): string {
    return this.of(["~ a a", "x=`{echo a}", "true", "false"]);
  }

  /** `sep{}, which 9base has in the form of $ifs. */
  private separated(): string {
    const sep = this.of(["':'", ":", "' o'", "e", "''", "'\t:'", "()"]);
    const body = this.of(["echo a:b c", "echo -n one:two::three", "cat g/b.c", "echo $c", "echo 'a:' e; echo o", "say :x:", "{}"]);
    const rest = this.of(["whatis x", "say $x", "echo $#x", "for(i in $x) say $i"]);
    return two(`{x=\`${sep}{${body}}; ${rest}}`, `{oifs=$ifs; ifs=${sep}; x=\`{${body}}; ifs=$oifs; ${rest}}`);
  }

  /** Commands for -c, in quotes; the shell that runs them may have a function for its end. */
  private quotedScript(): string {
    const commands = this.withoutHere(() => Array.from({ length: 1 + this.chance(3) }, () => this.simple()));
    const end = this.of(["", "", "fn sigexit {echo bye $status}\n", "fn sigexit {exit 2}\n", "fn sigexit {echo bye}; fn sigexit\n"]);
    // At a mistake 9base forgets about sigexit.
    const body = end === "" ? commands.join("\n") : this.of(["echo a", "bad x", "exit", "exit 3", "exit 0", "@{exit 4}", "~ a b", "fn f {exit 6}; f"]);
    return (end + body).replaceAll("'", "''");
  }

  /** What only works outside of everything. */
  onTop(): string {
    return this.of([
      "fn sigint {echo int $*}; note $pid interrupt; fn sigint; status=''", "fn sigint {x=caught}; note $pid interrupt; whatis x; fn sigint",
      "fn sighup {echo hup}; note $pid hangup; note $pid hangup; echo on; fn sighup; status=''", "fn sigalrm {}; for(i in 1 2) note $pid alarm; fn sigalrm; status=''",
      `flag x +; ${this.of(["say 1 $c", "x=1 say $b", "{echo 'a b'; ~ a b}", "for(i in 1 2) echo $i", "x=`{echo in}", "eval 'echo $b'", "fn f {echo $1}; f a"])}; flag x -`,
      `flag v +\n${this.of(["echo a", "x=(1 2) # c", "{\necho b\n}", "for(i in 1)\n\necho $i", "if(~ a b) echo no\nif not echo yes"])}\nflag v -`,
      `@{flag e +; ${this.of(["~ a b || echo a; true", "if(~ a b) echo no; bad x; echo no", "for(i in 1 2) ~ $i 1; echo no", "! ~ a a; echo no", "x=`{false}; echo a", "fn f {~ a b; echo no}; f; echo no", "false | true; echo b"])}}; st`,
      "fn sigexit {echo end}; fn sigexit",
      `${this.of(["{exit 3}", "bad x", "@{exit 4}", "~ a b", "true"])} & wait $apid; st`, "true & p=$apid; wait; ~ $apid $p && echo same", "{exit 2} & p=$apid; {wait $p; st}",
      // Within a redirection 9base's <{} do not end.
      `cat${this.many(1, 2, () => `<{${this.of(["echo 1", "cat g/a.c", "for(i in $c) echo $i", "say x", "{echo a; echo b}"])}}`)}; ${this.settled()}`, `cat <{cat <{echo in}}; ${this.settled()}`,
      `cat <{${flat(this.withoutHere(() => this.block(1, 2)))}}; ${this.settled()}`,
      ...["f0", "f1"].map((f) => `echo 'fn g {echo $1}; g $*\nshift\necho $#*; x=(a' >${f}; echo 'b''c''); whatis x' >>${f}; . ./${f} p q`),
    ]);
  }

  private name(): string {
    return this.of(["x", "y", "x", "b", "c", "a", "x1", "'x'", "$n", "i", "_u", "ifs", "e"]);
  }

  private match(): string {
    const subject = this.of([() => this.single(), () => this.word(), () => "$a", () => "abc"])();
    const pattern = (): string => this.of([
      () => this.word(), () => this.single(), () => this.of(["*", "a*", "*c", "?", "???", "[a-c]*", "[~a]*", "'*'", "a'*'c", "*.*", "[]", "[a", "[^b]ee", "$b", "b*e", "*b*", "''", "[b-", "w", "*'.'c", "[c-a]??", "[*]", "[]a]", "[a-]", "?ee"]),
    ])();
    return `~${this.blank()}${subject}${this.many(0, 3, pattern)}`;
  }

  private here(): string {
    const tag = this.of(["EOF", "!", "'EOF'", "'a b'", "e.o"]);
    const lines = this.many(0, 3, () => this.of(["plain\n", "$b and $c.\n", "$c^x $1^$b\n", "$$ $undefined|\n", "'q' `{no} \\ \n", "$*\n", " EOF\n", "a $\n", "#c\n", "\n", "$#c $c(1)\n"]), "");
    return `cat ${this.of(["<<", "<< ", "<<[0]"])}${tag}${this.of(["", "", " >[2=2]", ";st", " | cat", " >f1; cat f1"])}\n\ue000${lines}${tag.replaceAll("'", "")}\n\ue001`;
  }

  /** A file that nobody reads while a block of commands writes it. */
  private newFile(): string {
    return `d${++this.files}`;
  }

  private dot(): string {
    const file = this.of(["echo dot $* $#*", "x=dotted; echo $x $*", "shift; echo $1", "~ 1 2", "fn g { echo g of dot }; g", "bad s", "exit 4", "echo $0 is"]);
    const name = this.newFile();
    return `echo '${file}' >${name}; . ./${name}${this.words(0, 2)}`;
  }

  private compounds(): ((depth: number) => Part[])[] {
    const inner = (depth: number): Block => this.block(depth, 1 + this.chance(3));
    const braced = (depth: number): Part[] => [this.of(["{", "{ ", "{\n"]), inner(depth), this.of(["}", " }", "\n}"])];
    const body = (depth: number): Part[] => this.one(2) ? braced(depth) : this.command(0);
    const cond = (depth: number): Part[] => [this.of(["(", "( "]), this.one(4) ? inner(depth) : this.of(["~ a a", "~ a b", "! ~ $b bee", "true", "bad x", "bad ''", "~ $#* 0", "false", "", "~ a b; ~ c c"]), ")"];
    const readers = (): string => this.of(["cat", "{cat}", "@{cat; bad r}", "{cat >f3; st}", "{cat; whatis b}", "x=1 cat", "{cat}>f3"]);
    return [
      (d) => braced(d),
      (d) => [...braced(d), this.of([" >[1=2]", " <g/b.c", " >[3=1]"])],
      (d) => this.inBack > 0 ? braced(d) : [...this.withErr(() => braced(d)), " >[2=1]"],
      (d) => {
        const body = this.withErr(() => braced(d));
        // A copy of a closed fd is none, and 9base writes to it.
        return [...body, body.some((part) => typeof part !== "string" && flat(part).includes("[1=2]")) ? "<[4]g/a.c" : "<[4]g/a.c>[2=]"];
      },
      (d) => {
        const file = this.newFile();
        return [...this.withErr(() => braced(d)), this.of([`>${file}`, ` >>${file}`, ...(this.inBack > 0 ? [] : [`>[1] ${file} >[2=1]`, ` >[2]${file}`])]), "; cat ", file];
      },
      (d) => [this.of(["@", "@ "]), ...braced(d)],
      (d) => ["@ ", ...this.command(d)],
      (d) => ["! ", ...braced(d)],
      (d) => ["if", this.gap(), ...cond(d), this.of([" ", "", "\n"]), ...body(d)],
      (d) => this.withoutHere(() => ["if", this.gap(), ...cond(d), ...braced(d), this.of(["\n", "; "]), "if not ", ...body(d)]),
      (d) => [`for${this.gap()}(i in`, this.words(0, 3), ")", this.of([" ", "", "\n"]), ...body(d)],
      (d) => ["for(i)", ...braced(d)],
      () => ["for(i in 1 2) for(j in $i $c)", this.blank(), this.simple()],
      (d) => ["k=(1 2 3) while(! ~ $#k 0){ ", inner(d), "\n", "k=$k(2-) }"],
      (d) => ["k=x", this.blank(), "while(~ $#k 1", this.of([" 1", ""]), ") {", inner(d), "\nk=()}"],
      (d) => [`switch${this.of(["(", " ("])}${this.single()})${this.gap()}{\ncase${this.many(1, 2, () => this.of(["w", "b*", "'q'", "[a-f]*", "''", "*"]))}\n`, inner(d), this.of(["\ncase ", "; case "]), this.of(["*", "$b foo", "$c"]), "\n", inner(d), "\n}"],
      (d) => [this.simple2(), this.of([" && ", "&&", " || ", "||", " &&\n"]), ...body(d)],
      (d) => [...braced(d), this.of([" && ", " || "]), this.simple2(), this.of([" && ", " || "]), this.simple2()],
      (d) => [...braced(d), this.of(["|", " | ", "|\n"]), readers(), "; st"],
      (d) => this.inBack > 0 ? braced(d) : [...this.withErr(() => braced(d)), ` >${this.newFile()} |[2] `, readers()],
      (d) => [...braced(d), "| ", readers(), " | ", readers(), "; st"],
      () => [`${this.of(["true", "bad x", "false", "@{exit 2}", "~ a b", "@{bad y}"])} | ${this.of(["bad x", "false", "true", "~ a a", "bad ''", "@{exit 7}"])}; st`],
      (d) => this.define(() => braced(d)),
      (d) => [...braced(d), " & wait"],
      (d) => ["@", ...braced(d), "& wait $apid; st"],
      () => [`${this.name()}=${this.word()} ${this.name()}=${this.word()}`],
      (d) => ["x=", this.value(), " y=", this.value(), this.blank(), ...braced(d)],
      (d) => ["x=`{", this.withBack(() => inner(d)), "}; whatis x"],
      (d) => ["echo `{", this.withBack(() => inner(d)), "}", this.one(2) ? ` ${this.single()}` : ""],
      () => [this.hereInFn()],
      () => [`eval 'eval ${this.of(["''say $c''", "''x=(a ''''b c''''); whatis x''", "''eval ''''say $1''''''"])}'`],
      () => [`ifs=${this.of(["':'", "''", "()", "' '", "o"])} ${this.of(["echo `{echo a:b o c}", "{x=`{echo a:b;echo foo}; whatis x}"])}`],
    ];
  }

  private withoutHere<T>(make: () => T): T {
    this.noHere++;
    const made = make();
    this.noHere--;
    return made;
  }

  private withErr<T>(make: () => T): T {
    this.inErr++;
    const made = make();
    this.inErr--;
    return made;
  }

  private withBack<T>(make: () => T): T {
    this.inBack++;
    const made = make();
    this.inBack--;
    return made;
  }

  /** A here document in a function; 9base has commands that print the same. */
  private hereInFn(): string {
    const f = `h${++this.names}`;
    const lines = Array.from({ length: 1 + this.chance(3) }, () => this.of([
      ["plain 'q'", "echo 'plain ''q'''"], ["$1^$b.", "t=$1; echo $\"t^$\"b^."], ["$c and $$", "echo $\"c^' and $'"], ["$*", "echo $\"*"], ["$undefined|", "echo '|'"], ["", "echo"],
    ] as const));
    const tag = this.of(["EOF", "!", "a.b"]);
    const use = this.of([`${f} 1`, `${f} 'a b' c; ${f}`, `for(i in 1 2) ${f} $i`, `x=\`{${f} z}; whatis x`, `${f} one | cat`]);
    return two(`fn ${f} {cat <<${tag}; st\n${lines.map(([ours]) => `${ours}\n`).join("")}${tag}\n}\n${use}`, `fn ${f} {${lines.map(([, theirs]) => theirs).join(";")}; true; st}\n${use}`);
  }

  /** A function and its use. No name is used twice, so that none calls itself. */
  private define(makeBody: () => Part[]): Part[] {
    const body = this.withoutHere(makeBody);
    const f = `f${++this.names}`;
    const others = this.of(["", "", "", " g", " 'odd name'"]);
    const uses = ["F", "F 1 $c", "F; F x", "@{F y}", "F | cat", "echo `{F}", "$f", "x=1 F $*", "! F", "rc -c 'F a'", ...(this.told ? [] : ["fn F; whatis F"])];
    // 9base prints neither redirections before a pipe nor the fds of one as they were.
    const text = body.map((part) => typeof part === "string" ? part : flat(part)).join("");
    if (!/[|\ue002]/.test(text)) uses.push("whatis F", "ifs='' {x=`{whatis F}}; fn F; eval $x; F again", "echo `{whatis F}");
    const use = this.of(uses);
    return [`fn ${f}${others}${this.gap()}`, ...body, "\n", use.replaceAll("F", f)];
  }

  /** One for around && and ||. */
  private simple2(): string {
    return this.of(["~ a a", "~ a b", "true", "bad x", "echo and", "! ~ a b", "x=1", "@{exit 1}", "st"]);
  }
}
