/** `npm run prove`: closes all lemmas, refutes their broken twins, and says how. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { lemmas, twins } from '../properties/lemmas/index.ts';
import type { Lemma } from '../properties/lemmas/lemma.ts';
import { type Proof, prove } from '../search/z3/prove.ts';
import { loadZ3 } from '../search/z3/smt.ts';
import { EXIT } from './exit.ts';

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    'second-opinion': { type: 'string' },
    budget: { type: 'string', default: '120' },
    only: { type: 'string' },
  },
});
const folder = values['second-opinion'];

/** What a solver that is installed beside says about the questions of a lemma; each was answered with unsat here. */
function secondOpinion(files: readonly string[]): string {
  let agreed = 0;
  for (const file of files) {
    const { error, stdout } = spawnSync('z3', ['-T:60', file], { encoding: 'utf8' });
    if (error) return `${files.length} files written, no z3 installed`;
    const answer = stdout.trim();
    if (answer === 'sat') throw new Error(`second opinion: z3 says sat to ${file}`);
    if (answer === 'unsat') agreed++;
  }
  return `${agreed} of ${files.length} confirmed`;
}

function report(lemma: Lemma, proof: Proof, files: readonly string[]): void {
  const mark = proof.outcome === proof.expected ? '' : `, recorded: ${proof.expected}`;
  console.log(`${lemma.id}: ${proof.outcome}${mark}`);
  console.log(`  ${lemma.claim}`);
  console.log(`  scope: ${lemma.scope}${lemma.assumes === '' ? '' : `\n  given: ${lemma.assumes}`}`);
  for (const { cell, outcome, paths, queries, milliseconds, reason, witness } of proof.cells) {
    const why = reason ?? (witness ? JSON.stringify(witness) : '');
    console.log(
      `  ${cell}: ${outcome}, paths ${paths}, queries ${queries}, ${(milliseconds / 1000).toFixed(2)} s ${why}`,
    );
  }
  const { runs, met, agreed } = proof.native;
  console.log(`  plain: ${runs} runs, ${met} met the assumptions, ${agreed} also lifted, all agree`);
  if (folder !== undefined && files.length > 0) console.log(`  second opinion: ${secondOpinion(files)}`);
}

const z3 = await loadZ3();
console.log(z3.version);
if (folder !== undefined) mkdirSync(folder, { recursive: true });
const started = performance.now();
const deadline = started + Number(values.budget) * 1000;
let worst: number = EXIT.done;
for (const lemma of [...lemmas, ...twins]) {
  if (values.only !== undefined && !lemma.id.includes(values.only)) continue;
  const files: string[] = [];
  const onClosed = (id: string, _cell: string, smtlib: string): void => {
    const file = join(folder ?? '', `${id.replaceAll('/', '--')}-${files.length + 1}.smt2`);
    writeFileSync(file, smtlib);
    files.push(file);
  };
  const milliseconds = Math.max(1, deadline - performance.now());
  const proof = prove(z3, lemma, folder === undefined ? { milliseconds } : { milliseconds, onClosed });
  report(lemma, proof, files);
  if (proof.outcome !== proof.expected) {
    worst = Math.max(
      worst === EXIT.violated ? 0 : worst,
      proof.outcome === 'undecided' ? EXIT.undecided : EXIT.violated,
    );
  }
}
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exitCode = worst;
