/** A review held against what is expected. */
import { answersOf, type Cell, type Outcome, outcomeText, type Review } from '../search/outcome.ts';
import type { Expected } from './expected.ts';

/** What contradicts the record: a violation that it does not have, or a proof of one that is none any more. */
export interface Difference {
  readonly kind: 'violation' | 'stale' | 'expired';
  readonly property: string;
  readonly variant: string;
  readonly message: string;
}

/** A review, and what is wrong with it in the eyes of who asked for it. */
export interface Judged {
  readonly review: Review;
  /** The message of a cell that fails; undefined for the others. */
  failure(cell: Cell): string | undefined;
}

/** A stored counterexample that no longer violates its property. */
export interface Stale {
  readonly property: string;
  readonly variant: string;
  readonly file: string;
}

export function differencesOf(review: Review, expected: Expected, stale: readonly Stale[]): readonly Difference[] {
  const found = review.cells.flatMap((cell): Difference[] => {
    const { property, variant } = cell;
    const violated = answersOf(cell).find(({ outcome, engine }) => outcome === 'violated' && isNews(cell, engine));
    if (violated !== undefined) {
      const recorded = expected.outcome(property, variant, violated.engine) ?? 'nothing';
      const now = outcomeText('violated', cell.worse);
      return [{ kind: 'violation', property, variant, message: `recorded ${recorded}, now ${now}` }];
    }
    if (cell.worse && !expected.worse(property, variant)) {
      const message = `recorded violated where stock breaks it, too, now ${outcomeText('violated', true)}`;
      return [{ kind: 'violation', property, variant, message }];
    }
    const message = cell.outcome === 'violated' ? expected.expired(property, variant) : '';
    return message === '' ? [] : [{ kind: 'expired', property, variant, message }];
  });
  return [
    ...found,
    ...stale.map(
      ({ file, ...cell }): Difference => ({ kind: 'stale', ...cell, message: `${file} no longer violates it` }),
    ),
  ];

  /** A violation on record by either engine is none that is new, unless the one that found it had closed its scope. */
  function isNews({ property, variant }: Cell, engine: 'fast-check' | 'z3'): boolean {
    const own = expected.outcome(property, variant, engine);
    if (own === 'violated') return false;
    const either: readonly (Outcome | undefined)[] = (['fast-check', 'z3'] as const).map((one) =>
      expected.outcome(property, variant, one),
    );
    return own === 'exhausted' || !either.includes('violated');
  }
}

/** For a check: what contradicts the record fails. */
export function judgedBy(review: Review, differences: readonly Difference[]): Judged {
  const messages = new Map(differences.map((one) => [`${one.property} ${one.variant}`, one.message]));
  return { review, failure: ({ property, variant }) => messages.get(`${property} ${variant}`) };
}

/** For a report: every violation fails. */
export function judgedAlone(review: Review): Judged {
  return { review, failure: ({ counterexample }) => counterexample?.finding };
}
