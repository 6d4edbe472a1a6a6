/**
 * What people paste from a shell: several commands a line, lines that go on, variables, redirections, here-documents, loops
 * over words. Everything else that a shell decides by itself is refused, with what to paste instead.
 */
import { InputError, Wrong, wrong } from '../error.ts';

/** A line of a file, or an entry of a scenario's list. */
export interface SourceLine {
  readonly file: string;
  readonly where: number | string;
  readonly text: string;
}

/** One simple command. */
export interface ShellCommand {
  readonly from: SourceLine;
  readonly words: readonly string[];
  /** It runs always, or only if the one before it succeeded, or failed. */
  readonly joined: ';' | '&&' | '||';
  /** Nobody minds if it fails: `|| true`, `2>/dev/null`. */
  readonly mayFail: boolean;
  /** The file that its output goes to, '' for none. */
  readonly output: string;
  /** Another program takes parts of its output: `| grep`. */
  readonly filtered: boolean;
  /** What stands between the words of a here-document. */
  readonly input: readonly SourceLine[] | undefined;
}

/** A word or an operator of a line. */
type Token =
  | { readonly kind: 'word'; readonly text: string; readonly literal: boolean }
  | { readonly kind: 'operator'; readonly text: string };

/** Characters that look like others and that no command takes, as copied from web pages and word processors. */
const STRANGERS: readonly (readonly [pattern: RegExp, name: string, right: string])[] = [
  [/[\u00a0\u2007\u202f\u2000-\u2006\u2008-\u200a\u205f\u3000]/u, 'a no-break space', 'an ordinary space'],
  [/\u200b|\u200c|\u200d|\u2060|\ufeff/u, 'an invisible character', 'nothing'],
  [/[\u2010-\u2015\u2212]/u, 'a typographic dash', '"-", or "--" before a word'],
  [/[\u2018\u2019\u201a\u201b]/u, 'a typographic quote', "'"],
  [/[\u201c-\u201f\u00ab\u00bb]/u, 'a typographic quote', '"'],
];

