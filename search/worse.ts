/**
 * What is worse than without the patch: a kernel breaks a promise in a run in which the stock kernel of the same release
 * keeps it; what the patch is for has to occur there, where it occurs last, to be kept. Such a failure is a finding of its own, also where stock breaks the promise elsewhere.
 * It is none where rules that count have come to other numbers before, and so may have said something else of the packet.
 */
import { kernelNamed } from '../model/patch/index.ts';
import { stock } from '../model/patch/stock.ts';
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { Text } from '../scenario/text.ts';
import type { Breaks } from './minimise.ts';
import { breaks, breaksDrawn, isComparableOn, keeps, keepsDrawn } from './replays.ts';

/** The stock kernel of each release that was asked for: one object each, so that what it has played is found again. */
const stocks = new Map<string, Kernel>();

/** The stock kernel of the same release. */
export function stockOf(kernel: Kernel): Kernel {
  if (isStock(kernel)) return kernel;
  const known = stocks.get(kernel.release) ?? (kernelNamed(stock.name, kernel.release) as Kernel);
  stocks.set(kernel.release, known);
  return known;
}

/** Whether it is a stock kernel, which is never worse than itself. */
export function isStock({ name }: Kernel): boolean {
  return name === stock.name;
}

/** The kernels with the stock kernels that they are compared with, those first; and the place of each one's stock kernel. */
export function withStocks(kernels: readonly Kernel[]): { all: readonly Kernel[]; stockAt: readonly number[] } {
  const own = (kernel: Kernel) =>
    kernels.find((one) => isStock(one) && one.release === kernel.release) ?? stockOf(kernel);
  const all = [...new Set([...kernels.map(own), ...kernels])];
  return { all, stockAt: all.map((kernel) => all.indexOf(own(kernel))) };
}

/** Whether a text is a legal scenario that breaks the property on that kernel, and on stock is legal and keeps it. */
export function isWorse(property: Property, kernel: Kernel, text: Text): boolean {
  return (
    !isStock(kernel) &&
    breaks(property, kernel, text) &&
    keeps(property, stockOf(kernel), text) &&
    isComparableToStock(property, kernel, text)
  );
}

function isComparableToStock(property: Property, kernel: Kernel, text: Text): boolean {
  return isComparableOn(property, kernel, stockOf(kernel), text);
}

/** What a scenario has to do to stay a finding, or one that is worse than stock, while it is made small. */
export function failing(property: Property, kernel: Kernel, worse: boolean): Breaks {
  return (text) => (worse ? isWorse(property, kernel, text) : breaks(property, kernel, text));
}

/** The same of texts that were drawn: they are played whatever is refused in them. */
export function failingDrawn(property: Property, kernel: Kernel, worse: boolean): Breaks {
  const isWorseDrawn = (text: Text) =>
    keepsDrawn(property, stockOf(kernel), text) && isComparableToStock(property, kernel, text);
  return (text) => breaksDrawn(property, kernel, text) && (!worse || isWorseDrawn(text));
}
