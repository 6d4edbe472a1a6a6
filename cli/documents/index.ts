/** The generated documents: whole ones, and of others the parts between markers and the output of the commands that they show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventTable } from '../../scenario/events.ts';
import { scenarioJsonSchema } from '../../scenario/scenario.ts';
import { HOME } from '../place.ts';
import { readResult } from '../results.ts';
import { reviewJsonSchema } from '../reviewForm.ts';
import { confirmationsText, randomTable } from './confirmations.ts';
import { coverageText } from './coverage.ts';
import { type Runner, withOutputs } from './examples.ts';
import { findingsText } from './findings.ts';
import { folderTable, mapText } from './map.ts';
import { padded } from './markdown.ts';
import { matrixText, summaryTable, verdictsList } from './matrix.ts';
import { measuredTable } from './measured.ts';
import { namesText } from './names.ts';
import { questionText } from './question.ts';
import { synFiltersText } from './synFilters.ts';

/** Documents that are printed as a whole. */
const WHOLE: Readonly<Record<string, () => string>> = {
  'FINDINGS.md': findingsText,
  'COVERAGE.md': () => coverageText(readResult('coverage')),
  'results/matrix.md': matrixText,
  'results/question.md': questionText,
  'results/syn-filters.md': synFiltersText,
  'results/files.md': mapText,
  'schema/review.schema.json': () => `${JSON.stringify(reviewJsonSchema(), null, 2)}\n`,
  'results/names.md': namesText,
  'schema/scenario.schema.json': () => `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`,
};

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
const PARTS: Readonly<Record<string, () => string>> = {
  verdicts: verdictsList,
  summary: summaryTable,
  measured: measuredTable,
  folders: folderTable,
  events: () => padded(eventTable()),
  confirmations: confirmationsText,
  random: randomTable,
};

/** Documents with parts that are printed. */
const WITH_PARTS = ['README.md', 'CONTRIBUTING.md', 'conformance/patched/NOTES.md'];

const PART = /<!-- ([a-z-]+) -->\n[\s\S]*?<!-- \/\1 -->/g;

/** A document as it is, and as it is to be. */
export interface Document {
  readonly path: string;
  readonly now: string;
  readonly printed: string;
}

/** The text with its parts printed anew. */
function withParts(path: string, text: string): string {
  return text.replace(PART, (_, name: string) => {
    const print = PARTS[name];
    if (print === undefined) throw new Error(`${path} has a part that nothing prints: ${name}`);
    return `<!-- ${name} -->\n${print()}\n<!-- /${name} -->`;
  });
}

/** The text without what is printed. */
export function writtenByHand(text: string): string {
  return text.replace(PART, '');
}

function read(path: string): string {
  try {
    return readFileSync(join(HOME, path), 'utf8');
  } catch {
    return '';
  }
}

/** Every document; `run` runs the commands that they show. */
export async function documents(run: Runner): Promise<readonly Document[]> {
  const whole = Object.entries(WHOLE).map(([path, print]) => ({ path, now: read(path), printed: print() }));
  const others: Document[] = [];
  for (const path of WITH_PARTS) {
    const now = read(path);
    others.push({ path, now, printed: await withOutputs(withParts(path, now), run) });
  }
  return [...whole, ...others];
}
