/** The sequence diagram: one row a step, an arrow from the part that acted before to the part that acts. */
import { LANES, laneOf } from '../lanes.ts';
import type { ShownStep } from '../steps.ts';
import { svg } from './dom.ts';

const LEFT = 36;
const STEP = 86;
const ROW = 24;
const TOP = 36;

/** The function that acts, or the event. */
function labelOf({ is, text, place }: ShownStep): string {
  const words = is === 'change' || is === 'oops' ? `${place?.fn ?? ''}${is === 'oops' ? ' crashes' : ''}` : text;
  return words.length > 34 ? `${words.slice(0, 33)}…` : words;
}

/** Steps of the same function in the same column are one row. */
function rowsOf(steps: readonly ShownStep[]): readonly { readonly first: number; readonly last: number }[] {
  const rows: { first: number; last: number }[] = [];
  for (const [i, step] of steps.entries()) {
    const before = steps[i - 1];
    const row = rows.at(-1);
    const goesOn =
      row !== undefined &&
      before?.is === 'change' &&
      step.is === 'change' &&
      before.place?.fn === step.place?.fn &&
      before.event === step.event;
    if (goesOn) row.last = i;
    else if (step.is !== 'violation') rows.push({ first: i, last: i });
  }
  return rows;
}

export function sequenceView(steps: readonly ShownStep[], at: number, go: (step: number) => void): SVGElement {
  const rows = rowsOf(steps);
  const height = TOP + rows.length * ROW + 12;
  const width = LEFT + STEP * (LANES.length - 1) + 30;
  const xOf = (step: ShownStep) => LEFT + LANES.indexOf(laneOf(step)) * STEP;
  const lanes = LANES.flatMap((lane, i) => [
    svg('text', { x: LEFT + i * STEP, y: 14, class: 'middle lane' }, lane),
    svg('line', { x1: LEFT + i * STEP, y1: 20, x2: LEFT + i * STEP, y2: height, class: 'life' }),
  ]);
  const marks = rows.flatMap(({ first, last }, i) => {
    const step = steps[first] as ShownStep;
    const before = rows[i - 1];
    const y = TOP + i * ROW;
    const x = xOf(step);
    const from = step.is === 'event' || before === undefined ? x : xOf(steps[before.first] as ShownStep);
    const isNow = at >= first && at <= last;
    const toRight = x < LEFT + STEP * 4.5;
    return [
      ...(isNow ? [svg('rect', { x: 0, y: y - 17, width, height: ROW, class: 'now' })] : []),
      ...(from === x
        ? []
        : [svg('line', { x1: from, y1: y - 10, x2: x, y2: y - 10, class: 'arrow', 'marker-end': 'url(#head)' })]),
      svg('circle', { cx: x, cy: y - 10, r: step.is === 'oops' ? 5 : 3, class: step.is }),
      svg('text', { x: toRight ? x + 6 : x - 6, y: y + 3, class: `${toRight ? '' : 'end '}${step.is}` }, labelOf(step)),
      svg('rect', { x: 0, y: y - 17, width, height: ROW, class: 'hit', onclick: undefined, click: () => go(first) }),
    ];
  });
  const head = svg(
    'marker',
    { id: 'head', viewBox: '0 0 6 6', refX: 8, refY: 3, markerWidth: 6, markerHeight: 6, orient: 'auto' },
    svg('path', { d: 'M0 0 L6 3 L0 6 z' }),
  );
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': 'Sequence diagram' },
    svg('defs', {}, head),
    ...lanes,
    ...marks,
  );
}
