/** Stories of the stored counterexamples: the watched twins do what the model does, and say in which statement. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chooseVariant } from '../../../cli/choose.ts';
import { counterexampleFiles } from '../../../cli/files.ts';
import { watchedKernel } from '../../../cli/watched.ts';
import { stepsOf } from '../../../report/steps.ts';
import { play } from '../../../scenario/play.ts';
import { loadScenario } from '../../../scenario/scenario.ts';
import { comparisonText } from '../../../scenario/story/compare.ts';
import { storyOf, untilCrash } from '../../../scenario/story/story.ts';
import { headingsOf, storyText } from '../../../scenario/story/tell.ts';
import { traceLines, traceOf } from '../../../scenario/trace.ts';

function story(file: string, variant?: string) {
  const { scenario, release, variant: stored = 'stock' } = loadScenario(file);
  return storyOf(watchedKernel(chooseVariant(variant ?? stored, release)), scenario);
}

const PING = 'experiments/1-ping-version-1.json';

describe.each(counterexampleFiles())('%s', (file) => {
  test('is played by the twins as by the model, and told in 80 columns', () => {
    const { scenario, release, variant = 'stock' } = loadScenario(file);
    const plain = play(chooseVariant(variant, release), scenario);
    const told = story(file);
    expect(told.run.steps.map(({ world }) => JSON.stringify({ ...world, effects: [] }))).toEqual(
      plain.steps.map(({ world }) => JSON.stringify({ ...world, effects: [] })),
    );
    expect(traceLines(told.run)).toEqual(traceLines(plain));
    const lines = [
      ...storyText(told),
      ...comparisonText([told, story(file, 'stock')].map((one) => ({ story: one, violations: [] }))),
    ];
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

test('what the patch writes stands behind its function, file and line, in the order of its statements', () => {
  const text = storyText(story(PING, 'icmp-only')).join('\n');
  expect(text).toMatch(
    /ip_route_reroute\(\), model\/patch\/reroute\.h:\d+\n {8}packet 1: route none -> eth1 via 10\.1\.0\.254 table 100\n {4}ipt_mangle_out\(\), model\/patch\/icmp-only\.c:\d+\n {8}packet 1: source 10\.0\.0\.1 -> 10\.1\.0\.1, IP checksum correct -> incorrect\n/,
  );
  expect(text).toMatch(/c: inet_saddr 0\.0\.0\.0 -> 10\.1\.0\.1\n/);
  expect(text).toMatch(
    /packet 1: IP checksum incorrect -> correct\n {4}eth1 via 10\.1\.0\.254: 10\.1\.0\.1 > 8\.8\.8\.8/,
  );
});

test('a second lookup that leaves the route says so, and nothing of the source', () => {
  const text = storyText(story('counterexamples/transport-checksum-correct/tcp-rehash.json'));
  expect(text).toContain('    second lookup, mark 100: eth1 via 10.1.0.254 table 100 again');
  expect(text.join('\n')).not.toContain('nothing changes');
});

test('the line in which the kernel crashes is the last of its event: no packet leaves after it or before it', () => {
  const crash = story('counterexamples/kernel-survives/tcp-rehash.json');
  const text = storyText(crash);
  const at = text.findIndex((line) => line.startsWith('        oops in inet_put_port'));
  expect(text.slice(at - 3, at)).toEqual([
    '    ipt_mangle_out(), model/patch/tcp-rehash.c:101',
    '      __inet_put_port(), net/ipv4/inet_hashtables.c',
    '        __inet_put_port takes a control socket for a TCP socket',
  ]);
  expect(text.slice(at + 1).filter((line) => line.startsWith('  '))).toEqual([]);
  expect(text.filter((line) => line.startsWith('    eth'))).toEqual([]);
  expect(traceOf(untilCrash(crash)).packets).toEqual([]);
});

test('several kernels: first what differs, then what they share once and the rest side by side', () => {
  const kernels = ['stock', 'icmp-only'].map((name) => ({ story: story(PING, name), violations: [] }));
  const text = comparisonText(kernels);
  const at = text.indexOf('DIFFERENCES');
  expect(text[at + 2]).toBe('events[1] send c 56 to 8.8.8.8');
  expect(text[at + 3]).toMatch(/^ {4}eth1 via 10\.1\.0\.254: 10\.0\.0\.1 > +\| eth1 via 10\.1\.0\.254: 10\.1\.0\.1 >$/);
  expect(text.filter((line) => line.includes('mark_tg(), net/netfilter/xt_mark.c'))).toHaveLength(1);
});

test('kernels that differ in nothing say so', () => {
  const kernels = ['stock', 'stock'].map((name) => ({ story: story(PING, name), violations: [] }));
  expect(comparisonText(kernels).slice(2, 6)).toEqual(['', 'DIFFERENCES', expect.stringContaining('stock'), 'none']);
});

test('headings: only what differs from those above, and a caller again below what it called', () => {
  const below = (where: readonly string[], above: readonly string[]) =>
    headingsOf(where, above).map(({ text, depth }) => `${'  '.repeat(depth)}${text}`);
  expect(below(['a', 'b'], [])).toEqual(['a', '  b']);
  expect(below(['a', 'b'], ['a', 'b'])).toEqual([]);
  expect(below(['a', 'c'], ['a', 'b'])).toEqual(['  c']);
  expect(below(['a'], ['a', 'b'])).toEqual(['a']);
  expect(below([], ['a'])).toEqual([]);
});

test('while a table marks a packet, the line of the patch that runs is its call of the table', () => {
  const steps = stepsOf(story(PING, 'icmp-only'), []);
  const marked = steps.find(({ text }) => text === 'packet 1: mark 0 -> 100');
  expect(marked?.where).toEqual(['mark_tg(), net/netfilter/xt_mark.c']);
  const { path = '', line = 0 } = marked?.patch ?? {};
  expect(readFileSync(path, 'utf8').split('\n')[line - 1]).toContain('ipt_do_table(');
});
