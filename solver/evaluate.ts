/** Runs lifted code on terms and says what the result is worth for given inputs: to be compared with the plain source. */
import { DEFAULT_LIMITS, Engine } from './engine.ts';
import { type Fresh, fresh } from './inputs.ts';
import { runOn } from './runtime.ts';
import { forgetComparisons } from './terms/compare.ts';
import { forgetTerms, InternalError } from './terms/term.ts';
import { Valuation, valueIn } from './terms/valuation.ts';

/** The value of every variable, by name. */
export type Sample = Readonly<Record<string, number>>;

/** `merging`: as a search runs it. `following`: only along the path of the input, hundreds of times faster. */
export type EvaluationMode = 'merging' | 'following';

/** The result of the run for one input. */
export function evaluateRun(sample: Sample, run: (fresh: Fresh) => unknown, mode: EvaluationMode = 'merging'): unknown {
  return evaluateRuns([sample], run, mode)[0];
}

/** The results of the run for many inputs, which is run once for all inputs on the same path. */
export function evaluateRuns(
  samples: readonly Sample[],
  run: (fresh: Fresh) => unknown,
  mode: EvaluationMode = 'merging',
): unknown[] {
  forgetTerms();
  forgetComparisons();
  const limits = mode === 'merging' ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ways: 0 };
  const results = new Map<number, unknown>();
  for (const [at, sample] of samples.entries()) {
    if (results.has(at)) continue;
    const engine = new Engine(new Valuation(Object.entries(sample), withoutValue), limits);
    const result = runOn(engine, () => run(fresh));
    const conditions = [...engine.pathCondition()];
    for (let other = at; other < samples.length; other++) {
      if (results.has(other)) continue;
      const input = new Valuation(Object.entries(samples[other] ?? {}), withoutValue);
      if (conditions.every((condition) => input.boolean(condition))) results.set(other, valueIn(input, result));
    }
  }
  return samples.map((_, at) => results.get(at));
}

function withoutValue(variable: { readonly name: string }): never {
  throw new InternalError(`the input has no value for ${variable.name}`);
}
