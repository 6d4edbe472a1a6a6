/** What was measured, a row each, from the recorded results. */
import { faults } from '../../model/types/faults.ts';
import { readResult } from '../results.ts';
import { scoreWords } from '../verbs/hunt.ts';
import { isCrash, withOutcome } from './confirmations.ts';
import { table } from './markdown.ts';
import { cellsOf } from './matrix.ts';
import { recordedFiles } from './recorded.ts';

/** A number with separators, or a list of words. */
function n(value: number): string {
  return value.toLocaleString('en');
}

function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

type Row = readonly [what: string, result: string, command: string];

function faultsRow(): Row {
  return [
    'faults of the patch',
    `${faults.length} independent ones, each with a counterexample of its own`,
    'reroute-check faults',
  ];
}

function cellsRow(): Row {
  const { date, outcomes, secondOpinion } = readResult('solver').cells;
  const cells = cellsOf(outcomes);
  const count = (outcome: string) => n(cells.filter((cell) => cell.outcome === outcome).length);
  return [
    'the matrix on z3',
    `of ${n(cells.length)} cells ${count('exhausted')} closed, ${count('violated')} broken, ${count('undecided')} undecided${opinionWords(secondOpinion)} (${date})`,
    `npm run prove -- --part cells${secondOpinion === undefined ? '' : ' --second-opinion FOLDER'}`,
  ];
}

function structureRows(): readonly Row[] {
  return readResult('solver').structures.map((row): Row => {
    const { scope, features, events, variant, shapes, closed, violated, smallest, vacuous, undecided, date } = row;
    const size = `every host with at most ${features} ${features === 1 ? 'feature' : 'features'} of ${scope} and at most ${events} events, on ${variant}`;
    return [
      size,
      `${n(shapes)} shapes with all numbers: ${closed.length} promises closed, ${violated.length} broken (${smallest.length} of them by the smallest counterexample there is), no case of ${vacuous.length} occurs, ${undecided.length} undecided (${row.seconds} s, ${date})`,
      `npm run prove -- --part structures --scope ${scope} --features ${features} --events ${events} --variant ${variant}`,
    ];
  });
}

function opinionWords(opinion: { readonly by: string; readonly asked: number; readonly agreed: number } | undefined) {
  return opinion === undefined
    ? ''
    : `; ${opinion.by} confirms ${n(opinion.agreed)} of ${n(opinion.asked)} closed questions`;
}

function lemmasRow(): Row {
  const { date, outcomes, secondOpinion } = readResult('solver').lemmas;
  const count = (outcome: string) => n(Object.values(outcomes).filter((one) => one === outcome).length);
  const opinion = opinionWords(secondOpinion);
  return [
    'lemmas',
    `${count('exhausted')} closed, ${count('violated')} broken twins refuted, ${count('undecided')} undecided${opinion} (${date})`,
    'npm run prove -- --part lemmas --second-opinion FOLDER',
  ];
}

function plantedRow(): Row {
  const planted = readResult('solver').planted;
  return [
    'a planted fault, one mark of four thousand million',
    `fast-check: ${planted['fast-check']} after ${n(planted.runs)} runs; z3: ${planted.z3}`,
    'npm run prove -- --part planted',
  ];
}

function conformanceRows(): readonly Row[] {
  return readResult('conformance').runs.map(
    ({ kernel, date, seed, answers, scenarios, packets, disagreements, seconds }) => [
      `the model on ${kernel}`,
      `${n(answers)} routing answers, ${n(scenarios)} scenarios, ${n(packets)} packets: ${disagreements === 0 ? 'no disagreement' : `${disagreements} disagreements`} (${seconds} s, ${date})`,
      `npm run conformance -- --seed ${seed}`,
    ],
  );
}

function markedRows(): readonly Row[] {
  return readResult('marked').runs.flatMap(({ kernel, date, seed, hosts, variants }) =>
    Object.entries(variants).map(
      ([name, { compared, inexpressible, packets, disagreements }]): Row => [
        `${name} against marks on ${kernel}`,
        `of ${n(hosts)} random marked hosts ${n(inexpressible)} not expressible; on the others ${n(packets)} packets: ${disagreements === 0 ? 'no disagreement' : `${disagreements} disagreements`} (${n(compared)} hosts, ${date})`,
        `reroute-check conformance marked --seed ${seed}`,
      ],
    ),
  );
}

