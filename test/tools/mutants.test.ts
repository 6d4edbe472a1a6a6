/** Changes of a text are compiled one at a time, mutants of the model switched on one at a time in one build; promises kill them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cwd } from 'node:process';
import { describe, expect, it } from 'vitest';
import { instantiate } from '../../compiler/load.ts';
import { Refused } from '../../compiler/messages.ts';
import { compileText } from '../../compiler/unit.ts';
import * as bindings from '../../model/patch/bindings.ts';
import { properties } from '../../properties/index.ts';
import { changesOf } from '../../tools/mutants/changes.ts';
import { runMutants } from '../../tools/mutants/run.ts';
import { huntTexts } from '../../tools/mutants/texts.ts';

const promises = properties.map(({ id }) => id);

describe('changes of a C text', () => {
  const text = [
    'static int two(struct sk_buff *skb, int a)',
    '{',
    '\tint err = -EINVAL;',
    '',
    '\tif (a < 2 &&',
    '\t    skb->len)',
    '\t\treturn err;',
    '\tskb->mark = a + 1;',
    'out:',
    '\tskb_dst_drop(skb);',
    '\treturn a & 1;',
    '}',
    '',
  ].join('\n');
  const changes = changesOf({ file: 'two.c', text });

  it('are one place each, on the line where it stands, and leave all lines where they are', () => {
    expect(changes.map(({ line, from, to }) => `${line} ${from} -> ${to}`)).toEqual([
      '3 - -> nothing',
      '5 a < 2 && skb->len -> 0',
      '5 a < 2 && skb->len -> 1',
      '5 < -> <=',
      '5 < -> >=',
      '5 2 -> (2 + 1)',
      '5 && -> ||',
      '7 return err; -> ;',
      '8 skb->mark = a + 1; -> ;',
      '8 + -> -',
      '8 1 -> (1 + 1)',
      '10 skb_dst_drop(skb); -> ;',
      '11 return a & 1; -> ;',
      '11 & -> |',
      '11 1 -> (1 + 1)',
    ]);
    for (const change of changes) expect(change.text.split('\n')).toHaveLength(text.split('\n').length);
  });
});

it('a change is refused in one line, or compiles to code that can be loaded', () => {
  const read = (name: string) => ({ file: name, text: readFileSync(join('model/patch', name), 'utf8') });
  const changed = changesOf(read('mended.h')).filter((_, at) => at % 12 === 0);
  const outcomes = changed.map(({ text }) => {
    const include = (name: string) => (name === 'mended.h' ? { file: name, text } : read(name));
    try {
      instantiate(compileText(read('tcp-rehash-mended.c'), { include }), bindings);
      return 'loaded';
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return 'refused';
    }
  });
  expect(new Set(outcomes)).toEqual(new Set(['loaded', 'refused']));
});

it('a hunt of a few seconds kills changes of version 1, and says where the others stand', () => {
  const hunted = huntTexts({
    folder: cwd(),
    texts: ['icmp-only'],
    sample: 12,
    stored: [],
    seed: 2,
    hosts: 1,
    rounds: 1,
    seconds: 1,
    progress: () => {},
  });
  const killed = hunted.filter(({ promise }) => promise !== '');
  expect(killed.length).toBeGreaterThan(3);
  for (const { promise, different, reached } of killed) {
    expect(promises).toContain(promise);
    expect(different).toBeGreaterThan(0);
    expect(reached).toBeGreaterThanOrEqual(different);
  }
});

it('mutants of the model are hunted in one build', async () => {
  const hunted = await runMutants({
    folder: cwd(),
    sample: 30,
    tests: false,
    stored: [],
    seed: 4,
    seconds: 4,
    turns: 1,
    progress: () => {},
  });
  expect(hunted).toHaveLength(30);
  for (const { file, line, promise } of hunted) {
    expect(file).toMatch(/^model\/(kernel|host)\/.*\.ts$/);
    expect(line).toBeGreaterThan(0);
    expect(['', ...promises]).toContain(promise);
  }
  expect(hunted.some(({ promise }) => promise !== '')).toBe(true);
  expect(hunted.filter(({ promise, compared }) => promise !== '' && compared)).toEqual([]);
  expect(hunted.some(({ compared }) => compared)).toBe(true);
}, 90_000);