/** Refuses characters that only look right, where they stand outside of quotes and comments. */
export function refuseStrangers(text: string): void {
  const bare = text.replace(/(["']).*?\1/g, (quoted) => ' '.repeat(quoted.length)).replace(/(^|\s)#.*$/, '');
  for (const [pattern, name, right] of STRANGERS) {
    const at = bare.search(pattern);
    if (at < 0) continue;
    const code = (bare.codePointAt(at) as number).toString(16).toUpperCase().padStart(4, '0');
    const before = bare.slice(0, at).trim().split(/\s+/).at(-1) ?? '';
    const place = before === '' ? 'at the beginning of the line' : `behind "${before}"`;
    wrong(`there is ${name} (U+${code}) ${place}; write ${right}`);
  }
}

const OPERATORS = ['&&', '||', ';;', ';', '|', '&>', '&', '<<<', '<<-', '<<', '>>', '>&', '>', '<', '(', ')'];

/** Values of variables; null for one whose value a program would have to say. */
export type Variables = Map<string, string | null>;

/** Reads the tokens of a text, which may have several lines. */
class Tokens {
  private readonly text: string;
  private readonly variables: Variables;
  private i = 0;

  constructor(text: string, variables: Variables) {
    this.text = text;
    this.variables = variables;
  }

  read(): readonly Token[] {
    const tokens: Token[] = [];
    while (this.i < this.text.length) {
      const c = this.text[this.i] as string;
      if (/[ \t\r]/.test(c)) this.i++;
      else if (c === '\n') {
        this.i++;
        tokens.push({ kind: 'operator', text: ';' });
      } else if (c === '#') break;
      else tokens.push(...this.token());
    }
    return tokens;
  }

  private token(): readonly Token[] {
    const rest = this.text.slice(this.i);
    const redirected = /^[0-9]+(?=[<>])/.exec(rest)?.[0] ?? '';
    const operator = OPERATORS.find((known) => rest.slice(redirected.length).startsWith(known));
    if (operator !== undefined) {
      this.i += redirected.length + operator.length;
      return [{ kind: 'operator', text: redirected + operator }];
    }
    return this.word();
  }

  /** A word, or the several that an unquoted variable stands for. */
  private word(): readonly Token[] {
    let parts: string[] = [''];
    let literal = false;
    const add = (text: string) => {
      parts[parts.length - 1] += text;
    };
    while (this.i < this.text.length) {
      const c = this.text[this.i] as string;
      const rest = this.text.slice(this.i);
      if (/[ \t\r\n]/.test(c) || OPERATORS.some((known) => rest.startsWith(known))) break;
      if (c === "'") {
        add(this.until("'"));
        literal = true;
      } else if (c === '"') {
        this.i++;
        add(this.doubleQuoted());
        literal = true;
      } else if (c === '\\') {
        const next = this.text[this.i + 1];
        if (next !== '\n') add(next ?? '');
        this.i += 2;
      } else if (c === '$' && this.isExpansion()) {
        const value = this.expansion();
        const [first = '', ...more] = value.split(/\s+/);
        add(first);
        parts = [...parts, ...more];
      } else if (c === '`') {
        wrong('"`" runs a program whose answer is not here; write the answer itself');
      } else {
        add(c);
        this.i++;
      }
    }
    const words = literal ? parts : parts.filter((part) => part !== '');
    return words.map((text) => ({ kind: 'word', text, literal }));
  }

  private until(quote: string): string {
    const end = this.text.indexOf(quote, this.i + 1);
    if (end < 0) wrong(`the quote ${quote} is not closed`);
    const inside = this.text.slice(this.i + 1, end);
    this.i = end + 1;
    return inside;
  }

  private doubleQuoted(): string {
    let text = '';
    while (this.text[this.i] !== '"') {
      const c = this.text[this.i];
      if (c === undefined) wrong('the quote " is not closed');
      const next = this.text[this.i + 1] ?? '';
      if (c === '\\' && '"\\$`\n'.includes(next)) {
        text += next === '\n' ? '' : next;
        this.i += 2;
      } else if (c === '$' && this.isExpansion()) {
        text += this.expansion();
      } else {
        text += c;
        this.i++;
      }
    }
    this.i++;
    return text;
  }

  private isExpansion(): boolean {
    return /^\$([A-Za-z_{(0-9@*#?!])/.test(this.text.slice(this.i));
  }

  /** The value of `$NAME`, `${NAME}` or `${NAME:-DEFAULT}`. */
  private expansion(): string {
    const rest = this.text.slice(this.i);
    const [all = '', braced, fallback, plain] =
      /^\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))/.exec(rest) ?? [];
    const name = braced ?? plain;
    if (name === undefined) {
      const shown = /^\$(\([^)]*\)?|\{[^}]*\}?|.)/.exec(rest)?.[0] ?? '$';
      wrong(`"${shown}" asks a shell for something that is not here; write its value`);
    }
    this.i += all.length;
    const value = this.variables.get(name) ?? fallback;
    if (value === undefined || value === null)
      wrong(`"$${name}" has no value here; write ${name}=VALUE in a line before, or the value itself`);
    return value;
  }
}

/** Words that stand before a command and say who runs it, or when. */
const RUNNERS: Readonly<Record<string, readonly string[]>> = {
  sudo: ['-u', '-g', '-C', '-h', '-p', '-U'],
  doas: ['-u', '-C'],
  env: ['-u', '-C'],
  command: [],
  exec: [],
  nohup: [],
  time: [],
  busybox: [],
};

/** The words without `sudo` and its like, and without assignments for that command alone. */
function withoutRunner(words: readonly string[]): readonly string[] {
  const [first = ''] = words;
  const takesValue = RUNNERS[first];
  if (/^[A-Za-z_]\w*=/.test(first) && words.length > 1) return withoutRunner(words.slice(1));
  if (takesValue === undefined) return words;
  let at = 1;
  while (words[at]?.startsWith('-') === true) at += takesValue.includes(words[at] as string) ? 2 : 1;
  return withoutRunner(words.slice(at));
}

const LOOP = /^\s*for\s+([A-Za-z_]\w*)\s+in\s+([^;\n]*?)\s*[;\n]\s*do\s([\s\S]*?)[;\n]?\s*\bdone\s*$/;

/** Words that decide by what a machine says. */
const DECIDING = [
  'for',
  'do',
  'done',
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'while',
  'until',
  'case',
  'esac',
  'function',
  'select',
  '[',
  '[[',
  'test',
];

const PASTE_INSTEAD =
  'paste what the script leaves behind instead: ip addr, ip rule, ip route show table all, iptables-save';

/** A list of commands while it is read. */
interface Draft {
  words: string[];
  joined: ShellCommand['joined'];
  mayFail: boolean;
  output: string;
  filtered: boolean;
  input: readonly SourceLine[] | undefined;
}

function emptyDraft(joined: ShellCommand['joined']): Draft {
  return { words: [], joined, mayFail: false, output: '', filtered: false, input: undefined };
}

/** What a list of lines is to a shell. Values of variables stay from one call to the next. */
export class Shell {
  readonly variables: Variables = new Map();

  /** The commands of one logical line; `documents` are its here-documents. */
  commands(from: SourceLine, text: string, documents: readonly (readonly SourceLine[])[]): readonly ShellCommand[] {
    try {
      refuseStrangers(text);
      return this.loop(from, text, documents) ?? this.plain(from, text, documents);
    } catch (error) {
      if (error instanceof Wrong) throw new InputError(from.file, from.where, error.message);
      throw error;
    }
  }

  private plain(
    from: SourceLine,
    text: string,
    documents: readonly (readonly SourceLine[])[],
  ): readonly ShellCommand[] {
    return this.list(from, new Tokens(this.assigned(text), this.variables).read(), [...documents]);
  }

  /** The commands of `for NAME in WORDS; do …; done`, word by word; undefined for anything else. */
  private loop(
    from: SourceLine,
    text: string,
    documents: readonly (readonly SourceLine[])[],
  ): readonly ShellCommand[] | undefined {
    const [, name, list, body] = LOOP.exec(text) ?? [];
    if (name === undefined || list === undefined || body === undefined) return undefined;
    const words = new Tokens(list, this.variables).read();
    return words.flatMap((word) => {
      this.variables.set(name, word.text);
      return body.split('\n').flatMap((line) => this.commands(from, line, documents));
    });
  }

  /** Reads `NAME=VALUE` and its like, and gives the rest of the text. */
  private assigned(text: string): string {
    const assignment = /^\s*(?:export\s+|readonly\s+|local\s+|declare\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)=/.exec(text);
    if (assignment === null) return text;
    const [head, name = ''] = assignment;
    const value =
      /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\([^)]*\)|`[^`]*`|[^\s;&|])*/.exec(text.slice(head.length))?.[0] ?? '';
    const rest = text.slice(head.length + value.length);
    // An assignment before a command is for that command alone.
    if (/^\s+[^\s#;&|]/.test(rest) && !/^\s+[A-Za-z_]\w*=/.test(rest)) return rest;
    this.variables.set(name, /\$\(|`/.test(value) ? null : this.valueOf(value));
    return this.assigned(rest.replace(/^\s*(;|&&)?/, ''));
  }

  private valueOf(value: string): string {
    return new Tokens(value, this.variables)
      .read()
      .map(({ text }) => text)
      .join(' ');
  }

  private list(
    from: SourceLine,
    tokens: readonly Token[],
    documents: (readonly SourceLine[])[],
  ): readonly ShellCommand[] {
    const commands: ShellCommand[] = [];
    let draft = emptyDraft(';');
    const finish = (next: ShellCommand['joined']) => {
      const words = withoutRunner(draft.words);
      const [program = ''] = words;
      if (DECIDING.includes(program)) wrong(`"${program}" decides by what a machine says; ${PASTE_INSTEAD}`);
      if (words.length > 0) commands.push({ ...draft, from, words });
      draft = emptyDraft(next);
    };
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at] as Token;
      if (token.kind === 'word') {
        draft.words.push(token.text);
        continue;
      }
      const operator = token.text.replace(/^[0-9]+/, '');
      if (operator === ';' || operator === '&' || operator === '&&' || operator === '||') {
        finish(operator === '&' ? ';' : operator);
      } else if (operator === '|') {
        this.pipe(draft, tokens.slice(at + 1));
        at = this.endOfPipe(tokens, at);
      } else if (['>', '>>', '>&', '&>', '<'].includes(operator)) {
        at++;
        this.redirect(draft, token.text, tokens[at]);
      } else if (operator.startsWith('<<')) {
        at++;
        const word = tokens[at];
        if (operator === '<<<') draft.input = [{ ...from, text: word?.text ?? '' }];
        else draft.input = documents.shift() ?? [];
      } else {
        wrong(`"${token.text}" asks for a shell of its own; ${PASTE_INSTEAD}`);
      }
    }
    finish(';');
    return withoutTrue(commands);
  }

  /** `… | sudo tee FILE` writes a file; what else reads the output is not looked at. */
  private pipe(draft: Draft, behind: readonly Token[]): void {
    const words = withoutRunner(behind.flatMap((token) => (token.kind === 'word' ? [token.text] : [])));
    draft.filtered ||= ['head', 'tail', 'grep'].includes(words[0] ?? '');
    if (words[0] === 'tee') draft.output = words.filter((word) => !word.startsWith('-'))[1] ?? '';
    else if (
      !['cat', 'head', 'tail', 'grep', 'sort', 'less', 'more', 'column', 'wc', 'logger'].includes(words[0] ?? '')
    )
      wrong(`"| ${words.join(' ')}" takes what another program prints; ${PASTE_INSTEAD}`);
  }

  private endOfPipe(tokens: readonly Token[], at: number): number {
    let end = at;
    for (let i = at + 1; i < tokens.length; i++) {
      const token = tokens[i] as Token;
      if (token.kind === 'operator' && [';', '&&', '||', '&'].includes(token.text)) break;
      end = i;
    }
    return end;
  }

  private redirect(draft: Draft, operator: string, to: Token | undefined): void {
    if (to?.kind !== 'word') wrong(`nothing follows "${operator}"; write the name of a file after it`);
    const stream = /^[0-9]+/.exec(operator)?.[0] ?? '1';
    const isErrors = stream === '2' || operator === '&>' || operator === '>&';
    if (operator.endsWith('<')) wrong(`"< ${to.text}" reads a file that is not here; write what stands in it`);
    if (isErrors && to.text === '/dev/null') draft.mayFail = true;
    if (stream === '1' && !operator.includes('&') && to.text !== '/dev/null') draft.output = to.text;
  }
}

