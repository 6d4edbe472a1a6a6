/** Looks up properties and variants by the names that users type. */

import type { Kernel } from '../model/types/world.ts';
import { variants } from '../model/variants/index.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { wrong } from '../search/scenario/error.ts';

/** The variant of that name, all when there is none. */
export function chooseVariants(name: string | undefined): readonly Kernel[] {
  return name === undefined ? variants : [chooseVariant(name)];
}

/** The variant of that name. */
export function chooseVariant(name: string): Kernel {
  return (
    variants.find((kernel) => kernel.name === name) ??
    wrong(`no variant is called '${name}'; there are ${variants.map((kernel) => kernel.name).join(', ')}`)
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
