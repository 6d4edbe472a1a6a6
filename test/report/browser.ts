/** The page of the stored counterexamples in Chromium, for the tests of a file. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { counterexampleFiles } from '../../cli/files.ts';
import { page as pageOf } from '../../cli/page.ts';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { addressOf } from '../../report/page/address.ts';
import type { Cell, Review } from '../../search/outcome.ts';
import { buildPage } from '../../tools/page.ts';

export const browserPath = (env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));
export const reason = browserPath === undefined ? ' (skipped: there is no Chromium here)' : '';

/** A review with the stored counterexamples as its violations, one of them worse than stock; nothing else was searched. */
function storedReview(): Review {
  const files = new Set(counterexampleFiles());
  const cells = properties.flatMap(({ id }) =>
    variants.map(({ name }): Cell => {
      const isViolated = files.has(join('counterexamples', id, `${name}.json`));
      return {
        property: id,
        variant: name,
        outcome: isViolated ? 'violated' : 'undecided',
        worse: id === 'kernel-survives' && name === 'tcp-rehash',
        engine: 'fast-check',
        scope: 'none',
        runs: 0,
        occurred: 0,
        reason: isViolated ? '' : 'not searched',
        counterexample: null,
      };
    }),
  );
  return {
    version: '0',
    date: '2026-11-28',
    release: '6.1',
    seed: 1,
    runs: 1,
    interrupted: false,
    reached: '',
    command: 'reroute-check review',
    properties: properties.map(({ id, concern, gravity, purpose, claim }) => ({
      id,
      concern,
      gravity,
      purpose,
      claim,
    })),
    variants: variants.map(({ name, title }) => ({ name, title })),
    verdicts: [],
    cells,
  };
}

/** Opens the page; what goes wrong in it is kept. */
export interface Opened {
  readonly open: (hash?: string, width?: number) => Promise<Page>;
  /** Errors that were printed, and requests that left the page. */
  readonly wrong: readonly string[];
  readonly file: () => string;
}

/** Builds the page and starts the browser before the tests of a file, and ends it behind them. */
export function openPages(): Opened {
  let folder: string;
  let browser: Browser;
  const wrong: string[] = [];
  const file = () => join(folder, 'report.html');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'page-'));
    const template = join(folder, 'template.html');
    writeFileSync(template, await buildPage());
    writeFileSync(file(), pageOf(storedReview(), template));
    browser = await chromium.launch({ executablePath: browserPath as string, args: ['--no-sandbox'] });
  }, 240_000);
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });
  async function open(hash = '', width = 1200): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width, height: 800 }, offline: true })).newPage();
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('request', (request) => /^(?:file|data):/.test(request.url()) || wrong.push(request.url()));
    await page.goto(pathToFileURL(file()).href + hash);
    await page.waitForSelector('main');
    return page;
  }
  return { open, wrong, file };
}

/** The address of a stored counterexample. */
export function stored(file: string, variant: string, at = 0): string {
  return addressOf({ file, host: [], events: [], picks: [], variants: [variant], release: '', at });
}
