/** Findings and reviews as mail, made from the stored counterexamples. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { kernelNamed } from '../../model/patch/index.ts';
import { versionName, withOnly } from '../../model/patch/single-faults.ts';
import type { Fault } from '../../model/types/faults.ts';
import type { Kernel } from '../../model/types/world.ts';
import { type Exported, sentenceOf } from '../../report/exports/exported.ts';
import { commandLines, type FaultMail, findingsMail, type Quote } from '../../report/mail.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { changesOf } from '../../scenario/story/changes.ts';
import { storyOf } from '../../scenario/story/story.ts';
import { storyText, wrap } from '../../scenario/story/tell.ts';
import type { Review } from '../../search/outcome.ts';
import { HOME } from '../place.ts';
import { watchedKernel } from '../watched.ts';
import { brokenBy, brokenOn, confirmation, propertyOf, type Stored, storedOf } from './findings.ts';
import { recordedFiles } from './recorded.ts';

/** Lines between two that ran that are quoted, too. */
const GAP = 3;

/** The statements of the published version that change something in that scenario. */
function quotesOf(movesSyn: boolean, { scenario }: Stored): readonly Quote[] {
  const published = watchedKernel(kernelNamed(versionName(movesSyn)) as Kernel);
  const { moments } = storyOf(published, scenario.scenario);
  const places = moments.flat().flatMap((moment) => {
    const all = [...moment.callers, moment.at];
    const hook = all.findLast(({ fn, path }) => fn === 'ipt_mangle_out' && path.endsWith('.c'));
    const isRule = all.some(({ fn }) => fn === 'ipt_do_table');
    return hook === undefined || isRule || changesOf(moment).length === 0 ? [] : [hook];
  });
  return [...new Set(places.map(({ path }) => path))].map((path) => {
    const text = readFileSync(join(HOME, path), 'utf8').split('\n');
    const ran = [...new Set(places.filter((one) => one.path === path).map(({ line }) => line))].sort((a, b) => a - b);
    const lines = ran.flatMap((line, i) => {
      const next = ran[i + 1] ?? line;
      return Array.from({ length: next - line <= GAP ? Math.max(1, next - line) : 1 }, (_, k) => line + k);
    });
    return { path, lines: lines.map((number) => ({ number, text: text[number - 1] ?? '' })) };
  });
}

function mailOf(fault: Fault, all: readonly Stored[]): readonly FaultMail[] {
  const [first] = storedOf(fault, all);
  if (first === undefined) return [];
  const { file, scenario } = first;
  const movesSyn = scenario.variant === withOnly(true, fault).name;
  const { claim, asked } = propertyOf(first);
  return [
    {
      ...fault,
      finding: scenario.finding ?? '',
      property: scenario.property ?? '',
      claim,
      asked,
      versions: fault.inFirst ? 'both versions' : 'version 2',
      releases: brokenOn(fault, movesSyn, first),
      confirmation: confirmation(first),
      also: brokenBy(fault, movesSyn, first).filter((id) => id !== scenario.property),
      quotes: quotesOf(movesSyn, first),
      host: scenario.host,
      events: scenario.events,
      trace: scenario.trace ?? [],
      commands: [`cd ${dirname(file)}`, `reroute-check trace ${basename(file)}`],
    },
  ];
}

/** The findings of these faults as a message. */
export function findingsAsMail(faults: readonly Fault[]): string {
  const all = recordedFiles().map((file): Stored => ({ file, scenario: loadScenario(file) }));
  return findingsMail(faults.flatMap((fault) => mailOf(fault, all)));
}

/** One scenario as a message: what it shows, how to see it, and the story. */
export function scenarioMail(exported: Exported): string {
  const { host, events, trace, story, scenario } = exported;
  return [
    `Subject: Re: [PATCH] source after reroute: ${scenario.property ?? exported.variant}`,
    '',
    ...wrap(sentenceOf(exported), ''),
    '',
    'The host and the calls:',
    '',
    ...host.flatMap((line) => commandLines(line, '    ')),
    '',
    ...events.flatMap((line) => wrap(line, '    ')),
    '',
    'What happens:',
    '',
    ...storyText(story, trace.violations),
    '',
  ].join('\n');
}

/** A review as a message: how many promises each kernel breaks, and a sentence for each. */
export function reviewAsMail({ release, variants, cells, properties, command }: Review): string {
  const violatedOn = (name: string) => cells.filter((cell) => cell.variant === name && cell.outcome === 'violated');
  const longest = Math.max(...variants.map(({ name }) => name.length));
  const counts = variants.map(
    ({ name }) => `    ${name.padEnd(longest)}  ${String(violatedOn(name).length).padStart(3)} of ${properties.length}`,
  );
  const sections = variants.flatMap(({ name, title }) => [
    '',
    ...wrap(`${name}: ${title}`, ''),
    '',
    ...violatedOn(name).flatMap(({ property, counterexample }) => [
      ...wrap(`* ${property}: ${counterexample?.finding ?? ''}`, '  '),
    ]),
  ]);
  return [
    `Subject: Re: [PATCH] source after reroute: review`,
    '',
    ...wrap(
      `${properties.length} promises were searched on ${variants.length} kernels, Linux ${release}. Broken are:`,
      '',
    ),
    '',
    ...counts,
    ...sections,
    '',
    'Again:',
    '',
    ...commandLines(command, '    '),
    '',
  ].join('\n');
}
