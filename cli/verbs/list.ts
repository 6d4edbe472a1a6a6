/** `reroute-check list`: properties, variants, faults and stored counterexamples, each with its sentence. */

import { kernelGroups } from '../../model/patch/index.ts';
import { releases } from '../../model/patch/releases/index.ts';
import { faults } from '../../model/types/faults.ts';
import { properties } from '../../properties/index.ts';
import { wrong } from '../../scenario/error.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { filterRows } from '../../search/synShapes.ts';
import { promisesTable, shapesTable } from '../documents/synFilters.ts';
import { counterexampleFiles } from '../files.ts';
import { paint } from '../paint.ts';
import { readResult } from '../results.ts';

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
  variants: () =>
    kernelGroups.flatMap(({ name: group, kernels }) =>
      kernels.map(({ name, title }) => ({ name, sentence: title, more: { group } })),
    ),
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

/** The promises that a condition does not keep. */
function brokenWith(paths: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.keys(paths).filter((promise) => paths[promise] !== '');
}

export function list(what: string | undefined, options: { readonly json?: boolean }): void {
  if (what === 'syn-filters') {
    const { paths } = readResult('syn-filters');
    const text = options.json
      ? JSON.stringify(
          filterRows().map((row) => ({ ...row, broken: brokenWith(paths[row.name]) })),
          null,
          2,
        )
      : `${shapesTable()}\n\n${promisesTable(paths)}`;
    process.stdout.write(`${text}\n`);
    return;
  }
  const kinds = what === undefined ? Object.keys(KINDS) : [what];
  const items = kinds.map((kind) => {
    const read =
      KINDS[kind] ??
      wrong(`there is no list of '${kind}', but of ${[...Object.keys(KINDS), 'syn-filters'].join(', ')}`);
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
    if (kinds.length > 1) process.stdout.write(`${paint.bold(kind)}\n`);
    let group: unknown;
    for (const { name, sentence, more } of of) {
      if (more.group !== group) process.stdout.write(`${paint.bold(`${kind}: ${more.group}`)}\n`);
      group = more.group;
      process.stdout.write(`${name}\n    ${sentence}\n`);
    }
  }
}
