/** The documents are what the program prints into them, and what they show of it is what it does. */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it, vi } from 'vitest';

// Colours are decided when they are loaded.
vi.hoisted(() => {
  process.env.NO_COLOR = '1';
});

import { commandsIn, examplesIn, isShown, linesOf, type Ran } from '../../cli/documents/examples.ts';
import { type Document, documents, writtenByHand } from '../../cli/documents/index.ts';
import { firstSentence, sourcesIn } from '../../cli/documents/map.ts';
import { program } from '../../cli/program.ts';
import { readResult } from '../../cli/results.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { properties } from '../../properties/index.ts';
import { FURTHER, ROOMS } from '../../tools/rooms.ts';

const ran = new Map<string, Promise<Ran>>();

/** The program in this process, once for every command. */
function run(args: readonly string[]): Promise<Ran> {
  const key = args.join(' ');
  const known = ran.get(key) ?? runAnew(args);
  ran.set(key, known);
  return known;
}

async function runAnew(args: readonly string[]): Promise<Ran> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  try {
    process.exitCode = undefined;
    await program().parseAsync(args, { from: 'user' });
    return { stdout, status: Number(process.exitCode ?? 0) };
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}

/** Parses the arguments and runs nothing; rejects what the program would refuse. */
async function parse(args: readonly string[]): Promise<void> {
  const silenced = (command: Command): Command => {
    if (command.commands.length === 0 || command.name() === 'conformance') command.action(() => {});
    for (const one of command.commands) silenced(one);
    return command;
  };
  await silenced(program()).parseAsync(args, { from: 'user' });
}

const readme = readFileSync('README.md', 'utf8');
const contributing = readFileSync('CONTRIBUTING.md', 'utf8');

describe('the documents', () => {
  let printed: readonly Document[] = [];
  beforeAll(async () => {
    printed = await documents(run);
  }, 120_000);

  it.each([
    'FINDINGS.md',
    'COVERAGE.md',
    'results/matrix.md',
    'results/syn-filters.md',
    'results/files.md',
    'results/names.md',
    'schema/scenario.schema.json',
    'README.md',
    'CONTRIBUTING.md',
    'conformance/patched/NOTES.md',
  ])("%s is what 'npm run documents' prints", (path) => {
    const document = printed.find((one) => one.path === path);
    expect(document?.now).toBe(document?.printed);
  });

  it('are all in this list', () => {
    expect(printed).toHaveLength(12);
  });
});

describe('README.md', () => {
  const examples = examplesIn(readme);

  it('shows at least six commands with their output', () => {
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  it.each(examples)('shows what $args prints, and it ends with $exit', async ({ args, shown, exit }) => {
    const { stdout, status } = await run(args);
    expect(isShown(shown, linesOf(stdout)) ? [] : linesOf(stdout)).toEqual([]);
    expect(status).toBe(exit);
  });
});

describe.each([
  ['README.md', readme],
  ['CONTRIBUTING.md', contributing],
])('the commands of %s', (_, text) => {
  const scripts: Readonly<Record<string, string>> = packageJson.scripts;

  /** The script that an npm command runs, and what it hands on. */
  function scriptOf(command: string): readonly [script: string, ...args: string[]] {
    const words = command.split(/\s+/).slice(1);
    const name = words[0] === 'run' ? words.splice(0, 2)[1] : words.shift();
    return [name ?? '', ...words.slice(words[0] === '--' ? 1 : 0)];
  }

  it.each(commandsIn(text).map((command) => ({ command })))('$command is one that works', async ({ command }) => {
    if (command.startsWith('npx reroute-check ')) return parse(command.split(/\s+/).slice(2));
    if (command === 'npm ci') return;
    if (!command.startsWith('npm ')) throw new Error('neither npm nor reroute-check');
    const [name, ...args] = scriptOf(command);
    expect(Object.keys(scripts)).toContain(name);
    const verb = / dist\/reroute-check\.js (.*)$/.exec(scripts[name] ?? '')?.[1];
    if (verb !== undefined) await parse([...verb.split(' '), ...args]);
  });
});

describe('every verb of the package scripts', () => {
  it('is one of the program', async () => {
    const verbs = Object.values(packageJson.scripts).flatMap(
      (line) => / dist\/reroute-check\.js (.*)$/.exec(line)?.[1] ?? [],
    );
    expect(verbs.length).toBeGreaterThan(5);
    for (const verb of verbs) await parse(verb.split(' '));
  });
});

describe('what is written by hand', () => {
  it.each(['README.md', 'CONTRIBUTING.md', 'DECISIONS.md', 'conformance/patched/NOTES.md'])(
    '%s names files that are there',
    (path) => {
      const folders = [...ROOMS, ...FURTHER].map(({ folder }) => folder.replace(/\/.*/, ''));
      const named = [...readFileSync(path, 'utf8').matchAll(/[`(]([\w-]+(?:\/[\w@.-]+)+\/?)[`)]/g)].map(
        ([, file]) => file,
      );
      const ours = named.filter((file) => folders.includes(file?.split('/')[0] ?? ''));
      expect(ours.length).toBeGreaterThan(0);
      expect(ours.filter((file) => !existsSync(file ?? ''))).toEqual([]);
    },
  );

  it('counts none of what is recorded', () => {
    const cells = Object.values(readResult('solver').cells.outcomes).flatMap((row) => Object.values(row));
    const confirmations = Object.values(readResult('confirmations').records);
    const outcomes = (one: string) => cells.filter((cell) => cell === one).length;
    const recorded: Readonly<Record<string, readonly number[]>> = {
      'promises|properties': [properties.length],
      'cells|closed|exhausted|violated|broken': [cells.length, outcomes('exhausted'), outcomes('violated')],
      'counterexamples|scenarios|confirmed': [
        confirmations.length,
        confirmations.filter(({ outcome }) => outcome === 'confirmed').length,
      ],
    };
    for (const path of ['README.md', 'CONTRIBUTING.md', 'conformance/patched/NOTES.md']) {
      const text = writtenByHand(readFileSync(path, 'utf8'));
      for (const [things, counts] of Object.entries(recorded))
        for (const count of counts)
          expect(text.match(new RegExp(`(?<![\\d.:,-])${count}(?: [a-z]+)? (?:${things})\\b`, 'g')), path).toBeNull();
    }
  });
});

describe('the map', () => {
  it('has a sentence for every file', () => {
    const without = ROOMS.flatMap(({ folder }) => sourcesIn(folder)).filter(
      (file) => firstSentence(readFileSync(file, 'utf8')) === '',
    );
    expect(without).toEqual([]);
  });

  it('takes the first sentence of the first comment', () => {
    expect(firstSentence('#!/bin/sh\n# Makes `a.ts` fast, e.g. so.\n# More.\n\nexit\n')).toBe(
      'Makes `a.ts` fast, e.g. so.',
    );
    expect(firstSentence('/**\n * Runs it\n * on z3. Then more.\n *\n * And more.\n */\n')).toBe('Runs it on z3.');
    expect(firstSentence('export const x = 1;\n')).toBe('');
  });
});
