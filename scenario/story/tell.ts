/** A story as lines of at most 80 columns: every event, what changed by which function, and what left the host. */
import type { Effect, World } from '../../model/types/world.ts';
import { printEvent } from '../events.ts';
import {
  dstText,
  effectText,
  inexpressibleText,
  lastWorld,
  namedSockets,
  socketLine,
  soMarkText,
  type Violation,
} from '../trace.ts';
import { type Change, changesOf } from './changes.ts';
import type { Story } from './story.ts';
import type { Moment, Place } from './watch.ts';

/** The widest line. */
export const WIDTH = 80;

/** Words in lines of that width, the further ones two columns further in; a word that is wider stands alone. */
export function wrap(text: string, indent: string, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    const isFirst = line.trim() === '';
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}  ${word}`;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Effects that are faults of a statement. */
const MISUSES = new Set<Effect['kind']>(['wrong-kind', 'use-after-free']);

/** Functions of which only their callers tell something. */
const PLUMBING = new Set(['alloc_skb', 'kfree_skb', 'pskb_expand_head', 'skb_clone']);

/** Whether people find that function in C, or in a diff: what the model writes in camelCase stands for statements of the caller. */
function isOfKernel({ fn, path }: Place): boolean {
  return (path.startsWith('model/kernel/') || !path.endsWith('.ts')) && !/[A-Z]/.test(fn) && !PLUMBING.has(fn);
}

/** The innermost function that the kernel has, else what the world outside of it did. */
export function kernelPlace({ at, callers }: Pick<Moment, 'at' | 'callers'>): Place {
  const all = [...callers, at];
  return all.findLast(isOfKernel) ?? all.findLast(({ path }) => path.startsWith('model/host/')) ?? at;
}

/** Where people look the function up: in C where the model follows it, with the line where it is one of the patch. */
export function placeText({ fn, path, line }: Place): string {
  const twin = /^model\/kernel\/(.*)\.ts$/.exec(path)?.[1];
  if (twin !== undefined) return `${fn}(), ${twin}.${twin.startsWith('include/') ? 'h' : 'c'}`;
  return path.startsWith('model/host/') ? 'outside of the kernel' : `${fn}(), ${path}:${line}`;
}

/** The innermost statement of a patch that was on the way; undefined where none was. */
export function patchPlace({ at, callers }: Pick<Moment, 'at' | 'callers'>): Place | undefined {
  return [...callers, at].findLast(({ path }) => path !== '' && !path.endsWith('.ts'));
}

/** Where people look up what happened: the function, below the statement of the patch that called it. The tables are run by every text, and stand by themselves. */
function whereTexts(moment: Moment): readonly string[] {
  const isOfTables = moment.callers.some(({ fn }) => fn === 'ipt_do_table');
  const patch = isOfTables ? undefined : patchPlace(moment);
  return [...new Set([...(patch === undefined ? [] : [placeText(patch)]), placeText(kernelPlace(moment))])];
}

/** `c: inet_saddr 0.0.0.0 -> 10.0.0.1, inet_sport 0 -> 40000`. */
export function changeText({ name, what, fields }: Change): string {
  const parts = [
    ...(what === '' ? [] : [what]),
    ...fields.map(({ field, before, after }) => `${field} ${before} -> ${after}`),
  ];
  return `${name}: ${parts.join(', ')}`;
}

/** What one moment tells: its changes, and what was shown. */
export interface Line {
  readonly place: Place;
  /** Where people look it up, the caller first; nothing for what leaves the host, which stands alone. */
  readonly where: readonly string[];
  readonly text: string;
  readonly is: 'change' | 'effect' | 'oops';
  readonly moment: Moment;
}

/** An effect beside the changes: a second lookup is told where no packet shows that it ran. */
function storyEffect(before: World, after: World, effect: Effect): string {
  if (effect.kind !== 'reroute' || effect.err < 0) return effectText(after, effect);
  const route = dstText(after, effect.after.dst);
  return route === dstText(before, effect.before.dst) ? `second lookup, mark ${effect.after.mark}: ${route} again` : '';
}

/** The lines of a step, up to the crash where there is one: after it nothing happens. */
export function linesOfStep(moments: readonly Moment[]): readonly Line[] {
  const lines: Line[] = [];
  for (const moment of moments) {
    const { before, after, effects } = moment;
    const place = kernelPlace(moment);
    const where = whereTexts(moment);
    for (const change of changesOf(moment)) {
      lines.push({ place, where, text: changeText(change), is: change.of === 'oops' ? 'oops' : 'change', moment });
      if (change.of === 'oops') return lines;
    }
    for (const effect of effects) {
      const text = storyEffect(before, after, effect);
      if (text === '') continue;
      lines.push({ place, where: MISUSES.has(effect.kind) ? where : [], text, is: 'effect', moment });
    }
  }
  return lines;
}

/** What of `where` is to be said below a line that stood at `above`, each with how deep it stands. */
export function headingsOf(
  where: readonly string[],
  above: readonly string[],
): readonly { readonly text: string; readonly depth: number }[] {
  const isBelow = where.length < above.length;
  const first = where.findIndex((text, depth) => isBelow || text !== above[depth]);
  return where.map((text, depth) => ({ text, depth })).filter(({ depth }) => first >= 0 && depth >= first);
}

/** Lines of a step for people: a function stands above what it changed. */
export function stepText(lines: readonly Line[], width = WIDTH): string[] {
  const text: string[] = [];
  let above: readonly string[] = [];
  for (const line of lines) {
    const { where } = line;
    for (const heading of headingsOf(where, above))
      text.push(...wrap(heading.text, ' '.repeat(4 + 2 * heading.depth), width));
    above = where;
    text.push(...wrap(line.text, where.length === 0 ? '    ' : '        ', width));
  }
  return text;
}

/** What a kernel is, and what its operator has done to the host. */
export function kernelText({ run: { kernel }, commands }: Story): string[] {
  return [...wrap(`on ${kernel.name}: ${kernel.title}`, ''), ...commands.flatMap((command) => wrap(command, '  '))];
}

/** Everything of one event; `width` of the lines. */
export function eventText(
  { run, moments }: Story,
  event: number,
  violations: readonly Violation[],
  width = WIDTH,
): string[] {
  const step = run.steps[event];
  if (step === undefined) return ['    does not happen'];
  const marked = soMarkText(step.world, run.events[event] as (typeof run.events)[number]);
  const broken = violations.filter((violation) => violation.event === event);
  return [
    ...stepText(linesOfStep(moments[event] ?? []), width),
    ...(marked === '' ? [] : [`    ${marked}`]),
    ...broken.map(({ property }) => `    violates ${property}`),
  ];
}

/** The story from the first event to the sockets at its end. */
export function storyText(story: Story, violations: readonly Violation[] = []): string[] {
  const { run } = story;
  const lines = kernelText(story);
  for (const effect of run.boot.effects)
    if (effect.kind === 'refused') lines.push(...wrap(`refused: ${effect.message}`, '  '));
  for (const event of run.steps.keys()) {
    lines.push(...wrap(`events[${event}] ${printEvent(run.events[event] as (typeof run.events)[number])}`, ''));
    lines.push(...eventText(story, event, violations));
  }
  const end = lastWorld(run);
  if (end.inexpressible !== '') return [...lines, ...wrap(inexpressibleText(run.kernel, end.inexpressible), '')];
  if (run.steps.length < run.events.length) lines.push(`events[${run.steps.length}] and later do not happen`);
  const sockets = namedSockets(end);
  if (sockets.size > 0) lines.push('sockets');
  for (const [name, sk] of sockets) lines.push(...wrap(socketLine(name, sk), '    '));
  return lines;
}
