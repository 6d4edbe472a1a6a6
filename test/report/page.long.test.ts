/** More of the page in a browser: skipped where there is no Chromium, and it says so. */
import { describe, expect, test } from 'vitest';
import { counterexampleFiles } from '../../cli/files.ts';
import { properties } from '../../properties/index.ts';
import { addressOf } from '../../report/page/address.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { browserPath, openPages, reason, stored } from './browser.ts';

describe.skipIf(browserPath === undefined)(`the page in Chromium${reason}`, { timeout: 240_000 }, () => {
  const { open, wrong } = openPages();

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
    expect(await page.locator('figcaption').textContent()).toMatch(/^model\/patch\/icmp-only\.c:\d+ ran last$/);
    expect(await page.locator('.source .ran').count()).toBe(1);
  });

  test('a line that cannot be read is named, and what would be right', async () => {
    const page = await open(
      addressOf({ file: '', host: ['ip frob'], events: [], picks: [], variants: ['stock'], release: '6.1', at: 0 }),
    );
    expect(await page.locator('.fault').textContent()).toContain('host, line 1: ');
  });

  test('kernels stand side by side, and what only one of them does is marked', async () => {
    const page = await open('#file=counterexamples%2Fkernel-survives%2Ftcp-rehash.json&on=tcp-rehash,stock');
    expect(await page.locator('.column').count()).toBe(2);
    expect(await page.locator('.column').first().locator('.oops.own').count()).toBe(1);
    expect(await page.locator('.column').last().locator('.oops').count()).toBe(0);
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
    const file = 'counterexamples/transport-checksum-correct/tcp-rehash.json';
    const page = await open(stored(file, 'tcp-rehash'));
    const shown = await page.locator('.steps .effect').allTextContents();
    for (const line of loadScenario(file).trace ?? [])
      expect(shown.some((text) => text.includes(line.replace(/^events\[\d+\] /, '')))).toBe(true);
  });

  test('no error was printed, and no request left the page', () => {
    expect(wrong).toEqual([]);
  });
});
