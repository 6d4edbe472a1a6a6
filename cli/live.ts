/**
 * What is seen of a review while it works, on a terminal: a row for every variant with a letter for every promise,
 * below it what was found last, then how far it is. It is drawn over itself on stderr, and gone when the review ends.
 */

import { sectionsOf } from '../report/sections.ts';
import type { Cell } from '../search/outcome.ts';
import { LETTERS, lettersLegend, paintLetter } from './letters.ts';
import { paint } from './paint.ts';
import { cut, timesOf } from './progress.ts';

/** What is told of a review while it works. */
export interface Live {
  say(message: string, part: number): void;
  cell(cell: Cell): void;
  /** Takes it off the screen; gives how far it came. */
  done(): string;
}

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows' | 'write'>;

interface Promised {
  readonly id: string;
  readonly concern: string;
  readonly purpose?: boolean;
}

/** Milliseconds between two drawings. */
const PAUSE = 100;

const LEGEND = lettersLegend(['violated', 'exhausted', 'sampled', 'undecided', 'open']);

/** Shows a review on that terminal; shows nothing where it is none. */
export function live(
  properties: readonly Promised[],
  variants: readonly string[],
  terminal: Terminal = process.stderr,
): Live {
  const screen = new Screen(properties, variants, terminal);
  const timer = setInterval(() => screen.draw(), PAUSE).unref();
  screen.draw();
  return {
    say(message, part) {
      screen.howFar = { message, part };
    },
    cell(cell) {
      screen.take(cell);
      // The first finding is worth more than an even pace.
      if (screen.found.length === 1) screen.draw();
    },
    done() {
      clearInterval(timer);
      screen.erase();
      return screen.howFar.message;
    },
  };
}

class Screen {
  howFar = { message: 'the stored counterexamples are replayed', part: 0 };
  readonly found: string[] = [];
  private readonly start = performance.now();
  private readonly cells = new Map<string, Cell>();
  private drawn = 0;
  private readonly properties: readonly Promised[];
  private readonly variants: readonly string[];

  private readonly terminal: Terminal;

  constructor(properties: readonly Promised[], variants: readonly string[], terminal: Terminal) {
    this.properties = properties;
    this.variants = variants;
    this.terminal = terminal;
  }

  take(cell: Cell): void {
    this.cells.set(`${cell.property} ${cell.variant}`, cell);
    if (cell.counterexample !== null)
      this.found.push(`${cell.variant}, ${cell.property}: ${cell.counterexample.finding}`);
  }

  draw(): void {
    const { isTTY, columns, rows } = this.terminal;
    if (!isTTY) return;
    const passed = performance.now() - this.start;
    const matrix = this.variants.flatMap((variant) => this.rowsOf(variant, columns));
    const { message, part } = this.howFar;
    const far = `${message}, ${this.cells.size} of ${this.properties.length * this.variants.length} cells decided`;
    const last = cut(`${far}${timesOf(passed, part)}`, columns);
    const room = Math.max(rows - matrix.length - 4, 1);
    const found = this.found.slice(-room).map((line) => cut(line, columns));
    this.write([...matrix, paint.dim(cut(LEGEND, columns)), ...found, last]);
  }

  erase(): void {
    if (this.drawn > 0) this.write([]);
  }

  /** The letters of a variant, with a space between classes of promises, in as many rows as they take. */
  private rowsOf(variant: string, columns: number): readonly string[] {
    const margin = Math.max(...this.variants.map((name) => name.length)) + 1;
    const rows: string[] = [];
    let row = '';
    let length = 0;
    const promises = sectionsOf(this.properties).flatMap((section, n) =>
      section.promises.map((property, i) => ({ property, gap: n > 0 && i === 0 ? ' ' : '' })),
    );
    for (const { property, gap } of promises) {
      if (length + gap.length + 1 > Math.max(columns - margin - 1, 1)) {
        rows.push(row);
        row = '';
        length = 0;
      } else {
        row += gap;
        length += gap.length;
      }
      const cell = this.cells.get(`${property.id} ${variant}`);
      row += cell === undefined ? LETTERS.open : paintLetter(cell);
      length++;
    }
    return [...rows, row].map((text, i) => `${(i === 0 ? variant : '').padEnd(margin)}${text}`);
  }

  private write(lines: readonly string[]): void {
    const up = this.drawn === 0 ? '' : `\x1b[${this.drawn}A`;
    this.terminal.write(`${up}\r\x1b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.drawn = lines.length;
  }
}
