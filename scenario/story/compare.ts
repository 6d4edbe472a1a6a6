/** The same scenario on several kernels, side by side: first what differs in the end, then every event. */
import { printEvent } from '../events.ts';
import { inexpressibleText, lastWorld, namedSockets, socketLine, type Violation } from '../trace.ts';
import type { Story } from './story.ts';
import { eventText, kernelText, linesOfStep, WIDTH, wrap } from './tell.ts';

/** A story with the promises that it breaks. */
export interface Told {
  readonly story: Story;
  readonly violations: readonly Violation[];
}

/** The narrowest column in which a packet can be read. */
const NARROWEST = 36;
const BETWEEN = ' | ';

const INDENT = '    ';

function columnWidth(count: number): number {
  return Math.floor((WIDTH - INDENT.length - BETWEEN.length * (count - 1)) / count);
}

/** Texts of several kernels beside each other, or, where there is no room, below each other under their names. */
function beside(names: readonly string[], columns: readonly (readonly string[])[]): string[] {
  const width = columnWidth(columns.length);
  if (width < NARROWEST) {
    return columns.flatMap((lines, i) => [
      `${INDENT}${names[i]}:`,
      ...(lines.length === 0 ? ['nothing'] : lines).flatMap((line) =>
        wrap(line.trim(), `${INDENT}${indentOf(line) || INDENT}`),
      ),
    ]);
  }
  const cells = columns.map((lines) => lines.flatMap((line) => wrap(line.trim(), indentOf(line).slice(4), width)));
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, row) =>
    `${INDENT}${cells.map((cell) => (cell[row] ?? '').padEnd(width)).join(BETWEEN)}`.trimEnd(),
  );
}

function indentOf(line: string): string {
  return line.slice(0, line.length - line.trimStart().length);
}

function areAlike(columns: readonly (readonly string[])[]): boolean {
  return columns.every((lines) => lines.join('\n') === columns[0]?.join('\n'));
}

/** What people ask of an event first: what left the host, what failed, what crashed, and which promises it breaks. */
function outcome({ story, violations }: Told, event: number): string[] {
  const seen = story.moments[event];
  if (seen === undefined) return ['does not happen'];
  const shown = linesOfStep(seen).filter(({ is }) => is !== 'change');
  const broken = violations.filter((violation) => violation.event === event);
  return [...shown.map(({ text }) => text), ...broken.map(({ property }) => `violates ${property}`)];
}

function sockets({ story }: Told): string[] {
  const { kernel } = story.run;
  const { inexpressible } = lastWorld(story.run);
  if (inexpressible !== '') return [inexpressibleText(kernel, inexpressible)];
  return [...namedSockets(lastWorld(story.run))].map(([name, sk]) => socketLine(name, sk));
}

/** The lines that all columns begin with, and those that they end with. */
function common(columns: readonly (readonly string[])[]): { readonly first: number; readonly last: number } {
  const [shortest = 0] = columns.map(({ length }) => length).sort((a, b) => a - b);
  const one = columns[0] ?? [];
  let first = 0;
  while (first < shortest && columns.every((lines) => lines[first] === one[first])) first++;
  let last = 0;
  while (last < shortest - first && columns.every((lines) => lines.at(-1 - last) === one.at(-1 - last))) last++;
  return { first, last };
}

/** Several stories of one scenario as lines of at most 80 columns. */
export function comparisonText(all: readonly Told[]): string[] {
  const [told] = all as readonly [Told, ...Told[]];
  const { events } = told.story.run;
  const names = all.map(({ story }) => story.run.kernel.name);
  const heading = (event: number) =>
    wrap(`events[${event}] ${printEvent(events[event] as (typeof events)[number])}`, '');
  const lines = all.flatMap(({ story }) => kernelText(story));

  lines.push('', 'DIFFERENCES');
  if (columnWidth(names.length) >= NARROWEST) {
    const headings = names.map((name) => [name]);
    lines.push(...beside(names, headings));
  }
  const before = lines.length;
  for (const event of events.keys()) {
    const columns = all.map((one) => outcome(one, event));
    if (!areAlike(columns)) lines.push(...heading(event), ...beside(names, columns));
  }
  const ends = all.map(sockets);
  if (!areAlike(ends)) lines.push('sockets', ...beside(names, ends));
  if (lines.length === before) lines.push('none');

  lines.push('', 'STEP BY STEP');
  for (const event of events.keys()) {
    const columns = all.map((one) => eventText(one.story, event, one.violations, Infinity));
    const { first, last } = common(columns);
    const shared = (from: number, to?: number) =>
      (columns[0] ?? []).slice(from, to).flatMap((line) => wrap(line.trim(), indentOf(line)));
    lines.push(...heading(event), ...shared(0, first));
    const own = columns.map((column) => column.slice(first, column.length - last));
    if (own.some((column) => column.length > 0)) lines.push(...beside(names, own));
    if (last > 0) lines.push(...shared(-last));
  }
  return lines;
}
