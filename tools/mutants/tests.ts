/** Which mutants the tests of the model find: each is put into its file, and the tests run until one fails. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { wrong } from '../../scenario/error.ts';
import type { Mutant } from './instrument.ts';
import { VARIABLE } from './mutantPlugin.ts';

/** The model's own tests, which take seconds. What other tests play, the promises and a conformance run have looked at before. */
const TESTS = ['test/model'];

/** Milliseconds after which a run does not end any more. */
const ENDLESS = 300_000;

export interface TestedOptions {
  readonly folder: string;
  readonly mutants: readonly Mutant[];
  readonly progress: (left: number) => void;
}

/** The first test that fails, by the id of the mutant; none for one that all tests pass. They have to pass with one that changes nothing. */
export async function testedMutants({
  folder,
  mutants,
  progress,
}: TestedOptions): Promise<ReadonlyMap<string, string>> {
  const [first] = mutants;
  if (first === undefined) return new Map();
  const { replacement } = first;
  const same = { ...first, replacement: { ...replacement, text: replacement.original } };
  const without = await firstFailing(folder, same);
  if (without !== '') wrong(`--tests: a test fails without a mutant: ${without}`);
  const found = new Map<string, string>();
  const queue = [...mutants];
  const work = async () => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const failing = await firstFailing(folder, mutant);
      if (failing !== '') found.set(mutant.id, failing);
      progress(queue.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return found;
}

/** The name of the first test that fails; '' when none does. */
async function firstFailing(folder: string, mutant: Mutant): Promise<string> {
  const own = mkdtempSync(join(tmpdir(), 'reroute-mutant-'));
  const output = join(own, 'tests.json');
  const words = ['run', '--bail=1', '--maxWorkers=1', '--reporter=json', `--outputFile=${output}`];
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  const child = spawn(execPath, [vitest, ...words, ...TESTS], {
    cwd: folder,
    stdio: 'ignore',
    timeout: ENDLESS,
    killSignal: 'SIGKILL',
    env: { ...env, [VARIABLE]: JSON.stringify(mutant.replacement) },
  });
  try {
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    if (code === 0) return '';
    return code === null ? 'a test that does not end' : failingIn(output);
  } finally {
    rmSync(own, { recursive: true });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function failingIn(output: string): string {
  try {
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as Report;
    for (const { assertionResults } of testResults)
      for (const { status, fullName } of assertionResults) if (status === 'failed') return fullName;
    return 'a file that does not load';
  } catch {
    return 'a file that does not load';
  }
}
