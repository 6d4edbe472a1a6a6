/** `reroute-check list`: properties, variants, faults and stored counterexamples, each with its sentence. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pc from 'picocolors';
import { variants } from '../model/patch/index.ts';
import { releases } from '../model/patch/releases/index.ts';
import { faults } from '../model/types/faults.ts';
import { properties } from '../properties/index.ts';
import { wrong } from '../scenario/error.ts';
import { loadScenario } from '../scenario/scenario.ts';
import { filterRows, filterTable } from '../search/synShapes.ts';
import { COUNTEREXAMPLES } from './files.ts';

interface Item {
  readonly name: string;
  readonly sentence: string;
  readonly more: Record<string, unknown>;
}

const KINDS: Record<string, () => readonly Item[]> = {
  properties: () =>
    properties.map(({ id, claim, concern, asked, onStock, scope, proof }) => ({
      name: id,
      sentence: claim,
      more: { concern, asked, onStock, scope: scope.text, proof },
    })),
  variants: () => variants.map(({ name, title }) => ({ name, sentence: title, more: {} })),
  releases: () => releases.map(({ release, about }) => ({ name: release, sentence: about, more: {} })),
  faults: () =>
    faults.map(({ id, cause, repair, inFirst }) => ({ name: id, sentence: cause, more: { repair, inFirst } })),
  counterexamples: () =>
    counterexampleFiles().map((file) => {
      const stored = loadScenario(file);
      return {
        name: file,
        sentence: stored.finding ?? '',
        more: { property: stored.property, variant: stored.variant },
      };
    }),
};

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

export function list(what: string | undefined, options: { readonly json?: boolean }): void {
  if (what === 'syn-filters') {
    process.stdout.write(`${options.json ? JSON.stringify(filterRows(), null, 2) : filterTable()}\n`);
    return;
  }
  const kinds = what === undefined ? Object.keys(KINDS) : [what];
  const items = kinds.map((kind) => {
    const read =
      KINDS[kind] ??
      wrong(`'${kind}' cannot be listed; properties, variants, releases, counterexamples and syn-filters can`);
    return { kind, items: read() };
  });
  if (options.json) {
    const flat = items.flatMap(({ kind, items: of }) =>
      of.map(({ name, sentence, more }) => ({
        kind: kind.replace(/ies$/, 'y').replace(/s$/, ''),
        name,
        claim: sentence,
        ...more,
      })),
    );
    process.stdout.write(`${JSON.stringify(flat, null, 2)}\n`);
    return;
  }
  for (const { kind, items: of } of items) {
    if (kinds.length > 1) process.stdout.write(`${pc.bold(kind)}\n`);
    for (const { name, sentence } of of) process.stdout.write(`${name}\n    ${sentence}\n`);
  }
}
