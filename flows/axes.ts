/** By what flows differ, and how each of that falls into cells: values that nothing on the host tells apart. */

/** What a program chooses, knowingly or not, when it sends. */
export type Axis = 'daddr' | 'protocol' | 'sport' | 'dport' | 'uid' | 'gid' | 'cgroup' | 'classid' | 'tos';

export const AXES: readonly Axis[] = ['protocol', 'daddr', 'uid', 'gid', 'cgroup', 'classid', 'dport', 'sport', 'tos'];

/** All whole numbers from `first` to `last`. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Values that are alike to all rules, routes and sets. */
export interface Cell {
  readonly ranges: readonly Range[];
  /** One of them, that a reader knows if there is one. */
  readonly value: number;
  /** How many values. */
  readonly size: number;
  /** Which cells are alike in the eyes of one that asks by this name, by name. */
  readonly groups: ReadonlyMap<string, string>;
}

/** Something that tells values of an axis apart: it is said of every value, by ranges within which it says the same. */
export interface Asked {
  readonly name: string;
  /** The first value of each range; what it says there is `says`. */
  readonly bounds: readonly number[];
  readonly says: (value: number) => string;
}

/** The question whether a value is in one of the ranges. */
export function inRanges(name: string, ranges: readonly Range[]): Asked {
  return {
    name,
    bounds: ranges.flatMap(({ first, last }) => [first, last + 1]),
    says: (value) => (ranges.some(({ first, last }) => value >= first && value <= last) ? 'yes' : 'no'),
  };
}

/** The value that stands for a cell: a familiar one, else the first that is not at an edge. */
function standsFor(ranges: readonly Range[], familiar: readonly number[]): number {
  const known = familiar.find((value) => ranges.some(({ first, last }) => value >= first && value <= last));
  if (known !== undefined) return known;
  const { first, last } = ranges.reduce((a, b) => (b.last - b.first > a.last - a.first ? b : a));
  return last - first >= 9 ? first + 9 : first;
}

/** The cells of the values from 0 to `last`. */
export function cellsOf(asked: readonly Asked[], whole: Range, familiar: readonly number[]): readonly Cell[] {
  const inside = (bound: number) => bound > whole.first && bound <= whole.last;
  const bounds = [...new Set([whole.first, ...asked.flatMap((one) => one.bounds.filter(inside))])].sort(
    (a, b) => a - b,
  );
  const found = new Map<string, { ranges: Range[]; groups: ReadonlyMap<string, string> }>();
  for (const [at, first] of bounds.entries()) {
    const last = (bounds[at + 1] ?? whole.last + 1) - 1;
    const answers = asked.map((one) => one.says(first));
    const key = answers.join('\n');
    const known = found.get(key);
    if (known === undefined) {
      const groups = new Map(asked.map((one, n) => [one.name, answers[n] as string]));
      found.set(key, { ranges: [{ first, last }], groups });
    } else {
      const before = known.ranges.at(-1) as Range;
      if (before.last + 1 === first) known.ranges[known.ranges.length - 1] = { first: before.first, last };
      else known.ranges.push({ first, last });
    }
  }
  return [...found.values()].map(({ ranges, groups }) => {
    const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return { ranges, groups, value: standsFor(ranges, familiar), size };
  });
}
