/** One letter for an outcome, where there is no room for the word. */
import type { Cell, Outcome } from '../search/outcome.ts';
import { paint } from './paint.ts';

export const LETTERS: Readonly<Record<Outcome | 'open', string>> = {
  violated: 'x',
  exhausted: '=',
  sampled: '.',
  undecided: '?',
  open: '-',
};

export const PAINT: Readonly<Record<Outcome, (word: string) => string>> = {
  violated: paint.red,
  exhausted: paint.green,
  sampled: paint.cyan,
  undecided: paint.yellow,
};

export function paintLetter({ outcome }: Pick<Cell, 'outcome'>): string {
  return PAINT[outcome](LETTERS[outcome]);
}

/** What those letters mean. */
export function lettersLegend(outcomes: readonly (keyof typeof LETTERS)[]): string {
  return outcomes.map((outcome) => `${LETTERS[outcome]} ${outcome}`).join('  ');
}
