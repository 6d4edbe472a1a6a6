/** How fast the built solver answers, from the start of its process. Trust the ratios: the machine's load changes the rest. */
import { spawnSync } from 'node:child_process';
import { bench, describe } from 'vitest';

const FEW = { iterations: 3, time: 0, warmupIterations: 0, warmupTime: 0 };

/** Runs a built program; throws when it ends otherwise than it should. */
function run(expected: number, program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [`dist/${program}.js`, ...args], { encoding: 'utf8' });
  if (status !== expected) throw new Error(`${program} ${args.join(' ')}: ${status}\n${stderr}`);
}

describe('a broken cell, from the start of the process to the small counterexample (to reach: 1 s)', () => {
  bench(
    'z3',
    () => run(1, 'reroute-check', 'search', 'source-fits-route', '--variant', 'stock', '--engine', 'z3'),
    FEW,
  );
  bench(
    'fast-check, 2,000 scenarios',
    () => run(1, 'reroute-check', 'search', 'source-fits-route', '--variant', 'stock', '--runs', '2000'),
    FEW,
  );
});

describe('what does not solve never loads z3', () => {
  bench('--help', () => run(0, 'reroute-check', '--help'), FEW);
  bench('replay', () => run(1, 'reroute-check', 'replay', 'counterexamples/source-fits-route/stock.json'), FEW);
});

describe('lemmas, closed and refuted, with their runs on plain numbers', () => {
  const only =
    (...words: readonly string[]) =>
    () =>
      run(0, 'reroute-check', 'prove', '--part', 'lemmas', ...words);
  bench(
    'reroute, 2 rules x 2 tables x 2 routes, with two twins (to reach: 2 s each)',
    only('--only', 'source-is-preferred'),
    FEW,
  );
  bench('reroute, 8 rules x 4 tables x 8 routes (to reach: 30 s)', only('--only', 'preferred-large'), FEW);
  bench('all (to reach: 60 s)', only(), { ...FEW, iterations: 1 });
});
