/** Systematic changes of a text in C, one at a time: operators, constants, conditions, and statements that are left out. */
import { type SourceText, type Token, tokensOf } from '../../compiler/tokens.ts';

/** A change of one place. */
export interface Change {
  readonly file: string;
  readonly line: number;
  /** The function that it stands in. */
  readonly within: string;
  /** Which one of the same changes of that function it is, from 1. */
  readonly nth: number;
  /** What kind of change it is. */
  readonly kind: 'operator' | 'constant' | 'condition' | 'statement';
  readonly from: string;
  readonly to: string;
  /** The file with the change. Its lines are those of the file as it is. */
  readonly text: string;
}

/** What each binary operator becomes. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  '==': ['!='],
  '!=': ['=='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '+=': ['-='],
  '-=': ['+='],
  '&=': ['|='],
  '|=': ['&='],
};

/** What each constant becomes. */
const CONSTANTS: Readonly<Record<string, string>> = { true: 'false', false: 'true', NULL: '(void *)1' };

/** Words that begin no statement that could be left out: what is declared has to stand. */
const DECLARES =
  /^(?:const|static|struct|enum|union|unsigned|signed|int|char|short|long|bool|void|[su](?:8|16|32|64)|u_?int\d+_t|__[a-z]+\d*)$/;

/** Behind these a statement begins. */
const BEFORE_STATEMENT = new Set([';', '{', '}', ')', 'else', ':']);

/** All changes of the functions of a file; declarations and directives of the preprocessor stay as they are. */
export function changesOf(source: SourceText): readonly Change[] {
  const tokens = withoutDirectives(tokensOf(source));
  const lines = source.text.split('\n');
  const starts = [0];
  for (const line of lines) starts.push((starts.at(-1) as number) + line.length + 1);
  const offset = ({ place }: Token) => (starts[place.line - 1] as number) + place.column - 1;
  const found: Change[] = [];
  const put = (kind: Change['kind'], first: Token, last: Token, to: string) => {
    const [start, end] = [offset(first), offset(last) + last.text.length];
    const from = source.text.slice(start, end);
    const breaks = '\n'.repeat(from.split('\n').length - to.split('\n').length);
    const text = `${source.text.slice(0, start)}${to}${breaks}${source.text.slice(end)}`;
    const change = { within, kind, from: flat(from), to: flat(to) };
    const nth = 1 + found.filter((one) => isSame(one, change)).length;
    found.push({ file: source.file, line: first.place.line, nth, ...change, text });
  };
  const braces = depthsOf(tokens, '{', '}');
  const brackets = depthsOf(tokens, '(', ')');
  let within = '';
  for (const [at, token] of tokens.entries()) {
    if (braces[at] === 0) {
      within = token.text === '{' && tokens[at - 1]?.text === ')' ? nameBefore(tokens, at - 1, brackets) : '';
      continue;
    }
    if (within === '') continue;
    const before = tokens[at - 1] as Token;
    if (isBinary(before)) for (const other of OTHERS[token.text] ?? []) put('operator', token, token, other);
    if (token.text === '!') put('operator', token, token, '');
    if (token.text === '-' && !isBinary(before)) put('operator', token, token, '');
    if (token.kind === 'number') put('constant', token, token, `(${token.text} + 1)`);
    const constant = CONSTANTS[token.text];
    if (constant !== undefined) put('constant', token, token, constant);
    if (token.text === 'if' || token.text === 'while') {
      const close = closing(tokens, at + 1);
      for (const to of ['0', '1']) put('condition', tokens[at + 2] as Token, tokens[close - 1] as Token, to);
    }
    const end = brackets[at] === 0 ? statementAt(tokens, at) : undefined;
    if (end !== undefined) put('statement', token, tokens[end] as Token, ';');
  }
  return found;
}

type Kind = Pick<Change, 'within' | 'from' | 'to'>;

function isSame(a: Kind, b: Kind): boolean {
  return a.within === b.within && a.from === b.from && a.to === b.to;
}

function withoutDirectives(tokens: readonly Token[]): readonly Token[] {
  let isDirective = false;
  return tokens.filter((token) => {
    if (token.startsLine) isDirective = token.text === '#';
    return !isDirective;
  });
}

/** The name in front of the brackets that close there. */
function nameBefore(tokens: readonly Token[], close: number, brackets: readonly number[]): string {
  let at = close;
  while (at > 0 && brackets[at] !== 0) at--;
  return tokens[at - 1]?.text ?? '';
}

/** Whether an operator behind that token has a left side. */
function isBinary({ kind, text }: Token): boolean {
  if (kind === 'name') return text !== 'return';
  return kind === 'number' || text === ')' || text === ']';
}

/** How many of these brackets are open in front of each token. */
function depthsOf(tokens: readonly Token[], open: string, close: string): readonly number[] {
  let depth = 0;
  return tokens.map(({ text }) => {
    const before = depth;
    depth += text === open ? 1 : text === close ? -1 : 0;
    return before;
  });
}

/** Where the bracket that opens there closes. */
function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const { text } = tokens[at] as Token;
    if (text === '(') depth++;
    if (text === ')' && --depth === 0) return at;
  }
  throw new Error('internal error: a bracket that does not close');
}

/** Where the simple statement ends that begins there; undefined when none does. */
function statementAt(tokens: readonly Token[], at: number): number | undefined {
  const [before, token] = [tokens[at - 1] as Token, tokens[at] as Token];
  if (token.kind !== 'name' || DECLARES.test(token.text) || !BEFORE_STATEMENT.has(before.text)) return undefined;
  if (['if', 'for', 'while', 'do', 'switch', 'case', 'default', 'else'].includes(token.text)) return undefined;
  let depth = 0;
  for (let end = at; end < tokens.length; end++) {
    const { text } = tokens[end] as Token;
    if (text === '{' || text === '}' || (text === ':' && end === at + 1)) return undefined;
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    if (text === ';' && depth === 0) return end;
  }
  return undefined;
}

/** A text on one line. */
export function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim() || 'nothing';
}
