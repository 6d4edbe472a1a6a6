/** `reroute-check mutants`: which promise notices each systematic change of the patch's texts, or of the model. */
import { loadScenario } from '../../scenario/scenario.ts';
import type { Tried } from '../../tools/mutants/judge.ts';
import { EXIT } from '../exit.ts';
import { counterexampleFiles } from '../files.ts';
import { HOME, needSources } from '../place.ts';
import { progress } from '../progress.ts';
import { needToRecord, type Results, readResult, record, today } from '../results.ts';

/** Texts that are changed together, by the name that they are asked by. */
const TEXTS = {
  'icmp-only': ['icmp-only'],
  'tcp-rehash': ['tcp-rehash'],
  'ask-first': ['ask-first'],
  mended: ['tcp-rehash-mended', 'icmp-only-mended'],
} as const;

const MODEL = 'model';

/** Turns of a conformance run, two dozen cases each, that mutants of the model meet: as many as `conformance` asks where nothing else is said. */
const TURNS = 100;

export type HuntName = keyof typeof TEXTS | typeof MODEL;

export interface HuntOptions {
  readonly seed: number;
  readonly sample: number;
  readonly hosts: number;
  /** Times that hosts are drawn, for texts. */
  readonly rounds: number;
  /** Seconds for one change of a text in a round, and for all of the model. */
  readonly budget: number;
  /** Whether the tests of the model meet what is left. */
  readonly tests?: boolean;
  readonly record?: boolean;
}

type Score = Results['hunted']['scores'][number];

/** `model/patch/mended.h:12  a < b -> true`, and what was seen of it, or why it is no other patch. */
function survivorOf(tried: Tried): string {
  const { file, line, from, to, reason } = tried;
  return `${file}:${line}  ${from} -> ${to}  (${reason || howFar(tried)})`;
}

function scoreOf(what: HuntName, all: readonly Tried[]): Omit<Score, 'command'> {
  const valid = all.filter(({ invalid }) => !invalid);
  const survivors = valid.filter(({ promise }) => promise === '');
  const compared = survivors.filter((one) => one.compared);
  const tested = survivors.filter((one) => one.test !== '');
  const left = survivors.filter(({ reason, compared, test }) => reason === '' && !compared && test === '');
  return {
    what,
    mutants: valid.length,
    killed: valid.length - survivors.length,
    equivalent: survivors.length - left.length - compared.length - tested.length,
    ...(what === MODEL ? { compared: compared.length, tested: tested.length } : {}),
    seen: left.filter(({ seen }) => seen > 0).length,
    same: left.filter(({ different, reached }) => different === 0 && reached > 0).length,
    unreached: left.filter(({ reached }) => reached === 0).length,
    survivors: [...left, ...survivors.filter(({ reason }) => reason !== '')].map(survivorOf),
  };
}

/** Prints the survivors, and how many of each text were killed. */
export async function hunt(names: readonly HuntName[], options: HuntOptions): Promise<void> {
  needSources('mutants');
  if (options.record) needToRecord();
  const { seed, hosts, rounds, budget, sample } = options;
  const stored = counterexampleFiles().map((file) => {
    const { variant = '', host, events } = loadScenario(file);
    return { variant, host, events };
  });
  const show = progress();
  const scores: Score[] = [];
  const how = `--seed ${seed} --hosts ${hosts} --rounds ${rounds} --budget ${budget} --sample ${sample}${options.tests ? ' --tests' : ''}`;
  for (const what of names.length > 0 ? names : (Object.keys(TEXTS) as HuntName[])) {
    const all = await huntOf(what, { ...options, stored, progress: (words) => show.say(`${what}: ${words}`) });
    show.done();
    const score = { ...scoreOf(what, all), command: `reroute-check mutants ${what} ${how}` };
    for (const one of score.survivors) process.stdout.write(`survives  ${one}\n`);
    process.stdout.write(`${scoreText(score)}\n`);
    scores.push(score);
  }
  if (options.record) {
    const others = readResult('hunted').scores.filter(({ what }) => !scores.some((one) => one.what === what));
    record('hunted', { date: today(), scores: [...others, ...scores] });
  }
  if (scores.some(({ mutants }) => mutants === 0)) process.exitCode = EXIT.undecided;
}

type Told = Pick<Parameters<typeof import('../../tools/mutants/run.ts').runMutants>[0], 'stored' | 'progress'>;

async function huntOf(what: HuntName, options: HuntOptions & Told): Promise<readonly Tried[]> {
  const { budget: seconds } = options;
  if (what === MODEL) {
    const { runMutants } = await import('../../tools/mutants/run.ts');
    return runMutants({ ...options, folder: HOME, seconds, turns: TURNS });
  }
  const { huntTexts } = await import('../../tools/mutants/texts.ts');
  return huntTexts({ ...options, folder: HOME, texts: TEXTS[what], seconds });
}

/** What was seen of a mutant that is left. */
function howFar({ reached, different, seen }: Pick<Tried, 'reached' | 'different' | 'seen'>): string {
  if (reached === 0) return 'never reached';
  const where = `reached in ${reached.toLocaleString('en')} scenarios`;
  if (different === 0) return `${where}, nothing different`;
  return `${where}, different in ${different.toLocaleString('en')}, on the wire in ${seen.toLocaleString('en')}`;
}

/** `tcp-rehash: promises kill 90 of 95 mutants (94.7 %), besides 5 that are no other patch; of the others …` */
export function scoreText({ what, ...score }: Omit<Score, 'survivors' | 'command'>): string {
  return `${what}: promises kill ${scoreWords(score)}`;
}

/** `90 of 95 mutants (94.7 %), besides 5 that are no other patch; of the others 4 never reached, …` */
export function scoreWords(score: Omit<Score, 'what' | 'survivors' | 'command'>): string {
  const { mutants, killed, compared = 0, tested = 0, equivalent, seen, same, unreached } = score;
  const counted = mutants - equivalent;
  const percent = counted === 0 ? '' : ` (${((100 * killed) / counted).toFixed(1)} %)`;
  const found = killed + compared + tested;
  const further = tested === 0 ? '' : `, the tests ${tested} more`;
  const both =
    found === killed
      ? ''
      : `, a conformance run ${compared} more${further}, together ${found} (${((100 * found) / counted).toFixed(1)} %)`;
  const others = `${unreached} never reached, ${same} without any difference, ${seen} with other packets or deliveries`;
  return `${killed} of ${counted} mutants${percent}${both}, besides ${equivalent} that are no other patch; of the others ${others}`;
}
