/** Where results are kept, and writing them whole or not at all. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Counterexample, Review } from '../search/outcome.ts';
import type { Stored } from '../search/review.ts';

/** The folder of counterexamples, below the current one. */
const COUNTEREXAMPLES = 'counterexamples';

const LAST_REVIEW = join('.reroute-check', 'review.json');
const LAST_PAGE = join('.reroute-check', 'report.html');

/** Writes to a temporary file beside the place and renames it. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The stored counterexamples below the current folder, by name. */
export function counterexampleFiles(): readonly string[] {
  try {
    return readdirSync(COUNTEREXAMPLES, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(COUNTEREXAMPLES, name))
      .sort();
  } catch {
    return [];
  }
}

/** The place of a cell's counterexample; `release` where it is not the reference. */
export function counterexamplePath(property: string, variant: string, release?: string): string {
  return join(COUNTEREXAMPLES, property, `${variant}${release === undefined ? '' : `@${release}`}.json`);
}

/** Stores a counterexample under its property and variant; gives the path. */
export function writeCounterexample(counterexample: Counterexample): string {
  const path = counterexamplePath(counterexample.property, counterexample.variant, counterexample.release);
  writeWhole(path, `${JSON.stringify(counterexample, null, 2)}\n`);
  return path;
}

/** The counterexample that is stored for that cell; undefined when there is none that can be read. */
export function readCounterexample(property: string, variant: string, release?: string): Stored | undefined {
  try {
    const stored = JSON.parse(readFileSync(counterexamplePath(property, variant, release), 'utf8')) as Partial<Stored>;
    const { host, events, found } = stored;
    return isLines(host) && isLines(events) && found !== undefined ? { host, events, found } : undefined;
  } catch {
    return undefined;
  }
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

export function writeLastReview(review: Review): void {
  writeWhole(LAST_REVIEW, `${JSON.stringify(review, null, 2)}\n`);
}

/** Keeps the page of the last review; gives its path. */
export function writeLastPage(text: string): string {
  writeWhole(LAST_PAGE, text);
  return LAST_PAGE;
}

/** The last review made in this folder. */
export function readLastReview(): Review | undefined {
  try {
    return JSON.parse(readFileSync(LAST_REVIEW, 'utf8')) as Review;
  } catch {
    return undefined;
  }
}
