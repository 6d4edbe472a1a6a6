/** The instrumenter's switches in the build that has all mutants in it, which the instrumented files have made by now. */

interface Switches {
  activeMutant?: string | undefined;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: { static: Record<string, number>; perTest: object };
}

const switches = (globalThis as unknown as { __stryker__: Switches }).__stryker__;

/** The mutants whose places were reached since it was asked last. */
export function reachedSince(): readonly string[] {
  const coverage = switches.mutantCoverage;
  const ids = Object.keys(coverage?.static ?? {});
  if (coverage !== undefined) coverage.static = {};
  return ids;
}

/** How often its place may be passed in a run: a loop that a mutant left without an end passes it more often. */
const PASSES = 50_000;

/** Does that with a mutant switched on; throws a RangeError where it never ends. */
export function withMutant<T>(id: string, doIt: () => T): T {
  Object.assign(switches, { activeMutant: id, hitCount: 0, hitLimit: PASSES });
  try {
    return doIt();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Stryker: Hit count limit'))
      throw new RangeError('a loop without an end');
    throw error;
  } finally {
    switches.activeMutant = undefined;
  }
}
