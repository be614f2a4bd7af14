/**
 * Page: a page of the manual, which is Markdown of a fixed kind: a title `# ls(1)`, sections `## NAME`,
 * paragraphs, `- ` items, code that is indented by four blanks or fenced, `code` and *emphasis* in the
 * text. NAME is one line, `ls, lc - what it does`; SYNOPSIS is code. Pure.
 */

export interface Section {
  readonly heading: string;
  /** Its lines, without empty ones at the ends. */
  readonly lines: readonly string[];
}

export interface Page {
  /** As in ls(1). */
  readonly title: string;
  /** All that the page is about, and what that is in a few words. */
  readonly names: readonly string[];
  readonly about: string;
  readonly sections: readonly Section[];
}

export interface Look {
  /** Columns of a line. */
  readonly width: number;
  /** Bold and underlined, by what a terminal understands. */
  readonly styled: boolean;
}

const BOLD = "\x1b[1m", UNDERLINE = "\x1b[4m", PLAIN = "\x1b[0m";
const INDENT = 4;
/** Where the text of an item begins whose name is no longer than that. */
const HANG = 12;

/** What is on the page; of a text that is none, as much as there is. */
export function parsePage(text: string): Page {
  const [head = "", ...parts] = text.split(/^## /m);
  const sections = parts.map((part) => {
    const [heading = "", ...lines] = part.split("\n");
    while (lines.at(-1)?.trim() === "") lines.pop();
    while (lines[0]?.trim() === "") lines.shift();
    return { heading, lines };
  });
  const [names = "", ...about] = (sections.find((s) => s.heading === "NAME")?.lines.join(" ") ?? "").split(" - ");
  return { title: /^# (.*)$/m.exec(head)?.[1] ?? "", names: names.split(", "), about: about.join(" - "), sections };
}

/** The lines of a section, those of a SYNOPSIS without the blanks before each; none when there is no such section. */
export function linesOf(page: Page, heading: string): readonly string[] {
  const lines = page.sections.find((s) => s.heading === heading)?.lines ?? [];
  return heading === "SYNOPSIS" ? lines.map((line) => line.replace(/^ {4}/, "")) : lines;
}

/** The lines of the items about a name, as `cd [dir]` is one about cd. */
export function itemsOf(page: Page, name: string): readonly string[] {
  const items = page.sections.flatMap(({ lines }) => `\n${lines.join("\n")}`.split(/\n(?=- |$)/m).filter((item) => item.startsWith("- `")));
  return items.filter((item) => ["`", " ", "("].some((end) => item.startsWith(`- \`${name}${end}`))).flatMap((item) => item.split("\n"));
}

/** Lines of a page as they are read, with newlines. */
export function renderLines(lines: readonly string[], look: Look): string {
  return Array.from(blocks(lines, look), (line) => `${line}\n`).join("");
}

/** The page as it is read, its lines with newlines. */
export function render(page: Page, look: Look): string {
  const lines = [strong(page.title, look)];
  for (const { heading, lines: body } of page.sections) lines.push("", strong(heading, look), ...blocks(body, look));
  return `${lines.join("\n")}\n`;
}

function strong(text: string, look: Look): string {
  return look.styled ? BOLD + text + PLAIN : text;
}

function* blocks(lines: readonly string[], look: Look): Generator<string> {
  const margin = " ".repeat(INDENT);
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? "";
    if (line.startsWith("```")) {
      for (at++; at < lines.length && !lines[at]?.startsWith("```"); at++) yield lines[at] === "" ? "" : margin + lines[at];
      at++;
    } else if (line.startsWith("    ") || line === "") {
      yield line === "" ? "" : margin + line.slice(INDENT);
      at++;
    } else {
      const words: string[] = [];
      do words.push(lines[at++] ?? "");
      while (at < lines.length && !/^(- |```|$)/.test(lines[at] ?? ""));
      yield* paragraph(words.map((w) => w.trim()).join(" "), look);
    }
  }
}

/** A paragraph, or an item: `- ` and perhaps what it is about in code and a colon. */
function paragraph(text: string, look: Look): string[] {
  const item = /^- (?:((?:(?:`` .+? ``|`[^`]+`)(?:, )?)+): )?(.*)$/.exec(text);
  if (!item) return filled(text, "", INDENT, look);
  const [, tag, rest = ""] = item;
  return tag === undefined ? filled(rest, "- ", INDENT + 2, look) : filled(rest, `${tag} `, HANG, look);
}

/** Lines of such an indent; the first begins with the tag, which has a line of its own where it is too long. */
function filled(text: string, tag: string, indent: number, look: Look): string[] {
  const begin = " ".repeat(INDENT) + marked(tag, look);
  const long = shown(tag).length > indent - INDENT;
  const out: string[] = long ? [begin.trimEnd()] : [];
  let line = "", width = indent;
  for (const word of words(text)) {
    const n = shown(word).length;
    if (line !== "" && width + 1 + n > look.width) {
      out.push(line);
      line = "";
      width = indent;
    }
    if (line === "") line = out.length === 0 ? begin + " ".repeat(indent - INDENT - shown(tag).length) : " ".repeat(indent);
    else {
      line += " ";
      width++;
    }
    line += marked(word, look);
    width += n;
  }
  return line === "" ? out : [...out, line];
}

/** Where a line may be broken: at blanks outside of code. */
function words(text: string): string[] {
  return text.match(/(?:(`+) ?.*?\1|[^\s`])+/g) ?? [];
}

const MARK = /(`+)( ?)(.+?)\2\1|(?<![\w*])\*([^\s*]+)\*/g;

/** Without its marks. */
function shown(text: string): string {
  return text.replace(MARK, (_, _ticks, _blank, code?: string, stressed?: string) => code ?? stressed ?? "");
}

function marked(text: string, look: Look): string {
  if (!look.styled) return shown(text);
  return text.replace(MARK, (_, _ticks, _blank, code?: string, stressed?: string) => (code === undefined ? UNDERLINE + (stressed ?? "") : BOLD + code) + PLAIN);
}
