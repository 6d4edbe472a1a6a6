/** What is seen of a review while it works. */
import { describe, expect, it } from 'vitest';
import { live } from '../../cli/live.ts';
import type { Cell, Outcome } from '../../search/outcome.ts';

const PROMISES = [
  ...Array.from({ length: 40 }, (_, i) => ({ id: `address-${i}`, concern: 'address' })),
  ...Array.from({ length: 40 }, (_, i) => ({ id: `tuple-${i}`, concern: 'tuple' })),
];
const VARIANTS = ['stock', 'tcp-rehash-mended'];

function cell(property: string, variant: string, outcome: Outcome): Cell {
  const counterexample = outcome === 'violated' ? { finding: `${'A long sentence. '.repeat(9)}` } : null;
  return { property, variant, outcome, counterexample } as Cell;
}

/** A terminal that remembers what was drawn. */
function terminal(columns: number, rows: number, isTTY = true) {
  const drawn: string[] = [];
  const write = (text: string) => drawn.push(text) > 0;
  return { drawn, out: { columns, rows, isTTY, write } };
}

const ESC = String.fromCharCode(27);

/** The rows of a drawing. */
function rowsOf(drawing: string | undefined): readonly string[] {
  return (drawing ?? '')
    .replaceAll(new RegExp(`${ESC}\\[\\d*[A-Zm]|\r`, 'g'), '')
    .trimEnd()
    .split('\n');
}

describe('on a terminal of 80 columns and 24 rows', () => {
  const { drawn, out } = terminal(80, 24);
  const show = live(PROMISES, VARIANTS, out);
  show.say('1,000 of 4,000 scenarios', 0.25);
  show.cell(cell('address-1', 'stock', 'violated'));

  it('is drawn at once, and again when the first cell is violated', () => {
    expect(drawn).toHaveLength(2);
    expect(rowsOf(drawn[0])[0]).toMatch(/^stock {13}-+ -+$/);
    expect(rowsOf(drawn[1])[0]).toMatch(/^stock {13}-x-+ -+$/);
  });

  it('fits, with every promise of every variant', () => {
    const rows = rowsOf(drawn[1]);
    expect(rows.length).toBeLessThan(24);
    for (const row of rows) expect(row.length).toBeLessThan(80);
    const letters = rows.slice(0, 4).map((row) => row.slice(18).replaceAll(' ', ''));
    expect(letters.join('').length).toBe(PROMISES.length * VARIANTS.length);
  });

  it('ends with how far it is and how long it takes, below what was found', () => {
    const rows = rowsOf(drawn[1]);
    expect(rows.at(-2)).toMatch(/^stock, address-1: A long sentence\./);
    expect(rows.at(-1)).toMatch(/^1,000 of 4,000 scenarios, 1 of 160 cells decided, 0 s, about 0 s left$/);
  });

  it('is gone when it is done', () => {
    expect(show.done()).toBe('1,000 of 4,000 scenarios');
    expect(rowsOf(drawn.at(-1))).toEqual(['']);
  });
});

it('is not drawn where there is no terminal', () => {
  const { drawn, out } = terminal(80, 24, false);
  const show = live(PROMISES, VARIANTS, out);
  show.cell(cell('address-1', 'stock', 'violated'));
  show.done();
  expect(drawn).toEqual([]);
});
