/** `reroute-check prove`: what the solver closes: the lemmas, their broken twins, every cell in its scope, and a fault planted for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { postHost, proofScopes } from '../../properties/scopes/proofs.ts';
import type { RunScope } from '../../properties/scopes/runs.ts';
import { bulkSearch } from '../../search/bulk.ts';
import { asRecorded } from '../../search/outcome.ts';
import { breaks } from '../../search/replays.ts';
import { SEED } from '../../search/review.ts';
import { lemmas, twins } from '../../solver/lemmas/index.ts';
import type { Lemma } from '../../solver/lemmas/lemma.ts';
import { rareMark } from '../../solver/planted.ts';
import * as liftedPlanted from '../../solver/planted.ts?lifted';
import { type Proof, proveLemma } from '../../solver/proveLemma.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';
import { solveCell } from '../../solver/solveCell.ts';
import { type Solved, solveCells } from '../../solver/solveCells.ts';
import { structuresOf } from '../../solver/structures.ts';
import { chooseScopes, chooseVariants } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { progress } from '../progress.ts';
import { needToRecord, type Results, readResult, record, today } from '../results.ts';
import { type Opinion, SecondOpinion } from '../secondOpinion.ts';

/** Runs of fast-check that pass the planted fault. */
const PLANTED_RUNS = 200_000;

export interface ProveOptions {
  readonly part?: 'lemmas' | 'cells' | 'structures' | 'planted';
  /** Words of ids, with commas between. */
  readonly only?: string;
  /** How many features and events the structures have at most, of which scope, and on which variants. */
  readonly features: number;
  readonly events: number;
  readonly scope: string;
  readonly variant?: readonly string[];
  /** Seconds for a lemma or a cell. */
  readonly budget: number;
  /** The folder for questions as SMT-LIB. */
  readonly secondOpinion?: string;
  readonly record?: boolean;
}

type Recorded = Results['solver'];

