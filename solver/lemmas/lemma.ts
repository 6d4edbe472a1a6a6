/** What a lemma is: a claim about single functions of the model, closed for all numbers in its scope. */
import type { Kernel } from '../../model/types/world.ts';

/** A whole number from `lo` to `hi`, both included. */
export interface NumberShape {
  readonly draw: 'number';
  readonly lo: number;
  readonly hi: number;
}

export interface TruthShape {
  readonly draw: 'truth';
}

/** The inputs of a lemma: records and lists of numbers and truth values. Their structure is fixed, their values are free. */
export type InputShape = NumberShape | TruthShape | readonly InputShape[] | { readonly [field: string]: InputShape };

/** A value of a shape. */
export type Filled<S> = S extends NumberShape
  ? number
  : S extends TruthShape
    ? boolean
    : { readonly [K in keyof S]: Filled<S[K]> };

export const WORD = 0xffffffff;

export function number(lo: number, hi: number): NumberShape {
  return { draw: 'number', lo, hi };
}

export const truth: TruthShape = { draw: 'truth' };

/** Any 32-bit number. */
export const word: NumberShape = number(0, WORD);

/** Any 16-bit number. */
export const half: NumberShape = number(0, 0xffff);
export const octet: NumberShape = number(0, 0xff);

/** An address of a host: neither 0 nor above class C. */
export const hostAddress: NumberShape = number(1, 0xdfffffff);
export const port: NumberShape = number(1, 0xffff);

/** So many values of one shape. */
export function many<S>(count: number, shape: S): readonly S[] {
  return count === 0 ? [] : [...many(count - 1, shape), shape];
}

/** One size of the scope. */
export interface LemmaCell<S> {
  readonly name: string;
  readonly shape: S;
}

/** A claim over values. Stated once; z3 closes it, fast-check runs it. */
export interface LemmaOf<S, F> {
  /** kebab-case; a twin's is that of its lemma, a slash and what is broken. */
  readonly id: string;
  /** One sentence that somebody could dispute. */
  readonly claim: string;
  /** What asks for it. */
  readonly asked: readonly string[];
  /** How the solver knows its numbers: as bit-vectors (`words`), or without widths, for claims modulo 65535 (`integers`). */
  readonly over: 'words' | 'integers';
  /** What the scope is, for the report. */
  readonly scope: string;
  readonly cells: readonly LemmaCell<S>[];
  /** What is assumed, as a sentence; '' for nothing. */
  readonly assumes: string;
  readonly given: (kernel: Kernel, input: F) => boolean;
  readonly holds: (kernel: Kernel, input: F) => boolean;
  /** A drawn input turned into one that meets the assumptions more often, for runs on plain numbers. */
  readonly instance: (input: F) => F;
  /** The recorded result. */
  readonly expected: 'exhausted' | 'violated';
}

/** A lemma of any input. */
export type Lemma = LemmaOf<InputShape, never>;

/** Nothing is assumed. */
export function nothingAssumed(): boolean {
  return true;
}

/** The input as it was drawn. */
export function asDrawn<T>(input: T): T {
  return input;
}

/** States a lemma whose inputs have the shape of its cells. */
export function lemma<S>(stated: LemmaOf<S, Filled<S>>): Lemma {
  return stated as unknown as Lemma;
}

/** A hash with few values, for runs on plain numbers: tuples that share a bucket occur. */
export function coarseHash(laddr: number, lport: number, faddr: number, fport: number): number {
  return (laddr + lport + faddr + fport) % 3;
}
