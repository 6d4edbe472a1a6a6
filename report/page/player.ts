/** The second view: a scenario stepped through, on one kernel with others beside it, and edited. */

import type { SkBuff } from '../../model/types/packet.ts';
import { properties } from '../../properties/index.ts';
import { headingsOf } from '../../scenario/story/tell.ts';
import { inexpressibleText } from '../../scenario/trace.ts';
import type { ShownStep } from '../steps.ts';
import type { Shown } from './address.ts';
import { data } from './data.ts';
import { h } from './dom.ts';
import { hostView } from './hostView.ts';
import { packetView } from './packetView.ts';
import { type Fault, type Played, playAll, scenarioOf } from './play.ts';
import { sequenceView } from './sequence.ts';
import { sourceView } from './sourceView.ts';

const MARKS: Record<ShownStep['is'], string> = { event: '▸', change: '', effect: '→', oops: '☠', violation: '✗' };

/** The lines of an event on another kernel, to see which ones only this one has. */
function linesOf({ steps }: Played, event: number): ReadonlySet<string> {
  return new Set(steps.filter((step) => step.event === event).map(({ text, place }) => `${place?.fn ?? ''} ${text}`));
}

function stepList(
  played: Played,
  others: readonly Played[],
  at: number,
  go: ((step: number) => void) | undefined,
): HTMLElement {
  let above: readonly string[] = [];
  const items = played.steps.flatMap((step, i) => {
    const heading = headingsOf(step.where, above).map(({ text, depth }) =>
      h('li', { class: depth > 0 ? 'place within' : 'place' }, text),
    );
    above = step.where;
    const isOwn =
      others.length > 0 &&
      others.some((other) => !linesOf(other, step.event).has(`${step.place?.fn ?? ''} ${step.text}`));
    const text = `${MARKS[step.is]} ${step.text}${isOwn ? ' ≠' : ''}`.trim();
    const isNow = i === at;
    const content =
      go === undefined
        ? text
        : h('button', { type: 'button', click: () => go(i), ...(isNow ? { 'aria-current': 'step' } : {}) }, text);
    return [...heading, h('li', { class: `${step.is}${isOwn ? ' own' : ''}${isNow ? ' now' : ''}` }, content)];
  });
  return h('ol', { class: 'steps' }, ...items);
}

function column(
  played: Played,
  others: readonly Played[],
  at: number,
  go: ((step: number) => void) | undefined,
): HTMLElement {
  const { kernel } = played.story.run;
  const end = played.story.run.steps.at(-1)?.world ?? played.story.run.boot;
  return h(
    'section',
    { class: 'column' },
    h('h3', {}, played.variant),
    h('p', {}, kernel.title),
    ...played.story.commands.map((command) => h('p', {}, h('code', {}, command))),
    stepList(played, others, at, go),
    end.inexpressible === '' ? undefined : h('p', {}, inexpressibleText(kernel, end.inexpressible)),
    others.length > 0 && h('p', { class: 'note' }, '≠: not so on a kernel beside it'),
  );
}

function chooser(shown: Shown, open: (next: Shown) => void): HTMLElement {
  const names = [...shown.variants, ''];
  const selects = names.map((chosen, i) => {
    const select = h(
      'select',
      {
        'aria-label': i === 0 ? 'kernel' : `kernel ${i + 1}, beside it`,
        change: (event) => {
          const value = (event.target as HTMLSelectElement).value;
          const next = names.map((name, k) => (k === i ? value : name)).filter((name) => name !== '');
          if (next.length > 0) open({ ...shown, variants: next, at: 0 });
        },
      },
      ...(i === 0
        ? []
        : [h('option', { value: '', selected: chosen === '' }, chosen === '' ? 'beside it: …' : 'none')]),
      ...data.variants.map(({ group, names: all }) =>
        h(
          'optgroup',
          { label: group },
          ...all.map((name) => h('option', { value: name, selected: name === chosen }, name)),
        ),
      ),
    );
    return select;
  });
  const releases = h(
    'select',
    {
      'aria-label': 'release',
      change: (event) => open({ ...shown, release: (event.target as HTMLSelectElement).value, at: 0 }),
    },
    ...['4.1', '6.1', '6.18'].map((release) =>
      h('option', { value: release, selected: release === shown.release }, `Linux ${release}`),
    ),
  );
  return h('p', { class: 'chooser' }, ...selects, releases);
}

