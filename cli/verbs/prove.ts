/** `reroute-check prove`: what the solver closes: the lemmas, their broken twins, every cell in its scope, and a fault planted for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { proofScopes } from '../../properties/scopes/proofs.ts';
import type { RunScope } from '../../properties/scopes/runs.ts';
import { asRecorded } from '../../search/outcome.ts';
import { breaks } from '../../search/replays.ts';
import { SEED } from '../../search/review.ts';
import { lemmas, twins } from '../../solver/lemmas/index.ts';
import type { Lemma } from '../../solver/lemmas/lemma.ts';
import { rareMark } from '../../solver/planted.ts';
import type { Proof } from '../../solver/proveLemma.ts';
import { loadZ3 } from '../../solver/smt.ts';
import { type Solved, solveCells } from '../../solver/solveCells.ts';
import { structuresOf } from '../../solver/structures.ts';
import { chooseProperty, chooseScopes, chooseVariants } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { progress } from '../progress.ts';
import { PLANTED_BREAKS, PLANTED_RUNS, type Planted, provedOnThread } from '../proofThread.ts';
import { needToRecord, type Results, readResult, record, today } from '../results.ts';
import { type Opinion, SecondOpinion } from '../secondOpinion.ts';

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

/** What was interrupted is said, and is not recorded. */
function wasInterrupted(stop: AbortSignal, answered: number, all: number, what: string): boolean {
  if (stop.aborted) say(`interrupted: ${answered} of ${all} ${what} were answered`);
  return stop.aborted;
}

/** Proves the lemmas and refutes their twins; gives the record with what is new, nothing when it was interrupted. */
async function proveLemmas(
  options: ProveOptions,
  recorded: Recorded['lemmas'],
  beside: SecondOpinion | undefined,
  stop: AbortSignal,
): Promise<Recorded['lemmas'] | undefined> {
  const started = performance.now();
  const outcomes = { ...recorded.outcomes };
  const all = { by: '', asked: 0, agreed: 0 };
  const chosen = [...lemmas, ...twins].filter(({ id }) => isChosen(options, id));
  const ids = chosen.map(({ id }) => id);
  const work = { lemmas: ids, planted: false, milliseconds: options.budget * 1000, tells: beside !== undefined };
  let answered = 0;
  let questions: string[] = [];
  for await (const heard of provedOnThread(work, stop)) {
    if (heard.kind === 'closed') questions.push(heard.smtlib);
    if (heard.kind !== 'proved') continue;
    const lemma = chosen[answered++] as Lemma;
    reportLemma(lemma, heard.proof);
    outcomes[lemma.id] = heard.proof.outcome;
    if (beside === undefined || questions.length === 0) continue;
    const files = questions.map((smtlib, n) => written(beside.folder, lemma, n, smtlib));
    questions = [];
    const opinion = await beside.ask(files);
    say(`  second opinion: ${opinionText(opinion, files.length)}`);
    all.by = opinion.by;
    all.asked += opinion.asked;
    all.agreed += opinion.agreed;
  }
  if (wasInterrupted(stop, answered, chosen.length, 'lemmas')) return undefined;
  say(`lemmas: ${seconds(started)}\n`);
  return { ...recorded, date: today(), outcomes, ...opinionOf(options, all, recorded.secondOpinion) };
}

/** The file of a question of that lemma. */
function written(folder: string, { id }: Lemma, n: number, smtlib: string): string {
  const file = join(folder, `${id.replaceAll('/', '--')}-${n + 1}.smt2`);
  writeFileSync(file, smtlib);
  return file;
}

/** Solves the cells; gives the record with what is new, nothing when it was interrupted. */
async function proveCells(
  options: ProveOptions,
  recorded: Recorded['cells'],
  beside: SecondOpinion | undefined,
  stop: AbortSignal,
): Promise<Recorded['cells'] | undefined> {
  const started = performance.now();
  const chosen = properties.filter(({ id }) => isChosen(options, id));
  const cells = chosen.flatMap((property) => variants.map((kernel) => ({ property, kernel })));
  const show = progress();
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
  if (wasInterrupted(stop, answered, cells.length, 'cells')) return undefined;
  say(`cells: ${seconds(started)}\n`);
  const outcomes = { ...recorded.outcomes };
  for (const { property, kernel, cell } of answers)
    outcomes[property.id] = { ...outcomes[property.id], [kernel.name]: cell.outcome };
  const opinion = await beside?.ask(files, (n) => show.say(`second opinion: ${n} of ${files.length} files`));
  show.done();
  if (opinion) say(`second opinion: ${opinionText(opinion, files.length)}; ${seconds(started)}`);
  return { date: today(), budget: options.budget, outcomes, ...opinionOf(options, opinion, recorded.secondOpinion) };
}

