/** The page in a browser: skipped where there is no Chromium, and it says so. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { addressOf, readAddress } from '../../report/page/address.ts';
import { browserPath, openPages, reason, stored } from './browser.ts';

test('an address is read back as it was written', () => {
  const shown = {
    file: '',
    host: ['ip link add a~b type veth', 'iptables -t mangle -A OUTPUT -j MARK --set-mark 0x1/0xf & co'],
    events: ['socket c tcp', 'connect c 8.8.8.8:80'],
    variants: ['tcp-rehash', 'stock'],
    picks: [{ event: 1, isn: 5 }],
    release: '4.1',
    at: 7,
  };
  expect(readAddress(addressOf(shown))).toEqual(shown);
  expect(readAddress('#on=stock&picks=nonsense')?.picks).toEqual([]);
  expect(readAddress('')).toBeUndefined();
});

describe.skipIf(browserPath === undefined)(`the page in Chromium${reason}`, { timeout: 240_000 }, () => {
  const { file, open, wrong } = openPages();

  test('is smaller than 3 MB and is usable soon', async () => {
    expect(readFileSync(file()).length).toBeLessThan(3_000_000);
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

  test('an edited host is played again, on any kernel, and its address opens the same', async () => {
    const page = await open(stored('counterexamples/source-fits-route/stock.json', 'stock'));
    expect(await page.locator('.broken').textContent()).toMatch(/✗ stock breaks: .*source-fits-route/);
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

  test('an edited scenario keeps the choices of the kernel', async () => {
    const name = (first: string | null) => /10\.0\.0\.1:(\d+) > /.exec(first ?? '')?.[1];
    const shown = {
      file: '',
      host: ['ip link add eth0 type veth', 'ip link set eth0 up', 'ip addr add 10.0.0.1/24 dev eth0'],
      events: ['socket c tcp', 'connect c 10.0.0.254:80'],
      variants: ['stock'],
      release: '6.1',
      at: 1e9,
    };
    const plain = await open(addressOf({ ...shown, picks: [] }));
    const page = await open(addressOf({ ...shown, picks: [{ event: 1, port_offset: 7 }] }));
    await page.getByLabel('events', { exact: true }).fill([...shown.events, 'answer c'].join('\n'));
    await page.getByRole('button', { name: 'Play it' }).click();
    await page.waitForFunction("location.hash.includes('answer')");
    const [port, other] = await Promise.all(
      [page, plain].map(async (one) => name(await one.locator('.steps', { hasText: 'tcp S' }).first().textContent())),
    );
    expect(other).toBeDefined();
    expect(port).not.toBe(other);
  });

  test('what is worse than stock is marked, and each class has one heading', async () => {
    const page = await open();
    const marked = await page.locator('.matrix td a', { hasText: 'worse than stock' }).allTextContents();
    expect(marked).toEqual(['✗\u00a0violated, worse than stock']);
    const headings = await page.locator('.matrix .concern th[colspan]').allTextContents();
    expect(new Set(headings).size).toBe(headings.length);
    expect(headings[0]).toBe('purpose');
  });

  test('is printed with every step, and without what only a screen has', async () => {
    const page = await open(stored('counterexamples/transport-checksum-correct/tcp-rehash.json', 'tcp-rehash'));
    const heights = "[...document.querySelectorAll('.steps')].map((one) => one.scrollHeight - one.clientHeight)";
    await page.emulateMedia({ media: 'print' });
    expect(Math.max(...(await page.evaluate<number[]>(heights)))).toBeLessThan(5);
    expect(await page.locator('.controls, .editor').first().isVisible()).toBe(false);
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(20_000);
  });

  test('fits a screen of 390 pixels', async () => {
    for (const hash of ['', stored('counterexamples/kernel-survives/tcp-rehash.json', 'tcp-rehash', 4)]) {
      const page = await open(hash, 390);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    }
  });

  test('no error was printed, and no request left the page', () => {
    expect(wrong).toEqual([]);
  });
});
