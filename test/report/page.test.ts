/** The page in a browser: it is skipped where there is no Chromium, and says so. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counterexampleFiles } from '../../cli/files.ts';
import { page as pageOf } from '../../cli/page.ts';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { addressOf, readAddress } from '../../report/page/address.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import type { Cell, Review } from '../../search/outcome.ts';
import { buildPage } from '../../tools/page.ts';

const browserPath = (env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));
const reason = browserPath === undefined ? ' (skipped: there is no Chromium here)' : '';

/** A review with the stored counterexamples as its violations; nothing else was searched. */
function storedReview(): Review {
  const files = new Set(counterexampleFiles());
  const cells = properties.flatMap(({ id }) =>
    variants.map(({ name }): Cell => {
      const isViolated = files.has(join('counterexamples', id, `${name}.json`));
      return {
        property: id,
        variant: name,
        outcome: isViolated ? 'violated' : 'undecided',
        worse: false,
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

test('an address is read back as it was written', () => {
  const shown = {
    file: '',
    host: ['ip link add a~b type veth', 'iptables -t mangle -A OUTPUT -j MARK --set-mark 0x1/0xf & co'],
    events: ['socket c tcp', 'connect c 8.8.8.8:80'],
    variants: ['tcp-rehash', 'stock'],
    release: '4.1',
    at: 7,
  };
  expect(readAddress(addressOf(shown))).toEqual(shown);
  expect(readAddress('')).toBeUndefined();
});

describe.skipIf(browserPath === undefined)(`the page in Chromium${reason}`, { timeout: 120_000 }, () => {
  let folder: string;
  let url: string;
  let browser: Browser;
  const wrong: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'page-'));
    const template = join(folder, 'template.html');
    writeFileSync(template, await buildPage());
    const file = join(folder, 'report.html');
    writeFileSync(file, pageOf(storedReview(), template));
    url = pathToFileURL(file).href;
    browser = await chromium.launch({ executablePath: browserPath as string, args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(hash = '', width = 1200): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width, height: 800 }, offline: true })).newPage();
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('request', (request) => /^(?:file|data):/.test(request.url()) || wrong.push(request.url()));
    await page.goto(url + hash);
    await page.waitForSelector('main');
    return page;
  }

  const stored = (file: string, variant: string, at = 0) =>
    addressOf({ file, host: [], events: [], variants: [variant], release: '', at });

  test('is smaller than 3 MB and is usable soon', async () => {
    expect(readFileSync(join(folder, 'report.html')).length).toBeLessThan(3_000_000);
    const page = await open();
    const usable = await page.evaluate("performance.getEntriesByName('usable')[0].startTime");
    // A machine of its own needs a second; one that also runs all other tests, more.
    expect(usable).toBeLessThan(20_000);
  });

  test('has a cell for every promise on every variant, and each violated one opens a counterexample', async () => {
    const page = await open();
    expect(await page.locator('.matrix tbody td').count()).toBe((properties.length + 1) * variants.length);
    const links = await page
      .locator('.matrix td.violated a')
      .evaluateAll<string[], { readonly hash: string }>((all) => all.map(({ hash }) => hash));
    expect(links.length).toBeGreaterThan(90);
    expect(links.every((hash) => readAddress(hash)?.file !== '')).toBe(true);
    await page.locator('.matrix td.violated a').first().click();
    await page.waitForSelector('.steps');
    expect(await page.locator('h1').textContent()).toBe(properties[0]?.id);
  });

  const classes = ['address', 'tuple', 'checksum', 'netfilter', 'route', 'connection'];
  test.each(classes)('a counterexample of the class %s is stepped through, and breaks its promise', async (concern) => {
    const ids = properties.filter((property) => property.concern === concern).map(({ id }) => id);
    const file = counterexampleFiles().find((path) => {
      const { property = '', variant } = loadScenario(path);
      return ids.includes(property) && variant === 'tcp-rehash';
    }) as string;
    const page = await open(stored(file, 'tcp-rehash'));
    const { property } = loadScenario(file);
    const count = Number((await page.locator('output').textContent())?.split(' ').at(-1));
    expect(count).toBeGreaterThan(2);
    const seen: (string | null)[] = [];
    for (let i = 0; i < Math.min(count, 12); i++) {
      seen.push(await page.locator('.current').textContent());
      await page.keyboard.press('ArrowRight');
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(await page.locator('.steps .violation', { hasText: `violates ${property}` }).count()).toBe(1);
    await page.keyboard.press('Home');
    expect(await page.locator('output').textContent()).toBe(`1 of ${count}`);
    await page.close();
  });

  test('the line of the patch that runs is marked, beside the packet with its wrong checksum worked out', async () => {
    const page = await open(stored('counterexamples/transport-checksum-correct/icmp-only.json', 'icmp-only'));
    await page.locator('.steps button', { hasText: 'source 10.0.0.1 -> 10.1.0.1' }).click();
    expect(await page.locator('.source .now').textContent()).toContain('iph->saddr = fl4.saddr;');
    await page.keyboard.press('End');
    expect(await page.locator('summary', { hasText: 'transport checksum: incorrect' }).count()).toBe(1);
  });

  test('an edited host is played again, on any kernel, and its address opens the same', async () => {
    const page = await open(stored('counterexamples/source-fits-route/stock.json', 'stock'));
    expect(await page.locator('.broken').textContent()).toMatch(/✗ stock breaks: .*source-fits-route/s);
    const host = page.getByLabel('host', { exact: true });
    const lines = (await host.inputValue()).split('\n');
    await host.fill(lines.filter((line) => !line.includes('iptables')).join('\n'));
    await page.getByRole('button', { name: 'Play it' }).click();
    await page.waitForFunction("document.querySelector('h1').textContent === 'A scenario of your own'");
    expect(await page.locator('.broken').textContent()).toBe('✓ stock keeps every promise here.');
    const address = new URL(page.url()).hash;
    const again = await open(address);
    expect(await again.locator('.broken').textContent()).toBe('✓ stock keeps every promise here.');
    await again.getByLabel('kernel', { exact: true }).selectOption('tcp-rehash-only-stale-cork');
    expect(await again.locator('.broken').textContent()).toContain('tcp-rehash-only-stale-cork keeps');
  });

  test('a line that cannot be read is named, and what would be right', async () => {
    const page = await open(
      addressOf({ file: '', host: ['ip frob'], events: [], variants: ['stock'], release: '6.1', at: 0 }),
    );
    expect(await page.locator('.fault').textContent()).toContain('host, line 1: ');
  });

  test('kernels stand side by side, and what only one of them does is marked', async () => {
    const page = await open('#file=counterexamples%2Fkernel-survives%2Ftcp-rehash.json&on=tcp-rehash,stock');
    expect(await page.locator('.column').count()).toBe(2);
    expect(await page.locator('.column').first().locator('.oops.own').count()).toBe(1);
    expect(await page.locator('.column').last().locator('.oops').count()).toBe(0);
  });

  test('fits a screen of 390 pixels', async () => {
    for (const hash of ['', stored('counterexamples/kernel-survives/tcp-rehash.json', 'tcp-rehash', 4)]) {
      const page = await open(hash, 390);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    }
  });

  test('without a mouse: a cell is reached by Tab and opened by Enter, Escape goes back', async () => {
    const page = await open();
    await page.locator('.matrix td.violated a').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.steps');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.matrix');
  });

  test('the model in the page says what the model says', async () => {
    const page = await open();
    const file = 'counterexamples/transport-checksum-correct/tcp-rehash.json';
    await page.goto(url + stored(file, 'tcp-rehash'));
    const shown = await page.locator('.steps .effect').allTextContents();
    for (const line of loadScenario(file).trace ?? [])
      expect(shown.some((text) => text.includes(line.replace(/^events\[\d+\] /, '')))).toBe(true);
  });

  test('no error was printed, and no request left the page', () => {
    expect(wrong).toEqual([]);
  });
});