/** Solves every structure up to a size on one variant after the other; gives the record with what is new, nothing when it was interrupted. */
async function proveStructures(
  options: ProveOptions,
  recorded: Recorded['structures'],
  stop: AbortSignal,
): Promise<Recorded['structures'] | undefined> {
  const { features, events } = options;
  const [from] = chooseScopes(options.scope, properties) as [RunScope];
  const scope = structuresOf(from, { features, events });
  say(`scope ${scope.name}: ${scope.text}`);
  const chosen = properties.filter(({ id }) => isChosen(options, id));
  const show = progress();
  const kernels = chooseVariants(options.variant ?? []);
  let now = recorded;
  for (const [n, kernel] of kernels.entries()) {
    const started = performance.now();
    const cells = chosen.map((property) => ({ property, kernel }));
    const budget = options.budget * 1000;
    const solved = await solveCells(cells, { budget, seed: SEED, scope, progress: show.say, stop });
    show.done();
    if (wasInterrupted(stop, n, kernels.length, 'variants')) return undefined;
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

/** Both engines on a fault that is planted for them; nothing when it was interrupted. */
async function provePlanted(options: ProveOptions, stop: AbortSignal): Promise<Recorded['planted'] | undefined> {
  const started = performance.now();
  const work = { lemmas: [], planted: true, milliseconds: options.budget * 1000, tells: false };
  let found: Planted | undefined;
  for await (const heard of provedOnThread(work, stop)) found = heard.kind === 'planted' ? heard.planted : found;
  if (wasInterrupted(stop, 0, 1, 'planted faults') || found === undefined) return undefined;
  const { isPassed, cell } = found;
  const isReplayed = cell.text !== null && breaks(chooseProperty(PLANTED_BREAKS), rareMark, cell.text);
  const sampled = isPassed ? 'sampled' : 'violated';
  const runs = `${PLANTED_RUNS.toLocaleString('en')} runs`;
  say(`planted: ${PLANTED_BREAKS} on ${rareMark.name}: fast-check, ${runs}: ${sampled}; z3: ${cell.outcome}`);
  for (const line of [...(cell.text?.host ?? []), ...(cell.text?.events ?? [])]) say(`    ${line}`);
  say(`  ${isReplayed ? 'breaks the plain source, too' : 'not replayed'}; ${seconds(started)}\n`);
  if (cell.outcome === 'undecided') seen.undecided++;
  else if (!isPassed || !isReplayed) seen.different++;
  return { 'fast-check': sampled, runs: PLANTED_RUNS, z3: cell.outcome };
}

/** Prints every answer when it is there, so that Ctrl-C loses none; exit code 1 when one is not as recorded, 3 when one is undecided. */
export async function proveVerb(options: ProveOptions): Promise<void> {
  const started = performance.now();
  if (options.record) needToRecord();
  const beside = options.secondOpinion === undefined ? undefined : await SecondOpinion.in(options.secondOpinion);
  say((await loadZ3()).version);
  const interrupt = interruptible();
  const proved = await proveParts(options, readResult('solver'), beside, interrupt.signal);
  interrupt.done();
  if (proved === undefined) return;
  say(`${seconds(started)}; ${seen.undecided} undecided, ${seen.different} other than recorded`);
  if (options.record) record('solver', proved);
  process.exitCode = seen.different > 0 ? EXIT.violated : seen.undecided > 0 ? EXIT.undecided : EXIT.done;
}

/** Proves the parts that are asked for, up to an interruption; the others are as they were. */
async function proveParts(
  options: ProveOptions,
  before: Recorded,
  beside: SecondOpinion | undefined,
  stop: AbortSignal,
): Promise<Recorded | undefined> {
  const isAsked = (part: ProveOptions['part']): boolean => options.part === undefined || options.part === part;
  const proven = isAsked('lemmas') ? await proveLemmas(options, before.lemmas, beside, stop) : before.lemmas;
  if (proven === undefined) return undefined;
  const planted = isAsked('planted') ? await provePlanted(options, stop) : before.planted;
  if (planted === undefined) return undefined;
  const cells = isAsked('cells') ? await proveCells(options, before.cells, beside, stop) : before.cells;
  if (cells === undefined) return undefined;
  const asked = isAsked('structures');
  const structures = asked ? await proveStructures(options, before.structures, stop) : before.structures;
  return structures === undefined ? undefined : { lemmas: proven, structures, planted, cells };
}
