/**
 * Closes lemmas: every cell of a lemma is explored with all its numbers symbolic, and the same `holds` runs on plain
 * numbers, natively and lifted, before `exhausted` is said.
 */
import fc from 'fast-check';
import type { Kernel } from '../model/types/world.ts';
import { BitVectorProver } from './bitVectorProver.ts';
import { evaluateRun } from './evaluate.ts';
import { type Exploration, exploreWith, type FunctionTable } from './explore.ts';
import { assume, type Fresh, freshBoolean, uninterpreted } from './inputs.ts';
import { IntegerProver } from './integerProver.ts';
import * as native from './lemmas/index.ts';
import * as lifted from './lemmas/index.ts?lifted';
import type { InputShape, Lemma, NumberShape } from './lemmas/lemma.ts';
import { DEFAULT_PROVER_LIMITS } from './prover.ts';
import { Recorder } from './recorder.ts';
import { test } from './runtime.ts';
import type { Z3 } from './smt.ts';
import { forgetComparisons } from './terms/compare.ts';
import { forgetTerms, InternalError } from './terms/term.ts';

const WORD = 0xffffffff;

export interface ProveOptions {
  /** Milliseconds for a lemma. */
  readonly milliseconds?: number;
  /** z3 steps for a question. */
  readonly rlimit?: number;
  /** Inputs that run natively, and of these, how many run lifted as well. */
  readonly runs?: number;
  readonly agreements?: number;
  readonly seed?: number;
  /** Which cells; all by default. */
  readonly cells?: (name: string) => boolean;
  /** Called with every question that z3 answered with unsat and on which the result rests. */
  readonly onClosed?: (lemma: string, cell: string, smtlib: string) => void;
}

export interface CellProof {
  readonly cell: string;
  readonly outcome: Exploration['outcome'];
  readonly paths: number;
  readonly queries: number;
  readonly milliseconds: number;
  readonly witness?: Readonly<Record<string, number>>;
  readonly reason?: string;
}

export interface NativeRuns {
  readonly runs: number;
  /** Inputs that met the assumptions. */
  readonly met: number;
  readonly agreed: number;
  /** The first input that broke the claim. */
  readonly broken?: string;
}

export interface Proof {
  readonly id: string;
  readonly outcome: Exploration['outcome'];
  readonly expected: Lemma['expected'];
  readonly cells: readonly CellProof[];
  readonly native: NativeRuns;
  readonly milliseconds: number;
}

const isNumberShape = (shape: InputShape): shape is NumberShape => 'draw' in shape && shape.draw === 'number';
const isTruthShape = (shape: InputShape): boolean => 'draw' in shape && shape.draw === 'truth';

/** The value of a shape whose leaves `leaf` gives, by their paths. */
function fill(shape: InputShape, path: string, leaf: (path: string, shape: InputShape) => unknown): unknown {
  if (isNumberShape(shape) || isTruthShape(shape)) return leaf(path, shape);
  if (Array.isArray(shape)) return shape.map((part: InputShape, at) => fill(part, `${path}[${at}]`, leaf));
  const parts = Object.entries(shape).map(
    ([field, part]) => [field, fill(part as InputShape, path === '' ? field : `${path}.${field}`, leaf)] as const,
  );
  return Object.fromEntries(parts);
}

function symbolic(shape: InputShape, fresh: Fresh): unknown {
  return fill(shape, '', (path, leaf) => (isNumberShape(leaf) ? fresh(path, leaf.lo, leaf.hi) : freshBoolean(path)));
}

/** What symbolic() would call the numbers of a value. */
function variablesOf(shape: InputShape, value: unknown): Record<string, number> {
  const values: Record<string, number> = {};
  fill(shape, '', (path) => {
    const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
    values[path] = Number(keys.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value));
  });
  return values;
}

const WORDS = [0, 1, 2, 100, 0xff, 0xffff, 0x10000, 0x0a000001, 0x0a010001, 0x0a000002, 0xffff0000, 0xffffffff];

function arbitrary(shape: InputShape): fc.Arbitrary<unknown> {
  if (isNumberShape(shape)) {
    const { lo, hi } = shape;
    const known = WORDS.filter((value) => value >= lo && value <= hi);
    return fc.oneof(fc.integer({ min: lo, max: hi }), fc.constantFrom(lo, hi, ...known));
  }
  if (isTruthShape(shape)) return fc.boolean();
  if (Array.isArray(shape)) return fc.tuple(...shape.map((part: InputShape) => arbitrary(part)));
  const parts = Object.entries(shape).map(([field, part]) => [field, arbitrary(part as InputShape)] as const);
  return fc.record(Object.fromEntries(parts), { noNullPrototype: true });
}

type Claim = (kernel: unknown, input: unknown) => unknown;

/** The lifted twin of a lemma. */
interface Twin {
  readonly id: string;
  readonly given: Claim;
  readonly holds: Claim;
}

function liftedTwin(id: string): Twin {
  const twins = [...lifted.lemmas, ...lifted.twins] as readonly Twin[];
  const twin = twins.find((one) => one.id === id);
  if (!twin) throw new InternalError(`${id} has no lifted twin`);
  return twin;
}

/** Hashes are uninterpreted in the search, and coarse on plain numbers. */
const nativeKernel: Kernel = { ...native.stock, inet_ehashfn: native.coarseHash, secure_tcp_seq: native.coarseHash };
const coarseKernel = { ...lifted.stock, inet_ehashfn: lifted.coarseHash, secure_tcp_seq: lifted.coarseHash };

