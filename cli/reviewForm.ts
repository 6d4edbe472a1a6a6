/** The JSON of a review: its form has a number, which changes when a member changes its meaning or goes. */
import { z } from 'zod';
import { GRAVITIES } from '../properties/property.ts';
import { InputError } from '../scenario/error.ts';
import type { Review } from '../search/outcome.ts';

/** The name and number of the form. */
export const REVIEW_FORM = 'reroute-check review 1';

const text = z.string();
const lines = z.array(text);
const count = z.int().min(0);
const outcome = z.enum(['violated', 'exhausted', 'sampled', 'undecided']);
const engine = z.enum(['fast-check', 'z3']);

const answer = {
  outcome,
  worse: z.boolean().describe('Whether stock of the same release keeps the promise in the counterexample.'),
  engine,
  scope: text.describe('Scopes that the answer speaks of.'),
  runs: count.describe('Runs that were looked at.'),
  occurred: count.describe("Those of them in which the promise's case occurred."),
  reason: text.describe('Why it is undecided, or why its counterexample is not small; empty otherwise.'),
  solved: z
    .looseObject({ shapes: count, closed: count, paths: count, queries: count, milliseconds: z.number() })
    .optional()
    .describe('What z3 did for it.'),
};

const counterexample = z.looseObject({
  finding: text.describe('One sentence for a network engineer.'),
  property: text,
  variant: text,
  release: text.optional().describe('Absent for the reference.'),
  stock: z
    .enum(['keeps', 'breaks'])
    .optional()
    .describe("What stock of the same release does with the promise in it; absent where it is stock's own."),
  host: lines,
  events: lines,
  trace: lines,
  found: z.looseObject({ by: engine, seed: z.number(), command: text.describe('Finds it again.') }),
});

export const cellForm = z.looseObject({
  property: text,
  variant: text,
  ...answer,
  counterexample: counterexample.nullable(),
  beside: z.looseObject(answer).optional().describe('What the other engine answered, when both were asked.'),
});

/** What a review says, as `report --format json` prints it. A member that is not named here may be added. */
export const reviewForm = z.looseObject({
  form: z.literal(REVIEW_FORM),
  version: text.describe('Of the program.'),
  date: text.describe('The day on which it ended.'),
  release: text.describe('Of the kernel.'),
  seed: z.number(),
  runs: z.number().describe('Scenarios of a whole scope.'),
  interrupted: z.boolean(),
  reached: text.describe('How far it came.'),
  command: text.describe('Makes the same review.'),
  properties: z.array(
    z.looseObject({
      id: text,
      concern: text,
      gravity: z.enum(GRAVITIES).describe('What it means when it is broken.'),
      purpose: z.boolean().describe('Whether it says what the patch is for.'),
      claim: text,
    }),
  ),
  variants: z.array(z.looseObject({ name: text, title: text })),
  verdicts: z
    .array(
      z.looseObject({
        variant: text,
        purpose: z.object({ achieved: count, of: count }).describe('Promises that say what the patch is for.'),
        worse: count.describe('Other promises that it breaks and stock keeps.'),
        gravest: z.object({ property: text, gravity: z.enum(GRAVITIES), finding: text }).nullable(),
      }),
    )
    .describe('What a reviewer asks first, for each variant.'),
  cells: z.array(cellForm).describe('Every property on every variant.'),
});

/** The JSON Schema of the form, as it stands in `schema/review.schema.json`. */
export function reviewJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(reviewForm, { target: 'draft-2020-12' });
  return { $schema, title: REVIEW_FORM, description: 'What a search for broken promises found.', ...rest };
}

export function printReview(review: Review): string {
  return `${JSON.stringify({ form: REVIEW_FORM, ...review }, null, 2)}\n`;
}

/** The review that a file holds. */
export function parseReview(file: string, json: string): Review {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InputError(file, '', `this is no review: it is damaged; ${ANOTHER}`);
  }
  const read = reviewForm.safeParse(value);
  if (read.success) {
    const { form: _, ...review } = read.data;
    return review as unknown as Review;
  }
  const where = read.error.issues[0]?.path.join('.') ?? '';
  throw new InputError(file, where, `this is no review in the form '${REVIEW_FORM}'; ${ANOTHER}`);
}

const ANOTHER = "remove it, or make another with 'reroute-check report --new'";
