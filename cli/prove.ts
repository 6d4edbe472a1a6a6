/**
 * `npm run prove`: closes what the solver can close and says what is left: the lemmas, their broken twins, every property
 * on every variant in its scope, and a planted fault that a search by chance passes.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { variants } from '../model/patch/index.ts';
import { properties } from '../properties/index.ts';
import { postHost, proofScopes } from '../properties/scopes/proofs.ts';
import { solved as recorded } from '../properties/solved.ts';
import { bulkSearch } from '../search/bulk.ts';
import { asRecorded } from '../search/outcome.ts';
import { breaks } from '../search/replays.ts';
import { SEED } from '../search/review.ts';
import { lemmas, twins } from '../solver/lemmas/index.ts';
import type { Lemma } from '../solver/lemmas/lemma.ts';
import { rareMark } from '../solver/planted.ts';
import * as liftedPlanted from '../solver/planted.ts?lifted';
import { type Proof, proveLemma } from '../solver/proveLemma.ts';
import { loadZ3, type Z3 } from '../solver/smt.ts';
import { solveCell } from '../solver/solveCell.ts';
import { type Solved, solveCells } from '../solver/solveCells.ts';
import { EXIT } from './exit.ts';
import { writeWhole } from './files.ts';
import { progress } from './progress.ts';

const HELP = `npm run prove -- [options]
  --part lemmas|cells|planted   one part instead of all
  --only WORD,WORD              lemmas and properties with one of those words in their id
  --budget SECONDS              for a lemma or a cell, 300 by default
  --second-opinion FOLDER       writes every question that was closed as SMT-LIB and asks an installed z3, too
  --record                      writes z3's answers to properties/solved.ts
exit code: 0 all closed as recorded, 1 something else than recorded, 3 something undecided`;

/** Runs of fast-check that pass the planted fault. */
const PLANTED_RUNS = 200_000;

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    'second-opinion': { type: 'string' },
    budget: { type: 'string', default: '300' },
    only: { type: 'string', default: '' },
    part: { type: 'string', default: 'all' },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const folder = values['second-opinion'];
const milliseconds = Number(values.budget) * 1000;

/** What happened so far: the worst of it is the exit code. */
const seen = { undecided: 0, different: 0 };