function symbolicKernel(): unknown {
  return {
    ...lifted.stock,
    inet_ehashfn: uninterpreted('inet_ehashfn', 0, WORD),
    secure_tcp_seq: uninterpreted('secure_tcp_seq', 0, WORD),
  };
}

function proveCell(
  z3: Z3,
  lemma: Lemma,
  cell: Lemma['cells'][number],
  deadline: number,
  options: ProveOptions,
): CellProof {
  const twin = liftedTwin(lemma.id);
  forgetTerms();
  forgetComparisons();
  const started = performance.now();
  const limits = { ...DEFAULT_PROVER_LIMITS, full: options.rlimit ?? 0, deadline };
  const inner = lemma.over === 'integers' ? new IntegerProver(z3, limits) : new BitVectorProver(z3, limits);
  const { onClosed } = options;
  const prover = onClosed ? new Recorder(inner, (smtlib) => onClosed(lemma.id, cell.name, smtlib)) : inner;
  const holds = (fresh: Fresh): unknown => {
    const kernel = symbolicKernel();
    const input = symbolic(cell.shape, fresh);
    assume(test(twin.given(kernel, input)));
    return twin.holds(kernel, input);
  };
  try {
    const found = exploreWith(prover, holds, { deadline, minimising: 500 });
    const { outcome, paths, queries, witness, reason } = found;
    if (witness !== undefined) replayWitness(lemma, cell, witness, found.functions ?? {});
    const rest = { ...(witness ? { witness } : {}), ...(reason === undefined ? {} : { reason }) };
    return { cell: cell.name, outcome, paths, queries, milliseconds: performance.now() - started, ...rest };
  } finally {
    inner.dispose();
  }
}

/** Runs the witness on the plain source, with the hash values that it needs; throws when it breaks nothing there. */
function replayWitness(
  lemma: Lemma,
  { name, shape }: Lemma['cells'][number],
  witness: Readonly<Record<string, number>>,
  functions: FunctionTable,
): void {
  const input = fill(shape, '', (path, leaf) => {
    if (!isNumberShape(leaf)) return (witness[path] ?? 0) !== 0;
    return witness[path] ?? Math.max(0, leaf.lo);
  }) as never;
  const tabled = (table: FunctionTable[string] | undefined) => {
    return (...args: readonly number[]) =>
      table?.find((use) => use.args.every((arg, at) => arg === args[at]))?.value ?? 0;
  };
  const kernel: Kernel = {
    ...native.stock,
    inet_ehashfn: tabled(functions.inet_ehashfn),
    secure_tcp_seq: tabled(functions.secure_tcp_seq),
  };
  if (!lemma.given(kernel, input) || lemma.holds(kernel, input)) {
    throw new InternalError(
      `${lemma.id}, ${name}: the witness ${JSON.stringify(witness)} breaks nothing in the plain source`,
    );
  }
}

/** Runs the claim on drawn inputs, and some of them through the lifted source as well; throws where the two differ. */
function runNatively(lemma: Lemma, options: ProveOptions): NativeRuns {
  const twin = liftedTwin(lemma.id);
  const each = Math.ceil((options.runs ?? 2_000) / lemma.cells.length);
  const lift = Math.ceil((options.agreements ?? 40) / lemma.cells.length);
  let [runs, met, agreed] = [0, 0, 0];
  let broken: string | undefined;
  for (const { shape } of lemma.cells) {
    for (const [at, drawn] of fc.sample(arbitrary(shape), { numRuns: each, seed: options.seed ?? 1 }).entries()) {
      const input = lemma.instance(drawn as never);
      const given = lemma.given(nativeKernel, input);
      const holds = given && lemma.holds(nativeKernel, input);
      runs++;
      if (given) met++;
      if (given && !holds) broken ??= JSON.stringify(input);
      if (at >= lift) continue;
      const run = (fresh: Fresh): unknown => {
        const value = symbolic(shape, fresh);
        return [twin.given(coarseKernel, value), given && twin.holds(coarseKernel, value)];
      };
      const [assumed, held] = evaluateRun(variablesOf(shape, input), run, 'following') as [unknown, unknown];
      if (assumed !== given || held !== holds) {
        throw new InternalError(`${lemma.id}: plain and lifted source disagree on ${JSON.stringify(input)}`);
      }
      agreed++;
    }
  }
  return { runs, met, agreed, ...(broken === undefined ? {} : { broken }) };
}

/** Closes one lemma, or says why not. */
export function proveLemma(z3: Z3, lemma: Lemma, options: ProveOptions = {}): Proof {
  const started = performance.now();
  const deadline = started + (options.milliseconds ?? Number.POSITIVE_INFINITY);
  const native = runNatively(lemma, options);
  const wanted = lemma.cells.filter(({ name }) => options.cells?.(name) ?? true);
  const cells = wanted.map((cell) => proveCell(z3, lemma, cell, deadline, options));
  const all = (outcome: string): boolean => cells.every((cell) => cell.outcome === outcome);
  const isViolated = cells.some((cell) => cell.outcome === 'violated');
  const outcome = isViolated ? 'violated' : all('exhausted') ? 'exhausted' : 'undecided';
  if (outcome === 'exhausted' && native.broken !== undefined && wanted.length === lemma.cells.length) {
    throw new InternalError(`${lemma.id}: z3 closed what fast-check breaks with ${native.broken}`);
  }
  const milliseconds = performance.now() - started;
  return { id: lemma.id, outcome, expected: lemma.expected, cells, native, milliseconds };
}
