/** The value of the condition of an `#if`. */
import { type Place, Refused } from './messages.ts';
import type { Token } from './tokens.ts';

/** The binary operators, the weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*'],
];

const APPLY: Readonly<Record<string, (a: number, b: number) => number>> = {
  '||': (a, b) => Number(a !== 0 || b !== 0),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '>': (a, b) => Number(a > b),
  '<=': (a, b) => Number(a <= b),
  '>=': (a, b) => Number(a >= b),
  '<<': (a, b) => a * 2 ** b,
  '>>': (a, b) => Math.floor(a / 2 ** b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
};

/** What KERNEL_VERSION() makes of three numbers. */
function version(a: number, b: number, c: number): number {
  return (a << 16) | (b << 8) | Math.min(c, 255);
}

/** Linux 6.1.192. */
const LINUX_VERSION_CODE = version(6, 1, 192);

/** The value of a condition whose macros are expanded; a name may also stand for a number. */
export function valueOfCondition(tokens: readonly (Token | number)[], place: Place): number {
  return new Condition(tokens, place).whole();
}

class Condition {
  private at = 0;
  private readonly tokens: readonly (Token | number)[];
  private readonly place: Place;

  constructor(tokens: readonly (Token | number)[], place: Place) {
    this.tokens = tokens;
    this.place = place;
  }

  whole(): number {
    const value = this.level(0);
    if (this.at < this.tokens.length) this.refuse();
    return value;
  }

  private refuse(): never {
    const shown = this.tokens.map((token) => (typeof token === 'number' ? token : token.text)).join(' ');
    const supported = 'integers, defined(), IS_ENABLED() and their comparison are supported';
    throw new Refused(this.place, `the condition ${shown}`, supported);
  }

  private peek(): string {
    const token = this.tokens[this.at];
    return typeof token === 'object' ? token.text : '';
  }

  private level(depth: number): number {
    const operators = LEVELS[depth];
    if (operators === undefined) return this.unary();
    let value = this.level(depth + 1);
    while (operators.includes(this.peek())) {
      const apply = APPLY[this.peek()] as (a: number, b: number) => number;
      this.at++;
      value = apply(value, this.level(depth + 1));
    }
    return value;
  }

  private unary(): number {
    const token = this.tokens[this.at++];
    if (typeof token === 'number') return token;
    if (token?.kind === 'number') return Number(token.text.replace(/[uUlL]+$/, ''));
    switch (token?.text) {
      case '!':
        return Number(this.unary() === 0);
      case '-':
        return -this.unary();
      case '(': {
        const value = this.level(0);
        this.sign(')');
        return value;
      }
      case 'LINUX_VERSION_CODE':
        return LINUX_VERSION_CODE;
      case 'KERNEL_VERSION': {
        this.sign('(');
        const a = this.level(0);
        this.sign(',');
        const b = this.level(0);
        this.sign(',');
        const c = this.level(0);
        this.sign(')');
        return version(a, b, c);
      }
      default:
        return this.refuse();
    }
  }

  private sign(text: string): void {
    if (this.peek() !== text) this.refuse();
    this.at++;
  }
}