function isChosen(id: string): boolean {
  return values.only.split(',').some((word) => id.includes(word));
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function judge(outcome: string, record: string | undefined): string {
  if (outcome === 'undecided') seen.undecided++;
  else if (record !== undefined && !asRecorded(outcome, record)) seen.different++;
  return record === undefined || outcome === record ? '' : `, recorded: ${record}`;
}

/** What a solver that is installed beside says about the questions of a lemma; each was answered with unsat here. */
function secondOpinion(files: readonly string[]): string {
  const version = spawnSync('z3', ['--version'], { encoding: 'utf8' });
  if (version.error) return `${files.length} files written; no z3 is installed to ask (Debian: apt-get install z3)`;
  let agreed = 0;
  for (const file of files) {
    const answer = spawnSync('z3', ['-T:60', file], { encoding: 'utf8' }).stdout.trim();
    if (answer === 'sat') throw new Error(`second opinion: ${version.stdout.trim()} says sat to ${file}`);
    if (answer === 'unsat') agreed++;
  }
  return `${agreed} of ${files.length} confirmed by ${version.stdout.trim()}`;
}

function reportLemma(lemma: Lemma, proof: Proof, files: readonly string[]): void {
  console.log(`${lemma.id}: ${proof.outcome}${judge(proof.outcome, proof.expected)}`);
  console.log(`  ${lemma.claim}`);
  console.log(`  scope: ${lemma.scope}${lemma.assumes === '' ? '' : `\n  given: ${lemma.assumes}`}`);
  for (const cell of proof.cells) {
    const why = cell.reason ?? (cell.witness ? `${JSON.stringify(cell.witness)}, breaks the plain source, too` : '');
    const time = `${(cell.milliseconds / 1000).toFixed(2)} s`;
    console.log(`  ${cell.cell}: ${cell.outcome}, paths ${cell.paths}, queries ${cell.queries}, ${time} ${why}`);
  }
  const { runs, met, agreed } = proof.native;
  console.log(`  plain: ${runs} runs, ${met} met the assumptions, ${agreed} also lifted, all agree`);
  if (folder !== undefined && files.length > 0) console.log(`  second opinion: ${secondOpinion(files)}`);
}

function proveLemmas(z3: Z3): void {
  const started = performance.now();
  for (const lemma of [...lemmas, ...twins]) {
    if (!isChosen(lemma.id)) continue;
    const files: string[] = [];
    const onClosed = (id: string, _cell: string, smtlib: string): void => {
      const file = join(folder ?? '', `${id.replaceAll('/', '--')}-${files.length + 1}.smt2`);
      writeFileSync(file, smtlib);
      files.push(file);
    };
    reportLemma(
      lemma,
      proveLemma(z3, lemma, folder === undefined ? { milliseconds } : { milliseconds, onClosed }),
      files,
    );
  }
  console.log(`lemmas: ${seconds(started)}\n`);
}

async function proveCells(): Promise<void> {
  const started = performance.now();
  const chosen = properties.filter(({ id }) => isChosen(id));
  const cells = chosen.flatMap((property) => variants.map((kernel) => ({ property, kernel })));
  const show = progress();
  for (const { name, text } of Object.values(proofScopes)) console.log(`scope ${name}: ${text}`);
  const report = ({ property, kernel, cell }: Solved): void => {
    const difference = judge(cell.outcome, recorded[property.id]?.[kernel.name]);
    const effort = `${cell.closed} of ${cell.shapes} shapes, paths ${cell.paths}, queries ${cell.queries}`;
    const time = `${(cell.milliseconds / 1000).toFixed(1)} s`;
    const why = cell.reason === '' ? '' : `; ${cell.reason}`;
    show.done();
    console.log(`${property.id} on ${kernel.name}: ${cell.outcome}${difference}, ${effort}, ${time}${why}`);
    if (cell.text !== null && !breaks(property, kernel, cell.text)) throw new Error('a finding that breaks nothing');
  };
  const answers = await solveCells(cells, { budget: milliseconds, seed: SEED, progress: show.say, onSolved: report });
  show.done();
  const record: Record<string, Record<string, string>> = {};
  for (const { property, kernel, cell } of answers)
    record[property.id] = { ...record[property.id], [kernel.name]: cell.outcome };
  console.log(`cells: ${seconds(started)}\n`);
  if (values.record) writeRecord({ ...recorded, ...record });
}

function writeRecord(record: Readonly<Record<string, Readonly<Record<string, string>>>>): void {
  const words = (row: Readonly<Record<string, string>>) =>
    Object.entries(row).map(([name, outcome]) => `${/-/.test(name) ? `'${name}'` : name}: '${outcome}'`);
  const rows = Object.entries(record).map(([id, row]) => `  '${id}': {\n    ${words(row).join(',\n    ')},\n  },\n`);
  const head =
    '/** What z3 said of each cell in the scope of its property (properties/scopes/proofs.ts); written by `npm run prove -- --record`. A cell without an entry was not asked. */';
  const type = 'Readonly<Record<string, Readonly<Record<string, string>>>>';
  writeWhole('properties/solved.ts', `${head}\nexport const solved: ${type} = {\n${rows.join('')}};\n`);
}

/** Both engines on a fault that is planted for them. */
function provePlanted(z3: Z3): void {
  const started = performance.now();
  const property = properties.find(({ id }) => id === 'header-matches-socket');
  if (property === undefined) throw new Error('the property of the planted fault is gone');
  const search = { properties: [property], kernels: [rareMark], seed: SEED, failures: 1, path: '' };
  const { tallies } = bulkSearch({ ...search, runs: PLANTED_RUNS, budget: Number.POSITIVE_INFINITY, progress() {} });
  const [tally] = tallies;
  const isPassed = tally !== undefined && tally.failures.length === 0 && tally.occurred > 0;
  const cell = solveCell(z3, property, rareMark, postHost, {
    budget: milliseconds,
    seed: SEED,
    twin: liftedPlanted.rareMark,
  });
  const isReplayed = cell.text !== null && breaks(property, rareMark, cell.text);
  const passed = `fast-check, ${PLANTED_RUNS.toLocaleString('en')} runs: ${isPassed ? 'sampled' : 'violated'}`;
  console.log(`planted: ${property.id} on ${rareMark.name}: ${passed}; z3: ${cell.outcome}`);
  for (const line of [...(cell.text?.host ?? []), ...(cell.text?.events ?? [])]) console.log(`    ${line}`);
  console.log(`  ${isReplayed ? 'breaks the plain source, too' : 'not replayed'}; ${seconds(started)}\n`);
  if (cell.outcome === 'undecided') seen.undecided++;
  else if (!isPassed || !isReplayed) seen.different++;
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  const started = performance.now();
  const isAsked = (part: string): boolean => values.part === 'all' || values.part === part;
  const z3 = await loadZ3();
  console.log(z3.version);
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  if (isAsked('lemmas')) proveLemmas(z3);
  if (isAsked('planted')) provePlanted(z3);
  if (isAsked('cells')) await proveCells();
  console.log(`${seconds(started)}; ${seen.undecided} undecided, ${seen.different} other than recorded`);
  process.exitCode = seen.different > 0 ? EXIT.violated : seen.undecided > 0 ? EXIT.undecided : EXIT.done;
}

await main();