function importedRows(): readonly Row[] {
  return readResult('imported').runs.map(({ kernel, date, seed, hosts, answers, packets, disagreements, seconds }) => [
    `hosts imported from what the tools of ${kernel} print`,
    `${n(answers)} routing answers of ${n(hosts)} hosts, scenarios on ${n(hosts)} others, ${n(packets)} packets: ${disagreements === 0 ? 'no disagreement' : `${disagreements} disagreements`} (${seconds} s, ${date})`,
    `reroute-check conformance imported --seed ${seed}`,
  ]);
}

function repairedRows(): readonly Row[] {
  return readResult('repaired').runs.map(({ kernel, date, seed, hosts, remedies, different }) => [
    `broken flows and their remedies on ${kernel}`,
    `${n(hosts)} random hosts; ${inWords(Object.entries(remedies).map(([name, count]) => `${n(count)} times ${name}`))}: ${different === 0 ? 'every packet as said' : `${different} packets otherwise than said`} (${date})`,
    `reroute-check conformance repaired --seed ${seed}`,
  ]);
}

function mutantsRow(): Row {
  const { mutants, kernel, date } = readResult('mutants');
  const left = mutants.filter(({ foundBy }) => foundBy === '');
  const survivors = left.length === 0 ? '' : `; not found: ${left.map(({ what }) => what).join('; ')}`;
  return [
    'wrong lines put into the model',
    `such a run finds ${mutants.length - left.length} of ${mutants.length}${survivors} (${kernel}, ${date})`,
    'npm run conformance:mutants',
  ];
}

function huntedRows(): readonly Row[] {
  const { scores, date } = readResult('hunted');
  return scores.map(({ what, command, ...score }) => [
    `systematic changes of ${what === 'model' ? 'the model' : `the ${what} text`}`,
    `promises kill ${scoreWords(score)} (${date})`,
    command,
  ]);
}

function confirmedRow(): Row {
  const { records, played, seconds, date } = readResult('confirmations');
  const [confirmed, refuted, left] = (['confirmed', 'refuted', 'not expressible'] as const).map(
    (outcome) => withOutcome(records, outcome).length,
  );
  return [
    'counterexamples on the test kernel',
    `of ${recordedFiles().length} stored ones ${confirmed} confirmed (${Object.values(records).filter(isCrash).length} by a crash), ${refuted} refuted, ${left} cannot be asked there; ${played} played in ${seconds} s (${date})`,
    'npm run kernel:confirm',
  ];
}

/** What runs have of something together. */
function sumOf<T>(runs: readonly T[], of: (run: T) => number): string {
  return n(runs.reduce((all, run) => all + of(run), 0));
}

function variantsOf(runs: readonly { readonly variant: string }[]): readonly string[] {
  return [...new Set(runs.map(({ variant }) => variant))];
}

/** What a kernel complained about that watches itself, a row for all that were asked. */
function watchedRows(): readonly Row[] {
  const runs = readResult('random').runs.flatMap(({ complaints, ...run }) =>
    complaints === undefined ? [] : [{ ...run, complaints }],
  );
  if (runs.length === 0) return [];
  const said = variantsOf(runs).map((name) => {
    const own = runs.filter(({ variant }) => variant === name);
    return `${name} ${sumOf(own, (run) => run.complaints)} in ${sumOf(own, (run) => run.scenarios)}`;
  });
  return [
    [
      'what KASAN, PROVE_LOCKING and DEBUG_ATOMIC_SLEEP complained about in random scenarios',
      said.join(', '),
      'reroute-check kernel random --watching',
    ],
  ];
}

function randomRow(): Row {
  const runs = readResult('random').runs.filter(({ complaints }) => complaints === undefined);
  return [
    'random scenarios on the test kernel',
    `${sumOf(runs, (run) => run.scenarios)} on ${inWords(variantsOf(runs))}, ${sumOf(runs, (run) => run.packets)} packets, ${sumOf(runs, (run) => run.crashes)} crashes: ${sumOf(runs, (run) => run.disagreements)} disagreements`,
    'reroute-check kernel random',
  ];
}

/** A row for everything that was measured, with the command that repeats it. */
export function measuredTable(): string {
  const rows = [
    faultsRow(),
    cellsRow(),
    ...structureRows(),
    lemmasRow(),
    plantedRow(),
    ...conformanceRows(),
    ...markedRows(),
    ...importedRows(),
    ...repairedRows(),
    mutantsRow(),
    ...huntedRows(),
    confirmedRow(),
    randomRow(),
    ...watchedRows(),
  ];
  return table([
    ['what', 'result', 'again'],
    ...rows.map(([what, result, command]) => [what, result, `\`${command}\``]),
  ]);
}