function linesIn(area: HTMLTextAreaElement): string[] {
  return area.value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function editor(shown: Shown, fault: Fault | undefined, open: (next: Shown) => void): HTMLElement {
  const area = (label: string, lines: readonly string[]) =>
    h(
      'textarea',
      { 'aria-label': label, rows: Math.max(4, lines.length + 1), spellcheck: 'false', autocapitalize: 'off' },
      lines.join('\n'),
    ) as HTMLTextAreaElement;
  const host = area('host', shown.host);
  const events = area('events', shown.events);
  const run = (event: Event) => {
    event.preventDefault();
    const next = { ...shown, host: linesIn(host), events: linesIn(events) };
    const isStored =
      next.host.join('\n') === shown.host.join('\n') && next.events.join('\n') === shown.events.join('\n');
    open({ ...next, file: isStored ? shown.file : '', at: 0 });
  };
  return h(
    'form',
    { class: 'editor', submit: run },
    h('label', {}, 'Host: commands of ip, iptables and sysctl', host),
    h('label', {}, 'Events', events),
    fault && h('p', { class: 'fault', role: 'alert' }, `${fault.where}, line ${fault.line + 1}: ${fault.message}`),
    h('button', { type: 'submit' }, 'Play it'),
    h('small', {}, ' Ctrl+Enter plays, too; the address of the page then holds the scenario.'),
  );
}

/** What the controls can do. */
export interface Controls {
  readonly element: HTMLElement;
  readonly move: (by: number) => void;
}

/** The view of what is shown; `open` shows something else, `moved` keeps the number of the step. */
export function playerView(shown: Shown, open: (next: Shown) => void, moved: (at: number) => void): Controls {
  const stored = data.scenarios.find(({ file }) => file === shown.file);
  const scenario = scenarioOf(shown);
  const isFault = 'message' in scenario;
  const all = isFault ? [] : playAll(shown, scenario);
  const [first, ...others] = all;
  const steps = first?.steps ?? [];
  let at = Math.min(shown.at, Math.max(0, steps.length - 1));

  const slider = h('input', {
    type: 'range',
    min: 0,
    max: Math.max(0, steps.length - 1),
    value: at,
    'aria-label': 'step',
    input: (event) => go(Number((event.target as HTMLInputElement).value)),
  }) as HTMLInputElement;
  const count = h('output', {});
  const now = h('p', { class: 'current', 'aria-live': 'polite' });
  const button = (label: string, name: string, by: number) =>
    h('button', { type: 'button', 'aria-label': name, title: name, click: () => go(at + by) }, label);
  const panes = {
    list: h('div', {}),
    host: h('div', {}),
    sequence: h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Sequence diagram' }),
    source: h('div', {}),
    packet: h('div', {}),
  };
  const iptables = shown.host.filter((line) => /^\S*iptables\b/.test(line));

  const draw = (): void => {
    const step = steps[at];
    const before = steps[at - 1] ?? step;
    if (first === undefined || step === undefined || before === undefined) return;
    slider.value = String(at);
    count.textContent = `${at + 1} of ${steps.length}`;
    now.textContent = [...step.where, `${MARKS[step.is]} ${step.text}`.trim()].join(': ');
    const packetBefore: SkBuff | undefined = before.packet;
    panes.list.replaceChildren(
      h(
        'div',
        { class: 'columns' },
        column(first, others, at, go),
        ...others.map((other) =>
          column(
            other,
            [first],
            other.steps.findIndex(({ is, event }) => is === 'event' && event === step.event),
            undefined,
          ),
        ),
      ),
    );
    panes.host.replaceChildren(hostView(step.world, before.world, step.packet, iptables));
    panes.sequence.replaceChildren(sequenceView(steps, at, go));
    panes.source.replaceChildren(sourceView(steps, at));
    panes.packet.replaceChildren(packetView(step.packet, packetBefore));
    for (const pane of [panes.list, panes.source]) follow(pane);
  };
  const go = (to: number): void => {
    at = Math.max(0, Math.min(steps.length - 1, to));
    draw();
    moved(at);
  };
  draw();

  const property = properties.find(({ id }) => id === stored?.property);
  const pane = (title: string, content: HTMLElement, kind: string) =>
    h('section', { class: `pane ${kind}` }, h('h2', {}, title), content);
  const element = h(
    'main',
    {},
    h('p', {}, h('a', { href: '#' }, '← the matrix')),
    h('h1', {}, stored === undefined ? 'A scenario of your own' : stored.property),
    stored && h('p', { class: 'finding' }, stored.finding),
    property && h('p', {}, `The promise: ${property.claim} (${property.asked.join('; ')})`),
    stored && h('p', {}, h('code', {}, stored.file)),
    chooser(shown, open),
    first &&
      h(
        'p',
        { class: 'broken' },
        first.violations.length === 0
          ? `✓ ${shown.variants[0]} keeps every promise here.`
          : `✗ ${shown.variants[0]} breaks: ${first.violations.map((one) => `${one.property} (events[${one.event}])`).join(', ')}`,
      ),
    steps.length > 0 &&
      h(
        'nav',
        { class: 'controls', 'aria-label': 'steps' },
        button('|◀', 'first step', -1e9),
        button('◀', 'step back', -1),
        slider,
        button('▶', 'step on', 1),
        button('▶|', 'last step', 1e9),
        count,
      ),
    now,
    steps.length > 0 && h('p', { class: 'note keys' }, '← and → step, Home and End jump, Escape leads to the matrix.'),
    pane('What changes', panes.list, 'list'),
    h(
      'div',
      { class: 'panes' },
      h('div', {}, pane('The patch', panes.source, 'text'), pane('Packet', panes.packet, 'wide')),
      h('div', {}, pane('Host', panes.host, 'wide'), pane('Who acts', panes.sequence, 'wide')),
    ),
    pane('Change it', editor(shown, isFault ? scenario : undefined, open), 'edit'),
  );
  return { element, move: (by) => go(at + by) };
}

/** Keeps the current lines in sight, without moving the page. */
export function follow(within: Element): void {
  for (const line of within.querySelectorAll<HTMLElement>('li.now, li.ran')) {
    const box = line.closest('ol');
    if (box) box.scrollTop = line.offsetTop - box.clientHeight / 2;
  }
}
