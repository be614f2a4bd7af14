/** Help: what -h prints, of the program and of each verb. */
import type { Verb } from "./options.ts";

const ADDR = `ADDR  ws://HOST:PORT[/PATH][?token=T]  wss://HOST  tcp://HOST:PORT  unix:PATH
      exec:COMMAND (speaks 9P on stdin and stdout)
      module:FILE[?NAME=VALUE&...] (a server in TypeScript, in JavaScript for the installed program)
      tcp!HOST!PORT  unix!PATH`;

const MAIN = `nineplex: 9P servers, name spaces and a shell

usage: nineplex [OPTIONS]                       a shell (rc)
       nineplex [OPTIONS] -c CMD [ARG...]       run CMD and exit with its status
       nineplex [OPTIONS] FILE.rc [ARG...]      run a script
       nineplex serve [OPTIONS] [DIR]           export a directory, or the name space, over 9P
       nineplex 9p VERB ADDR [PATH...]          one operation on a 9P server
       nineplex VERB -h                         help for serve and 9p

options
  --mount ADDR:/PATH[:ro][:before|after|replace]   mount a server at boot; repeats
  --ns FILE            the name space as FILE has it, in place of the usual one: namespace(6)'s
                       bind, mount, unmount, cd, clear, . and $name. The usual one is the file
                       /lib/namespace; begin with ". /lib/namespace" to add to it
  --no-host            no /host: nothing of this machine is visible
  --ro                 /host, the current directory, is read-only
  --uname NAME         attach to servers as NAME
  --msize N            largest 9P message, default 1M
  --seed N             chance, the clock and the order of things come from N: what is run again
                       with the same N prints the same, /dev/random, date and sleep included.
                       Time begins in September 2001 and passes by sleeping, which takes none
                       of yours. Files of the host, the input and connections are as they are
  --trace[=FILE]       every 9P message as a line of text, to FILE or stderr
  -h, --version

${ADDR}

In the shell: /host is the current directory, /tmp is memory, /n/NAME exists for any NAME:
  mount 'ws://127.0.0.1:5640/?token=T' /n/x
  ls -l /n/x | grep foo > /tmp/out
`;

const SERVE = `usage: nineplex serve [OPTIONS] [DIR]

Exports DIR over 9P2000, 9P2000.u and 9P2000.L, read-only unless --rw, and prints the address of
each listener. Ctrl-C ends it. Without DIR it is the name space that the shell would have, mounts of
other servers included, but without /host; all who attach are the user it runs as.

  --listen ADDR        ws://HOST:PORT, tcp://HOST:PORT, unix:PATH or stdio; repeats.
                       Default ws://127.0.0.1:5640; port 0 takes a free one
  --rw                 clients may write; without DIR to /proc too, where they can bind, not mount
  --host               without DIR: /host, the current directory, is in the name space
  --mount ADDR:/PATH[:ro][:before|after|replace], --ns FILE, --uname NAME
                       without DIR, as for the shell: see nineplex -h
  --token T|none       what WebSocket clients must show; default a new random token
  --limit KEY=N        bounds of one connection: fids in use, opens, calls and bytes under way,
                       depth of paths, unread bytes of replies; of all: budget (bytes under
                       way); of a listener: connections; in seconds, 0 for ever: hello (until
                       a version is agreed), idle (without a request), stall (without taking
                       a reply); repeats
  --msize N            largest 9P message, default 1M
  --trace[=FILE]       every message as a line of text
  --unsafe-host        export writable on a system where confinement has a race
  --stats              connections, fids, calls and bytes on stderr, every 10 seconds and at the
                       end. With a line for each connection they are the file stats of the tree
                       ctl, which every client can read: mount ADDR /n/ctl ctl; cat /n/ctl/stats
  -v                   tell of connections on stderr
`;

const NINEP = `usage: nineplex 9p [OPTIONS] VERB ADDR [PATH...]

  ls [-l] ADDR [PATH...]    list directories
  read ADDR PATH...         contents to stdout
  write ADDR PATH           stdin to a file, made or truncated
  stat ADDR PATH...         attributes, a line each
  mkdir ADDR PATH...
  rm ADDR PATH...
  mv ADDR FROM TO

  --uname NAME   attach as NAME       --msize N      --trace[=FILE]

${ADDR}
`;

export function help(verb: Verb): string {
  return verb === "serve" ? SERVE : verb === "9p" ? NINEP : MAIN;
}
