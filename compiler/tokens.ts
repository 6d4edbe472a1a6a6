/** The words and signs of a C text, each with its place; comments and blanks are gone. */
import { type Place, Refused } from './messages.ts';

/** A text and its name in messages. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
  /** Where a line of the text was written, if that is elsewhere. */
  readonly written?: (line: number) => { readonly file: string; readonly line: number };
}

/** `odd` is a character that C has no use for. */
export type TokenKind = 'name' | 'number' | 'string' | 'character' | 'sign' | 'odd';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly place: Place;
  /** Whether it is the first of its line. */
  readonly startsLine: boolean;
  /** Whether it follows the one before it without a blank. */
  readonly joined: boolean;
}

const SKIPPED = /(?:[ \t\r\f\v]|\\\r?\n|\/\*[\s\S]*?\*\/|\/\/[^\n]*)+/y;
const KINDS: readonly (readonly [TokenKind, RegExp])[] = [
  ['name', /[A-Za-z_]\w*/y],
  ['number', /\.?\d(?:[eEpP][+-]|[\w.])*/y],
  ['string', /"(?:[^"\\\n]|\\[^\n])*"/y],
  ['character', /'(?:[^'\\\n]|\\[^\n])+'/y],
  ['sign', /\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||##|[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}[\]#]/y],
];

/** All tokens of a text. */
export function tokensOf(source: SourceText): Token[] {
  const { text } = source;
  const found: Token[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  let startsLine = true;
  const place = (): Place => {
    const { file, line: shown } = source.written?.(line) ?? { file: source.file, line };
    return { file, line: shown, column: at - lineStart + 1 };
  };
  const advance = (to: number): void => {
    for (; at < to; at++) {
      if (text[at] !== '\n') continue;
      line++;
      lineStart = at + 1;
    }
  };
  for (let end = -1; at < text.length; ) {
    const skipped = matchAt(SKIPPED, text, at);
    if (skipped !== '') advance(at + skipped.length);
    else if (text[at] === '\n') {
      advance(at + 1);
      startsLine = true;
    } else {
      if (text.startsWith('/*', at)) throw new Refused(place(), 'a comment that does not end');
      const [kind, word] = tokenAt(text, at);
      found.push({ kind, text: word, place: place(), startsLine, joined: end === at });
      startsLine = false;
      advance(at + word.length);
      end = at;
    }
  }
  return found;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function tokenAt(text: string, at: number): readonly [TokenKind, string] {
  for (const [kind, pattern] of KINDS) {
    const word = matchAt(pattern, text, at);
    if (word !== '') return [kind, word];
  }
  return ['odd', text[at] as string];
}
