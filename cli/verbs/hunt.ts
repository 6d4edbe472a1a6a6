/** `reroute-check mutants`: which promise notices each systematic change of the patch's text, or of the model. */
import type { Hunted } from '../../tools/mutants/run.ts';
import { EXIT } from '../exit.ts';
import { HOME, needSources } from '../place.ts';
import { progress } from '../progress.ts';
import { needToRecord, type Results, readResult, record, today } from '../results.ts';

/** Texts of the patch that are mutated unless somebody names others. */
const TEXTS = ['icmp-only', 'tcp-rehash', 'icmp-only-mended', 'tcp-rehash-mended'];

export interface HuntOptions {
  readonly seed: number;
  readonly sample: number;
  /** Seconds for each text. */
  readonly budget: number;
  readonly record?: boolean;
}

type Score = Results['hunted']['scores'][number];

/** `model/patch/mended.h:12  ConditionalExpression: a < b -> true` */
function nameOf({ file, line, kind, from, to }: Hunted): string {
  return `${file}:${line}  ${kind}: ${from} -> ${to}`;
}

function scoreOf(what: string, all: readonly Hunted[]): Score {
  const valid = all.filter(({ invalid }) => !invalid);
  const left = valid.filter(({ promise }) => promise === '');
  return {
    what,
    mutants: valid.length,
    killed: valid.length - left.length,
    seen: left.filter(({ seen }) => seen > 0).length,
    same: left.filter(({ different, reached }) => different === 0 && reached > 0).length,
    unreached: left.filter(({ reached }) => reached === 0).length,
  };
}

/** Prints the survivors, and how many of each text were killed. */
export async function hunt(names: readonly string[], options: HuntOptions): Promise<void> {
  needSources('mutants');
  if (options.record) needToRecord();
  const { runMutants } = await import('../../tools/mutants/run.ts');
  const { seed, sample, budget } = options;
  const show = progress();
  const scores: Score[] = [];
  for (const what of names.length > 0 ? names : TEXTS) {
    const say = (words: string) => show.say(words);
    const all = await runMutants({ folder: HOME, what, sample, seed, seconds: budget, progress: say });
    show.done();
    for (const one of all.filter(({ promise, invalid }) => promise === '' && !invalid))
      process.stdout.write(`survives  ${nameOf(one)}  (${howFar(one)})\n`);
    const score = scoreOf(what, all);
    scores.push(score);
    process.stdout.write(`${scoreText(score)}\n`);
  }
  if (options.record) {
    const others = readResult('hunted').scores.filter(({ what }) => !scores.some((one) => one.what === what));
    const command = `reroute-check mutants --seed ${seed} --budget ${budget}`;
    record('hunted', { date: today(), command, scores: [...others, ...scores] });
  }
  if (scores.some(({ mutants }) => mutants === 0)) process.exitCode = EXIT.undecided;
}

/** What was seen of a mutant that is left. */
function howFar({ reached, different, seen }: Hunted): string {
  if (reached === 0) return 'never reached';
  const where = `reached in ${reached.toLocaleString('en')} scenarios`;
  if (different === 0) return `${where}, nothing different`;
  return `${where}, different in ${different.toLocaleString('en')}, on the wire in ${seen.toLocaleString('en')}`;
}

/** `tcp-rehash: promises kill 90 of 100 mutants; of the others 4 are never reached, 5 change nothing that was seen, 1 packets` */
export function scoreText({ what, mutants, killed, seen, same, unreached }: Score): string {
  const others = `${unreached} never reached, ${same} without any difference, ${seen} with other packets or deliveries`;
  return `${what}: promises kill ${killed} of ${mutants} mutants; of the others ${others}`;
}
