/**
 * One shape on one kernel, with all its numbers at once: the shape is explored once, and every promise is asked at the end of each path.
 *
 * Hash functions are uninterpreted: of jhash and of the initial sequence number nothing is known but that equal tuples
 * give equal values. What z3 finds counts only after the plain source has done the same with the real functions, and what
 * it closes only after its terms have said of drawn inputs what the plain source says.
 */
import * as liftedPatch from '../model/patch/index.ts?lifted';
import type { Kernel } from '../model/types/world.ts';
import * as liftedProperties from '../properties/index.ts?lifted';
import * as liftedKeeps from '../properties/keeps.ts?lifted';
import type { Property } from '../properties/property.ts';
import type { ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import type { Text } from '../scenario/text.ts';
import { breakingNear, type Played, playDrawn } from './drawn.ts';
import { evaluateRuns } from './evaluate.ts';
import { type ExploreOptions, exploreAll, type JointExploration, type Path, type Promises } from './explore.ts';
import { type Fresh, uninterpreted } from './inputs.ts';
import { runningEngine } from './runtime.ts';
import { templateOf } from './shapeTerms.ts';
import { familiarNumbers, placesOf } from './shapeText.ts';
import type { Z3 } from './smt.ts';
import { type Bool, InternalError, type NumTerm } from './terms/term.ts';
import { Valuation } from './terms/valuation.ts';

/** Milliseconds for making the numbers of a witness familiar; the text is made small afterwards. */
const FAMILIAR = 150;

/** Ways through the model in which one promise of several has to become one term; otherwise it is asked by itself. */
const WHOLE = 20_000;

/** Steps of z3 for a question about one promise of several. */
const STEPS = 1_000_000;

/** Ways that are merged at most where a promise is asked by itself: sums and repetitions, for which it is asked so, merge badly, logic well. */
const WAYS = [1, 16, 256] as const;

/** Milliseconds for each of them, until the time is up. */
const ROUNDS = [10_000, 30_000, 300_000] as const;

const WORD = 2 ** 32 - 1;

/** The functions that are uninterpreted, and the names of their uses. */
const HASHES = { inet_ehashfn: 'ehash', secure_tcp_seq: 'isn' } as const;

/** A kernel in the source that takes terms. */
export type LiftedKernel = Readonly<Record<string, unknown>>;

/** Promises about one shape on one kernel. */
export interface ShapeQuestion {
  readonly places: ShapeScope['places'];
  readonly shape: ProofShape;
  readonly properties: readonly Property[];
  readonly kernel: Kernel;
  readonly twin: LiftedKernel;
  readonly seed: number;
  /** Milliseconds. */
  readonly budget: number;
  /** Whether the questions are shown that were answered with unsat. */
  readonly showing?: boolean;
}

/** What is known of one promise on a shape. */
export interface ShapeAnswer {
  readonly outcome: 'violated' | 'closed' | 'open';
  /** A scenario that breaks it on the plain source; not yet small. */
  readonly text: Text | null;
  /** Why it is open; '' otherwise. */
  readonly reason: string;
  /** Inputs of the agreement check, and in how many the case of the promise occurred. */
  readonly agreed: number;
  readonly occurred: number;
}

export interface SolvedShape {
  /** One for each promise. */
  readonly answers: readonly ShapeAnswer[];
  readonly paths: number;
  readonly queries: number;
  /** Those on which the closed promises rest, as SMT-LIB text; none where they are not shown. */
  readonly questions: readonly string[];
}

/** The twin of a kernel among the variants. */
export function liftedKernel({ name, release }: Kernel): LiftedKernel {
  const twin = liftedPatch.kernelNamed(name, release) as LiftedKernel | undefined;
  if (!twin) throw new InternalError(`${name} has no lifted twin`);
  return twin;
}

function liftedProperty({ id }: Property): unknown {
  const twin = (liftedProperties.properties as { readonly id: string }[]).find((one) => one.id === id);
  if (!twin) throw new InternalError(`${id} has no lifted twin`);
  return twin;
}

function withoutHashes(kernel: LiftedKernel): LiftedKernel {
  const hashes = Object.entries(HASHES).map(([field, name]) => [field, uninterpreted(name, 0, WORD)]);
  return { ...kernel, ...Object.fromEntries(hashes) };
}

function open(reason: string): ShapeAnswer {
  return { outcome: 'open', text: null, reason, agreed: 0, occurred: 0 };
}

function violated(text: Text): ShapeAnswer {
  return { outcome: 'violated', text, reason: '', agreed: 0, occurred: 0 };
}

/** What drawn inputs break at once. The terms have to say the same of such an input. */
export function breakDrawn(question: ShapeQuestion): SolvedShape {
  const { places, shape, properties, kernel, twin, seed } = question;
  const played = playDrawn({ places }, shape, properties, kernel, seed);
  const answers = properties.map((_, at) => played.find(({ kept }) => !kept[at]));
  if (answers.some((broken) => broken !== undefined)) {
    const template = templateOf({ places }, shape);
    for (const input of new Set(answers)) {
      if (input === undefined) continue;
      const broken = properties.filter((_, at) => answers[at] === input);
      const [onTerms] = evaluateRuns(
        [input.numbers],
        (fresh) => {
          const run = liftedKeeps.played(twin, template(fresh));
          return broken.map((property) => liftedKeeps.keeps(liftedProperty(property), run));
        },
        'following',
      );
      const kept = (onTerms as readonly boolean[]).indexOf(true);
      if (kept >= 0) throw disagreement(broken[kept] as Property, kernel, shape, input.text);
    }
  }
  return {
    answers: answers.map((input) => (input === undefined ? open('') : violated(input.text))),
    paths: 0,
    queries: 0,
    questions: [],
  };
}

/** All promises together. What would keep the others waiting is left open. */
export function solveTogether(z3: Z3, question: ShapeQuestion): SolvedShape {
  const { places, shape, properties, twin, budget } = question;
  const template = templateOf({ places }, shape);
  const apart = new Set<number>();
  let ways: Path[] = [];
  const promises = {
    count: properties.length,
    of: (fresh: Fresh): readonly unknown[] => {
      const engine = runningEngine();
      const scenario = template(fresh);
      ways = [];
      return engine.piece('promises', [], () => {
        const run = liftedKeeps.played(withoutHashes(twin), scenario);
        const kept = properties.map((property, at) => {
          const kept = engine.whole(property.id, WHOLE, () => liftedKeeps.keeps(liftedProperty(property), run));
          if (kept === undefined) apart.add(at);
          return kept ?? true;
        }) as readonly Bool[];
        ways.push({ conditions: [...engine.pathCondition()], promises: kept });
        return kept;
      });
    },
    unasked: (at: number) => (apart.has(at) ? 'it becomes no single term' : ''),
    ways: () => ways,
  };
  return explored(z3, question, promises, { budget: { milliseconds: budget, rlimit: STEPS } });
}

/** One promise by itself, with as much merging as closes it. */
export function solveApart(z3: Z3, question: ShapeQuestion): SolvedShape {
  const { places, shape, properties, twin, budget } = question;
  const property = liftedProperty(properties[0] as Property);
  const template = templateOf({ places }, shape);
  const promises = {
    count: 1,
    of: (fresh: Fresh): readonly unknown[] => {
      const scenario = template(fresh);
      return [
        runningEngine().piece('promise', [], () =>
          liftedKeeps.keeps(property, liftedKeeps.played(withoutHashes(twin), scenario)),
        ),
      ];
    },
  };
  const deadline = performance.now() + budget;
  const reasons = new Map<number, string>();
  const effort = { paths: 0, queries: 0 };
  for (const round of ROUNDS) {
    for (const ways of WAYS) {
      const left = deadline - performance.now();
      if (left <= 0 || (reasons.has(ways) && reasons.get(ways) !== '')) continue;
      const started = performance.now();
      const milliseconds = Math.min(round, left);
      const solved = explored(z3, question, promises, { budget: { milliseconds }, ways });
      effort.paths += solved.paths;
      effort.queries += solved.queries;
      const [answer] = solved.answers as [ShapeAnswer];
      if (answer.outcome !== 'open') return { ...solved, ...effort };
      reasons.set(ways, performance.now() - started >= milliseconds ? '' : answer.reason);
    }
  }
  const why = [...new Set(reasons.values())].filter((reason) => reason !== '');
  return { answers: [open(why.length < WAYS.length ? '' : why.join('; '))], ...effort, questions: [] };
}

function familiarOf({ places }: ShapeQuestion): (name: string) => readonly number[] {
  return (name) => places.find((place) => place.name === name)?.familiar ?? [];
}

/** The answers of an exploration, compared with the plain source, with the questions that it closed. */
function explored(
  z3: Z3,
  question: ShapeQuestion,
  promises: Promises,
  options: Pick<ExploreOptions, 'budget' | 'ways'>,
): SolvedShape {
  const questions = new Set<string>();
  const found = exploreAll(z3, promises, {
    ...options,
    familiar: familiarOf(question),
    minimising: FAMILIAR,
    sums: true,
    onClosed: question.showing ? (smtlib) => questions.add(smtlib) : undefined,
  });
  const answers = judged(question, found);
  const isClosed = answers.some(({ outcome }) => outcome === 'closed');
  return { answers, paths: found.paths, queries: found.queries, questions: isClosed ? [...questions] : [] };
}

/** The answers of an exploration, compared with the plain source. */
function judged(question: ShapeQuestion, found: JointExploration): readonly ShapeAnswer[] {
  const { places, shape, properties, kernel, seed } = question;
  const isClosed = found.answers.some(({ outcome }) => outcome === 'exhausted');
  const played = isClosed ? playDrawn({ places }, shape, properties, kernel, seed) : [];
  const agreement = played.map((input) => ({ input, ...onTerms(question, found, input) }));
  return found.answers.map(({ outcome, witness, reason }, at): ShapeAnswer => {
    const property = properties[at] as Property;
    if (outcome === 'undecided') return open(reason ?? '');
    if (outcome === 'violated') {
      const numbers = { ...familiarNumbers(placesOf({ places }, shape)), ...witness };
      const text = breakingNear({ places }, shape, property, kernel, numbers);
      return text === undefined ? open('needs hash values that the real functions do not give there') : violated(text);
    }
    const other = agreement.find(
      ({ input, end, values }) => end && values.boolean(end.promises[at] ?? true) !== input.kept[at],
    );
    if (other) throw disagreement(property, kernel, shape, other.input.text);
    const outside = agreement.find(({ end }) => end === undefined);
    if (outside) throw disagreement(property, kernel, shape, outside.input.text);
    const occurred = played.filter((input) => input.occurs[at]).length;
    return { outcome: 'closed', text: null, reason: '', agreed: played.length, occurred };
  });
}

/** The path of an exploration that an input takes, and what terms are worth on it, with the real hash functions. */
function onTerms(
  { kernel }: ShapeQuestion,
  { ends, applications }: JointExploration,
  { numbers }: Played,
): { readonly end: Path | undefined; readonly values: Valuation } {
  const values: Valuation = new Valuation(Object.entries(numbers), ({ name }: NumTerm) => {
    const [field] = Object.entries(HASHES).find(([, prefix]) => name.startsWith(`${prefix}#`)) ?? [];
    const use = applications.get(name.replace(/#.*/, ''))?.[Number(name.replace(/.*#/, ''))];
    if (field === undefined || use === undefined) throw new InternalError(`the input has no value for ${name}`);
    const real = kernel[field as keyof typeof HASHES];
    const [a, b, c, d] = use.args.map((arg) => values.number(arg)) as [number, number, number, number];
    return real(a, b, c, d);
  });
  const end = ends.find(({ conditions }) => conditions.every((condition) => values.boolean(condition)));
  return { end, values };
}

function disagreement(property: Property, kernel: Kernel, shape: ProofShape, { host, events }: Text): InternalError {
  const lines = [...host, ...events].map((line) => `  ${line}`).join('\n');
  return new InternalError(
    `the plain and the lifted source disagree about ${property.id} on ${kernel.name}, shape ${shape.name}:\n${lines}`,
  );
}
