import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packDirent, sizeofDirent } from "../../proto/dir.ts";
import { Rread, Rreaddir, Rwalk, Twalk, Twrite, type Fcall } from "../../proto/fcall.ts";
import { matches, mismatch, parse, print, transcript } from "../../proto/print.ts";
import { decodeUtf8 } from "../../proto/utf8.ts";
import { seed } from "../support/random.ts";

const read = (data: Uint8Array): Fcall => ({ type: Rread, data });
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

describe("strings in a line", () => {
  it.each([
    ["", "''"], ["a b", "'a b'"], ["it's", "'it''s'"], ["\\", "'\\'"], ["#", "'#'"], ["é\u{1f600}", "'é\u{1f600}'"],
    ["a\n\t\r", "$'a\\n\\t\\r'"], ["\\'\0", "$'\\\\\\'\\x00'"], ["\udcff", "$'\\xff'"], ["\x85", "$'\\xc2\\x85'"],
    ["\ufeffa", "$'\\xef\\xbb\\xbfa'"], ["\u00a0", "$'\\xc2\\xa0'"], ["\u2028", "$'\\xe2\\x80\\xa8'"], ["\u202e", "$'\\xe2\\x80\\xae'"],
  ])("%j is %s", (s, want) => {
    const f: Fcall = { type: Twalk, fid: 0, newfid: 1, wname: [s] };
    expect(print(f, 3)).toBe(`Twalk tag 3 fid 0 newfid 1 ${want}`);
    expect(parse(print(f, 3))).toEqual({ tag: 3, f });
  });

  it("come back whatever bytes they are", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 16 }), (names) => {
      const f: Fcall = { type: Twalk, fid: 0, newfid: 1, wname: names.map((b) => decodeUtf8(b, 0, b.length)) };
      expect(parse(print(f, 3)).f).toEqual(f);
      expect(print(f, 3)).not.toMatch(/[^ -~\u00a1-\u{10ffff}]/u);
    }), { seed: seed(), numRuns: 500 });
  });
});

describe("payloads", () => {
  it("are text when they are, else hex", () => {
    expect(print(read(text("hi\n")), 1)).toBe("Rread tag 1 count 3 $'hi\\n'");
    expect(print(read(Uint8Array.of(0x68, 0)), 1)).toBe("Rread tag 1 count 2 x'6800'");
    expect(print(read(Uint8Array.of(0xff)), 1)).toBe("Rread tag 1 count 1 x'ff'");
    expect(print(read(new Uint8Array(0)), 1)).toBe("Rread tag 1 count 0 ''");
  });

  it("may be written without count, in pieces, and with space in hex", () => {
    expect(parse("Twrite tag 1 fid 2 offset 0 'ab' x'63 64' $'\\x65'").f)
      .toEqual({ type: Twrite, fid: 2, offset: 0, data: text("abcde") });
    expect(() => parse("Rread tag 1 count 2 'abc'")).toThrow("count 2, but 3 bytes");
  });

  it("are cut at max, between characters, and then do not parse", () => {
    expect(print(read(text("hello")), 1, 4)).toBe("Rread tag 1 count 5 'hell'...");
    expect(print(read(text("hello")), 1, 5)).toBe("Rread tag 1 count 5 'hello'");
    expect(print(read(text("aé")), 1, 2)).toBe("Rread tag 1 count 3 'a'...");
    expect(print(read(text("\u{1f600}")), 1, 3)).toBe("Rread tag 1 count 4 ''...");
    expect(print(read(new Uint8Array(9).fill(0x80)), 1, 4)).toBe("Rread tag 1 count 9 x'80808080'...");
    expect(() => parse(print(read(text("hello")), 1, 4))).toThrow("cut short");
  });

  it("of Rreaddir are entries, cut between them, unless they are something else", () => {
    const buf = new Uint8Array(2 * sizeofDirent("a"));
    packDirent({ type: 0x80, vers: 0, pathlo: 1, pathhi: 0 }, 7, 4, "a", buf, 0);
    packDirent({ type: 0, vers: 0, pathlo: 2, pathhi: 0 }, 2n ** 63n, 8, "b", buf, sizeofDirent("a"));
    const f: Fcall = { type: Rreaddir, data: buf };
    expect(print(f, 1)).toBe("Rreaddir tag 1 count 50 {(0x1 0 d) 7 4 'a'} {(0x2 0 f) 9223372036854775808 8 'b'}");
    expect(print(f, 1, 49)).toBe("Rreaddir tag 1 count 50 {(0x1 0 d) 7 4 'a'} ...");
    expect(parse(print(f, 1)).f).toEqual(f);
    const odd: Fcall = { type: Rreaddir, data: text("abc") };
    expect(print(odd, 1)).toBe("Rreaddir tag 1 count 3 'abc'");
    expect(parse(print(odd, 1)).f).toEqual(odd);
  });
});

