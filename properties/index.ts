/** Every property, in the order of the matrix: that of these files, and in each file that of its list. */
import { addressProperties } from './address.ts';
import { checksumProperties } from './checksum.ts';
import { fastOpenProperties } from './fastOpen.ts';
import { flowProperties } from './flows.ts';
import { moveProperties } from './moves.ts';
import { netfilterProperties } from './netfilter.ts';
import { orderProperties } from './order.ts';
import type { Property } from './property.ts';
import { purposeProperties } from './purpose.ts';
import { routeProperties } from './route.ts';
import { connectionProperties } from './tcp.ts';
import { tupleProperties } from './tuple.ts';

export const properties: readonly Property[] = [
  ...purposeProperties,
  ...addressProperties,
  ...tupleProperties,
  ...moveProperties,
  ...checksumProperties,
  ...netfilterProperties,
  ...routeProperties,
  ...fastOpenProperties,
  ...flowProperties,
  ...connectionProperties,
  ...orderProperties,
];
