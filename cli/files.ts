/** Where results are kept, and writing them whole or not at all. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { cwd } from 'node:process';
import { InputError } from '../scenario/error.ts';
import type { Stored } from '../search/counterexample.ts';
import type { Counterexample, Review } from '../search/outcome.ts';
import { HOME } from './place.ts';
import { parseReview, printReview } from './reviewForm.ts';

/** The folder of counterexamples, below the current one. */
const COUNTEREXAMPLES = 'counterexamples';

const LAST_REVIEW = join('.reroute-check', 'review.json');
const LAST_PAGE = join('.reroute-check', 'report.html');

/** Why a file cannot be written there, '' when it can; nothing is written. */
export function whyUnwritable(path: string): string {
  if (existsSync(path)) {
    const status = statSync(path);
    if (status.isDirectory()) return 'this is a folder; write the path of a file in it';
    if (!status.isFile()) return '';
  }
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) return `${folder} is not a folder`;
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return '';
  } catch {
    return `nothing may be written into ${folder}; change its permissions, or work in another folder`;
  }
}

/** Stops when the file of an option cannot be written: call before the work whose result it takes. */
export function needToWrite(path: string | undefined): void {
  const why = path === undefined ? '' : whyUnwritable(path);
  if (why !== '') throw new InputError(path as string, '', why);
}

/** Prints the text, or writes it to that file. */
export function put(text: string, path: string | undefined): void {
  if (path === undefined) process.stdout.write(text);
  else writeWhole(path, text);
}

/** Writes to a temporary file beside the place and renames it; what is no ordinary file is written to. */
export function writeWhole(path: string, text: string): void {
  if (existsSync(path) && !statSync(path).isFile()) {
    writeFileSync(path, text);
    return;
  }
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

/** The stored counterexamples below the current folder, else those that the program ships, by name. */
export function counterexampleFiles(): readonly string[] {
  const shipped = relative(cwd(), join(HOME, COUNTEREXAMPLES));
  const folder = existsSync(COUNTEREXAMPLES) ? COUNTEREXAMPLES : shipped;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name))
    .sort();
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

/** What is read of a counterexample. */
type Named = Stored & Pick<Counterexample, 'finding'>;

/** The counterexample that is stored for that cell, here or with the program. */
export function knownCounterexample(property: string, variant: string, release?: string): Named | undefined {
  return readCounterexample(property, variant, release) ?? readCounterexample(property, variant, release, HOME);
}

/** The program's own counterexample of that cell, and its place. */
export function shippedCounterexample(
  property: string,
  variant: string,
  release?: string,
): { readonly path: string; readonly stored: Stored } | undefined {
  const path = relative(cwd(), join(HOME, counterexamplePath(property, variant, release)));
  const stored = readCounterexample(property, variant, release, HOME);
  return stored && { path, stored };
}

/** The counterexample that is stored for that cell below a folder; undefined when there is none that can be read. */
export function readCounterexample(
  property: string,
  variant: string,
  release?: string,
  folder = '',
): Named | undefined {
  try {
    const path = join(folder, counterexamplePath(property, variant, release));
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Partial<Named>;
    const { finding = '', host, events, found } = stored;
    return isLines(host) && isLines(events) && found !== undefined ? { finding, host, events, found } : undefined;
  } catch {
    return undefined;
  }
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

/** Why what a review finds cannot be kept in this folder, a line each. */
export function whyNotKept(): readonly string[] {
  return [COUNTEREXAMPLES, dirname(LAST_REVIEW)].flatMap((folder) => {
    const why = whyUnwritable(join(folder, 'file'));
    return why === '' ? [] : [`${folder}: ${why}; what is found is printed and not kept`];
  });
}

export function writeLastReview(review: Review): void {
  writeWhole(LAST_REVIEW, printReview(review));
}

/** Keeps the page of the last review; gives its path. */
export function writeLastPage(text: string): string {
  writeWhole(LAST_PAGE, text);
  return LAST_PAGE;
}

/** The last review made in this folder; undefined when there is none. */
export function readLastReview(): Review | undefined {
  return existsSync(LAST_REVIEW) ? parseReview(LAST_REVIEW, readFileSync(LAST_REVIEW, 'utf8')) : undefined;
}
