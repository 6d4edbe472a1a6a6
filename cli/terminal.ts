/** The matrix properties × variants and the findings, for a terminal. */
import { existsSync } from 'node:fs';
import Table from 'cli-table3';
import { REFERENCE } from '../model/patch/releases/index.ts';
import { proofScopes } from '../properties/scopes/proofs.ts';
import { answersOf, type Cell, type Outcome, type Review } from '../search/outcome.ts';
import { counterexamplePath } from './files.ts';
import { paint } from './paint.ts';

const PAINT: Record<Outcome, (word: string) => string> = {
  violated: paint.red,
  exhausted: paint.green,
  sampled: paint.cyan,
  undecided: paint.yellow,
};

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** The cell of a property on a variant. */
export function cellOf(review: Review, property: string, variant: string): Cell {
  return review.cells.find((cell) => cell.property === property && cell.variant === variant) as Cell;
}

/** What a cell of the matrix says: the violation, or what each engine answered. */
export function outcomesOf(cell: Cell): readonly Outcome[] {
  if (cell.outcome === 'violated' || cell.beside === undefined) return [cell.outcome];
  return [...new Set([cell.outcome, cell.beside.outcome])];
}

/** The scopes that `exhausted` speaks of, a line each. */
export function exhaustedScopes(review: Review): readonly string[] {
  const answers = review.cells.flatMap(answersOf).filter(({ outcome }) => outcome === 'exhausted');
  const names = new Set(answers.map(({ scope }) => scope));
  const scopes = Object.values(proofScopes).filter(({ name }) => names.has(name));
  return scopes.map(({ name, text }) => `exhausted, in the scope ${name}: ${text}`);
}

/** The whole review as text. */
export function matrixText(review: Review): string {
  const table = new Table({
    head: ['', ...review.variants.map(({ name }) => paint.bold(name))],
    chars: PLAIN,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  let concern = '';
  for (const property of review.properties) {
    if (property.concern !== concern) {
      concern = property.concern;
      table.push([{ content: paint.dim(concern), colSpan: review.variants.length + 1 }]);
    }
    table.push([
      `  ${property.id}`,
      ...review.variants.map(({ name }) => {
        return outcomesOf(cellOf(review, property.id, name))
          .map((outcome) => PAINT[outcome](outcome))
          .join(' + ');
      }),
    ]);
  }
  const scopes = exhaustedScopes(review)
    .map((line) => `\n${line}\n`)
    .join('');
  return `${table.toString()}\n${scopes}${findings(review)}${undecided(review)}\n${paint.dim(`again: ${review.command}`)}\n`;
}

/** One sentence per violated cell. */
function findings(review: Review): string {
  let text = '';
  for (const { name } of review.variants) {
    const violated = review.cells.filter((cell) => cell.variant === name && cell.counterexample !== null);
    if (violated.length === 0) continue;
    text += `\n${paint.bold(name)}\n`;
    for (const cell of violated) {
      text += `  ${cell.property}: ${cell.counterexample?.finding}\n    ${paint.dim(placeOf(review, cell))}\n`;
    }
  }
  return text;
}

/** Where the counterexample of a cell is, or the command that finds it when it is not kept. */
function placeOf({ release }: Review, cell: Cell): string {
  const path = counterexamplePath(cell.property, cell.variant, release === REFERENCE ? undefined : release);
  return existsSync(path) ? path : (cell.counterexample?.found.command ?? '');
}

function undecided(review: Review): string {
  let text = '';
  for (const cell of review.cells) {
    for (const { engine, outcome, reason } of answersOf(cell)) {
      if (outcome === 'undecided') text += `  ${cell.property} on ${cell.variant}, ${engine}: ${reason}\n`;
    }
  }
  return text === '' ? '' : `\n${paint.bold('undecided')}\n${text}`;
}
