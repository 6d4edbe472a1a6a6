/** Looks up properties, variants and faults by the names that users type. */

import { kernelNamed, kernels, variants } from '../model/patch/index.ts';
import { releases } from '../model/patch/releases/index.ts';
import { type Fault, faults } from '../model/types/faults.ts';
import type { Kernel } from '../model/types/world.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { wrong } from '../scenario/error.ts';

/** The variant of that name, all when there is none, on that release. */
export function chooseVariants(name: string | undefined, release?: string): readonly Kernel[] {
  return (name === undefined ? variants.map((kernel) => kernel.name) : [name]).map((one) =>
    chooseVariant(one, release),
  );
}

/** The variant of that name, on that release. */
export function chooseVariant(name: string, release?: string): Kernel {
  if (!kernels.some((kernel) => kernel.name === name))
    wrong(`there is no variant '${name}'; 'reroute-check list variants' lists them`);
  return (
    kernelNamed(name, release) ??
    wrong(`there is no model of release ${release}, but of ${releases.map((one) => one.release).join(', ')}`)
  );
}

/** The property of that id. */
export function chooseProperty(id: string): Property {
  return (
    properties.find((property) => property.id === id) ??
    wrong(`there is no property '${id}'; 'reroute-check list properties' lists them`)
  );
}

/** The properties of those ids, all when there is none. */
export function chooseProperties(ids: readonly string[]): readonly Property[] {
  return ids.length === 0 ? properties : ids.map(chooseProperty);
}

/** The faults of those ids, all when there is none. */
export function chooseFaults(ids: readonly string[]): readonly Fault[] {
  for (const id of ids) {
    if (!faults.some((fault) => fault.id === id))
      wrong(`there is no fault '${id}'; 'reroute-check list faults' lists them`);
  }
  return faults.filter(({ id }) => ids.length === 0 || ids.includes(id));
}
