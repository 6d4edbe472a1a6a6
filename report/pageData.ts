/** What the page is given beside its program: the review, the stored counterexamples, the names to choose from. */
import type { ScenarioFile } from '../scenario/scenario.ts';
import type { Review } from '../search/outcome.ts';

/** A scenario as it is stored. */
export interface PageScenario {
  /** `counterexamples/bound-port-kept/tcp-rehash.json`. */
  readonly file: string;
  readonly finding: string;
  readonly property: string;
  readonly variant: string;
  readonly release: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
  /** The kernel's free choices, by event. */
  readonly picks: NonNullable<ScenarioFile['picks']>;
}

/** What the search has met of a property's case. */
export interface PageCoverage {
  readonly property: string;
  readonly runs: number;
  readonly owners: readonly string[];
  readonly transitions: number;
  readonly branches: number;
}

export interface PageData {
  readonly date: string;
  readonly review: Review;
  readonly scenarios: readonly PageScenario[];
  /** Sentence of each promise and who asks for it, by id. */
  readonly asked: Readonly<Record<string, readonly string[]>>;
  /** Names that a reader may choose, in groups. */
  readonly variants: readonly { readonly group: string; readonly names: readonly string[] }[];
  readonly coverage: readonly PageCoverage[];
}

/** JSON that cannot end the script that it stands in. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

/** The page with its data. */
export function pageWith(template: string, data: PageData): string {
  return template.replace('"DATA"', () => scriptJson(data));
}
