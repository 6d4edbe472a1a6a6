/** `reroute-check report`: a review in a form for other programs and readers. */
import type { EngineName, Review } from '../../search/outcome.ts';
import { needToWrite, put, readLastReview, whyNotKept, writeLastReview } from '../files.ts';
import { FORMS, type FormName } from '../forms/index.ts';
import { judgedAlone } from '../judge.ts';
import { makeReview } from './review.ts';

export interface ReportOptions {
  readonly format: FormName;
  readonly output?: string;
  readonly new?: boolean;
  readonly engine?: EngineName | 'all';
}

export async function report(options: ReportOptions): Promise<void> {
  needToWrite(options.output);
  const last = options.new ? undefined : readLastReview();
  const review = last !== undefined && isAsked(last, options.engine) ? last : await newReview(options.engine);
  put(await FORMS[options.format](judgedAlone(review)), options.output);
}

/** Whether that review was made by the engine that is asked for; any will do when none is. */
function isAsked({ cells }: Review, engine: EngineName | 'all' | undefined): boolean {
  if (engine === undefined) return true;
  const isBoth = cells.every(({ beside }) => beside !== undefined);
  return engine === 'all' ? isBoth : !isBoth && cells.every((cell) => cell.engine === engine);
}

async function newReview(engine: EngineName | 'all' | undefined): Promise<Review> {
  const review = await makeReview(engine === undefined ? {} : { engine });
  if (whyNotKept().length === 0) writeLastReview(review);
  return review;
}
