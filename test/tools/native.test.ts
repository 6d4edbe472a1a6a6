/** The model as it runs natively, with fast copies and effects in one list, does what its source says. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { esbuildPluginCopies, rewriteCopies } from '../../tools/copies/copies.ts';

const ENTRY = `
export { variants } from './model/patch/index.ts';
export { properties } from './properties/index.ts';
export { firstBroken, playOn } from './scenario/play.ts';
export { eventOfLine } from './scenario/text.ts';
export { drawBooted, eventWords } from './search/bulk.ts';
export { drawEvents } from './search/generate.ts';
`;

interface Program {
  readonly variants: typeof import('../../model/patch/index.ts').variants;
  readonly properties: typeof import('../../properties/index.ts').properties;
  readonly firstBroken: typeof import('../../scenario/play.ts').firstBroken;
  readonly playOn: typeof import('../../scenario/play.ts').playOn;
  readonly eventOfLine: typeof import('../../scenario/text.ts').eventOfLine;
  readonly drawBooted: typeof import('../../search/bulk.ts').drawBooted;
  readonly eventWords: typeof import('../../search/bulk.ts').eventWords;
  readonly drawEvents: typeof import('../../search/generate.ts').drawEvents;
}

async function load(name: string, plugins: Plugin[]): Promise<Program> {
  const outfile = join(mkdtempSync(join(tmpdir(), 'reroute-native-')), `${name}.mjs`);
  const stdin = { contents: ENTRY, resolveDir: resolve('.'), loader: 'ts' } as const;
  await build({ stdin, bundle: true, format: 'esm', platform: 'node', outfile, plugins, logLevel: 'error' });
  return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Program;
}

const HOSTS = 3;
const SEQUENCES = 2;

describe('the native model', async () => {
  const native = await load('native', [esbuildPluginC({ rewrite: rewriteCopies }), esbuildPluginCopies()]);
  const source = await load('source', [esbuildPluginC()]);

  /** Everything that is seen of the scenarios drawn from a scope: worlds, effects, and the promises that they break. */
  function shownBy(program: Program, scope: (typeof runScopes)[number]): readonly string[] {
    const { variants, properties, eventOfLine, playOn, firstBroken } = program;
    return Array.from({ length: HOSTS }, (_, h) => {
      const { host, booted } = program.drawBooted(scope, 3, h, variants);
      return Array.from({ length: SEQUENCES }, (_, e) => {
        const events = program.drawEvents(scope, host, program.eventWords(3, h, e)).map(eventOfLine);
        return variants.map((kernel, k) => {
          const { boot, steps } = playOn(kernel, booted[k] as (typeof booted)[number], events);
          const run = { kernel, events, boot, steps };
          return JSON.stringify([boot, steps, properties.map((property) => firstBroken(property, run))]);
        });
      }).flat();
    }).flat();
  }

  it.each(runScopes)('plays and judges as its source does, in $name', (scope) => {
    const seen = shownBy(native, scope);
    expect(seen).toEqual(shownBy(source, scope));
    expect(seen.join()).toContain('"kind":"xmit"');
  });
});
