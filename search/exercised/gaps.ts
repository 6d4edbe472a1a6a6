/** Why something is never exercised. A gap that no pattern explains fails the coverage run. */
const REASONS: readonly (readonly [gap: RegExp, reason: string])[] = [];

/** The reason of a gap, '' when none is known. */
export function reasonOf(gap: string): string {
  return REASONS.find(([pattern]) => pattern.test(gap))?.[1] ?? '';
}
