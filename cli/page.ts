/** The page of a review: the built template with the review and the stored counterexamples. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelGroups } from '../model/patch/index.ts';
import { REFERENCE } from '../model/patch/releases/index.ts';
import { properties } from '../properties/index.ts';
import { type PageScenario, pageWith } from '../report/pageData.ts';
import { loadScenario } from '../scenario/scenario.ts';
import type { Review } from '../search/outcome.ts';
import { MissingError } from './fail.ts';
import { counterexampleFiles } from './files.ts';
import { HOME } from './place.ts';
import { readResult, today } from './results.ts';

const TEMPLATE = join(HOME, 'dist', 'report.html');

function scenarioFrom(file: string): PageScenario {
  const {
    finding = '',
    property = '',
    variant = '',
    release = REFERENCE,
    host,
    events,
    picks = [],
  } = loadScenario(file);
  return { file, finding, property, variant, release, host, events, picks };
}

/** The review as one self-contained file. */
export function page(review: Review, template = TEMPLATE): string {
  if (!existsSync(template)) throw new MissingError("the page is not built: run 'npm run build' in the checkout");
  return pageWith(readFileSync(template, 'utf8'), {
    date: today(),
    review,
    scenarios: counterexampleFiles().map(scenarioFrom),
    asked: Object.fromEntries(properties.map(({ id, asked }) => [id, asked])),
    variants: kernelGroups.map(({ name, kernels }) => ({ group: name, names: kernels.map((kernel) => kernel.name) })),
    coverage: readResult('coverage').properties,
  });
}
