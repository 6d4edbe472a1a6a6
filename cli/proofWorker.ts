/** A worker thread that proves lemmas, and the planted fault, with a z3 of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { properties } from '../properties/index.ts';
import { postHost } from '../properties/scopes/proofs.ts';
import { bulkSearch } from '../search/bulk.ts';
import { SEED } from '../search/review.ts';
import { lemmas, twins } from '../solver/lemmas/index.ts';
import { rareMark } from '../solver/planted.ts';
import * as liftedPlanted from '../solver/planted.ts?lifted';
import { proveLemma } from '../solver/proveLemma.ts';
import { loadZ3, type Z3 } from '../solver/smt.ts';
import { solveCell } from '../solver/solveCell.ts';
import { type Heard, PLANTED_BREAKS, PLANTED_RUNS, type Planted, type Work } from './proofThread.ts';

/** Both engines on a fault that is planted for them. */
function provePlanted(z3: Z3, budget: number): Planted {
  const property = properties.find(({ id }) => id === PLANTED_BREAKS);
  if (property === undefined) throw new Error('the property of the planted fault is gone');
  const search = { properties: [property], kernels: [rareMark], seed: SEED, failures: 1, path: '' };
  const [tally] = bulkSearch({ ...search, runs: PLANTED_RUNS });
  const isPassed = tally !== undefined && tally.failures.length === 0 && tally.occurred > 0;
  const cell = solveCell(z3, property, rareMark, postHost, { budget, seed: SEED, twin: liftedPlanted.rareMark });
  return { isPassed, cell };
}

if (parentPort === null) throw new Error('no thread to answer to');
const port = parentPort;
const { lemmas: ids, planted, milliseconds, tells } = workerData as Work;
const say = (heard: Heard) => port.postMessage(heard);
const onClosed = (_lemma: string, _cell: string, smtlib: string) => say({ kind: 'closed', smtlib });
const z3 = await loadZ3();
for (const id of ids) {
  const lemma = [...lemmas, ...twins].find((one) => one.id === id);
  if (lemma === undefined) throw new Error(`no lemma ${id}`);
  say({ kind: 'proved', proof: proveLemma(z3, lemma, tells ? { milliseconds, onClosed } : { milliseconds }) });
}
if (planted) say({ kind: 'planted', planted: provePlanted(z3, milliseconds) });
