/** Looks up properties, variants and faults by the names that users type. */

import { join } from 'node:path';
import { kernelNamed, kernels, variants } from '../model/patch/index.ts';
import { releases } from '../model/patch/releases/index.ts';
import { type Fault, faults } from '../model/types/faults.ts';
import type { Kernel } from '../model/types/world.ts';
import { textFile } from '../own/files.ts';
import { kernelOfOwn, readOwnPatch } from '../own/patch.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { type RunScope, runScopes } from '../properties/scopes/runs.ts';
import { wrong } from '../scenario/error.ts';
import { HOME } from './place.ts';
import { suggestion } from './suggest.ts';

/** The variants of those names, the matrix when there is none, on that release. */
export function chooseVariants(names: readonly string[], release?: string): readonly Kernel[] {
  const chosen = names.length === 0 ? variants.map(({ name }) => name) : [...new Set(names)];
  return chosen.map((name) => chooseVariant(name, release));
}

/** The variant of that name, on that release. */
export function chooseVariant(name: string, release?: string): Kernel {
  if (!kernels.some((kernel) => kernel.name === name))
    wrong(
      `there is no variant '${name}'${suggestion(name, namesOf(kernels))}; 'reroute-check list variants' lists them`,
    );
  return (
    kernelNamed(name, release) ??
    wrong(`there is no model of release ${release}, but of ${releases.map((one) => one.release).join(', ')}`)
  );
}

/** The kernel of a text of one's own, on that release. */
export function choosePatch(file: string, release?: string): Kernel {
  return kernelOfOwn(readOwnPatch(file, join(HOME, 'model/patch')), chooseVariant('stock', release).release);
}

/** The C file of a text of one's own, for the test kernel. */
export function choosePatchFile(file: string): string {
  return textFile(file, join(HOME, 'model/patch'));
}

/** What somebody wants to be tried. */
export interface Choice {
  readonly variant?: readonly string[] | undefined;
  readonly patch?: string | undefined;
  readonly against?: string | undefined;
  readonly release?: string | undefined;
}

/** One kernel: that of the text, else the variant of that name. */
export function chooseKernel({ patch, release }: Omit<Choice, 'variant'>, variant: string): Kernel {
  return patch === undefined ? chooseVariant(variant, release) : choosePatch(patch, release);
}

/** The kernels of a search: all of the matrix, those of the names, or that of the text with what it is compared with. */
export function chooseKernels({ variant, patch, against, release }: Choice): readonly Kernel[] {
  if (patch === undefined) {
    if (against !== undefined) wrong('--against compares a text of your own with a variant; name it with --patch');
    return chooseVariants(variant ?? [], release);
  }
  if (variant !== undefined) wrong('--variant and --patch name two kernels; --against compares them');
  return [...(against === undefined ? [] : [chooseVariant(against, release)]), choosePatch(patch, release)];
}

/** The property of that id. */
export function chooseProperty(id: string): Property {
  return (
    properties.find((property) => property.id === id) ??
    wrong(
      `there is no property '${id}'${suggestion(id, idsOf(properties))}; 'reroute-check list properties' lists them`,
    )
  );
}

/** The properties of those ids, all when there is none. */
export function chooseProperties(ids: readonly string[]): readonly Property[] {
  return ids.length === 0 ? properties : ids.map(chooseProperty);
}

/** The scope of that name; without one those of the properties, and all for all of them. */
export function chooseScopes(name: string | undefined, asked: readonly Property[]): readonly RunScope[] {
  if (name === undefined)
    return runScopes.filter((scope) => asked.some((property) => property.scope === scope) || asked === properties);
  const scope = runScopes.find((one) => one.name === name);
  return scope === undefined
    ? wrong(`there is no scope '${name}', but of ${runScopes.map((one) => one.name).join(', ')}`)
    : [scope];
}

/** The faults of those ids, all when there is none. */
export function chooseFaults(ids: readonly string[]): readonly Fault[] {
  for (const id of ids) {
    if (!faults.some((fault) => fault.id === id))
      wrong(`there is no fault '${id}'${suggestion(id, idsOf(faults))}; 'reroute-check list faults' lists them`);
  }
  return faults.filter(({ id }) => ids.length === 0 || ids.includes(id));
}

function idsOf(all: readonly { readonly id: string }[]): readonly string[] {
  return all.map(({ id }) => id);
}

function namesOf(all: readonly { readonly name: string }[]): readonly string[] {
  return all.map(({ name }) => name);
}
