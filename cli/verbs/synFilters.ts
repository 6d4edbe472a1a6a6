/** `reroute-check syn-filters`: what version 2 makes of the Fast Open promises with each condition on the SYNs that it moves. */
import { filtered } from '../../model/patch/syn-filters.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { fastOpenHosts, refusedSyns } from '../../properties/scopes/runs.ts';
import { bulkSearch } from '../../search/bulk.ts';
import { RUNS, SEED } from '../../search/review.ts';
import { chooseProperties } from '../choose.ts';
import { promisesTable } from '../documents/synFilters.ts';
import { progress } from '../progress.ts';
import { needToRecord, record } from '../results.ts';

export interface SynFiltersOptions {
  readonly seed?: number;
  readonly runs?: number;
  readonly record?: boolean;
}

/** The promises about Fast Open. */
const PROMISES = [
  'cookie-from-its-address',
  'cookie-used-again',
  'syn-data-delivered-once',
  'fast-open-fallback-answerable',
];

/** Where SYNs with cookies and data are drawn, and such as a filter drops. */
const SCOPES = [fastOpenHosts, refusedSyns];

/** The name of a condition in the record; `always` is version 2 as published. */
export function conditionOf(variant: string): string {
  return variant === tcpRehash.name ? 'always' : variant.replace(`${tcpRehash.name}-`, '');
}

/** Searches, and prints the outcomes. */
export function synFiltersVerb({ seed = SEED, runs = RUNS, ...options }: SynFiltersOptions): void {
  if (options.record) needToRecord();
  const show = progress();
  const kernels = [tcpRehash, ...filtered];
  const tallies = bulkSearch(
    { properties: chooseProperties(PROMISES), kernels, scopes: SCOPES, seed, runs, path: '', failures: 1 },
    (done, of) => show.say(`${done.toLocaleString('en')} of ${of.toLocaleString('en')} scenarios`),
  );
  show.done();
  const paths: Record<string, Record<string, string>> = {};
  for (const { property, kernel, failures } of tallies) {
    const name = conditionOf(kernel.name);
    paths[name] = { ...paths[name], [property.id]: failures[0]?.path ?? '' };
  }
  process.stdout.write(`${promisesTable(paths)}\n`);
  const command = `reroute-check syn-filters --seed ${seed} --runs ${runs}`;
  if (options.record) record('syn-filters', { command, runs: Math.max(...tallies.map((tally) => tally.runs)), paths });
}
