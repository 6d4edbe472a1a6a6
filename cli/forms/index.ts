/** The forms of a review for other programs and readers. Each is loaded when it is asked for. */
import { appendFileSync } from 'node:fs';
import type { Judged } from '../judge.ts';

export const FORMS = {
  json: async ({ review }) => (await import('../reviewForm.ts')).printReview(review),
  markdown: async ({ review }) => (await import('./markdown.ts')).markdown(review),
  html: async ({ review }) => (await import('../page.ts')).page(review),
  mail: async ({ review }) => (await import('../documents/mail.ts')).reviewAsMail(review),
  junit: async (judged) => (await import('./junit.ts')).junitXml(judged),
  sarif: async (judged) => (await import('./sarif.ts')).sarif(judged),
  async github(judged) {
    const { annotations, summary } = await import('./github.ts');
    const { GITHUB_STEP_SUMMARY } = process.env;
    if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, summary(judged));
    return annotations(judged);
  },
} as const satisfies Record<string, (judged: Judged) => Promise<string>>;

export type FormName = keyof typeof FORMS;
