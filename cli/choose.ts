/** Looks up properties and variants by the names that users type. */

import { onRelease, REFERENCE, releases } from '../model/releases/index.ts';
import type { Kernel } from '../model/types/world.ts';
import { alternatives, variants } from '../model/variants/index.ts';
import { filtered } from '../model/variants/syn-filters.ts';
import { singleFaults } from '../properties/faults.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { wrong } from '../search/scenario/error.ts';

/** The variant of that name, all when there is none, on that release. */
export function chooseVariants(name: string | undefined, release?: string): readonly Kernel[] {
  return name === undefined ? variants.map((kernel) => chooseRelease(kernel, release)) : [chooseVariant(name, release)];
}

/** The variant of that name, on that release. */
export function chooseVariant(name: string, release?: string): Kernel {
  const kernel =
    [...variants, ...alternatives, ...singleFaults, ...filtered].find((one) => one.name === name) ??
    wrong(`no variant is called '${name}'; 'reroute-check list variants' names them`);
  return chooseRelease(kernel, release);
}

/** The kernel on the release of that number; the reference without one. */
function chooseRelease(kernel: Kernel, number: string | undefined): Kernel {
  if (number === undefined || number === REFERENCE) return kernel;
  const release =
    releases.find((one) => one.release === number) ??
    wrong(`release ${number} is not modelled; there are ${releases.map((one) => one.release).join(', ')}`);
  return onRelease(kernel, release);
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
