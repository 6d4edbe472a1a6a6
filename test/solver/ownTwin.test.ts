/** A patch of one's own in the source that takes terms, beside the same text as a variant. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kernelNamed } from '../../model/patch/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import { kernelOfOwn, readOwnPatch } from '../../own/patch.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { proofScopes } from '../../properties/scopes/proofs.ts';
import { twinOfOwn } from '../../solver/ownTwin.ts';
import { loadZ3 } from '../../solver/smt.ts';
import { solveCell } from '../../solver/solveCell.ts';

const file = join(mkdtempSync(join(tmpdir(), 'own-')), 'mine.c');

test('a text of one’s own is solved as the variant with the same text is', { timeout: 120_000 }, async () => {
  writeFileSync(file, readFileSync('model/patch/icmp-only.c', 'utf8'));
  const patch = readOwnPatch(file, 'model/patch');
  const z3 = await loadZ3();
  for (const [id, shape] of [
    ['send-leaves-next-send-alone', 'udp-twice'],
    ['local-name-stays', 'udp-connected'],
  ] as const) {
    const property = properties.find((one) => one.id === id) as Property;
    const whole = proofScopes[property.proof];
    const scope = { ...whole, shapes: whole.shapes.filter(({ name }) => name === shape) };
    const options = { budget: 60_000, seed: 1 };
    const twin = twinOfOwn(patch, '6.1');
    const { milliseconds: _, ...own } = solveCell(z3, property, kernelOfOwn(patch), scope, { ...options, twin });
    const variant = kernelNamed('icmp-only') as Kernel;
    const { milliseconds: __, ...known } = solveCell(z3, property, variant, scope, options);
    expect(own).toEqual(known);
    expect(own.outcome).toBe(id === 'local-name-stays' ? 'exhausted' : 'violated');
  }
});
