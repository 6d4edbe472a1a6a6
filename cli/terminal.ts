/** The matrix properties × variants and the findings, for a terminal. */
import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import { REFERENCE } from '../model/patch/releases/index.ts';
import { proofScopes } from '../properties/scopes/proofs.ts';
import { sectionsOf } from '../report/sections.ts';
import { answersOf, type Cell, type Outcome, type Review } from '../search/outcome.ts';
import { verdictText } from '../search/verdicts.ts';
import { counterexamplePath } from './files.ts';
import { LETTERS, lettersLegend, PAINT } from './letters.ts';
import { paint } from './paint.ts';
import { wrapped } from './width.ts';

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

/** What it means that a violation is worse than stock. */
export const WORSE = 'in its counterexample the stock kernel of the same release keeps the promise';

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

/**
 * The whole review as text that is at most so wide, if that is possible: letters take the place of words. A finding
 * names the file of its counterexample if that is kept, else the command that finds it again.
 */
export function matrixText(review: Review, width: number, isKept: (cell: Cell) => boolean): string {
  const words = matrix(review, 'words');
  const isWide = longest(words) <= width;
  const legend = isWide ? '' : `${lettersLegend(['violated', 'exhausted', 'sampled', 'undecided'])}\n`;
  const scopes = exhaustedScopes(review)
    .map((line) => `\n${wrapped(line, width)}\n`)
    .join('');
  const worse = review.cells.some((cell) => cell.worse) ? `${wrapped(`* worse than stock: ${WORSE}`, width)}\n` : '';
  const verdicts = review.verdicts
    .map((verdict) => `${wrapped(`${verdict.variant} ${verdictText(verdict)}`, width, '  ')}\n`)
    .join('');
  const rest = `${scopes}${findings(review, width, isKept)}${undecided(review, width)}`;
  return `${verdicts}\n${isWide ? words : matrix(review, 'letters')}\n${legend}${worse}${rest}${ending(review, width)}`;
}

function longest(text: string): number {
  return Math.max(
    ...stripVTControlCharacters(text)
      .split('\n')
      .map((line) => line.trimEnd().length),
  );
}

/** How it ended, and the command that makes the same review. */
function ending({ command, interrupted, reached, cells }: Review, width: number): string {
  const decided = cells.filter(({ outcome }) => outcome !== 'undecided').length;
  const cut = interrupted ? `\ninterrupted at ${reached}: ${decided} of ${cells.length} cells are decided\n` : '';
  return `${cut}\n${paint.dim(wrapped(`again: ${command}`, width, '  '))}\n`;
}

/** The parts of a name, of at most six letters each. */
function belowEachOther(name: string): string {
  return name.replaceAll('-', '\n').replaceAll(/(\w{6})(?=\w)/g, '$1\n');
}

/** The table; with letters it has its names one part below the other. */
function matrix(review: Review, as: 'words' | 'letters'): string {
  const isWords = as === 'words';
  const table = new Table({
    head: ['', ...review.variants.map(({ name }) => paint.bold(isWords ? name : belowEachOther(name)))],
    chars: isWords ? PLAIN : { ...PLAIN, middle: ' ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  const cellText = (cell: Cell) =>
    outcomesOf(cell)
      .map((outcome) => PAINT[outcome](isWords ? outcome : LETTERS[outcome]) + (cell.worse ? paint.bold('*') : ''))
      .join(isWords ? ' + ' : '');
  for (const { heading, promises } of sectionsOf(review.properties)) {
    table.push([{ content: paint.dim(heading), colSpan: review.variants.length + 1 }]);
    for (const { id } of promises)
      table.push([`  ${id}`, ...review.variants.map(({ name }) => cellText(cellOf(review, id, name)))]);
  }
  return table.toString();
}

/** What a text of one's own changes: compared with a variant, and with stock. The last variant of the review is the text. */
export function ownText(review: Review, against: string | undefined, width: number): string {
  const own = review.variants.at(-1)?.name ?? '';
  const others = [...new Set([...(against === undefined ? [] : [against]), 'stock'])];
  return others.map((other) => changesText(review, own, other, width)).join('');
}

function changesText(review: Review, own: string, other: string, width: number): string {
  const ids = review.properties.map(({ id }) => id);
  const isBroken = (id: string, variant: string) => cellOf(review, id, variant).outcome === 'violated';
  const groups: readonly (readonly [heading: string, ids: readonly string[]])[] = [
    [`breaks what ${other} keeps`, ids.filter((id) => isBroken(id, own) && !isBroken(id, other))],
    [`keeps what ${other} breaks`, ids.filter((id) => !isBroken(id, own) && isBroken(id, other))],
    ['both break', ids.filter((id) => isBroken(id, own) && isBroken(id, other))],
  ];
  const lines = groups.map(
    ([heading, some]) =>
      `${wrapped(`  ${heading}: ${some.length === 0 ? 'nothing' : some.join(', ')}`, width, '    ')}\n`,
  );
  return `\n${paint.bold(`${own} beside ${other}`)}\n${lines.join('')}`;
}

/** One sentence per violated cell. */
function findings(review: Review, width: number, isKept: (cell: Cell) => boolean): string {
  let text = '';
  for (const { name } of review.variants) {
    const violated = review.cells.filter((cell) => cell.variant === name && cell.counterexample !== null);
    if (violated.length === 0) continue;
    text += `\n${paint.bold(name)}\n`;
    for (const cell of violated) {
      const sentence = wrapped(`  ${cell.property}: ${cell.counterexample?.finding}`, width, '    ');
      text += `${sentence}\n    ${paint.dim(isKept(cell) ? pathOf(review, cell) : (cell.counterexample?.found.command ?? ''))}\n`;
    }
  }
  return text;
}

/** The place of a cell's counterexample. */
export function pathOf({ release }: Review, cell: Cell): string {
  return counterexamplePath(cell.property, cell.variant, release === REFERENCE ? undefined : release);
}

/** Why cells are undecided, those of a property with the same reason together; an interruption explains itself. */
function undecided(review: Review, width: number): string {
  const reasons = new Map<string, { readonly property: string; readonly reason: string; readonly names: string[] }>();
  for (const cell of review.interrupted ? [] : review.cells) {
    const { property, variant } = cell;
    for (const { engine, outcome, reason } of answersOf(cell)) {
      if (outcome !== 'undecided') continue;
      const key = `${property} ${engine} ${reason}`;
      const known = reasons.get(key) ?? { property, reason: `${engine}: ${reason}`, names: [] };
      known.names.push(variant);
      reasons.set(key, known);
    }
  }
  const lines = [...reasons.values()].map(({ property, reason, names }) =>
    wrapped(`  ${property} on ${names.join(', ')}, ${reason}`, width, '    '),
  );
  return lines.length === 0 ? '' : `\n${paint.bold('undecided')}\n${lines.join('\n')}\n`;
}
