/** The first view: every promise on every variant, and how much was searched. */
import type { Answer, Cell, Outcome } from '../../search/outcome.ts';
import { sectionsOf } from '../sections.ts';
import { addressOf } from './address.ts';
import { data } from './data.ts';
import { h } from './dom.ts';

/** Signs beside the words, so that the colours say nothing alone. */
const SIGNS: Record<Outcome, string> = { violated: '✗', exhausted: '■', sampled: '·', undecided: '?' };

const { review } = data;

function answersOf(cell: Cell): readonly Answer[] {
  return cell.beside === undefined ? [cell] : [cell, cell.beside];
}

/** The address of a cell's counterexample: the stored one, else the one of the review. */
function counterexampleAddress({ property, variant, counterexample }: Cell): string {
  const stored = data.scenarios.find(
    (one) => one.property === property && one.variant === variant && one.release === review.release,
  );
  const { host, events } = stored ?? counterexample ?? { host: [], events: [] };
  const picks = stored?.picks ?? [];
  const variants = variant === 'stock' ? ['stock'] : [variant, 'stock'];
  const { release } = review;
  return addressOf({ file: stored?.file ?? '', host, events, picks, variants, release, at: 0 });
}

function cellText(cell: Cell): string {
  return answersOf(cell)
    .map(({ outcome, engine, scope, runs, occurred, reason }) => {
      const counts = engine === 'fast-check' ? `, ${runs} runs, in ${occurred} of which the case occurred` : '';
      return `${outcome} by ${engine}, scope ${scope}${counts}${reason === '' ? '' : `: ${reason}`}`;
    })
    .join('; ');
}

function cellOf(cell: Cell): HTMLElement {
  const outcomes =
    cell.outcome === 'violated' ? [cell.outcome] : [...new Set(answersOf(cell).map(({ outcome }) => outcome))];
  const label = `${outcomes.map((outcome) => `${SIGNS[outcome]}\u00a0${outcome}`).join(' + ')}${cell.worse ? ', worse than stock' : ''}`;
  const title = `${cell.property} on ${cell.variant}: ${cellText(cell)}${cell.counterexample === null ? '' : `. ${cell.counterexample.finding}`}`;
  const content =
    cell.outcome === 'violated'
      ? h('a', { href: counterexampleAddress(cell), title }, label)
      : h('span', { title, tabindex: 0 }, label);
  return h('td', { class: cell.outcome }, content, h('small', {}, engines(cell)));
}

function engines(cell: Cell): string {
  return answersOf(cell)
    .map(({ engine, runs }) => (engine === 'fast-check' ? `${runs} runs` : 'z3'))
    .join(', ');
}

function promiseRow({ id, claim }: (typeof review.properties)[number]): HTMLElement {
  const cells = review.variants.map(({ name }) =>
    review.cells.find((cell) => cell.property === id && cell.variant === name),
  );
  const more = [h('p', {}, claim), h('p', {}, (data.asked[id] ?? []).join('; '))];
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, h('details', {}, h('summary', {}, id), ...more)),
    ...cells.map((cell) => (cell === undefined ? h('td') : cellOf(cell))),
  );
}

function matrix(): HTMLElement {
  const rows = sectionsOf(review.properties).flatMap(({ heading, promises }) => [
    h('tr', { class: 'concern' }, h('th', { colspan: review.variants.length + 1, scope: 'colgroup' }, heading)),
    ...promises.map(promiseRow),
  ]);
  const counts = review.variants.map(({ name }) => {
    const all = review.cells.filter((cell) => cell.variant === name);
    return h('td', {}, `${all.filter(({ outcome }) => outcome === 'violated').length} of ${all.length}`);
  });
  return h(
    'div',
    { class: 'scroll whole', tabindex: 0, role: 'region', 'aria-label': 'The matrix' },
    h(
      'table',
      { class: 'matrix' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', {}, 'promise'),
          ...review.variants.map(({ name, title }) => h('th', { scope: 'col', title }, name)),
        ),
      ),
      h('tbody', {}, h('tr', { class: 'concern' }, h('th', { scope: 'row' }, 'broken'), ...counts), ...rows),
    ),
  );
}

/** A bar as wide as its part of the whole; the number stands beside it. */
function bar(value: number, most: number): HTMLElement {
  return h(
    'span',
    { class: 'bar' },
    h('i', { style: `width:${most === 0 ? 0 : Math.round((100 * value) / most)}%` }),
    String(value),
  );
}

