/** A sequence diagram for mermaid: the parts of the host that a packet passes, and what each of them does. */
import { LANES, type Lane, laneOf } from '../lanes.ts';
import { type ShownStep, stepsOf } from '../steps.ts';
import { type Exported, sentenceOf } from './exported.ts';

/** Text that mermaid does not take for its own words. */
function escaped(text: string): string {
  return text.replace(/[#;:<>]/g, (sign) => `#${sign.charCodeAt(0)};`);
}

function idOf(lane: Lane): string {
  return lane.replace(/ /g, '_');
}

function lineOf(step: ShownStep, before: Lane): string {
  const lane = laneOf(step);
  const text = [...step.where, step.text].map(escaped).join('<br/>');
  if (step.is === 'violation' || step.is === 'oops') return `  Note over ${idOf(lane)}: ${text}`;
  return `  ${idOf(step.is === 'event' ? lane : before)}->>${idOf(lane)}: ${text}`;
}

export function mermaid(exported: Exported): string {
  const { story, trace } = exported;
  let before: Lane = 'program';
  const lines = stepsOf(story, trace.violations).map((step) => {
    const line = lineOf(step, before);
    if (step.is !== 'violation') before = laneOf(step);
    return line;
  });
  const participants = LANES.map((lane) => `  participant ${idOf(lane)} as ${lane}`);
  return ['sequenceDiagram', `  %% ${sentenceOf(exported)}`, ...participants, ...lines, ''].join('\n');
}
