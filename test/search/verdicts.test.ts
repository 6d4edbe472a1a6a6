/** What a reviewer asks first of a variant, in one line. */
import { describe, expect, it } from 'vitest';
import { type Judged, verdictsOf, verdictText } from '../../search/verdicts.ts';

const properties = [
  { id: 'books', gravity: 'books', purpose: false },
  { id: 'crash', gravity: 'crash', purpose: false },
  { id: 'echo', gravity: 'dead connection', purpose: true },
  { id: 'syn', gravity: 'dead connection', purpose: true },
] as const;

function judged(variant: string, outcomes: Readonly<Record<string, string>>, worse: readonly string[] = []): Judged[] {
  return Object.entries(outcomes).map(([property, outcome]) => ({
    property,
    variant,
    outcome,
    worse: worse.includes(property),
    finding: `${property} fails.`,
  }));
}

const cells = [
  ...judged('stock', { books: 'violated', crash: 'sampled', echo: 'violated', syn: 'violated' }),
  ...judged('idle', { books: 'violated', crash: 'sampled', echo: 'violated', syn: 'undecided' }),
  ...judged('patch', { books: 'violated', crash: 'violated', echo: 'sampled', syn: 'violated' }, [
    'books',
    'crash',
    'syn',
  ]),
];

describe('the line of a variant', () => {
  const lines = verdictsOf(properties, ['stock', 'idle', 'patch'], cells).map(verdictText);

  it('says that stock and a patch that does nothing achieve nothing: what never occurred is not achieved', () => {
    for (const line of lines.slice(0, 2))
      expect(line).toBe(
        'achieves 0 of 2 kinds of sender that the patch is for; breaks no other promise that stock keeps',
      );
  });

  it('counts what stock keeps, without the purpose, and names the gravest', () => {
    expect(lines[2]).toBe(
      'achieves 1 of 2 kinds of sender that the patch is for; breaks 2 other promises that stock keeps, the gravest (crash): crash fails.',
    );
  });
});
