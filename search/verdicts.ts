/** What a reviewer asks first of a variant: what it achieves, what it breaks that stock keeps, and how grave that is. */
import { GRAVITIES, type Gravity, type Property } from '../properties/property.ts';

/** A cell as far as it is judged. */
export interface Judged {
  readonly property: string;
  readonly variant: string;
  readonly outcome: string;
  readonly worse: boolean;
  /** The sentence of its counterexample; '' where it has none. */
  readonly finding: string;
}

export interface Verdict {
  readonly variant: string;
  /** The promises that say what the patch is for, and how many of them it keeps. */
  readonly purpose: { readonly achieved: number; readonly of: number };
  /** Promises besides those that it breaks and stock keeps. */
  readonly worse: number;
  /** The gravest of them; null where there is none. */
  readonly gravest: { readonly property: string; readonly gravity: Gravity; readonly finding: string } | null;
}

/** What a property is judged by. */
type Judge = Pick<Property, 'id' | 'gravity' | 'purpose'>;

/** The place in the list of gravities: 0 is the gravest. */
export function rankOf({ gravity }: Pick<Property, 'gravity'>): number {
  return GRAVITIES.indexOf(gravity);
}

/** A verdict for each variant. */
export function verdictsOf(
  properties: readonly Judge[],
  variants: readonly string[],
  cells: readonly Judged[],
): readonly Verdict[] {
  const purposes = properties.filter(({ purpose }) => purpose);
  const others = properties.filter(({ purpose }) => !purpose).toSorted((a, b) => rankOf(a) - rankOf(b));
  return variants.map((variant) => {
    const cellOf = ({ id }: Judge) => cells.find((cell) => cell.property === id && cell.variant === variant);
    const keeps = (outcome = '') => outcome === 'sampled' || outcome === 'exhausted';
    const achieved = purposes.filter((property) => keeps(cellOf(property)?.outcome)).length;
    const worse = others.filter((property) => cellOf(property)?.worse === true);
    const [first] = worse;
    const gravest =
      first === undefined
        ? null
        : { property: first.id, gravity: first.gravity, finding: cellOf(first)?.finding ?? '' };
    return { variant, purpose: { achieved, of: purposes.length }, worse: worse.length, gravest };
  });
}

/** The verdict in words, without the variant's name. */
export function verdictText({ purpose, worse, gravest }: Verdict): string {
  const achieves = `achieves ${purpose.achieved} of ${purpose.of} kinds of sender that the patch is for`;
  const other = purpose.of === 0 ? '' : 'other ';
  const breaks =
    worse === 0
      ? `breaks no ${other}promise that stock keeps`
      : `breaks ${worse} ${other}promise${worse === 1 ? '' : 's'} that stock keeps`;
  const first = gravest === null ? '' : `, the gravest (${gravest.gravity}): ${gravest.finding}`;
  return `${purpose.of === 0 ? '' : `${achieves}; `}${breaks}${first}`;
}
