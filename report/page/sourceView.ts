/** The patch's text with the line that runs. */
import { placeText } from '../../scenario/story/tell.ts';
import type { ShownStep } from '../steps.ts';
import { texts } from './data.ts';
import { h } from './dom.ts';

/** The text of the patch's file that runs, else of the one that ran last. */
export function sourceView(steps: readonly ShownStep[], at: number): HTMLElement {
  const now = steps[at];
  const last = steps.slice(0, at + 1).findLast(({ patch }) => patch !== undefined)?.patch;
  const next = steps.find(({ patch }) => patch !== undefined)?.patch;
  const shown = last ?? next;
  const text = shown === undefined ? undefined : texts[shown.path];
  if (shown === undefined || text === undefined)
    return h('p', {}, 'No statement of the patch runs here: this kernel has none, or the packet never reaches it.');
  const isRunning = now?.patch !== undefined;
  const caption = () => {
    if (last === undefined) return `${shown.path}: not yet`;
    const line = `${shown.path}:${shown.line}`;
    if (!isRunning) return `${line} ran last`;
    return now.place === undefined || now.place.path === shown.path ? line : `${line}, in ${placeText(now.place)}`;
  };
  const lines = text.split('\n').map((line, i) => {
    if (last === undefined || i + 1 !== shown.line) return h('li', {}, '  ', line);
    return isRunning
      ? h('li', { class: 'now', 'aria-current': 'true' }, '▶ ', line)
      : h('li', { class: 'ran' }, '▷ ', line);
  });
  return h('figure', {}, h('figcaption', {}, caption()), h('ol', { class: 'source', tabindex: 0 }, ...lines));
}
