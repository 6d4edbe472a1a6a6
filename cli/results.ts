/** The recorded results: JSON in results/, written by the verb that found them with --record and read here alone. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { REFERENCE } from '../model/patch/releases/index.ts';
import { InputError } from '../scenario/error.ts';
import { writeWhole } from './files.ts';
import { HOME, needSources } from './place.ts';

const outcome = z.enum(['violated', 'exhausted', 'sampled', 'undecided']);

/** An outcome for every property and variant. */
const outcomes = z.record(z.string(), z.record(z.string(), outcome));

/** Kernel, date and time of a run that another day repeats differently. */
const circumstances = { kernel: z.string(), date: z.string() };

/** What a solver that is installed beside said about every question that was closed; absent when none was asked. */
const secondOpinion = z.object({ by: z.string(), asked: z.number(), agreed: z.number() }).optional();

const FORMS = {
  /** fast-check's answers, and the violations that are stored, by release. */
  matrix: z.object({
    releases: z.record(
      z.string(),
      z.object({
        command: z.string(),
        outcomes,
        /** The violated cells whose counterexample stock keeps: the variants, by property. */
        worse: z.record(z.string(), z.array(z.string())),
      }),
    ),
  }),
  /** z3's answers, each in the scope of its property. A cell without an entry was not asked. */
  solver: z.object({
    cells: z.object({ date: z.string(), budget: z.number(), outcomes, secondOpinion }),
    lemmas: z.object({
      date: z.string(),
      outcomes: z.record(z.string(), outcome),
      secondOpinion,
    }),
    /** What is closed by size: every host with at most so many features of a scope, and every sequence of so many events. */
    structures: z.array(
      z.object({
        date: z.string(),
        scope: z.string(),
        features: z.number(),
        events: z.number(),
        variant: z.string(),
        shapes: z.number(),
        closed: z.array(z.string()),
        /** Broken promises; those whose smallest counterexample within the size is known. */
        violated: z.array(z.string()),
        smallest: z.array(z.string()),
        /** Promises whose case no host of that size shows. */
        vacuous: z.array(z.string()),
        undecided: z.array(z.string()),
        paths: z.number(),
        queries: z.number(),
        seconds: z.number(),
      }),
    ),
    /** What each engine said of the planted fault. */
    planted: z.object({ 'fast-check': outcome, runs: z.number(), z3: outcome }),
  }),
  /** The path of a run that breaks the promise under that condition, by condition and promise; '' where none does. */
  'syn-filters': z.object({
    command: z.string(),
    runs: z.number(),
    paths: z.record(z.string(), z.record(z.string(), z.string())),
  }),
  /** How many systematic changes of a text the promises noticed, and what was seen of the others. */
  hunted: z.object({
    date: z.string(),
    scores: z.array(
      z.object({
        what: z.string(),
        command: z.string(),
        mutants: z.number(),
        killed: z.number(),
        /** Those of the model that a comparison with kernels finds where no promise does. */
        compared: z.number().optional(),
        /** Those of the model that a test finds where neither does. */
        tested: z.number().optional(),
        /** Survivors of which is known that they are no other patch. */
        equivalent: z.number(),
        seen: z.number(),
        same: z.number(),
        unreached: z.number(),
        survivors: z.array(z.string()),
      }),
    ),
  }),
  /** What the search exercises. */
  coverage: z.object({
    command: z.string(),
    owners: z.array(z.string()),
    branches: z.number(),
    properties: z.array(
      z.object({
        property: z.string(),
        runs: z.number(),
        owners: z.array(z.string()),
        transitions: z.number(),
        branches: z.number(),
        releases: z.array(z.string()),
      }),
    ),
    gaps: z.array(z.string()),
  }),
  /** What the test kernel said of the stored counterexamples, and how long it last took to ask. */
  confirmations: z.object({
    date: z.string(),
    played: z.number(),
    seconds: z.number(),
    records: z.record(
      z.string(),
      z.object({
        outcome: z.enum(['confirmed', 'refuted', 'not expressible']),
        hash: z.string(),
        ...circumstances,
        seen: z.array(z.string()),
        reason: z.string(),
      }),
    ),
  }),
  /** Runs of generated scenarios on the running kernel, the last of each seed. */
  conformance: z.object({
    runs: z.array(
      z.object({
        ...circumstances,
        seed: z.number(),
        answers: z.number(),
        scenarios: z.number(),
        packets: z.number(),
        disagreements: z.number(),
        seconds: z.number(),
      }),
    ),
  }),
  /** Wrong lines in the model, and which run found them; '' for none. */
  mutants: z.object({
    ...circumstances,
    seed: z.number(),
    mutants: z.array(z.object({ part: z.string(), what: z.string(), foundBy: z.string() })),
  }),
  /** Runs of random marked hosts on the running kernel, and what the alternatives without a patch made of them. */
  marked: z.object({
    runs: z.array(
      z.object({
        ...circumstances,
        seed: z.number(),
        hosts: z.number(),
        variants: z.record(
          z.string(),
          z.object({
            compared: z.number(),
            inexpressible: z.number(),
            packets: z.number(),
            moved: z.number(),
            disagreements: z.number(),
          }),
        ),
      }),
    ),
  }),
  /** Runs of random hosts that were imported from what their tools print, on the running kernel. */
  imported: z.object({
    runs: z.array(
      z.object({
        ...circumstances,
        seed: z.number(),
        hosts: z.number(),
        answers: z.number(),
        packets: z.number(),
        /** Hosts of which the tools do not show everything: others took their place. */
        hidden: z.number(),
        disagreements: z.number(),
        seconds: z.number(),
      }),
    ),
  }),
  /** Runs of random hosts whose broken flows were repaired, on the running kernel. */
  repaired: z.object({
    runs: z.array(
      z.object({
        ...circumstances,
        seed: z.number(),
        hosts: z.number(),
        remedies: z.record(z.string(), z.number()),
        /** Packets that left otherwise than was said. */
        different: z.number(),
      }),
    ),
  }),
  /** Runs of random scenarios on the test kernel, the last of each variant and seed. */
  random: z.object({
    runs: z.array(
      z.object({
        date: z.string(),
        variant: z.string(),
        seed: z.number(),
        scenarios: z.number(),
        packets: z.number(),
        crashes: z.number(),
        /** What a kernel complained about that watches memory, locks and sleep; absent for one that does not. */
        complaints: z.number().optional(),
        disagreements: z.number(),
        unsteady: z.number(),
        seconds: z.number(),
      }),
    ),
  }),
};

