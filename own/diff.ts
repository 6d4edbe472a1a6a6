/** Unified diffs, as `diff -u`, `git diff` and `git format-patch` write them: read, and applied to a text. */
import { InputError } from '../scenario/error.ts';

/** A line of a hunk. */
interface DiffLine {
  /** ' ' stands in both texts, '-' in the old one, '+' in the new one. */
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Its line in the diff. */
  readonly line: number;
}

interface Hunk {
  /** Where it begins in the old text, and in the new one, from 1. */
  readonly start: number;
  readonly newStart: number;
  readonly lines: readonly DiffLine[];
}

/** What a diff says of one file. */
export interface FileDiff {
  /** The path of the file without the `a/` or `b/` of git. */
  readonly path: string;
  readonly isNew: boolean;
  /** The line in the diff from which on it speaks of that file. */
  readonly line: number;
  readonly hunks: readonly Hunk[];
}

/** A line of a text, and where somebody wrote it. */
export interface WrittenLine {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

const HEADER = /^--- \S.*\r?\n\+\+\+ \S.*\r?\n@@ -\d/m;

/** Whether a text is a diff; in C no line begins so. */
export function isDiff(text: string): boolean {
  return HEADER.test(text);
}

const NOWHERE = '/dev/null';

/** The path of a header line: without the time that diff -u writes behind it, and without git's first letter. */
function pathOf(words: string): string {
  const [path = ''] = words.split('\t');
  return path.trim().replace(/^[ab]\//, '');
}

/** Reads a diff. What stands between its files, such as the text of a mail, is passed over. */
export function readDiff(file: string, text: string): readonly FileDiff[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const found: FileDiff[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as string;
    const refused = /^(rename|copy) from |^GIT binary patch|^Binary files /.exec(line);
    if (refused !== null)
      throw new InputError(file, at + 1, `'${line}'; a diff may change and add lines of C, and add files`);
    if (!line.startsWith('--- ') || !lines[at + 1]?.startsWith('+++ ')) {
      at++;
      continue;
    }
    const [from, to] = [pathOf(line.slice(4)), pathOf((lines[at + 1] as string).slice(4))];
    if (to === NOWHERE) throw new InputError(file, at + 2, `${from} is deleted; a diff may change and add files`);
    const start = at + 1;
    const hunks: Hunk[] = [];
    at += 2;
    while (lines[at]?.startsWith('@@ ')) {
      const { hunk, next } = readHunk(file, lines, at);
      hunks.push(hunk);
      at = next;
    }
    found.push({ path: from === NOWHERE ? to : from, isNew: from === NOWHERE, line: start, hunks });
  }
  return found;
}

function readHunk(file: string, lines: readonly string[], at: number): { readonly hunk: Hunk; readonly next: number } {
  const [, start, olds = '1', newStart, news = '1'] =
    /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(lines[at] as string) ?? [];
  if (start === undefined)
    throw new InputError(file, at + 1, `'${lines[at]}' is no head of a hunk; '@@ -12,7 +12,9 @@' is one`);
  const found: DiffLine[] = [];
  let left = Number(olds);
  let added = Number(news);
  let next = at + 1;
  while (left > 0 || added > 0) {
    const text = lines[next];
    // Mailers cut the blank of an empty line.
    const sign = text === '' && next + 1 < lines.length ? ' ' : text?.[0];
    if (sign !== ' ' && sign !== '-' && sign !== '+') {
      if (sign !== '\\') throw new InputError(file, next + 1, 'the hunk is shorter than its head says');
    } else {
      found.push({ sign, text: (text as string).slice(1), line: next + 1 });
      if (sign !== '+') left--;
      if (sign !== '-') added--;
    }
    next++;
  }
  return { hunk: { start: Number(start), newStart: Number(newStart), lines: found }, next };
}

/** The lines of a text as they are. */
export function linesOf(file: string, text: string): readonly WrittenLine[] {
  return text.split('\n').map((line, n) => ({ text: line, file, line: n + 1 }));
}

/** What a diff shows of the old text, for where that is not at hand; the lines between are empty. */
export function shown(diffFile: string, { path, hunks }: FileDiff): readonly WrittenLine[] {
  const lines: WrittenLine[] = [];
  for (const { start, lines: all } of hunks) {
    while (lines.length < start - 1) lines.push({ text: '', file: path, line: lines.length + 1 });
    for (const { sign, text, line } of all) if (sign !== '+') lines.push({ text, file: diffFile, line });
  }
  return lines;
}

/** The text that the diff makes of those lines. A hunk is looked for where it says, then nearby, and has to fit exactly. */
export function applied(
  diffFile: string,
  { path, hunks }: FileDiff,
  base: readonly WrittenLine[],
): readonly WrittenLine[] {
  const out: WrittenLine[] = [];
  let done = 0;
  let moved = 0;
  for (const { start, lines } of hunks) {
    const old = lines.filter(({ sign }) => sign !== '+');
    // Of a hunk that only adds, the head names the line before.
    const said = (old.length === 0 ? start : start - 1) + moved;
    const at = placeOf(base, old, Math.max(said, done), done);
    if (at === undefined) throw misfit(diffFile, path, base, old, said);
    moved += at - said;
    out.push(...base.slice(done, at));
    for (const { sign, text, line } of lines) if (sign !== '-') out.push({ text, file: diffFile, line });
    done = at + old.length;
  }
  return [...out, ...base.slice(done)];
}

const OPPOSITE = { ' ': ' ', '-': '+', '+': '-' } as const;

/** The diff that takes back what this one does. */
function reverse(diff: FileDiff): FileDiff {
  const hunks = diff.hunks.map(({ start, newStart, lines }) => ({
    start: newStart,
    newStart: start,
    lines: lines.map((line) => ({ ...line, sign: OPPOSITE[line.sign] })),
  }));
  return { ...diff, hunks };
}

/** A text before the diff, where that may be applied already: in the tree that it was made in. */
export function before(diffFile: string, diff: FileDiff, lines: readonly WrittenLine[]): readonly WrittenLine[] {
  try {
    applied(diffFile, diff, lines);
    return lines;
  } catch {
    try {
      return applied(diffFile, reverse(diff), lines);
    } catch {
      return lines;
    }
  }
}

function fits(base: readonly WrittenLine[], old: readonly DiffLine[], at: number): boolean {
  return old.every(({ text }, n) => base[at + n]?.text === text);
}

/** Where a hunk fits, the nearest first, not before what is done. */
function placeOf(
  base: readonly WrittenLine[],
  old: readonly DiffLine[],
  said: number,
  done: number,
): number | undefined {
  for (let away = 0; away <= base.length; away++) {
    for (const at of [said + away, said - away]) {
      if (at >= done && at <= base.length && fits(base, old, at)) return at;
    }
  }
  return undefined;
}

function misfit(
  diffFile: string,
  path: string,
  base: readonly WrittenLine[],
  old: readonly DiffLine[],
  said: number,
): InputError {
  const n = old.findIndex(({ text }, i) => base[said + i]?.text !== text);
  const { text, line } = old[n] as DiffLine;
  const there = base[said + n]?.text;
  const has = there === undefined ? 'ends before' : `has '${there.trim()}'`;
  return new InputError(
    diffFile,
    line,
    `the hunk does not apply: here stands '${text.trim()}', and ${path}:${said + n + 1} ${has}`,
  );
}
