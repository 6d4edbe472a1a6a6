/** Looks up properties and variants by the names that users type. */

import { kernelNamed, kernels, variants } from '../model/patch/index.ts';
import { releases } from '../model/patch/releases/index.ts';
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
    wrong(`no variant is called '${name}'; 'reroute-check list variants' names them`);
  return (
    kernelNamed(name, release) ??
    wrong(`release ${release} is not modelled; there are ${releases.map((one) => one.release).join(', ')}`)
  );
}

/** The property of that id. */
export function chooseProperty(id: string): Property {
  return (
    properties.find((property) => property.id === id) ??
    wrong(`no property is called '${id}'; 'reroute-check list properties' names them`)
  );
}

/** The properties of those ids, all when there is none. */
export function chooseProperties(ids: readonly string[]): readonly Property[] {
  return ids.length === 0 ? properties : ids.map(chooseProperty);
}
