/** Help: what -h prints, of the program and of each verb; options from their table, in 80 columns. */
import { dashed } from "./commandline.ts";
import { OPTIONS, type Told, type Verb } from "./options.ts";

const WIDTH = 80;
/** Where the text of an option begins. */
const COLUMN = 23;

const ADDR = `ADDR  ws://HOST:PORT[/PATH][?token=T]  wss://HOST  tcp://HOST:PORT  unix:PATH
      exec:COMMAND (speaks 9P on its standard input and output)
      module:FILE[?NAME=VALUE&...] (a server in TypeScript, in JavaScript for
      the installed program)
      tcp!HOST!PORT  unix!PATH
`;

/** What stands before the options of each, and behind them. */
const TEXTS: Readonly<Record<Told, readonly [before: string, after: string]>> = {
  shell: [`nineplex: 9P servers, name spaces and a shell

usage: nineplex [OPTIONS]                    a shell (rc)
       nineplex [OPTIONS] -c CMD [ARG...]    runs CMD, exits with its status
       nineplex [OPTIONS] FILE.rc [ARG...]   runs a script
       nineplex run [OPTIONS] PROG [ARG...]  runs an x86-64 Linux program
       nineplex serve [OPTIONS] [DIR]        exports a directory, or the name
                                             space, over 9P
       nineplex 9p VERB ADDR [PATH...]       one operation on a 9P server
       nineplex help [VERB], nineplex VERB -h
                                             this, or help for a verb
`, `${ADDR}
In the shell: /host is the current directory, /tmp is memory, /n/NAME exists
for any NAME; help says what to type first, man shows the manual:
  mount 'ws://127.0.0.1:5640/?token=T' /n/x
  ls -l /n/x | grep foo > /tmp/out
`],
  run: [`usage: nineplex run [OPTIONS] PROG [ARG...]

Runs a static x86-64 Linux program, or whatever else the name space has: PROG
is looked for there, then as a file of this machine. It begins in /host, the
current directory, which is read-only unless --rw; nothing else of this machine
is to be seen. Standard input, output and error, the environment and signals
are its own; its exit status is nineplex's, above 128 when a signal ended it.
`, ADDR],
  serve: [`usage: nineplex serve [OPTIONS] [DIR]

Exports DIR over 9P2000, 9P2000.u and 9P2000.L, read-only unless --rw, and
prints the address of each listener. Ctrl-C ends it. Without DIR it is the name
space that the shell would have, mounts of other servers included, but without
/host; all who attach are the user it runs as.
`, ""],
  "9p": [`usage: nineplex 9p [OPTIONS] VERB ADDR [PATH...]

  ls [-l] ADDR [PATH...]    lists directories
  read ADDR PATH...         contents to standard output
  write ADDR PATH           standard input to a file, made or truncated
  stat ADDR PATH...         attributes, a line each
  mkdir ADDR PATH...
  rm ADDR PATH...
  mv ADDR FROM TO
`, ADDR],
};

/** Of a verb, or of the program. */
export function help(verb: Verb): string {
  const of: Told = verb === "run" || verb === "serve" || verb === "9p" ? verb : "shell";
  const [before, after] = TEXTS[of];
  return `${before}\noptions\n${options(of).join("")}${after === "" ? "" : `\n${after}`}`;
}

/** Those with the same text are one. */
function options(of: Told): string[] {
  const names = new Map<string, string[]>();
  for (const [name, { value, optional, told }] of Object.entries(OPTIONS)) {
    const text = told[of];
    if (text === undefined) continue;
    const same = names.get(text) ?? [];
    names.set(text, same);
    same.push(`${dashed(name)}${value === undefined ? "" : optional ? `[=${value}]` : ` ${value}`}`);
  }
  return Array.from(names, ([text, called]) => described(called.join(", "), text));
}

/** An option and its text, which begins on the next line where the option is long. */
function described(name: string, text: string): string {
  const lines: string[] = [`  ${name}`];
  if (name.length + 3 <= COLUMN) lines[0] = `  ${name}`.padEnd(COLUMN - 1);
  else lines.push(" ".repeat(COLUMN - 1));
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (`${lines[last]} ${word}`.length <= WIDTH) lines[last] += ` ${word}`;
    else lines.push(`${" ".repeat(COLUMN)}${word}`);
  }
  return `${lines.join("\n")}\n`;
}
