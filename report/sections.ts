/** The promises in the order in which people read them: first what the patch is for, then class by class. */

export interface Section<P> {
  readonly heading: string;
  readonly promises: readonly P[];
}

const PURPOSE = 'purpose';

/** Each class once, in the order in which they begin. */
export function sectionsOf<P extends { readonly concern: string; readonly purpose?: boolean }>(
  promises: readonly P[],
): readonly Section<P>[] {
  const sections = new Map<string, P[]>([[PURPOSE, []]]);
  for (const promise of promises) {
    const heading = promise.purpose === true ? PURPOSE : promise.concern;
    sections.set(heading, [...(sections.get(heading) ?? []), promise]);
  }
  return [...sections].flatMap(([heading, all]) => (all.length === 0 ? [] : [{ heading, promises: all }]));
}