/** How often each case occurred, and what the runs with it have met. */
function effectiveness(): HTMLElement {
  const runs = new Map<string, { runs: number; occurred: number }>();
  for (const cell of review.cells) {
    const sum = runs.get(cell.property) ?? { runs: 0, occurred: 0 };
    for (const answer of answersOf(cell)) {
      if (answer.engine !== 'fast-check') continue;
      sum.runs += answer.runs;
      sum.occurred += answer.occurred;
    }
    runs.set(cell.property, sum);
  }
  const most = (of: (one: (typeof data.coverage)[number]) => number) => Math.max(0, ...data.coverage.map(of));
  const transitions = most((one) => one.transitions);
  const branches = most((one) => one.branches);
  const rows = review.properties.map(({ id }) => {
    const { runs: all, occurred } = runs.get(id) ?? { runs: 0, occurred: 0 };
    const met = data.coverage.find((one) => one.property === id);
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, id),
      h('td', {}, bar(occurred, all)),
      h('td', {}, String(all)),
      h('td', {}, bar(met?.transitions ?? 0, transitions)),
      h('td', {}, bar(met?.branches ?? 0, branches)),
      h('td', {}, (met?.owners ?? []).join(', ')),
    );
  });
  return h(
    'details',
    {},
    h('summary', {}, 'How well was searched?'),
    h(
      'p',
      {},
      'How often the case of each promise occurred in this review, in how many runs; and what the recorded coverage run met with it: transitions of a socket’s life, branches of the model, owners of the packet.',
    ),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Search effectiveness' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['promise', 'occurred', 'runs', 'transitions', 'branches', 'owners'].map((name) =>
              h('th', { scope: 'col' }, name),
            ),
          ),
        ),
        h('tbody', {}, ...rows),
      ),
    ),
  );
}

/** Counterexamples of single faults, which have no column. */
function singles(): HTMLElement {
  const columns = review.variants.map(({ name }) => name);
  const others = data.scenarios.filter(({ variant }) => !columns.includes(variant));
  const items = others.map(({ file, variant, property, finding, release, host, events, picks }) =>
    h(
      'li',
      {},
      h(
        'a',
        { href: addressOf({ file, host, events, picks, variants: [variant, 'stock'], release, at: 0 }) },
        `${variant}: ${property}`,
      ),
      ` ${finding}`,
    ),
  );
  return h(
    'details',
    {},
    h('summary', {}, `Each fault by itself (${items.length} counterexamples)`),
    h('ul', {}, ...items),
  );
}

export function matrixView(): HTMLElement {
  const { host = [], events = [], picks = [] } = data.scenarios.find(({ variant }) => variant === 'tcp-rehash') ?? {};
  const own = addressOf({
    file: '',
    host,
    events,
    picks,
    variants: ['tcp-rehash', 'stock'],
    release: review.release,
    at: 0,
  });
  return h(
    'main',
    {},
    h('h1', {}, 'Does the patch keep what the kernel promises?'),
    h(
      'p',
      {},
      `A review of ${review.properties.length} promises on ${review.variants.length} kernels, Linux ${review.release}, ${data.date}. A violated cell opens its counterexample; the model runs in this page, and every host and call can be changed there. `,
      h('a', { href: own }, 'Begin with a host of your own.'),
    ),
    h(
      'ul',
      { class: 'legend' },
      h('li', { class: 'violated' }, `${SIGNS.violated} violated: a stored counterexample replays`),
      h('li', { class: 'exhausted' }, `${SIGNS.exhausted} exhausted: every path of a named scope was closed`),
      h('li', { class: 'sampled' }, `${SIGNS.sampled} sampled: so many runs, none failed`),
      h('li', { class: 'undecided' }, `${SIGNS.undecided} undecided: the budget ended, or the case never occurred`),
    ),
    h(
      'p',
      {},
      'Worse than stock: in that counterexample unchanged Linux keeps the promise. Below an outcome stands how many runs were played for it, or z3, the solver. The promises of “purpose” say what the patch is for; the name of a promise opens what it claims.',
    ),
    h(
      'dl',
      { class: 'kernels' },
      ...review.variants.flatMap(({ name, title }) => [h('dt', {}, name), h('dd', {}, title)]),
    ),
    matrix(),
    singles(),
    effectiveness(),
    h('p', {}, 'Again: ', h('code', {}, review.command)),
  );
}