describe("parse", () => {
  it("takes fields in any order, numbers in any base, and a comment", () => {
    const want = parse("Tlcreate tag 1 fid 2 name 'n' flags 0x41 mode 0644 gid 10");
    expect(parse("  Tlcreate tag 0x1 gid 012 mode 420 flags 65 name 'n' fid 2 # said the client")).toEqual(want);
    expect(parse("Tattach tag 1 fid 0 afid ~ uname 'u#' aname ''# x")).toEqual(parse("Tattach tag 1 fid 0 afid NOFID uname 'u#' aname ''"));
  });

  it.each([
    ["", "no message"], ["# nothing", "no message"], ["Tfoo tag 1", "no message is called Tfoo"], ["Tclunk fid 1", "the tag comes first"],
    ["Tclunk tag 1", "Tclunk wants fid"], ["Tclunk tag 1 fid 1 fid 2", "fid twice"], ["Tclunk tag 1 fid x", "x is no number"],
    ["Tclunk tag 1 fid 4294967296", "does not fit"], ["Tclunk tag 65536 fid 1", "does not fit"], ["Tclunk tag 1 fid -1", "does not fit"],
    ["Tclunk tag 1 fid 1 'a'", "has nothing without a name"], ["Tclunk tag 1 fd 1", "Tclunk has no field fd"],
    ["Tclunk tag 1 fid *", "* is for patterns"], ["Tclunk tag * fid 1", "* is for patterns"], ["Tclunk tag 1 ...", "cut short"],
    ["Tclunk tag 1 fid 089", "089 is no number"], ["Tread tag 1 fid 1 offset 9007199254740992 count 1", "does not fit"],
    ["Tread tag 1 fid 1 offset ~ count 1", "~ is no number"], ["Rerror tag 1 ename x", "a string in quotes is wanted"],
    ["Rerror tag 1 ename 'x", "a string in quotes is wanted"], ["Rerror tag 1 ename $'\\q'", "unknown escape \\q"],
    ["Rread tag 1 x'123'", "two hex digits a byte"], ["Rread tag 1 'a' *", "* is for patterns"], ["Rwalk tag 1 *", "* is for patterns"],
    ["Rattach tag 1 qid 1", "a qid is (path version type)"], ["Rattach tag 1 qid (1 0 z)", "z is no letter"],
    ["Rattach tag 1 qid (1 0 d", "a qid ends with )"], ["Rattach tag 1 qid (* 0 d)", "* is for patterns"],
    ["Tcreate tag 1 fid 1 name 'n' perm z644 mode 0", "z is no letter of a mode"], ["Tcreate tag 1 fid 1 name 'n' perm dd0 mode 0", "does not fit"],
    ["Tcreate tag 1 fid 1 name 'n' perm 8 mode 0", "8 is no mode"], ["Rlerror tag 1 ecode ENOTHING", "ENOTHING is no number"],
  ])("says of %j: %s", (line, why) => {
    expect(() => parse(line)).toThrow(SyntaxError);
    expect(() => parse(line)).toThrow(why);
  });

  it("says where", () => {
    expect(() => parse("Tclunk tag 1 fid x y")).toThrow("x is no number, at column 20 of: Tclunk tag 1 fid x y");
  });
});

