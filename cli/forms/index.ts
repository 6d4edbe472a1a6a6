/** The forms of a review for other programs and readers. */
import { appendFileSync } from 'node:fs';
import { reviewAsMail } from '../documents/mail.ts';
import type { Judged } from '../judge.ts';
import { page } from '../page.ts';
import { printReview } from '../reviewForm.ts';
import { annotations, summary } from './github.ts';
import { junitXml } from './junit.ts';
import { markdown } from './markdown.ts';
import { sarif } from './sarif.ts';

export const FORMS = {
  json: ({ review }) => printReview(review),
  markdown: ({ review }) => markdown(review),
  html: ({ review }) => page(review),
  mail: ({ review }) => reviewAsMail(review),
  junit: junitXml,
  sarif,
  github(judged) {
    const { GITHUB_STEP_SUMMARY } = process.env;
    if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, summary(judged));
    return annotations(judged);
  },
} as const satisfies Record<string, (judged: Judged) => string>;

export type FormName = keyof typeof FORMS;