/** `COMMAND || true`: nobody minds if it fails. */
function withoutTrue(commands: readonly ShellCommand[]): readonly ShellCommand[] {
  return commands.flatMap((command, i) => {
    const isTrue = command.joined === '||' && (command.words[0] === 'true' || command.words[0] === ':');
    if (isTrue) return [];
    const next = commands[i + 1];
    const forgiven = next?.joined === '||' && (next.words[0] === 'true' || next.words[0] === ':');
    return [forgiven ? { ...command, mayFail: true } : command];
  });
}

/** A logical line: lines that go on are one, and here-documents belong to the line that asks for them. */
export interface LogicalLine {
  readonly from: SourceLine;
  readonly text: string;
  readonly documents: readonly (readonly SourceLine[])[];
  /** The index of the first line behind it. */
  readonly next: number;
}

/** The logical line that begins at that line. */
export function logicalLine(lines: readonly SourceLine[], start: number, first: string): LogicalLine {
  const from = lines[start] as SourceLine;
  let text = first;
  let next = start + 1;
  const begins = /^\s*for\s/.test(first);
  while (next < lines.length && (/(^|[^\\])\\\s*$/.test(text) || isOpen(text) || (begins && !LOOP.test(text)))) {
    const more = (lines[next] as SourceLine).text.replace(/^\s*>\s+/, '');
    text =
      /\\\s*$/.test(text) && !isOpen(text.replace(/\\\s*$/, ''))
        ? `${text.replace(/\\\s*$/, '')} ${more.trimStart()}`
        : `${text}\n${more}`;
    next++;
  }
  // Nothing closes it: the fault is where it begins.
  if (isOpen(text) || (begins && !LOOP.test(text))) return { from, text: first, documents: [], next: start + 1 };
  const documents: (readonly SourceLine[])[] = [];
  for (const [, dash, , word = ''] of text.matchAll(/<<(-?)\s*(["']?)([A-Za-z_]\w*)\2/g)) {
    const inside: SourceLine[] = [];
    while (next < lines.length && strip((lines[next] as SourceLine).text, dash).trimEnd() !== word) {
      inside.push(lines[next] as SourceLine);
      next++;
    }
    if (next >= lines.length)
      throw new InputError(
        from.file,
        from.where,
        `the here-document is not closed; write ${word} in a line of its own`,
      );
    documents.push(inside);
    next++;
  }
  return { from, text, documents, next };
}

function strip(text: string, dash: string | undefined): string {
  return dash === '-' ? text.replace(/^\t+/, '') : text;
}

/** Whether a quote is open at the end. */
function isOpen(text: string): boolean {
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '\\' && quote !== "'") i++;
    else if (quote === '' && c === '#' && (i === 0 || /\s/.test(text[i - 1] as string))) return false;
    else if (quote === '' && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = '';
  }
  return quote !== '';
}
