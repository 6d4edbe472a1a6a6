/** What a check expects: the recorded results, or a baseline file of a project that checks a patch of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { InputError } from '../scenario/error.ts';
import type { Cell, EngineName, Outcome } from '../search/outcome.ts';
import { writeWhole } from './files.ts';
import { recordedOn, solvedOn, today, worseOn } from './results.ts';

/** What is known of a cell before a check. */
export interface Expected {
  /** The outcome on record for that engine; undefined where there is none. */
  outcome(property: string, variant: string, engine: EngineName): Outcome | undefined;
  /** Whether a violation in which stock keeps the promise is on record, by whichever engine. */
  worse(property: string, variant: string): boolean;
  /** The reason for a violation that is expected only until a day that has passed, '' otherwise. */
  expired(property: string, variant: string): string;
}

/** The results in `results/`. */
export function recordedResults(release: string): Expected {
  const records = { 'fast-check': recordedOn(release), z3: solvedOn(release) };
  const worse = worseOn(release);
  return {
    outcome: (property, variant, engine) => records[engine][property]?.[variant],
    worse: (property, variant) => worse[property]?.includes(variant) === true,
    expired: () => '',
  };
}

const FORM = 'reroute-check baseline 1';

const text = z.string().min(1, 'write at least one character');

const form = z.strictObject({
  form: z.literal(FORM),
  release: text,
  violated: z.array(
    z.strictObject({
      property: text,
      variant: text,
      /** Whether stock keeps the promise where the variant breaks it. */
      worse: z.boolean(),
      reason: text,
      expires: z.iso.date('write the last day as YYYY-MM-DD'),
    }),
  ),
});

export type Baseline = z.infer<typeof form>;

/** The violations that a project knows of; whatever is not listed is expected not to be violated. */
export function readBaseline(file: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new InputError(file, '', `this is not JSON; ${RECORD}`);
    throw error;
  }
  const read = form.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = (issue?.path ?? [])
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  throw new InputError(file, where.replace(/^\./, ''), `${issue?.message}; ${RECORD}`);
}

const RECORD = "'reroute-check check --baseline FILE --record' writes one";

export function expectedBy({ violated }: Baseline): Expected {
  const entryOf = (property: string, variant: string) =>
    violated.find((entry) => entry.property === property && entry.variant === variant);
  return {
    outcome: (property, variant) => (entryOf(property, variant) === undefined ? 'sampled' : 'violated'),
    worse: (property, variant) => entryOf(property, variant)?.worse === true,
    expired(property, variant) {
      const entry = entryOf(property, variant);
      return entry !== undefined && entry.expires < today() ? `expected until ${entry.expires}: ${entry.reason}` : '';
    },
  };
}

/** Days for which a violation is expected unless the user says until when. */
const DAYS = 90;

/** Writes what was found as what is expected; entries that are there keep their reason and their day. */
export function recordBaseline(
  file: string,
  release: string,
  cells: readonly Cell[],
  fresh: { readonly reason?: string; readonly expires?: string },
): void {
  const known = existsSync(file) ? readBaseline(file).violated : [];
  const end = new Date(Date.now() + DAYS * 24 * 3600 * 1000).toISOString().slice(0, 10);
  const violated = cells
    .filter(({ outcome }) => outcome === 'violated')
    .map(({ property, variant, worse }) => {
      const entry = known.find((one) => one.property === property && one.variant === variant);
      return {
        property,
        variant,
        worse,
        reason: entry?.reason ?? fresh.reason ?? `found on ${today()}, not explained yet`,
        expires: entry?.expires ?? fresh.expires ?? end,
      };
    });
  writeWhole(file, `${JSON.stringify({ form: FORM, release, violated } satisfies Baseline, null, 2)}\n`);
}