/** What happened so far: the worst of it is the exit code. */
const seen = { undecided: 0, different: 0 };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function isChosen({ only = '' }: ProveOptions, id: string): boolean {
  return only.split(',').some((word) => id.includes(word));
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function judge(outcome: string, record: string | undefined): string {
  if (outcome === 'undecided') seen.undecided++;
  else if (record !== undefined && !asRecorded(outcome, record)) seen.different++;
  return record === undefined || outcome === record ? '' : `, recorded: ${record}`;
}

/** In words, of files that were written. */
function opinionText({ by, asked, agreed }: Opinion, files: number): string {
  return by === ''
    ? `${files} files written; no z3 is installed to ask (Debian: apt-get install z3)`
    : `${agreed} of ${asked} confirmed by ${by}`;
}

function reportLemma(lemma: Lemma, proof: Proof): void {
  say(`${lemma.id}: ${proof.outcome}${judge(proof.outcome, proof.expected)}`);
  say(`  ${lemma.claim}`);
  say(`  scope: ${lemma.scope}${lemma.assumes === '' ? '' : `\n  given: ${lemma.assumes}`}`);
  for (const cell of proof.cells) {
    const why = cell.reason ?? (cell.witness ? `${JSON.stringify(cell.witness)}, breaks the plain source, too` : '');
    const time = `${(cell.milliseconds / 1000).toFixed(2)} s`;
    say(`  ${cell.cell}: ${cell.outcome}, paths ${cell.paths}, queries ${cell.queries}, ${time} ${why}`);
  }
  const { runs, met, agreed } = proof.native;
  say(`  plain: ${runs} runs, ${met} met the assumptions, ${agreed} also lifted, all agree`);
}

/** The opinion on all of a part, to be recorded: the one before where only some of it was asked. */
function opinionOf(
  { only }: ProveOptions,
  said: Opinion | undefined,
  before: Opinion | undefined,
): { readonly secondOpinion?: Opinion } {
  const now = only === undefined ? said : before;
  return now !== undefined && now.asked > 0 ? { secondOpinion: now } : {};
}

/** Proves the lemmas and refutes their twins; gives the record with what is new. */
async function proveLemmas(
  z3: Z3,
  options: ProveOptions,
  recorded: Recorded['lemmas'],
  beside: SecondOpinion | undefined,
): Promise<Recorded['lemmas']> {
  const started = performance.now();
  const outcomes = { ...recorded.outcomes };
  const all = { by: '', asked: 0, agreed: 0 };
  const milliseconds = options.budget * 1000;
  for (const lemma of [...lemmas, ...twins]) {
    if (!isChosen(options, lemma.id)) continue;
    const files: string[] = [];
    const onClosed = (id: string, _cell: string, smtlib: string): void => {
      const file = join(beside?.folder ?? '', `${id.replaceAll('/', '--')}-${files.length + 1}.smt2`);
      writeFileSync(file, smtlib);
      files.push(file);
    };
    const proof = proveLemma(z3, lemma, beside === undefined ? { milliseconds } : { milliseconds, onClosed });
    reportLemma(lemma, proof);
    if (beside === undefined || files.length === 0) continue;
    const opinion = await beside.ask(files);
    say(`  second opinion: ${opinionText(opinion, files.length)}`);
    all.by = opinion.by;
    all.asked += opinion.asked;
    all.agreed += opinion.agreed;
    outcomes[lemma.id] = proof.outcome;
  }
  say(`lemmas: ${seconds(started)}\n`);
  return { ...recorded, date: today(), outcomes, ...opinionOf(options, all, recorded.secondOpinion) };
}

/** Solves the cells; gives the record with what is new, nothing when it was interrupted. */
async function proveCells(
  options: ProveOptions,
  recorded: Recorded['cells'],
  beside: SecondOpinion | undefined,
): Promise<Recorded['cells'] | undefined> {
  const started = performance.now();
  const chosen = properties.filter(({ id }) => isChosen(options, id));
  const cells = chosen.flatMap((property) => variants.map((kernel) => ({ property, kernel })));
  const show = progress();
  const interrupt = interruptible();
  let answered = 0;
  for (const { name, text } of Object.values(proofScopes)) say(`scope ${name}: ${text}`);
  const report = ({ property, kernel, cell }: Solved): void => {
    const difference = judge(cell.outcome, recorded.outcomes[property.id]?.[kernel.name]);
    const effort = `${cell.closed} of ${cell.shapes} shapes, paths ${cell.paths}, queries ${cell.queries}`;
    const time = `${(cell.milliseconds / 1000).toFixed(1)} s`;
    const why = cell.reason === '' ? '' : `; ${cell.reason}`;
    answered++;
    show.done();
    say(`${property.id} on ${kernel.name}: ${cell.outcome}${difference}, ${effort}, ${time}${why}`);
    if (cell.text !== null && !breaks(property, kernel, cell.text)) throw new Error('a finding that breaks nothing');
  };
  const budget = options.budget * 1000;
  const { signal: stop } = interrupt;
  const files: string[] = [];
  const answers = await solveCells(cells, {
    budget,
    seed: SEED,
    progress: show.say,
    onSolved: report,
    questions: beside?.folder,
    onQuestions: (file) => files.push(file),
    stop,
  });
  show.done();
  interrupt.done();
  if (stop.aborted) {
    say(`interrupted: ${answered} of ${cells.length} cells were answered`);
    return undefined;
  }
  say(`cells: ${seconds(started)}\n`);
  const outcomes = { ...recorded.outcomes };
  for (const { property, kernel, cell } of answers)
    outcomes[property.id] = { ...outcomes[property.id], [kernel.name]: cell.outcome };
  const opinion = await beside?.ask(files, (n) => show.say(`second opinion: ${n} of ${files.length} files`));
  show.done();
  if (opinion) say(`second opinion: ${opinionText(opinion, files.length)}; ${seconds(started)}`);
  return { date: today(), budget: options.budget, outcomes, ...opinionOf(options, opinion, recorded.secondOpinion) };
}

/** Solves every structure up to a size on one variant after the other; gives the record with what is new. */
async function proveStructures(
  options: ProveOptions,
  recorded: Recorded['structures'],
): Promise<Recorded['structures']> {
  const { features, events } = options;
  const [from] = chooseScopes(options.scope, properties) as [RunScope];
  const scope = structuresOf(from, { features, events });
  say(`scope ${scope.name}: ${scope.text}`);
  const chosen = properties.filter(({ id }) => isChosen(options, id));
  const show = progress();
  let now = recorded;
  for (const kernel of chooseVariants(options.variant ?? [])) {
    const started = performance.now();
    const cells = chosen.map((property) => ({ property, kernel }));
    const budget = options.budget * 1000;
    const solved = await solveCells(cells, { budget, seed: SEED, scope, progress: show.say });
    show.done();
    const named = (isOne: (cell: Solved['cell']) => boolean): string[] =>
      solved.filter(({ cell }) => isOne(cell)).map(({ property }) => property.id);
    const isVacuous = (cell: Solved['cell']) => cell.outcome === 'undecided' && cell.closed === cell.shapes;
    const row = {
      date: today(),
      scope: from.name,
      features,
      events,
      variant: kernel.name,
      shapes: scope.shapes.length,
      closed: named((cell) => cell.outcome === 'exhausted'),
      violated: named((cell) => cell.outcome === 'violated'),
      smallest: named((cell) => cell.smallest),
      vacuous: named(isVacuous),
      undecided: named((cell) => cell.outcome === 'undecided' && !isVacuous(cell)),
      paths: Math.max(...solved.map(({ cell }) => cell.paths)),
      queries: Math.max(...solved.map(({ cell }) => cell.queries)),
      seconds: Math.round((performance.now() - started) / 1000),
    };
    reportStructures(row, solved);
    now = [...now.filter((one) => !isSameRow(one, row)), row];
  }
  return now;
}

function isSameRow(a: Recorded['structures'][number], b: Recorded['structures'][number]): boolean {
  return a.scope === b.scope && a.features === b.features && a.events === b.events && a.variant === b.variant;
}

function reportStructures(row: Recorded['structures'][number], solved: readonly Solved[]): void {
  const { variant, shapes, closed, violated, smallest, vacuous, undecided, paths, queries, seconds: time } = row;
  seen.undecided += undecided.length;
  say(
    `${variant}: ${shapes} shapes, at most ${paths} paths and ${queries} queries for a promise, ${time} s: ${closed.length} closed, ${violated.length} violated (${smallest.length} by the smallest there is), of ${vacuous.length} no case occurs, ${undecided.length} undecided`,
  );
  for (const { property, kernel, cell } of solved) {
    if (cell.outcome === 'undecided' && undecided.includes(property.id)) say(`  ${property.id}: ${cell.reason}`);
    if (cell.text === null) continue;
    if (!breaks(property, kernel, cell.text)) throw new Error('a finding that breaks nothing');
    const of = cell.smallest ? 'no smaller one breaks it' : 'smaller ones are open';
    say(`  ${property.id}: ${of}: ${cell.text.events.join(', ')}`);
  }
}

/** Both engines on a fault that is planted for them. */
function provePlanted(z3: Z3, options: ProveOptions): Recorded['planted'] {
  const started = performance.now();
  const property = properties.find(({ id }) => id === 'header-matches-socket');
  if (property === undefined) throw new Error('the property of the planted fault is gone');
  const search = { properties: [property], kernels: [rareMark], seed: SEED, failures: 1, path: '' };
  const [tally] = bulkSearch({ ...search, runs: PLANTED_RUNS });
  const isPassed = tally !== undefined && tally.failures.length === 0 && tally.occurred > 0;
  const cell = solveCell(z3, property, rareMark, postHost, {
    budget: options.budget * 1000,
    seed: SEED,
    twin: liftedPlanted.rareMark,
  });
  const isReplayed = cell.text !== null && breaks(property, rareMark, cell.text);
  const sampled = isPassed ? 'sampled' : 'violated';
  const runs = `${PLANTED_RUNS.toLocaleString('en')} runs`;
  say(`planted: ${property.id} on ${rareMark.name}: fast-check, ${runs}: ${sampled}; z3: ${cell.outcome}`);
  for (const line of [...(cell.text?.host ?? []), ...(cell.text?.events ?? [])]) say(`    ${line}`);
  say(`  ${isReplayed ? 'breaks the plain source, too' : 'not replayed'}; ${seconds(started)}\n`);
  if (cell.outcome === 'undecided') seen.undecided++;
  else if (!isPassed || !isReplayed) seen.different++;
  return { 'fast-check': sampled, runs: PLANTED_RUNS, z3: cell.outcome };
}

/** Prints every answer when it is there, so that Ctrl-C loses none; exit code 1 when one is not as recorded, 3 when one is undecided. */
export async function proveVerb(options: ProveOptions): Promise<void> {
  const started = performance.now();
  const isAsked = (part: ProveOptions['part']): boolean => options.part === undefined || options.part === part;
  if (options.record) needToRecord();
  const beside = options.secondOpinion === undefined ? undefined : await SecondOpinion.in(options.secondOpinion);
  const z3 = await loadZ3();
  say(z3.version);
  const before = readResult('solver');
  const provenLemmas = isAsked('lemmas') ? await proveLemmas(z3, options, before.lemmas, beside) : before.lemmas;
  const planted = isAsked('planted') ? provePlanted(z3, options) : before.planted;
  const cells = isAsked('cells') ? await proveCells(options, before.cells, beside) : before.cells;
  if (cells === undefined) return;
  const structures = isAsked('structures') ? await proveStructures(options, before.structures) : before.structures;
  say(`${seconds(started)}; ${seen.undecided} undecided, ${seen.different} other than recorded`);
  if (options.record) record('solver', { lemmas: provenLemmas, structures, planted, cells });
  process.exitCode = seen.different > 0 ? EXIT.violated : seen.undecided > 0 ? EXIT.undecided : EXIT.done;
}