type Name = keyof typeof FORMS;

/** As it is read: nobody changes a result. */
type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

export type Results = { readonly [N in Name]: Frozen<z.infer<(typeof FORMS)[N]>> };

export type Outcomes = Frozen<z.infer<typeof outcomes>>;

function place(name: Name): string {
  return join(HOME, 'results', `${name}.json`);
}

export function readResult<N extends Name>(name: N): Results[N] {
  const read = FORMS[name].safeParse(JSON.parse(readFileSync(place(name), 'utf8')));
  if (read.success) return read.data as Results[N];
  const [issue] = read.error.issues;
  throw new InputError(place(name), issue?.path.join('.') ?? '', issue?.message ?? '');
}

/** Call before the work whose result will be recorded. */
export function needToRecord(): void {
  needSources('--record');
  accessSync(join(HOME, 'results'), constants.W_OK);
}

/** Writes a result, and says so. */
export function record<N extends Name>(name: N, result: Results[N]): void {
  writeWhole(place(name), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`recorded: results/${name}.json\n`);
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The recorded outcomes on a release; none where the release was never recorded. */
export function recordedOn(release: string): Outcomes {
  return readResult('matrix').releases[release]?.outcomes ?? {};
}

/** The recorded cells that are worse than stock on a release: the variants, by property. */
export function worseOn(release: string): Results['matrix']['releases'][string]['worse'] {
  return readResult('matrix').releases[release]?.worse ?? {};
}

/** What z3 is recorded to say on a release: its record is one of the reference. */
export function solvedOn(release: string): Outcomes {
  return release === REFERENCE ? readResult('solver').cells.outcomes : {};
}
