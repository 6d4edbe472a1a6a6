/**
 * `npm run conformance -- [--cases N] [--seed S] [--save] [--quick]`: N wire scenarios and twenty times as many routing
 * answers, on the model and on the running kernel. Prints the seed, what was compared, and every disagreement as a small
 * scenario; with --quick only the first, as it was drawn.
 */
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CASES, observe } from './cases.ts';
import { coverageText } from './coverage.ts';
import { campaignText, disagreementText } from './report.ts';
import { campaign, type Disagreement, type Kind, QUESTIONS_PER_HOST } from './run.ts';
import { openPlayer, type Player, prerequisites } from './running/player.ts';

const ANSWERS_PER_CASE = 20;

/** As the program: agreed, differed, bad usage, a part of the machine is missing. */
const EXIT = { done: 0, differs: 1, usage: 2, missing: 4 } as const;

function whole(word: string | undefined, fallback: number): number {
  if (word === undefined) return fallback;
  if (!/^\d{1,9}$/.test(word)) throw new Error(`"${word}" is not a number; write a whole number from 0`);
  return Number(word);
}

function showProgress(kind: Kind, cases: number): (done: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done) => process.stderr.write(done < cases ? `\r${kind} ${done}/${cases} ` : '\r\x1b[K');
}

/** Stores a disagreement as a case, with what the kernel does. */
async function save(player: Player, seed: number, found: Disagreement): Promise<void> {
  const told = {
    title: found.differences.map(({ what, kernel }) => `${what}: ${kernel}`).join('; '),
    origin: `npm run conformance -- --seed ${seed}, ${found.kind} case ${found.index}`,
    observed: `Linux ${release()}, ${new Date().toISOString().slice(0, 10)}`,
  };
  const path = join(CASES, `${found.kind}-${seed}-${found.index}.json`);
  writeFileSync(path, `${JSON.stringify(await observe(player, found.text, told), null, 2)}\n`);
  process.stdout.write(`stored as ${path}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string' },
      seed: { type: 'string' },
      save: { type: 'boolean' },
      quick: { type: 'boolean' },
    },
  });
  const cases = whole(values.cases, 1000);
  const seed = whole(values.seed, Math.floor(Math.random() * 1e9));
  const missing = prerequisites();
  if (missing.length > 0) {
    process.stderr.write(`conformance: ${missing.join('; ')}\n`);
    return EXIT.missing;
  }
  const player = openPlayer();
  let differs = false;
  try {
    process.stdout.write(`Linux ${release()}, seed ${seed}\n`);
    for (const kind of ['routing', 'wire'] as const) {
      const count = kind === 'wire' ? cases : Math.ceil((cases * ANSWERS_PER_CASE) / QUESTIONS_PER_HOST);
      const progress = showProgress(kind, count);
      const [enough, shrinking] = values.quick ? [1, 0] : [3, 60];
      const result = await campaign(player, { kind, seed, cases: count, enough, shrinking, progress });
      process.stdout.write(`${campaignText(result)}\n`);
      if (kind === 'wire' && !values.quick) process.stdout.write(`${coverageText(result.coverage)}\n`);
      for (const found of result.disagreements) {
        process.stdout.write(`${disagreementText(found)}\n`);
        if (values.save) await save(player, seed, found);
      }
      differs ||= result.disagreements.length > 0;
      if (differs && values.quick) break;
    }
  } finally {
    await player.close();
  }
  return differs ? EXIT.differs : EXIT.done;
}

// Whoever reads the output may leave, as `head` does: the status is that of SIGPIPE.
process.stdout.on('error', () => process.exit(141));
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`conformance: ${(error as Error).message}\n`);
  process.exitCode = EXIT.usage;
}