describe("patterns", () => {
  const qid = { type: 0x80, vers: 4, pathlo: 5, pathhi: 0 };
  const walk: Fcall = { type: Rwalk, wqid: [qid, { ...qid, type: 0, pathlo: 6 }] };
  const attr = parse("Rgetattr tag 1 valid 0x7ff qid (5 4 d) mode 040755 size 9 mtime_sec 77").f;

  it.each([
    ["Rwalk tag 7 (5 4 d) (6 4 f)", walk], ["Rwalk tag * (5 4 d) (6 4 f)", walk], ["Rwalk tag 7 * *", walk],
    ["Rwalk tag 7 (* 4 d) (6 * *)", walk], ["Rwalk tag 7 (5 4 d) ...", walk], ["Rwalk tag 7 ...", walk],
    ["Rgetattr tag 7 valid 0x7ff qid * mode 040755 size 9 mtime_sec *", attr], ["Rgetattr tag 7 size 9 ...", attr],
    ["Rgetattr tag 7 qid (* * d) ... # a directory", attr],
    ["Rread tag 7 'hello'", read(text("hello"))], ["Rread tag 7 *", read(text("hello"))], ["Rread tag 7 count 5 *", read(text("hello"))],
    ["Rread tag 7 count * 'hello'", read(text("hello"))], ["Rread tag 7 'hel'...", read(text("hello"))], ["Rread tag 7 ...", read(text("hello"))],
  ])("%s", (pattern, f) => {
    expect(mismatch(pattern, f, 7)).toBeUndefined();
    expect(matches(pattern, f, 7)).toBe(true);
  });

  it.each([
    ["Rwalk tag 8 * *", walk, "tag 8 expected, got Rwalk tag 7"], ["Ropen tag 7 qid * iounit 0", walk, "Ropen expected, got Rwalk"],
    ["Rwalk tag 7 *", walk, "1 elements"], ["Rwalk tag 7 * * * ...", walk, "3 elements"], ["Rwalk tag 7 * (6 4 d)", walk, "another element 1"],
    ["Rgetattr tag 7 valid 0x7ff qid * mode 040755 size 9", attr, "no mtime_sec expected"],
    ["Rgetattr tag 7 size 8 ...", attr, "size 8 expected"], ["Rgetattr tag 7 qid (* * a) ...", attr, "another qid"],
    ["Rread tag 7 'hella'", read(text("hello")), "another payload"], ["Rread tag 7 'hell'", read(text("hello")), "4 bytes"],
    ["Rread tag 7 count 4 *", read(text("hello")), "count 4"], ["Rread tag 7 'hex'...", read(text("hello")), "another payload"],
  ])("%s does not match", (pattern, f, why) => {
    expect(mismatch(pattern, f, 7)).toContain(why);
    expect(matches(pattern, f, 7)).toBe(false);
  });

  it("must be patterns", () => {
    expect(() => matches("Rgetattr tag 7 foo *", attr, 7)).toThrow(SyntaxError);
    expect(() => matches("Rwalk tag 7 ... *", walk, 7)).toThrow("nothing comes after ...");
  });
});

describe("transcripts", () => {
  it("have both directions, comments and blank lines", () => {
    expect(transcript("# hello\n\n-> Tclunk tag 1 fid 1  # bye\r\n  <- Rclunk tag 1\n   # end")).toEqual([
      { line: 3, from: "client", text: "Tclunk tag 1 fid 1  # bye" }, { line: 4, from: "server", text: "Rclunk tag 1" },
    ]);
    expect(() => transcript("-> Tclunk tag 1 fid 1\nRclunk tag 1")).toThrow("line 2: a line begins with ->, <- or #: Rclunk tag 1");
  });
});
